/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* An operation's course: from one packet to the next, as the answers allow. */
#include "base/clock.h"
#include "load/run.h"

static bool has_login(const struct load *load)
{
	return load->settings->mode != LOAD_ACCT;
}

/* False: the packet was the operation's last. */
static bool step_advance(const struct load *load, struct line *line)
{
	const struct load_settings *settings = load->settings;
	switch (line->step) {
	case STEP_LOGIN:
		line->step = STEP_START;
		return settings->mode != LOAD_AUTH;
	case STEP_START:
	case STEP_INTERIM:
		line->step = line->interims < settings->interims ? STEP_INTERIM : STEP_STOP;
		line->interims += line->step == STEP_INTERIM;
		return settings->mode != LOAD_STORM;
	case STEP_STOP:
	case LOAD_STEPS:
		break;
	}
	return false;
}

static void rest(struct line_list *list, struct line *line, int64_t due_ns)
{
	line->due_ns = due_ns;
	TAILQ_INSERT_TAIL(list, line, entry);
}

static void set_online(struct load *load, struct line *line, bool is_online)
{
	if (line->is_online != is_online)
		load->stats->online += is_online ? 1 : UINT64_MAX;
	line->is_online = is_online;
	if (load->stats->online > load->stats->online_max)
		load->stats->online_max = load->stats->online;
}

static uint64_t nas_of(const struct load *load, const struct line *line)
{
	return line->number / load->neighbours % load->settings->sources;
}

/* Sends the request of the line's step; false: its port has no ID. */
static bool step_send(struct load *load, struct line *line, unsigned port, int64_t now_ns)
{
	const struct load_settings *settings = load->settings;
	struct exchange *exchange = wire_begin(load->wire, line->step, port, line);
	if (!exchange)
		return false;
	/* The server gives the address away when it has the Stop, before we have its answer. */
	if (line->step == STEP_STOP) {
		lease_release(load, line);
		set_online(load, line, false);
	}
	line_write_request(
		line, settings, wire_nas_address(load->wire, nas_of(load, line)), now_ns, exchange);
	wire_send(load->wire, exchange, line->since_ns, now_ns);
	return true;
}

/* An ID has become free there. */
static void starved_resume(struct load *load, unsigned port, int64_t now_ns)
{
	struct line_list *starved = &load->starved[port];
	struct line *line;
	while ((line = TAILQ_FIRST(starved)) && step_send(load, line, port, now_ns))
		TAILQ_REMOVE(starved, line, entry);
}

void operation_go(struct load *load, struct line *line, int64_t now_ns)
{
	const struct load_settings *settings = load->settings;
	uint64_t nas_port = line->number / load->neighbours / settings->sources % settings->ports;
	unsigned port = wire_port(load->wire, line->step, nas_of(load, line), nas_port);
	if (!TAILQ_EMPTY(&load->starved[port]) || !step_send(load, line, port, now_ns))
		TAILQ_INSERT_TAIL(&load->starved[port], line, entry);
}

void operation_begin(struct load *load, struct line *line, int64_t since_ns, int64_t now_ns)
{
	line->begun_ns = since_ns;
	line->step = has_login(load) ? STEP_LOGIN : STEP_START;
	line->interims = 0;
	line->login_ns = now_ns;
	line->session++;
}

static void finish(struct load *load, struct line *line, bool is_good, int64_t now_ns)
{
	struct load_stats *stats = load->stats;
	load->in_window--;
	if (is_good)
		stats->operations_done++;
	else
		stats->operations_failed++;
	if (load->settings->is_mixed) {
		mixed_rest(load, line);
		return;
	}
	if (load->settings->mode == LOAD_STORM) {
		if (stats->online == load->settings->count)
			stats->all_online_ns = now_ns - stats->begun_ns;
		return;
	}
	line_forget(line);
	TAILQ_INSERT_TAIL(&load->idle, line, entry);
}

