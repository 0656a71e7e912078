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
 * {"command": "trace", "target": "a login, or the name or address of a NAS"} is answered with
 *
 *   {"trace": target, "workers": n}
 *
 * and then with a line for each packet, as request/trace.h says, until the client goes.
 *
 * Who may connect is settled by the file's mode (0660). A client that is slow or sends too much is
 * cut off; it never holds up the master. */
#include "base/err.h"
#include <jansson.h>
#include <stdbool.h>
#include <talloc.h>

#define CONTROL_NAME "control" /* in run_dir */
#define CONTROL_LINE_MAX 4096  /* octets of a request; then the client is cut off */
#define CONTROL_CLIENTS_MAX 16 /* at a time; further ones are turned away at once */
#define CONTROL_IDLE_S 10      /* without progress; then the client is cut off */

/* Octets that wait for a follower; what does not fit is not sent. */
#define CONTROL_FOLLOWER_MAX (1 << 19)

struct event_base;
struct control;
struct control_client;

typedef json_t *control_answer_function(
	void *owner, struct control_client *client, const json_t *request);

/* answer gets a request that is a JSON object and returns the answer (a new reference). Each
 * failure is logged (ERR_SYSTEM). Freeing *control closes and removes the socket. SIGPIPE must be
 * ignored. */
int control_new(TALLOC_CTX *ctx, struct event_base *base, const char *folder,
	control_answer_function *answer, void *owner, struct control **control) MUST_CHECK;

/* From inside of answer: behind this answer the client only listens, for as long as it likes. gone
 * is called when it goes, and also when *control is freed. */
void control_follow(struct control_client *client,
	void (*gone)(void *owner, struct control_client *client), void *owner);
/* Sends a line (without its end) to a follower. False: it has not taken what came before. */
bool control_tell(struct control_client *client, const char *line, size_t size) MUST_CHECK;
