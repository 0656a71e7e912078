/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a run counts; report.c prints it. */
#include "load/histogram.h"
#include <stdint.h>

enum load_role { LOAD_LOGIN, LOAD_RECORD, LOAD_ROLES }; /* Access-Request, Accounting-Request */

struct load_stats {
	uint64_t operations_begun, operations_done, operations_failed;
	uint64_t sent[LOAD_ROLES];     /* requests, each counted once */
	uint64_t answered[LOAD_ROLES]; /* by a reply that verified */
	uint64_t lost[LOAD_ROLES];     /* no answer to any of the retries */
	uint64_t accepted, rejected;
	uint64_t retransmits;
	uint64_t bad_signatures; /* replies whose authenticator or Message-Authenticator is wrong */
	uint64_t bad_replies;    /* malformed, of the wrong code, or a wrong MS-CHAP2-Success */
	uint64_t unsigned_logins; /* replies to logins without Message-Authenticator */
	uint64_t strays;          /* second replies to what was answered or given up */
	uint64_t refusals;        /* the kernel said that nobody listens there */
	uint64_t double_addresses;
	uint64_t without_address; /* accepted without Framed-IP-Address */
	uint64_t online, online_max;
	int64_t begun_ns, ended_ns;
	int64_t all_online_ns; /* storm: since the beginning; 0 = not all of them came */
	struct histogram latency[LOAD_ROLES];
	struct histogram online_after; /* from a subscriber's first packet to the answered Start */
};