/* A storm's subscribers dial until they are in; elsewhere the operation has failed. */
static void fail(struct load *load, struct line *line, int64_t now_ns)
{
	if (load->is_preparing) {
		load->in_window--;
		load->stats->unprepared++;
		return;
	}
	if (load->settings->mode != LOAD_STORM) {
		finish(load, line, false, now_ns);
		return;
	}
	load->in_window--;
	rest(&load->redialing, line, now_ns + load->settings->redial_ns);
}

static void prepared(struct load *load, struct line *line)
{
	load->in_window--;
	mixed_rest(load, line);
}

/* The line's packet was answered, or is one whose answer a NAS does not miss. */
static void advance(struct load *load, struct line *line, int64_t now_ns)
{
	if (load->is_preparing && mixed_is_prepared(load, line)) {
		prepared(load, line);
		return;
	}
	bool is_last = load->settings->is_mixed && !load->is_preparing;
	if (is_last || !step_advance(load, line)) {
		finish(load, line, true, now_ns);
		return;
	}
	line->since_ns = now_ns;
	if (line->step >= STEP_INTERIM && load->settings->hold_ns > 0 && !load->is_hurried)
		rest(&load->holding, line, now_ns + load->settings->hold_ns);
	else
		operation_go(load, line, now_ns);
}

/* Counts an answer that a NAS can use. */
static void good_count(struct load *load, const struct exchange *exchange, int64_t now_ns)
{
	if (now_ns - exchange->since_ns > load->settings->patience_ns)
		return;
	load->stats->in_time[exchange->step]++;
	if (load_is_offering(load))
		load->stats->good++;
}

static void login_answered(struct load *load, struct exchange *exchange, const uint8_t *reply,
	const struct packet_facts *facts, int64_t now_ns)
{
	struct load_stats *stats = load->stats;
	struct line *line = exchange->owner;
	if (!facts->message_authenticator)
		stats->unsigned_logins++;
	if (facts->code == CODE_ACCESS_ACCEPT &&
		line_read_accept(line, load->settings, exchange, reply, facts)) {
		stats->accepted++;
		line->login_ns = now_ns;
		good_count(load, exchange, now_ns);
		lease_hold(load, line);
		advance(load, line, now_ns);
		return;
	}
	if (facts->code == CODE_ACCESS_REJECT)
		stats->rejected++;
	else
		stats->bad_replies++;
	fail(load, line, now_ns);
}

static void record_answered(struct load *load, struct exchange *exchange,
	const struct packet_facts *facts, int64_t now_ns)
{
	struct line *line = exchange->owner;
	if (facts->code == CODE_ACCOUNTING_RESPONSE) {
		load->stats->acknowledged++;
		good_count(load, exchange, now_ns);
	} else {
		load->stats->bad_replies++;
	}
	if (line->step == STEP_START) {
		set_online(load, line, true);
		histogram_add(&load->stats->online_after, now_ns - line->begun_ns);
	}
	advance(load, line, now_ns);
}

void operation_answered(void *context, struct exchange *exchange, const uint8_t *reply,
	const struct packet_facts *facts, int64_t now_ns)
{
	struct load *load = context;
	if (exchange->step == STEP_LOGIN)
		login_answered(load, exchange, reply, facts, now_ns);
	else
		record_answered(load, exchange, facts, now_ns);
	starved_resume(load, exchange->port, now_ns);
}

/* A NAS goes on after a record that nobody took; a storm's subscriber needs the Start. */
void operation_lost(void *context, struct exchange *exchange, int64_t now_ns)
{
	struct load *load = context;
	struct line *line = exchange->owner;
	if (exchange->step == STEP_LOGIN || load->settings->mode == LOAD_STORM ||
		load->settings->is_mixed)
		fail(load, line, now_ns);
	else
		advance(load, line, now_ns);
	starved_resume(load, exchange->port, now_ns);
}
