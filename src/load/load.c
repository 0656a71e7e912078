/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* A line is in exactly one place:
 *
 *   idle ----> (packet on its way) <----> starved    every ID of its port waits
 *    ^             |        ^      <----> holding    the pause between records
 *    |             |        '------------ redialing  storm: after a reject or a loss
 *    '--- finish --'
 *
 * idle and redialing lines are outside the window; the others are in it. In a storm a line that has
 * come online goes nowhere. */
#include "load/load.h"
#include "base/clock.h"
#include "base/mem.h"
#include "load/line.h"
#include "load/report.h"
#include <signal.h>
#include <stdio.h>

#define PROGRESS_NS NS_PER_S
#define DOUBLES_SHOWN 5 /* lines on stderr; the rest is only counted */

TAILQ_HEAD(line_list, line);

struct load {
	const struct load_settings *settings;
	struct load_stats *stats;
	struct wire *wire;
	struct line *lines;
	struct line *by_address;
	struct line_list idle, starved, holding, redialing;
	uint64_t steps; /* of the mode */
	uint64_t in_window;
	bool is_draining;
};

static volatile sig_atomic_t interrupts;

static void interrupt(int number)
{
	(void)number;
	interrupts = interrupts + 1;
}

static bool has_login(const struct load *load)
{
	return load->settings->mode != LOAD_ACCT;
}

static uint64_t step_count(const struct load_settings *settings)
{
	switch (settings->mode) {
	case LOAD_AUTH:
		return 1;
	case LOAD_ACCT:
		return settings->interims + 2;
	case LOAD_SESSION:
		return settings->interims + 3;
	case LOAD_STORM:
		return 2;
	}
	return 0;
}

static enum load_step step_of(const struct load *load, const struct line *line)
{
	uint64_t position = line->position + (has_login(load) ? 0 : 1);
	if (position == 0)
		return STEP_LOGIN;
	if (position == 1)
		return STEP_START;
	return line->position + 1 == load->steps ? STEP_STOP : STEP_INTERIM;
}

static void rest(struct line_list *list, struct line *line, int64_t due_ns)
{
	line->due_ns = due_ns;
	TAILQ_INSERT_TAIL(list, line, entry);
}

static void address_release(struct load *load, struct line *line)
{
	if (line->holds_address)
		HASH_DEL(load->by_address, line);
	line->holds_address = false;
}

/* The promise that a server must keep: no address is with two sessions at one time. */
static void address_hold(struct load *load, struct line *line)
{
	struct line *other;
	if (!addr_is_set(&line->address)) {
		load->stats->without_address++;
		return;
	}
	HASH_FIND(hh, load->by_address, &line->address, sizeof line->address, other);
	if (other) {
		char text[ADDR_TEXT_MAX];
		if (load->stats->double_addresses++ < DOUBLES_SHOWN)
			fprintf(stderr,
				"popradload: %s is with two sessions: subscribers %llu and %llu\n",
				addr_format(&line->address, text),
				(unsigned long long)(load->settings->first + other->number),
				(unsigned long long)(load->settings->first + line->number));
		return;
	}
	HASH_ADD(hh, load->by_address, address, sizeof line->address, line);
	line->holds_address = true;
}

static void set_online(struct load *load, struct line *line, bool is_online)
{
	if (line->is_online != is_online)
		load->stats->online += is_online ? 1 : UINT64_MAX;
	line->is_online = is_online;
	if (load->stats->online > load->stats->online_max)
		load->stats->online_max = load->stats->online;
}

/* Sends the request of the line's step, or lets it wait for an ID. */
static void go(struct load *load, struct line *line, int64_t now_ns)
{
	const struct load_settings *settings = load->settings;
	enum load_step step = step_of(load, line);
	enum load_role role = step == STEP_LOGIN ? LOAD_LOGIN : LOAD_RECORD;
	uint64_t nas = line->number % settings->sources;
	uint64_t port = line->number / settings->sources % settings->ports;
	struct exchange *exchange = wire_begin(load->wire, role, nas, port, line);
	if (!exchange) {
		rest(&load->starved, line, now_ns);
		return;
	}
	/* The server gives the address away when it has the Stop, before we have its answer. */
	if (step == STEP_STOP) {
		address_release(load, line);
		set_online(load, line, false);
	}
	struct addr address = wire_nas_address(load->wire, nas);
	line_write_request(line, step, settings, &address, now_ns, exchange);
	wire_send(load->wire, exchange, line->since_ns, now_ns);
}

