/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/tracing.h"
#include "base/log.h"
#include "base/mem.h"
#include "request/trace.h"
#include <stdio.h>
#include <string.h>

struct follower {
	uint32_t id; /* 0 = none */
	struct control_client *client;
	char target[TRACE_TARGET_MAX + 1];
	unsigned long long not_shown; /* that it has not been told of */
};

struct tracing {
	struct process *const *const *processes;
	unsigned count;
	uint32_t last_id;
	struct follower followers[TRACES_MAX];
};

struct tracing *tracing_new(
	TALLOC_CTX *ctx, struct process *const *const *processes, unsigned count)
{
	struct tracing *tracing = mem_must(talloc_zero(ctx, struct tracing));
	tracing->processes = processes;
	tracing->count = count;
	return tracing;
}

static struct follower *find(struct tracing *tracing, uint32_t id)
{
	for (size_t n = 0; n < TRACES_MAX; n++)
		if (tracing->followers[n].id == id)
			return &tracing->followers[n];
	return NULL;
}

/* How many workers have been told. One that does not take it is stuck, or dies. */
static unsigned tell_workers(
	const struct tracing *tracing, enum handover_message message, uint32_t id, const char *text)
{
	unsigned told = 0;
	for (unsigned n = 0; n < tracing->count; n++)
		told += process_tell((*tracing->processes)[n], message, id, text);
	return told;
}

static void gone(void *owner, struct control_client *client)
{
	struct tracing *tracing = owner;
	for (size_t n = 0; n < TRACES_MAX; n++) {
		struct follower *follower = &tracing->followers[n];
		if (follower->id == 0 || follower->client != client)
			continue;
		tell_workers(tracing, HANDOVER_UNWATCH, follower->id, "");
		log_event(LOG_LEVEL_INFO, "trace_ended", "target=%s",
			log_quote_text(follower->target));
		*follower = (struct follower){0};
	}
}

static json_t *error(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

json_t *tracing_begin(struct tracing *tracing, struct control_client *client, const json_t *request)
{
	const char *target = json_string_value(json_object_get(request, "target"));
	struct follower *follower = find(tracing, 0);
	if (target == NULL || *target == '\0' || strlen(target) > TRACE_TARGET_MAX)
		return error("trace needs a target: a login, or the name or address of a NAS");
	if (follower == NULL)
		return error("there are as many traces already as can be");
	if (++tracing->last_id == 0)
		tracing->last_id = 1;
	*follower = (struct follower){.id = tracing->last_id, .client = client};
	strcpy(follower->target, target);
	control_follow(client, gone, tracing);
	unsigned told = tell_workers(tracing, HANDOVER_WATCH, follower->id, target);
	log_event(LOG_LEVEL_INFO, "trace_began", "target=%s workers=%u", log_quote_text(target),
		told);
	return json_pack("{s:s, s:i}", "trace", target, "workers", (int)told);
}

void tracing_worker_ready(const struct tracing *tracing, struct process *process)
{
	for (size_t n = 0; n < TRACES_MAX; n++) {
		const struct follower *follower = &tracing->followers[n];
		if (follower->id != 0)
			process_tell(process, HANDOVER_WATCH, follower->id, follower->target);
	}
}

static bool tell_not_shown(struct follower *follower)
{
	char line[64];
	int size = snprintf(line, sizeof line, "{\"not_shown\":%llu}", follower->not_shown);
	if (follower->not_shown > 0 && !control_tell(follower->client, line, (size_t)size))
		return false;
	follower->not_shown = 0;
	return true;
}

void tracing_take(struct tracing *tracing, uint32_t id, const char *line, size_t size)
{
	struct follower *follower = id != 0 ? find(tracing, id) : NULL;
	if (follower == NULL) /* it has just gone */
		return;
	if (!tell_not_shown(follower) || !control_tell(follower->client, line, size))
		follower->not_shown++;
}

void tracing_tick(struct tracing *tracing)
{
	for (size_t n = 0; n < TRACES_MAX; n++)
		if (tracing->followers[n].id != 0)
			(void)tell_not_shown(&tracing->followers[n]); /* else the next time */
}
