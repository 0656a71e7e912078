/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Packets watched as they come, for popradctl trace: what a packet says, each step with its result,
 * its time and the queries that it waited for, and the answer, told as a line of JSON when the
 * packet ends. A watch is for a login, or for a NAS by name or address.
 *
 * While nobody watches, worker->trace is NULL, and so is every request->trace: a packet pays for
 * some branches that are never taken. While somebody does, a packet that is not watched pays for
 * one comparison of names; of those that are, TRACE_A_SECOND are told in a second and the others
 * counted, so that watching a busy NAS does not slow down what it watches.
 *
 *   {"time": "2026-11-22T14:02:11.482193Z", "worker": n, "source": ADDR, "port": n,
 *    "server_port": n, "nas": NAME or null,
 *    "request": {"code": "Access-Request", "id": n, "octets": n, "attributes": [ATTRIBUTE...]},
 *    "steps": [STEP...], "outcome": "answer" | "repeat" | "drop",
 *    "reason": NAME or null, "sentence": TEXT or null, "duration_us": n, "held_back_us": n,
 *    "answer": {as the request} or null}
 *
 *   {"worker": n, "not_shown": n}
 *
 * A STEP is {"step": NAME, "result": "next" | "wait" | "reply" | "drop", "at_us": n,
 * "took_us": n, "notes": [TEXT...], "queries": [QUERY...]}, a QUERY {"statement": NAME, "at_us": n,
 * "waited_us": n, "took_us": n, "rows": n, "outcome": "answered" | "no_row" | "refused" |
 * "expired"}; times are from the packet's arrival.
 *
 * An ATTRIBUTE is {"name": NAME, "value": TEXT, "is_text": true or false}; a value of null is a
 * secret. */
#include "request/request.h"

#define TRACES_MAX 8          /* at a time */
#define TRACE_TARGET_MAX 253  /* octets: RFC 2865 section 5, a User-Name */
#define TRACE_A_SECOND 200    /* packets that a worker tells of */
#define TRACE_LINE_MAX 131072 /* octets; the longest packet and its answer take less */

/* Takes a line, without its end; false: there is no room for it now. */
typedef bool trace_tell_function(void *owner, uint32_t id, const char *line, size_t size);

/* From here on tell(owner, id, ...) gets what concerns target: a login in the form of line_login,
 * or a NAS's name or address. Harmless if there is a watch of that id, or no room for it. tell and
 * owner are the same for all watches of a worker. */
void trace_watch(struct worker *worker, uint32_t id, const char *target, trace_tell_function *tell,
	void *owner);
void trace_unwatch(struct worker *worker, uint32_t id);

/* Told by request.c, and only while worker->trace or request->trace is not NULL. */
void trace_begin(struct request *request);
/* Runs request->step. */
struct step_result trace_run(struct request *request);
/* request->lane_item has come back. */
void trace_query(struct request *request, enum lane_outcome outcome);
void trace_answered(struct request *request);
void trace_dropped(struct request *request, enum drop reason);
/* A datagram that was turned away before it became a request. */
void trace_refused(struct worker *worker, const struct datagram *datagram, enum drop reason);

/* What a step has decided, for those who watch: TRACE_SAY(request, "plan=%s", name). */
void trace_say(struct request *request, const char *format, ...) PRINTF_LIKE(2, 3);
#define TRACE_SAY(request, ...)                            \
	do {                                               \
		if ((request)->trace != NULL)              \
			trace_say((request), __VA_ARGS__); \
	} while (0)
