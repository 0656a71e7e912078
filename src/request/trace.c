/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Who watches, which packets are for them, and what is noted of those on their way. */
#include "base/mem.h"
#include "base/text.h"
#include "request/trace_private.h"
#include <string.h>

/* How soon a watch is told how many packets it has not been told of. */
#define OWED_NS NS_PER_S

struct watch {
	uint32_t id; /* 0 = none */
	char target[TRACE_TARGET_MAX + 1];
	struct addr addr;   /* set if the target is one */
	uint64_t not_shown; /* that it has not been told of */
};

struct trace {
	struct worker *worker;
	trace_tell_function *tell;
	void *owner;
	struct watch watches[TRACES_MAX];
	int64_t second;
	unsigned told; /* in that second */
	struct timer owed;
};

/* Watches ---------------------------------------------------------------------------------- */

static void owe(struct trace *trace, struct watch *watch)
{
	watch->not_shown++;
	if (!timer_is_set(&trace->owed))
		timer_set(trace->worker->timers, &trace->owed, clock_mono_ns() + OWED_NS);
}

static bool tell_not_shown(struct trace *trace, struct watch *watch)
{
	char line[64];
	int size = snprintf(line, sizeof line, "{\"worker\":%u,\"not_shown\":%llu}",
		trace->worker->index, (unsigned long long)watch->not_shown);
	if (watch->not_shown == 0)
		return true;
	if (!trace->tell(trace->owner, watch->id, line, (size_t)size))
		return false;
	watch->not_shown = 0;
	return true;
}

static void pay_owed(void *owner)
{
	struct trace *trace = owner;
	for (size_t n = 0; n < TRACES_MAX; n++)
		if (!tell_not_shown(trace, &trace->watches[n]) && !timer_is_set(&trace->owed))
			timer_set(trace->worker->timers, &trace->owed, clock_mono_ns() + OWED_NS);
}

static struct watch *find_watch(struct trace *trace, uint32_t id)
{
	for (size_t n = 0; n < TRACES_MAX; n++)
		if (trace->watches[n].id == id)
			return &trace->watches[n];
	return NULL;
}

static int trace_destroy(struct trace *trace)
{
	timer_cancel(trace->worker->timers, &trace->owed);
	return 0;
}

void trace_watch(struct worker *worker, uint32_t id, const char *target, trace_tell_function *tell,
	void *owner)
{
	if (worker->trace == NULL) {
		worker->trace = mem_must(talloc_zero(worker, struct trace));
		worker->trace->worker = worker;
		timer_init(&worker->trace->owed, pay_owed, worker->trace);
		talloc_set_destructor(worker->trace, trace_destroy);
	}
	struct trace *trace = worker->trace;
	struct watch *watch = find_watch(trace, 0);
	if (id == 0 || watch == NULL || find_watch(trace, id) != NULL ||
		strlen(target) > TRACE_TARGET_MAX)
		return;
	trace->tell = tell;
	trace->owner = owner;
	*watch = (struct watch){.id = id};
	strcpy(watch->target, target);
	if (addr_parse(target, &watch->addr) != 0)
		watch->addr = (struct addr){0};
}

void trace_unwatch(struct worker *worker, uint32_t id)
{
	struct trace *trace = worker->trace;
	struct watch *watch = trace != NULL && id != 0 ? find_watch(trace, id) : NULL;
	if (watch == NULL)
		return;
	*watch = (struct watch){0};
	for (size_t n = 0; n < TRACES_MAX; n++)
		if (trace->watches[n].id != 0)
			return;
	TALLOC_FREE(worker->trace);
}

/* Matching --------------------------------------------------------------------------------- */

/* The User-Name of octets that nobody has checked yet. */
static const uint8_t *find_user_name(const uint8_t *octets, size_t size)
{
	if (size > RADIUS_MAX_PACKET)
		return NULL;
	for (size_t at = RADIUS_HEADER_SIZE; at + 2 <= size; at += octets[at + 1]) {
		if (octets[at + 1] < 2 || octets[at + 1] > size - at)
			return NULL;
		if (octets[at] == ATTR_USER_NAME)
			return octets + at;
	}
	return NULL;
}

/* In the form of line_login; empty if the packet names nobody. */
static void read_login(const uint8_t *octets, size_t size, char login[TEXT_CLEAN_ROOM(UINT8_MAX)])
{
	const uint8_t *user_name = find_user_name(octets, size);
	*login = '\0';
	if (user_name == NULL)
		return;
	text_clean_put(login, user_name + 2, user_name[1] - 2U);
	char *at = strrchr(login, '@');
	if (at != NULL)
		text_lower(at + 1);
}

static bool matches(const struct watch *watch, const char *login, const struct nas *nas,
	const struct addr *source)
{
	if (watch->id == 0)
		return false;
	return strcmp(watch->target, login) == 0 ||
	       (nas != NULL && strcmp(watch->target, nas->name) == 0) ||
	       (addr_is_set(&watch->addr) && addr_compare(&watch->addr, source) == 0);
}