static void begin(struct load *load, struct line *line, int64_t since_ns, int64_t now_ns)
{
	load->in_window++;
	line->since_ns = line->begun_ns = since_ns;
	if (!has_login(load))
		line->login_ns = now_ns;
	line->session++;
	go(load, line, now_ns);
}

static void finish(struct load *load, struct line *line, bool is_good, int64_t now_ns)
{
	struct load_stats *stats = load->stats;
	load->in_window--;
	if (is_good)
		stats->operations_done++;
	else
		stats->operations_failed++;
	if (load->settings->mode == LOAD_STORM) {
		if (stats->online == load->settings->count)
			stats->all_online_ns = now_ns - stats->begun_ns;
		return;
	}
	line_forget(line);
	line->position = 0;
	rest(&load->idle, line, now_ns);
}

/* A storm's subscribers dial until they are in; elsewhere the operation has failed. */
static void fail(struct load *load, struct line *line, int64_t now_ns)
{
	if (load->settings->mode != LOAD_STORM) {
		finish(load, line, false, now_ns);
		return;
	}
	load->in_window--;
	rest(&load->redialing, line, now_ns + load->settings->redial_ns);
}

static void advance(struct load *load, struct line *line, int64_t now_ns)
{
	if (++line->position == load->steps) {
		finish(load, line, true, now_ns);
		return;
	}
	line->since_ns = now_ns;
	if (step_of(load, line) >= STEP_INTERIM && load->settings->hold_ns > 0 &&
		!load->is_draining)
		rest(&load->holding, line, now_ns + load->settings->hold_ns);
	else
		go(load, line, now_ns);
}

static void login_answered(struct load *load, struct line *line, const uint8_t *reply,
	const struct packet_facts *facts, int64_t now_ns)
{
	struct load_stats *stats = load->stats;
	if (!facts->message_authenticator)
		stats->unsigned_logins++;
	if (facts->code == CODE_ACCESS_ACCEPT &&
		line_read_accept(line, load->settings, reply, facts)) {
		stats->accepted++;
		line->login_ns = now_ns;
		if (load->settings->mode != LOAD_AUTH)
			address_hold(load, line);
		advance(load, line, now_ns);
		return;
	}
	if (facts->code == CODE_ACCESS_REJECT)
		stats->rejected++;
	else
		stats->bad_replies++;
	fail(load, line, now_ns);
}

static void record_answered(
	struct load *load, struct line *line, const struct packet_facts *facts, int64_t now_ns)
{
	if (facts->code != CODE_ACCOUNTING_RESPONSE)
		load->stats->bad_replies++;
	if (step_of(load, line) == STEP_START) {
		set_online(load, line, true);
		histogram_add(&load->stats->online_after, now_ns - line->begun_ns);
	}
	advance(load, line, now_ns);
}

static void answered(void *context, struct exchange *exchange, const uint8_t *reply,
	const struct packet_facts *facts, int64_t now_ns)
{
	struct line *line = exchange->owner;
	if (exchange->role == LOAD_LOGIN)
		login_answered(context, line, reply, facts, now_ns);
	else
		record_answered(context, line, facts, now_ns);
}

/* A NAS goes on after a record that nobody took; a storm's subscriber needs the Start. */
static void lost(void *context, struct exchange *exchange, int64_t now_ns)
{
	struct load *load = context;
	struct line *line = exchange->owner;
	if (exchange->role == LOAD_LOGIN || load->settings->mode == LOAD_STORM)
		fail(load, line, now_ns);
	else
		advance(load, line, now_ns);
}

static bool has_more(const struct load *load)
{
	uint64_t wanted = load->settings->operations;
	return !load->is_draining && !TAILQ_EMPTY(&load->idle) &&
	       (wanted == 0 || load->stats->operations_begun < wanted);
}

/* When the next operation is to begin in the open loop: by the clock, however late the answers are,
 * and its latency counts from then. */
