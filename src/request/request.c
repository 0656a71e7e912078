/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Opens requests, runs their steps, and sees to it that each ends in exactly one way: an answer, or
 * a drop with its reason. A request and its pool are used again for a later packet. */
#include "request/request.h"
#include "base/log.h"
#include "base/mem.h"
#include "request/attempts.h"
#include "request/dupcache.h"
#include "request/steps.h"
#include "request/trace.h"
#include <assert.h>
#include <string.h>

/* What a usual packet needs: the packet, some 30 attributes and their texts, the feature's state.
 * One that needs more gets the rest from malloc. Not larger, because a worker keeps as many pools
 * as it had requests open at a time, and all pages of each are resident. */
#define REQUEST_POOL_BYTES 4096

/* How often its NAS's patience a request that is sent again and again may stay open: a work that
 * has not come to its end by then makes room for younger ones. */
#define PATIENCES_MAX 2

/* Of a port's requests_max Interim-Updates hold at most this, and so does what begins and ends
 * sessions: neither shuts the other out, however much more comes than can be done. */
#define RECORDS_SHARE(max) ((max) - (max) / 4)

/* Once they are barred, Interim-Updates are let in again when so many are left: there is work for
 * more than one batch still, and the kernel is not told for each of them. */
#define INTERIMS_LOW(max) (RECORDS_SHARE(max) - (max) / 8 - 1)

static void request_timer_fired(void *owner);

void request_init(struct worker *worker, const struct step *steps)
{
	TAILQ_INIT(&worker->open);
	TAILQ_INIT(&worker->delayed);
	TAILQ_INIT(&worker->spare);
	worker->first_step = steps;
}

/* Opening and ending ----------------------------------------------------------------------- */

static struct request *request_open(struct worker *worker, const struct endpoint *endpoint)
{
	struct request *request = TAILQ_FIRST(&worker->spare);
	if (request != NULL) {
		TAILQ_REMOVE(&worker->spare, request, entry);
		if (--worker->spare_count < worker->spare_least)
			worker->spare_least = worker->spare_count;
	} else {
		request = mem_must(talloc_zero(worker, struct request));
		request->pool = mem_must(talloc_pool(request, REQUEST_POOL_BYTES));
	}
	*request = (struct request){.worker = worker,
		.pool = request->pool,
		.list = &worker->open,
		.endpoint = *endpoint};
	timer_init(&request->timer, request_timer_fired, request);
	request->next_step = worker->first_step;
	TAILQ_INSERT_TAIL(request->list, request, entry);
	worker->open_on[endpoint->role]++;
	metric_set(METRIC_requests_open, ++worker->open_count);
	return request;
}

int64_t request_age_us(const struct request *request)
{
	return (clock_mono_ns() - request->arrival_ns) / 1000;
}

static bool is_open_interim(const struct request *request)
{
	return request->endpoint.role == PORT_ACCT && request->facts.is_interim;
}

static void bar_interims(struct worker *worker, bool is_barred)
{
	if (worker->are_interims_barred == is_barred)
		return;
	worker->are_interims_barred = is_barred;
	worker->bar_interims(worker, is_barred);
}

void request_checked(struct request *request)
{
	request->worker->open_interims += is_open_interim(request);
}

static void request_end(struct request *request)
{
	struct worker *worker = request->worker;
	timer_cancel(worker->timers, &request->timer);
	if (request->lane_item != NULL)
		lane_cancel(request->lane, request->lane_item);
	if (request->feature_end != NULL)
		request->feature_end(request);
	if (request->catalog != NULL)
		catalog_release(request->catalog);
	talloc_free_children(request->pool);
	TAILQ_REMOVE(request->list, request, entry);
	worker->open_on[request->endpoint.role]--;
	worker->open_interims -= is_open_interim(request);
	if (worker->open_interims <= INTERIMS_LOW(worker->conf->requests_max))
		bar_interims(worker, false);
	/* The last one used is the next one used: its memory is in the processor's caches. */
	TAILQ_INSERT_HEAD(&worker->spare, request, entry);
	worker->spare_count++;
	metric_set(METRIC_requests_open, --worker->open_count);
}

