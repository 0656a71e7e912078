/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a run counts; report.c prints it. */
#include "load/histogram.h"
#include <stdint.h>

/* What a request asks, in the order in which a session does. */
enum load_step { STEP_LOGIN, STEP_START, STEP_INTERIM, STEP_STOP, LOAD_STEPS };

struct load_stats {
	uint64_t operations_begun, operations_done, operations_failed;
	uint64_t operations_missed;    /* open loop: due before the end, and never begun */
	uint64_t sent[LOAD_STEPS];     /* requests, each counted once */
	uint64_t answered[LOAD_STEPS]; /* by a reply that verified */
	uint64_t lost[LOAD_STEPS];     /* no answer to any of the retries */
	uint64_t in_time[LOAD_STEPS];  /* accepted or acknowledged within the NAS's patience */
	uint64_t good;                 /* those of them that came while work was offered */
	uint64_t accepted, rejected;
	uint64_t acknowledged; /* Accounting-Responses */
	uint64_t retransmits;
	uint64_t bad_signatures; /* replies whose authenticator or Message-Authenticator is wrong */
	uint64_t bad_replies;    /* malformed, of the wrong code, or a wrong MS-CHAP2-Success */
	uint64_t unsigned_logins; /* replies to logins without Message-Authenticator */
	uint64_t strays;          /* second replies to what was answered or given up */
	uint64_t refusals;        /* the kernel said that nobody listens there */
	uint64_t addresses_given, double_addresses;
	uint64_t without_address; /* accepted without Framed-IP-Address */
	uint64_t unprepared;      /* --mixed: sessions that were not there when it began */
	uint64_t online, online_max;
	int64_t begun_ns, ended_ns;
	int64_t offered_ns;    /* how long work was offered: operations begun */
	int64_t lag_max_ns;    /* open loop: the latest beginning of an operation */
	int64_t all_online_ns; /* storm: since the beginning; 0 = not all of them came */
	int64_t cpu_user_ns, cpu_system_ns; /* of popradload itself */
	struct histogram latency[LOAD_STEPS];
	struct histogram online_after; /* from a subscriber's first packet to the answered Start */
};
