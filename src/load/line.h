/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A subscriber's line: who dials on it, from which port of which NAS, and how far it is. Its
 * packets are made and its answers read here; load.c decides what comes next. */
#include "base/addr.h"
#include "load/settings.h"
#include "load/stats.h"
#include "load/wire.h"
#include "radius/mschap.h"
#include <sys/queue.h>
#include <uthash.h>

struct line {
	TAILQ_ENTRY(line)
	entry;               /* in one of load.c's lists, or in none while a packet is on its way */
	UT_hash_handle hh;   /* by address, while it holds one */
	uint64_t number;     /* from 0 */
	struct addr address; /* of the Access-Accept */
	bool is_online;      /* its Start was answered, its Stop not sent */
	bool holds_address;  /* accepted with one, its Stop not sent */
	enum load_step step; /* of the packet on its way, or the next */
	uint64_t interims;   /* begun in this session */
	uint64_t session;    /* counts this line's sessions, for Acct-Session-Id */
	int64_t due_ns;      /* while it rests */
	int64_t since_ns;    /* what its next packet's latency is counted from */
	int64_t begun_ns, login_ns;
	uint8_t nt_hash[NT_HASH_SIZE]; /* of its password, once it was needed */
	bool has_nt_hash;
	uint8_t *classes; /* whole Class attributes, as they came; malloc'd, NULL = none */
	size_t classes_size;
};

/* Fills the exchange with the request of its step. */
void line_write_request(struct line *line, const struct load_settings *settings,
	const struct addr *nas, int64_t now_ns, struct exchange *exchange);

/* Takes what an Access-Accept, the exchange's answer, brings. False: it is not one that a NAS may
 * believe (a wrong MS-CHAP2-Success). */
bool line_read_accept(struct line *line, const struct load_settings *settings,
	const struct exchange *exchange, const uint8_t *reply, const struct packet_facts *facts);

/* Forgets the session's Class attributes. */
void line_forget(struct line *line);