size_t requests_give_back(struct worker *worker)
{
	size_t count = worker->spare_least;
	for (size_t n = 0; n < count; n++) {
		struct request *request = TAILQ_LAST(&worker->spare, request_list);
		TAILQ_REMOVE(&worker->spare, request, entry);
		talloc_free(request);
	}
	worker->spare_count -= count;
	worker->spare_least = worker->spare_count;
	metric_set(METRIC_requests_spare, worker->spare_count);
	return count;
}

void request_end_all(struct worker *worker)
{
	while (!TAILQ_EMPTY(&worker->open))
		request_end(TAILQ_FIRST(&worker->open));
	while (!TAILQ_EMPTY(&worker->delayed))
		request_end(TAILQ_FIRST(&worker->delayed));
}

int64_t request_patience_ns(const struct request *request)
{
	return request->patience_ns;
}

/* Drops ------------------------------------------------------------------------------------ */

/* What happens in a sound network all the time does not belong in an ordinary log. */
static enum log_level drop_log_level(enum drop reason)
{
	switch (reason) {
	case DROP_duplicate:
	case DROP_superseded:
	case DROP_stopping:
		return LOG_LEVEL_DEBUG;
	default:
		return LOG_LEVEL_WARNING;
	}
}

/* request is NULL if there was none to be had. */
static void drop_report(
	const struct endpoint *from, const struct request *request, enum drop reason)
{
	static struct log_limit limits[DROP_COUNT];
	char source[ADDR_TEXT_MAX];
	const struct nas *nas = request != NULL ? request->nas : NULL;
	const char *note = request != NULL ? request->note : NULL;

	metric_count_drop(reason);
	log_event_limited(&limits[reason], drop_log_level(reason), "packet_dropped",
		"reason=%s step=%s source=%s port=%u nas=%s server_port=%u%s%s", drop_name(reason),
		request != NULL ? request->step->name : "receive",
		addr_format(&from->remote, source), from->remote_port,
		nas != NULL ? log_quote_text(nas->name) : "-", from->local_port,
		note != NULL ? " " : "", note != NULL ? note : "");
}

void request_drop(struct request *request, enum drop reason)
{
	drop_report(&request->endpoint, request, reason);
	attempts_dropped(request->worker->attempts, request, reason);
	if (request->trace != NULL)
		trace_dropped(request, reason);
	if (request->duplicate_entry != NULL)
		dupcache_drop(request->worker->dupcache, request->duplicate_entry, clock_mono_ns());
	request_end(request);
}

void request_supersede(struct request *request)
{
	metric_add(METRIC_requests_superseded, 1);
	request->duplicate_entry = NULL;
	request->is_superseded = true;
	if (request->facts.code == CODE_ACCESS_REQUEST)
		request_drop(request, DROP_superseded);
}

/* Answers ---------------------------------------------------------------------------------- */

void request_begin_reply(struct request *request, enum radius_code code)
{
	reply_init(&request->reply, request->worker->reply_octets, code, request->packet,
		request->facts.length, request->nas->secret, request->nas->secret_size);
}

static void count_answer(uint8_t code, uint8_t request_code)
{
	if (request_code == CODE_STATUS_SERVER)
		metric_add(METRIC_status_requests, 1);
	else if (code == CODE_ACCESS_ACCEPT)
		metric_add(METRIC_access_accepts, 1);
	else if (code == CODE_ACCESS_REJECT)
		metric_add(METRIC_access_rejects, 1);
	else if (code == CODE_ACCOUNTING_RESPONSE)
		metric_add(METRIC_accounting_responses, 1);
}

static void request_send(struct request *request)
{
	struct worker *worker = request->worker;
	if (request->is_superseded) {
		request_drop(request, DROP_superseded);
		return;
	}
	worker->send(worker, &request->endpoint, request->answer, request->answer_size);
	if (request->list == &worker->open && request->deadline_ns <= clock_mono_ns())
		metric_add(METRIC_answers_late, 1);
	if (!request->is_repeat) {
		count_answer(request->answer[0], request->facts.code);
		attempts_answered(worker->attempts, request);
	}
	if (request->trace != NULL)
		trace_answered(request);
	if (request->duplicate_entry != NULL)
		dupcache_answer(worker->dupcache, request->duplicate_entry, request->answer,
			request->answer_size, clock_mono_ns());
	request_end(request);
}

