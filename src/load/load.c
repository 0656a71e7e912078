/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* When operations begin, by the window or by the clock, and when the run is over. The places that a
 * line can be in are drawn in run.h. */
#include "load/load.h"
#include "base/clock.h"
#include "base/mem.h"
#include "load/report.h"
#include "load/run.h"
#include <signal.h>
#include <sys/resource.h>

#define PROGRESS_NS NS_PER_S
/* Operations begun in one turn when the open loop is behind: answers are to be read, too. */
#define BURST_MAX 256
/* With 16, requests cost a tenth less, but a window of 100 would come from few ports at a time, and
 * a server may share its work out by source port. */
#define NEIGHBOURS_MAX 8

static volatile sig_atomic_t interrupts;

static void interrupt(int number)
{
	(void)number;
	interrupts = interrupts + 1;
}

static bool has_operations_left(const struct load *load)
{
	uint64_t wanted = load->settings->operations;
	return !load->is_draining && (wanted == 0 || load->stats->operations_begun < wanted);
}

/* Work is still put before the server; what is open then only ends. */
bool load_is_offering(const struct load *load)
{
	return has_operations_left(load) ||
	       (load->settings->mode == LOAD_STORM && !load->is_draining);
}

static bool is_open_loop(const struct load *load)
{
	return load->settings->rate > 0 && !load->is_preparing;
}

static bool has_more(const struct load *load)
{
	if (load->is_preparing)
		return !load->is_draining && !TAILQ_EMPTY(&load->idle);
	return has_operations_left(load) &&
	       (load->settings->is_mixed ? mixed_has_more(load) : !TAILQ_EMPTY(&load->idle));
}

static struct line *take(struct load *load, int64_t since_ns, int64_t now_ns)
{
	if (load->settings->is_mixed && !load->is_preparing)
		return mixed_take(load, now_ns);
	struct line *line = TAILQ_FIRST(&load->idle);
	TAILQ_REMOVE(&load->idle, line, entry);
	operation_begin(load, line, since_ns, now_ns);
	return line;
}

static void begin_one(struct load *load, int64_t since_ns, int64_t now_ns)
{
	struct line *line = take(load, since_ns, now_ns);
	line->since_ns = since_ns;
	load->stats->operations_begun++;
	load->in_window++;
	operation_go(load, line, now_ns);
}

static void begin_by_clock(struct load *load, int64_t now_ns)
{
	struct load_stats *stats = load->stats;
	for (unsigned i = 0; i < BURST_MAX && has_more(load); i++) {
		int64_t due_ns = schedule_due_ns(&load->schedule, stats->operations_begun);
		if (due_ns > now_ns)
			break;
		if (now_ns - due_ns > stats->lag_max_ns)
			stats->lag_max_ns = now_ns - due_ns;
		begin_one(load, due_ns, now_ns);
	}
	if (has_operations_left(load))
		load->behind = schedule_count(&load->schedule, now_ns) - stats->operations_begun;
}

static void begin_due(struct load *load, int64_t now_ns)
{
	if (is_open_loop(load)) {
		begin_by_clock(load, now_ns);
		return;
	}
	while (has_more(load) && load->in_window < load->settings->window)
		begin_one(load, now_ns, now_ns);
}

static bool has_room(const struct load *load)
{
	return is_open_loop(load) || load->in_window < load->settings->window;
}

