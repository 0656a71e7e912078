/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The control socket, run_dir/control: a stream on which each line is a JSON object,
 * {"command": "status"}, and so is each answer:
 *
 *   {"version": "...", "pid": n, "uptime_s": n, "state": "starting" | "ready" | "stopping",
 *    "verdict": {"name": see verdict.h, "sentence": "what holds requests up"},
 *    "workers": [{"worker": n, "pid": n (0 = not running), "restarts": n,
 *                 "state": "waiting" | "starting" | "ready" | "stopped", "counters": {...},
 *                 "recent": {what recent.h tells of the last seconds},
 *                 "distributions": {name: {"count": n, "sum": n}}}],
 *    "counters": {name: sum over the workers, for each line of metrics.def}}
 *   {"error": "what is wrong"}
 *
 * Who may connect is settled by the file's mode (0660). A client that is slow or sends too much is
 * cut off; it never holds up the master. */
#include "base/err.h"
#include <jansson.h>
#include <talloc.h>

#define CONTROL_NAME "control" /* in run_dir */
#define CONTROL_LINE_MAX 4096  /* octets of a request; then the client is cut off */
#define CONTROL_CLIENTS_MAX 16 /* at a time; further ones are turned away at once */
#define CONTROL_IDLE_S 10      /* without progress; then the client is cut off */

struct event_base;
struct control;

/* answer gets a request that is a JSON object and returns the answer (a new reference). Each
 * failure is logged (ERR_SYSTEM). Freeing *control closes and removes the socket. SIGPIPE must be
 * ignored. */
int control_new(TALLOC_CTX *ctx, struct event_base *base, const char *folder,
	json_t *(*answer)(void *owner, const json_t *request), void *owner,
	struct control **control) MUST_CHECK;
