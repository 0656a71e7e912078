/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What is kept of a watched packet until it ends: trace.c keeps it, trace_line.c says it. */
#include "request/trace.h"
#include <jansson.h>

#define TRACE_STEPS_MAX 24   /* the longest way has 11, some of which may be run again */
#define TRACE_ENTRIES_MAX 48 /* notes and queries: an admit may take 4 rounds */

struct trace_step {
	const char *name;
	int64_t began_ns, ended_ns;
	struct step_result result;
};

/* A note, or a query if statement is not NULL. */
struct trace_entry {
	unsigned step; /* of steps, that it belongs to */
	const char *text;
	const char *statement;
	int64_t queued_ns, sent_ns, ended_ns; /* sent_ns 0: never */
	size_t rows;
	enum lane_outcome outcome;
};

struct trace_record {
	uint32_t ids[TRACES_MAX]; /* of the watches that it is for; 0 = none */
	unsigned step_count, entry_count;
	struct trace_step steps[TRACE_STEPS_MAX];
	struct trace_entry entries[TRACE_ENTRIES_MAX];
};

/* A packet that was dropped, answered, or turned away. request and record are NULL with the last.
 */
struct trace_packet {
	unsigned worker;
	const struct endpoint *endpoint;
	int64_t arrival_ns, arrival_us;
	const uint8_t *octets;
	size_t size;
	const struct nas *nas; /* NULL = none is known */
	const struct request *request;
	const struct trace_record *record;
	enum drop drop; /* DROP_none: it was answered */
};

/* The caller's. */
json_t *trace_line(const struct trace_packet *packet);