static void finish_reply(struct request *request)
{
	static struct log_limit limit;
	if (reply_finish(&request->reply) != 0)
		log_event_limited(&limit, LOG_LEVEL_WARNING, "reply_overfull",
			"nas=%s note=\"attributes that did not fit were left out\"",
			log_quote_text(request->nas->name));
	request->answer = request->reply.octets;
	request->answer_size = request->reply.length;
}

static void request_answer(struct request *request)
{
	if (request->answer == NULL)
		finish_reply(request);
	if (request->reply_not_before_ns <= clock_mono_ns()) {
		request_send(request);
		return;
	}
	request->answer =
		mem_must(talloc_memdup(request->pool, request->answer, request->answer_size));
	struct worker *worker = request->worker;
	TAILQ_REMOVE(request->list, request, entry);
	request->list = &worker->delayed;
	TAILQ_INSERT_TAIL(request->list, request, entry);
	timer_set(worker->timers, &request->timer, request->reply_not_before_ns);
}

/* Running ---------------------------------------------------------------------------------- */

void request_act(struct request *request, struct step_result result)
{
	switch (result.kind) {
	case STEP_NEXT:
		request_resume(request);
		break;
	case STEP_WAIT:
		if (!timer_is_set(&request->timer))
			timer_set(request->worker->timers, &request->timer, request->deadline_ns);
		break;
	case STEP_REPLY:
		request_answer(request);
		break;
	case STEP_DROP:
		request_drop(request, result.drop);
		break;
	}
}

void request_resume(struct request *request)
{
	struct step_result result = NEXT;
	while (result.kind == STEP_NEXT) {
		request->step = request->next_step++;
		assert(request->step->name != NULL);
		result = request->trace == NULL ? request->step->run(request) : trace_run(request);
	}
	request_act(request, result);
}

/* While the lane that it waits for is down, it is the database that made the request too old. */
static enum drop deadline_reason(const struct request *request)
{
	bool is_lane_down = request->lane != NULL && !lane_is_up(request->lane);
	if (request->awaits_catalog)
		return DROP_stale_catalog;
	return is_lane_down ? DROP_database : DROP_deadline;
}

/* What the database is at work for cannot be called back. Its answer may be of use, to a
 * retransmission at least; whoever let go of it would have to do the work again. */
static void request_timer_fired(void *owner)
{
	struct request *request = owner;
	if (request->answer != NULL)
		request_send(request);
	else if (request->lane_item == NULL || !lane_item_is_in_flight(request->lane_item))
		request_drop(request, deadline_reason(request));
}

void request_prolong(struct request *request, int64_t deadline_ns)
{
	int64_t last_ns = request->arrival_ns + PATIENCES_MAX * request->patience_ns;
	if (deadline_ns > last_ns)
		deadline_ns = last_ns;
	if (request->answer != NULL || deadline_ns <= request->deadline_ns)
		return;
	request->deadline_ns = deadline_ns;
	if (request->lane_item != NULL)
		request->lane_item->deadline_ns = deadline_ns;
	if (timer_is_set(&request->timer))
		timer_set(request->worker->timers, &request->timer, deadline_ns);
}

/* Receiving -------------------------------------------------------------------------------- */

static bool is_interim(const struct datagram *datagram)
{
	struct packet_facts facts;
	return packet_check(datagram->octets, datagram->size, &facts) == DROP_none &&
	       facts.code == CODE_ACCOUNTING_REQUEST && facts.is_interim;
}

/* It needs no room, because no step makes it wait. */
static bool ends_at_once(const struct worker *worker, const struct datagram *datagram)
{
	bool is_status = datagram->size > 0 && datagram->octets[0] == CODE_STATUS_SERVER;
	return is_status || step_dupcache_ends(worker, datagram);
}

