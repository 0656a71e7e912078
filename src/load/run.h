/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The state of a run, for load.c and what it is made of: operation.c, mixed.c, leases.c. A line is
 * in exactly one place:
 *
 *   idle ----> (packet on its way) <----> starved    every ID of its port waits
 *    ^             |        ^      <----> holding    the pause between records
 *    |             |        |----------- redialing   storm: after a reject or a loss
 *    |             |        '----------- startable, open    --mixed: until its next record
 *    '--- finish --'
 *
 * starved and holding lines are in the window with those whose packet is on its way. In a storm a
 * line that has come online goes nowhere, and so does one of --mixed whose session is over and was
 * begun by a login. */
#include "load/line.h"
#include "load/schedule.h"

TAILQ_HEAD(line_list, line);

struct load {
	const struct load_settings *settings;
	struct load_stats *stats;
	struct wire *wire;
	struct line *lines;
	struct line *by_address; /* those that hold one */
	struct line_list idle, holding, redialing;
	struct line_list startable, open;
	struct line_list *starved; /* by port */
	struct schedule schedule;
	uint64_t neighbours; /* lines that follow each other on one port of one NAS */
	uint64_t in_window;
	uint64_t behind; /* open loop: operations that were due and could not begin */
	bool is_preparing;
	bool is_draining; /* nothing is begun any more */
	bool is_hurried;  /* nor is there a pause between records */
};

/* Work is still put before the server; what is open afterwards only ends. */
bool load_is_offering(const struct load *load);

/* Makes the line ready for an operation's first packet. */
void operation_begin(struct load *load, struct line *line, int64_t since_ns, int64_t now_ns);
/* Sends the request of the line's step, or lets the line wait for an ID behind those that do. */
void operation_go(struct load *load, struct line *line, int64_t now_ns);
/* The wire's owner, with a struct load as context. */
void operation_answered(void *context, struct exchange *exchange, const uint8_t *reply,
	const struct packet_facts *facts, int64_t now_ns);
void operation_lost(void *context, struct exchange *exchange, int64_t now_ns);

/* The promise that a server must keep: no address is with two sessions at one time. A breach is
 * counted, and told on stderr. */
void lease_hold(struct load *load, struct line *line);
void lease_release(struct load *load, struct line *line);

/* Makes the next record's line ready: its step is set. NULL: none of its kind is to be had. */
struct line *mixed_take(struct load *load, int64_t now_ns);
bool mixed_has_more(const struct load *load);
/* Puts the line where its next record finds it. */
void mixed_rest(struct load *load, struct line *line);
/* Which lines need packets before the records may begin, and what they need. */
void mixed_prepare(struct load *load);
bool mixed_is_prepared(const struct load *load, const struct line *line);