static int64_t scheduled_ns(const struct load *load)
{
	double after = (double)load->stats->operations_begun * (double)NS_PER_S /
		       (double)load->settings->rate;
	return load->stats->begun_ns + (int64_t)after;
}

static void begin_due(struct load *load, int64_t now_ns)
{
	bool is_open = load->settings->rate > 0;
	while (has_more(load)) {
		int64_t since_ns = is_open ? scheduled_ns(load) : now_ns;
		if (is_open ? since_ns > now_ns : load->in_window >= load->settings->window)
			return;
		struct line *line = TAILQ_FIRST(&load->idle);
		TAILQ_REMOVE(&load->idle, line, entry);
		load->stats->operations_begun++;
		begin(load, line, since_ns, now_ns);
	}
}

static void resume_due(struct load *load, int64_t now_ns)
{
	struct line *line;
	while ((line = TAILQ_FIRST(&load->redialing)) && line->due_ns <= now_ns &&
		load->in_window < load->settings->window) {
		TAILQ_REMOVE(&load->redialing, line, entry);
		load->in_window++;
		line->since_ns = now_ns;
		go(load, line, now_ns);
	}
	while ((line = TAILQ_FIRST(&load->holding)) &&
		(line->due_ns <= now_ns || load->is_draining)) {
		TAILQ_REMOVE(&load->holding, line, entry);
		line->since_ns = now_ns;
		go(load, line, now_ns);
	}
	/* Those that still find no ID come back at the tail. */
	struct line_list starved = TAILQ_HEAD_INITIALIZER(starved);
	TAILQ_CONCAT(&starved, &load->starved, entry);
	while ((line = TAILQ_FIRST(&starved))) {
		TAILQ_REMOVE(&starved, line, entry);
		go(load, line, now_ns);
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
	if (line && load->in_window < load->settings->window)
		due_ns = earlier(due_ns, line->due_ns);
	if (load->settings->rate > 0 && has_more(load))
		due_ns = earlier(due_ns, scheduled_ns(load));
	return due_ns;
}

static bool is_over(struct load *load, int64_t now_ns)
{
	const struct load_settings *settings = load->settings;
	bool is_late = settings->duration_ns > 0 &&
		       now_ns - load->stats->begun_ns >= settings->duration_ns;
	if (is_late || interrupts > 0)
		load->is_draining = true;
	if (interrupts > 1)
		return true;
	if (settings->mode == LOAD_STORM)
		return load->is_draining || load->stats->online == settings->count;
	return load->in_window == 0 && !has_more(load);
}

static void lines_new(TALLOC_CTX *ctx, struct load *load)
{
	unsigned count = (unsigned)load->settings->count; /* 10 million at most */
	load->lines = mem_must(talloc_zero_array(ctx, struct line, count));
	for (unsigned i = 0; i < count; i++) {
		load->lines[i].number = i;
		TAILQ_INSERT_TAIL(&load->idle, &load->lines[i], entry);
	}
}

static void lines_done(struct load *load)
{
	HASH_CLEAR(hh, load->by_address);
	for (uint64_t i = 0; i < load->settings->count; i++)
		line_forget(&load->lines[i]);
	talloc_free(load->lines);
}

static void run(struct load *load)
{
	struct report_progress progress = {0};
	int64_t now_ns = clock_mono_ns();
	load->stats->begun_ns = now_ns;
	while (!is_over(load, now_ns)) {
		resume_due(load, now_ns);
		begin_due(load, now_ns);
		wire_turn(load->wire, next_due_ns(load));
		now_ns = clock_mono_ns();
		report_progress(&progress, load->settings, load->stats, load->in_window, now_ns);
	}
	load->stats->ended_ns = now_ns;
	report_progress_end(&progress);
}

int load_run(TALLOC_CTX *ctx, const struct load_settings *settings, struct load_stats *stats)
{
	struct load load = {.settings = settings, .stats = stats, .steps = step_count(settings)};
	const struct wire_owner owner = {answered, lost, &load};
	const struct sigaction action = {.sa_handler = interrupt};
	TAILQ_INIT(&load.idle);
	TAILQ_INIT(&load.starved);
	TAILQ_INIT(&load.holding);
	TAILQ_INIT(&load.redialing);
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