/* False if nobody watches the datagram, or more come than can be told of. */
static bool choose(struct trace *trace, const struct datagram *datagram, uint32_t ids[TRACES_MAX])
{
	const struct worker *worker = trace->worker;
	const struct addr *source = &datagram->endpoint.remote;
	const struct nas *nas =
		worker->catalog != NULL ? catalog_find_nas(worker->catalog, source) : NULL;
	char login[TEXT_CLEAN_ROOM(UINT8_MAX)];
	bool is_watched = false;
	read_login(datagram->octets, datagram->size, login);
	for (size_t n = 0; n < TRACES_MAX; n++) {
		const struct watch *watch = &trace->watches[n];
		ids[n] = matches(watch, login, nas, source) ? watch->id : 0;
		is_watched = is_watched || ids[n] != 0;
	}
	int64_t second = clock_mono_ns() / NS_PER_S;
	if (trace->second != second) {
		trace->second = second;
		trace->told = 0;
	}
	if (!is_watched || trace->told++ < TRACE_A_SECOND)
		return is_watched;
	for (size_t n = 0; n < TRACES_MAX; n++)
		if (ids[n] != 0)
			owe(trace, &trace->watches[n]);
	return false;
}

/* Telling ---------------------------------------------------------------------------------- */

static void tell(
	struct trace *trace, const uint32_t ids[TRACES_MAX], const struct trace_packet *packet)
{
	json_t *line = trace_line(packet);
	/* Nothing but ASCII: a terminal or a log may show it as it is. */
	char *text = mem_must(json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII));
	size_t size = strlen(text);
	for (size_t n = 0; n < TRACES_MAX; n++) {
		struct watch *watch = ids[n] != 0 ? find_watch(trace, ids[n]) : NULL;
		if (watch == NULL)
			continue;
		if (size > TRACE_LINE_MAX || !tell_not_shown(trace, watch) ||
			!trace->tell(trace->owner, watch->id, text, size))
			owe(trace, watch);
	}
	free(text);
	json_decref(line);
}

static void tell_request(struct request *request, enum drop drop)
{
	struct trace *trace = request->worker->trace;
	if (trace == NULL) /* whoever watched has gone */
		return;
	const struct trace_packet packet = {
		.worker = request->worker->index,
		.endpoint = &request->endpoint,
		.arrival_ns = request->arrival_ns,
		.arrival_us = request->arrival_us,
		.octets = request->packet,
		.size = request->packet_size,
		.nas = request->nas,
		.request = request,
		.record = request->trace,
		.drop = drop,
	};
	tell(trace, request->trace->ids, &packet);
}

void trace_answered(struct request *request)
{
	tell_request(request, DROP_none);
}

void trace_dropped(struct request *request, enum drop reason)
{
	tell_request(request, reason);
}

void trace_refused(struct worker *worker, const struct datagram *datagram, enum drop reason)
{
	uint32_t ids[TRACES_MAX];
	if (!choose(worker->trace, datagram, ids))
		return;
	const struct trace_packet packet = {
		.worker = worker->index,
		.endpoint = &datagram->endpoint,
		.arrival_ns = datagram->arrival_ns,
		.arrival_us = datagram->arrival_us,
		.octets = datagram->octets,
		.size = datagram->size,
		.nas = worker->catalog != NULL
			       ? catalog_find_nas(worker->catalog, &datagram->endpoint.remote)
			       : NULL,
		.drop = reason,
	};
	tell(worker->trace, ids, &packet);
}

/* Noting ----------------------------------------------------------------------------------- */

void trace_begin(struct request *request)
{
	const struct datagram datagram = {.endpoint = request->endpoint,
		.octets = request->packet,
		.size = request->packet_size};
	uint32_t ids[TRACES_MAX];
	if (!choose(request->worker->trace, &datagram, ids))
		return;
	/* Not from the pool's first piece, which is the packet's own. */
	request->trace = mem_must(talloc_zero(request->pool, struct trace_record));
	memcpy(request->trace->ids, ids, sizeof ids);
}

struct step_result trace_run(struct request *request)
{
	struct trace_record *record = request->trace;
	int64_t began_ns = clock_mono_ns();
	if (record->step_count == TRACE_STEPS_MAX)
		return request->step->run(request);
	struct trace_step *step = &record->steps[record->step_count++];
	*step = (struct trace_step){.name = request->step->name, .began_ns = began_ns};
	step->result = request->step->run(request);
	step->ended_ns = clock_mono_ns();
	return step->result;
}

/* NULL: there is no room for more. */
static struct trace_entry *add_entry(struct trace_record *record)
{
	if (record->entry_count == TRACE_ENTRIES_MAX || record->step_count == 0)
		return NULL;
	struct trace_entry *entry = &record->entries[record->entry_count++];
	*entry = (struct trace_entry){.step = record->step_count - 1};
	return entry;
}

void trace_query(struct request *request, enum lane_outcome outcome)
{
	const struct lane_item *item = request->lane_item;
	struct trace_entry *entry = add_entry(request->trace);
	if (entry == NULL)
		return;
	entry->statement = item->call->statement.name;
	entry->queued_ns = item->queued_ns;
	entry->sent_ns = item->sent_ns;
	entry->ended_ns = clock_mono_ns();
	entry->rows = item->sent_rows;
	entry->outcome = outcome;
}

void trace_say(struct request *request, const char *format, ...)
{
	struct trace_entry *entry = add_entry(request->trace);
	if (entry == NULL)
		return;
	va_list list;
	va_start(list, format);
	entry->text = mem_must(talloc_vasprintf(request->pool, format, list));
	va_end(list);
}
