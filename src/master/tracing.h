/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The master's part of popradctl trace: clients of the control socket that follow packets, and the
 * workers that are told what to tell. Lines pass through the master in one piece; what a client
 * does not take in time is counted, and told when it does. */
#include "master/control.h"
#include "master/process.h"

struct tracing;

/* The array of processes may be filled later. */
struct tracing *tracing_new(
	TALLOC_CTX *ctx, struct process *const *const *processes, unsigned count);

/* {"command": "trace"}: the answer (a new reference). */
json_t *tracing_begin(
	struct tracing *tracing, struct control_client *client, const json_t *request);

/* A worker that has just been started knows of no watches. */
void tracing_worker_ready(const struct tracing *tracing, struct process *process);

/* A worker's line. */
void tracing_take(struct tracing *tracing, uint32_t id, const char *line, size_t size);

/* To be called once a second. */
void tracing_tick(struct tracing *tracing);