static bool has_room(struct worker *worker, const struct datagram *datagram)
{
	size_t open = worker->open_on[datagram->endpoint.role];
	size_t max = worker->conf->requests_max;
	if (open < RECORDS_SHARE(max))
		return true;
	if (datagram->endpoint.role != PORT_ACCT || open >= max)
		return open < max;
	if (!is_interim(datagram))
		return open - worker->open_interims < RECORDS_SHARE(max);
	bool has_room = worker->open_interims < RECORDS_SHARE(max);
	if (!has_room)
		bar_interims(worker, true);
	return has_room;
}

/* Before any work is done for the datagram: while more comes than can be served, this is what most
 * of it costs. */
static bool make_room(struct worker *worker, const struct datagram *datagram)
{
	if (has_room(worker, datagram) || ends_at_once(worker, datagram))
		return true;
	/* Guessers of passwords must not keep out those who know theirs. */
	if (datagram->endpoint.role == PORT_AUTH && !TAILQ_EMPTY(&worker->delayed)) {
		metric_add(METRIC_rejects_hurried, 1);
		request_send(TAILQ_FIRST(&worker->delayed));
		return true;
	}
	return false;
}

static void turn_away(struct worker *worker, const struct datagram *datagram, enum drop reason)
{
	drop_report(&datagram->endpoint, NULL, reason);
	if (worker->trace != NULL)
		trace_refused(worker, datagram, reason);
}

void request_receive(struct worker *worker, const struct datagram *datagram)
{
	metric_add(METRIC_packets_received, 1);
	if (worker->is_stopping || !make_room(worker, datagram)) {
		turn_away(
			worker, datagram, worker->is_stopping ? DROP_stopping : DROP_requests_max);
		return;
	}
	struct request *request = request_open(worker, &datagram->endpoint);
	request->arrival_ns = datagram->arrival_ns;
	request->arrival_us = datagram->arrival_us;
	request->packet = mem_must(talloc_memdup(request->pool, datagram->octets, datagram->size));
	request->packet_size = datagram->size;
	if (worker->trace != NULL)
		trace_begin(request);
	request_resume(request);
}

/* Lanes ------------------------------------------------------------------------------------ */

struct step_result request_submit(
	struct request *request, struct lane *lane, struct lane_item *item, int64_t wait_max_ns)
{
	item->deadline_ns = request->deadline_ns;
	if (request->deadline_ns <= clock_mono_ns())
		return DROP_BECAUSE(DROP_deadline);
	if (lane_submit(lane, item, wait_max_ns) != 0)
		return DROP_BECAUSE(DROP_lane_wait);
	request->lane = lane;
	request->lane_item = item;
	return WAIT;
}

bool request_lane_done(struct request *request, enum lane_outcome outcome)
{
	static struct log_limit limit;
	const struct lane_item *item = request->lane_item;
	if (request->trace != NULL)
		trace_query(request, outcome);
	request->lane_item = NULL;
	switch (outcome) {
	case LANE_ANSWERED:
	case LANE_NO_ROW:
		request->lane = NULL;
		return true;
	case LANE_EXPIRED:
		request_drop(request, deadline_reason(request));
		break;
	case LANE_REFUSED:
		log_event_limited(&limit, LOG_LEVEL_ERROR, "record_refused", "call=%s refusal=%s",
			item->call->statement.name, log_quote_text(item->refusal));
		request_drop(request, DROP_database);
		break;
	}
	return false;
}

/* Catalog ---------------------------------------------------------------------------------------
 */

/* The access server may have gone with the old snapshot. */
static struct step_result adopt_catalog(struct request *request)
{
	struct catalog *old = request->catalog;
	request->catalog = catalog_hold(request->worker->catalog);
	request->nas = catalog_find_nas(request->catalog, &request->endpoint.remote);
	catalog_release(old);
	return request->nas != NULL ? NEXT : DROP_BECAUSE(DROP_unknown_nas);
}

struct step_result request_await_catalog(struct request *request)
{
	request->next_step = request->step;
	if (request->catalog != request->worker->catalog)
		return adopt_catalog(request);
	request->awaits_catalog = true;
	return WAIT;
}

void request_catalog_changed(struct worker *worker)
{
	struct request *request, *next;
	for (request = TAILQ_FIRST(&worker->open); request != NULL; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (!request->awaits_catalog)
			continue;
		request->awaits_catalog = false;
		request_act(request, adopt_catalog(request));
	}
}