static void resume_due(struct load *load, int64_t now_ns)
{
	struct line *line;
	while ((line = TAILQ_FIRST(&load->redialing)) && line->due_ns <= now_ns && has_room(load)) {
		TAILQ_REMOVE(&load->redialing, line, entry);
		load->in_window++;
		line->since_ns = now_ns;
		operation_go(load, line, now_ns);
	}
	while ((line = TAILQ_FIRST(&load->holding)) &&
		(line->due_ns <= now_ns || load->is_hurried)) {
		TAILQ_REMOVE(&load->holding, line, entry);
		line->since_ns = line->due_ns < now_ns ? line->due_ns : now_ns;
		operation_go(load, line, now_ns);
	}
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static int64_t next_due_ns(const struct load *load)
{
	int64_t due_ns = clock_mono_ns() + PROGRESS_NS;
	const struct line *line = TAILQ_FIRST(&load->holding);
	if (line)
		due_ns = earlier(due_ns, line->due_ns);
	line = TAILQ_FIRST(&load->redialing);
	if (line && has_room(load))
		due_ns = earlier(due_ns, line->due_ns);
	if (is_open_loop(load) && has_more(load))
		due_ns = earlier(
			due_ns, schedule_due_ns(&load->schedule, load->stats->operations_begun));
	return due_ns;
}

static bool is_over(struct load *load, int64_t now_ns)
{
	const struct load_settings *settings = load->settings;
	bool is_late = settings->duration_ns > 0 && !load->is_preparing &&
		       now_ns - load->stats->begun_ns >= settings->duration_ns;
	load->is_hurried = interrupts > 0;
	if (is_late || load->is_hurried)
		load->is_draining = true;
	if (interrupts > 1)
		return true;
	if (settings->mode == LOAD_STORM)
		return load->is_draining || load->stats->online == settings->count;
	return load->in_window == 0 && !has_more(load);
}

/* Neighbours dial one after the other, and their requests leave as one message (datagram.h). But
 * every port is to be used. Neither window nor rate counts: a subscriber whose session is still
 * open is to be on the same port in the next run. */
static uint64_t neighbours_of(const struct load_settings *settings)
{
	uint64_t each = settings->count / (settings->sources * settings->ports);
	return each == 0 ? 1 : each < NEIGHBOURS_MAX ? each : NEIGHBOURS_MAX;
}

static void lines_new(TALLOC_CTX *ctx, struct load *load)
{
	unsigned count = (unsigned)load->settings->count; /* 10 million at most */
	load->lines = mem_must(talloc_zero_array(ctx, struct line, count));
	for (unsigned i = 0; i < count; i++) {
		load->lines[i].number = i;
		TAILQ_INSERT_TAIL(&load->idle, &load->lines[i], entry);
	}
	unsigned ports = wire_port_count(load->wire);
	load->starved = mem_must(talloc_array(load->lines, struct line_list, ports));
	for (unsigned i = 0; i < ports; i++)
		TAILQ_INIT(&load->starved[i]);
}

static void lines_done(struct load *load)
{
	HASH_CLEAR(hh, load->by_address);
	for (uint64_t i = 0; i < load->settings->count; i++)
		line_forget(&load->lines[i]);
	talloc_free(load->lines);
}

static void offered_note(struct load *load, int64_t now_ns)
{
	struct load_stats *stats = load->stats;
	if (load->is_preparing || stats->offered_ns > 0)
		return;
	stats->offered_ns = now_ns - stats->begun_ns;
	stats->operations_missed = load->behind;
}

static void turns(struct load *load, struct report_progress *progress)
{
	int64_t now_ns = load->stats->begun_ns;
	while (!is_over(load, now_ns)) {
		resume_due(load, now_ns);
		begin_due(load, now_ns);
		if (!load_is_offering(load))
			offered_note(load, now_ns);
		wire_turn(load->wire, next_due_ns(load));
		now_ns = clock_mono_ns();
		report_progress(progress, load->stats, load->in_window, now_ns);
	}
	load->stats->ended_ns = now_ns;
	offered_note(load, now_ns);
}

/* What is begun again with the records: all but what a server did wrong, and what is open now. */
static void prepared_forget(struct load_stats *stats)
{
	const struct load_stats before = *stats;
	*stats = (struct load_stats){
		.rejected = before.rejected,
		.bad_signatures = before.bad_signatures,
		.bad_replies = before.bad_replies,
		.addresses_given = before.addresses_given,
		.double_addresses = before.double_addresses,
		.without_address = before.without_address,
		.unprepared = before.unprepared,
		.online = before.online,
		.online_max = before.online,
	};
}

static void begin_now(struct load *load, struct report_progress *progress)
{
	load->stats->begun_ns = clock_mono_ns();
	load->schedule = (struct schedule){load->stats->begun_ns, load->settings->rate};
	report_progress_begin(progress, load->settings, load->stats->begun_ns);
}

static void prepare(struct load *load)
{
	struct report_progress progress;
	mixed_prepare(load);
	begin_now(load, &progress);
	turns(load, &progress);
	report_progress_end(&progress);
	prepared_forget(load->stats);
	load->is_preparing = false;
}

static int64_t timeval_ns(const struct timeval *value)
{
	return value->tv_sec * NS_PER_S + value->tv_usec * INT64_C(1000);
}

static void run(struct load *load)
{
	struct load_stats *stats = load->stats;
	struct report_progress progress;
	struct rusage before, after;
	if (load->settings->is_mixed)
		prepare(load);
	(void)getrusage(RUSAGE_SELF, &before); /* fails for no process of ours */
	begin_now(load, &progress);
	turns(load, &progress);
	(void)getrusage(RUSAGE_SELF, &after);
	stats->cpu_user_ns = timeval_ns(&after.ru_utime) - timeval_ns(&before.ru_utime);
	stats->cpu_system_ns = timeval_ns(&after.ru_stime) - timeval_ns(&before.ru_stime);
	report_progress_end(&progress);
}

int load_run(TALLOC_CTX *ctx, const struct load_settings *settings, struct load_stats *stats)
{
	struct load load = {
		.settings = settings, .stats = stats, .neighbours = neighbours_of(settings)};
	const struct wire_owner owner = {operation_answered, operation_lost, &load};
	const struct sigaction action = {.sa_handler = interrupt};
	TAILQ_INIT(&load.idle);
	TAILQ_INIT(&load.holding);
	TAILQ_INIT(&load.redialing);
	TAILQ_INIT(&load.startable);
	TAILQ_INIT(&load.open);
	load.wire = wire_new(ctx, settings, stats, &owner);
	if (!load.wire)
		return ERR_SYSTEM;
	lines_new(ctx, &load);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	run(&load);
	lines_done(&load);
	talloc_free(load.wire);
	return 0;
}
