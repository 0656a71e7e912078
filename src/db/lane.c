/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The lane: what to send when, and what to do with each outcome.
 *
 * A round is everything that left in one flush. While it is under way what arrives waits, and when
 * its last result is in, the next one leaves. If a full batch waits by then, nothing is gained by
 * waiting on: the next round leaves while the last statement of this one is under way, so that the
 * database finds it in its socket. No more than that is sent ahead.
 *
 * Once a whole batch has failed, for no fault of a value in it, nothing is sent ahead. When every
 * result is in, settle() decides: the next round at once, a pause (a deadlock was lost), or a new
 * connection (the database is away, or as good as away). What was ahead has been carried out by
 * then, but it was about no subject of the batch that failed, so each keeps its order.
 *
 * done callbacks run only while `depth` is raised, from result, timer and connection events, and
 * see items in no half-way state: an item whose outcome is known waits on `finished` and may still
 * be cancelled there. */
#include "db/lane_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include <assert.h>
#include <string.h>

/* Whole retries after a lost deadlock or serialisation conflict: long enough for the other side to
 * finish a batch, short enough for a login. */
#define RETRY_MIN_MS 5
#define RETRY_MAX_MS 500

/* Rounds -------------------------------------------------------------------------------------- */

static void call_done(struct lane *lane)
{
	struct lane_item *item;
	while ((item = TAILQ_FIRST(&lane->finished))) {
		lane_list_remove(item);
		lane->open_count--;
		item->queue->open_count--;
		item->call->done(item, item->outcome);
	}
}

static void send_batch(struct lane *lane, struct lane_batch *batch, int64_t now_ns)
{
	const struct lane_call *call = batch->queue->call;
	struct pg_batch *rows = batch->queue->rows;
	pg_batch_clear(rows);
	for (size_t i = 0; i < batch->count; i++) {
		batch->items[i]->sent_ns = now_ns;
		batch->items[i]->sent_rows = batch->count;
		call->put(batch->items[i], rows);
	}
	assert(pg_batch_rows(rows) == batch->count);
	pgconn_execute(lane->conn, &call->statement, rows, batch);
	TAILQ_INSERT_TAIL(&lane->next.batches, batch, entry);
	batch->is_in_flight = true;
}

/* The next round, if one was sent, becomes the one that the database is at work for. */
static void begin_next(struct lane *lane)
{
	TAILQ_CONCAT(&lane->round.batches, &lane->next.batches, entry);
	memcpy(lane->round.subjects, lane->next.subjects, sizeof lane->round.subjects);
	memset(lane->next.subjects, 0, sizeof lane->next.subjects);
	lane->round_started_ns = clock_mono_ns();
	lane->has_tried_ahead = false;
	lane_count_round(lane);
}

static bool may_send(const struct lane *lane)
{
	const struct lane_batch *oldest = TAILQ_FIRST(&lane->round.batches);
	if (lane->state != LANE_UP || timer_is_set(&lane->pause))
		return false;
	if (!oldest)
		return true;
	return TAILQ_NEXT(oldest, entry) == NULL && !lane->has_tried_ahead && !lane->must_retry &&
	       !lane->must_reconnect && lane_has_full_batch(lane);
}

/* False if nothing waits that may leave. */
static bool send_next(struct lane *lane)
{
	int64_t now_ns = clock_mono_ns();
	lane->has_tried_ahead = !TAILQ_EMPTY(&lane->round.batches);
	for (size_t i = 0; i < lane->queue_count; i++) {
		struct lane_queue *queue = &lane->queues[i];
		struct lane_batch *batch;
		if (timer_is_set(&queue->pause))
			continue;
		while ((batch = lane_batch_take_again(lane, queue, now_ns)))
			send_batch(lane, batch, now_ns);
		for (enum lane_urgency urgency = 0; urgency < LANE_URGENCIES; urgency++)
			if ((batch = lane_batch_take_new(lane, queue, urgency, now_ns)))
				send_batch(lane, batch, now_ns);
	}
	if (TAILQ_EMPTY(&lane->next.batches))
		return false;
	pgconn_flush(lane->conn);
	if (TAILQ_EMPTY(&lane->round.batches))
		begin_next(lane);
	return true;
}

static void send_waiting(struct lane *lane)
{
	while (may_send(lane) && send_next(lane))
		;
}

/* Every event begins with enter and ends with leave. */
static void enter(struct lane *lane)
{
	lane->depth++;
}

static void leave(struct lane *lane)
{
	do {
		call_done(lane);
		send_waiting(lane);
	} while (!TAILQ_EMPTY(&lane->finished));
	lane->depth--;
}

/* Outcomes ------------------------------------------------------------------------------------ */

static void take_rows(struct lane_batch *batch, const struct pg_rows *rows)
{
	static struct log_limit limit;
	for (size_t row = 0; row < pg_rows_count(rows); row++) {
		int64_t ord;
		if (!pg_read_int(rows, row, 0, &ord) || ord < 1 || (size_t)ord > batch->count) {
			log_event_limited(&limit, LOG_LEVEL_ERROR, "row_without_request",
				"statement=%s", batch->queue->call->statement.name);
			continue;
		}
		struct lane_item *item = batch->items[ord - 1];
		if (item) {
			item->call->take(item, rows, row);
			item->outcome = LANE_ANSWERED;
		}
	}
}

static void batch_done(struct lane *lane, struct lane_batch *batch, const struct pg_rows *rows)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->items[i])
			batch->items[i]->outcome = LANE_NO_ROW;
	}
	take_rows(batch, rows);
	for (size_t i = 0; i < batch->count; i++) {
		struct lane_item *item = batch->items[i];
		if (item) {
			lane_batch_forget(item);
			lane_finish(lane, item, item->outcome);
		}
	}
	talloc_free(batch);
}

/* A value in the batch is at fault. */
static void batch_refused(
	struct lane *lane, struct lane_batch *batch, const struct pg_result *result)
{
	struct lane_item *item = batch->items[0];
	if (batch->count > 1) {
		metric_add(METRIC_batch_bisections, 1);
		lane_batch_again(lane, batch, 0, batch->count / 2);
		lane_batch_again(lane, batch, batch->count / 2, batch->count);
	} else if (item) {
		char *refusal = mem_must(
			talloc_asprintf(lane, "%s: %s", result->sqlstate, result->message));
		lane_batch_forget(item);
		item->refusal = refusal;
		lane_finish(lane, item, LANE_REFUSED);
		call_done(lane); /* here, where the text still lives */
		talloc_free(refusal);
	}
	talloc_free(batch);
}

/* The connection is closed: waits, then connects anew. */
static void back_off(struct lane *lane, const char *why)
{
	static struct log_limit limit;
	int64_t now_ns = clock_mono_ns();
	bool was_up = lane->state == LANE_UP || lane->state == LANE_LOSING;
	if (was_up && now_ns - lane->up_since_ns > lane->settings.reconnect_max_ms * NS_PER_MS)
		backoff_reset(&lane->reconnect);
	if (was_up)
		lane->down_since_ns = now_ns;
	lane->state = LANE_BACKING_OFF;
	timer_set(lane->timers, &lane->pause, now_ns + backoff_next_ns(&lane->reconnect));
	log_event_limited(&limit, LOG_LEVEL_ERROR, "database_away", "lane=%s waiting=%zu reason=%s",
		lane->settings.name, lane->waiting_count, log_quote_reason(why));
	if (was_up && lane->settings.state_changed)
		lane->settings.state_changed(lane->settings.owner, false);
}

/* Every result is in. */
static void settle(struct lane *lane)
{
	bool must_retry = lane->must_retry, must_reconnect = lane->must_reconnect;
	bool is_away = lane->is_away;
	lane->must_retry = lane->must_reconnect = lane->is_away = false;
	lane_requeue_unresolved(lane);
	if (lane->state == LANE_LOSING)
		return;
	if (must_reconnect) {
		char *trouble = lane->trouble;
		lane->trouble = NULL;
		pgconn_close(lane->conn);
		metric_add(METRIC_database_failures, 1);
		if (!is_away)
			backoff_reset(&lane->reconnect);
		back_off(lane, trouble);
		talloc_free(trouble);
		return;
	}
	if (must_retry)
		timer_set(lane->timers, &lane->pause,
			clock_mono_ns() + backoff_next_ns(&lane->retry));
}

/* The last result of a round is in. */
static void end_round(struct lane *lane)
{
	if (lane->state == LANE_UP && !lane->must_reconnect) {
		lane_measure_round(lane);
		backoff_reset(&lane->reconnect);
		if (!lane->must_retry)
			backoff_reset(&lane->retry);
	}
	begin_next(lane);
	if (TAILQ_EMPTY(&lane->round.batches))
		settle(lane);
}

/* True if the error lies in the statement (a function is broken, missing or not permitted), so that
 * the lane's other statements may well work. The rest is about the server or the connection. */
static bool is_of_statement(const char *sqlstate)
{
	/* warning, connection, transaction state, resources, object state, operator
	 * intervention, system error */
	static const char *const others[] = {"01", "08", "25", "53", "55", "57", "58"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (strncmp(sqlstate, others[i], 2) == 0)
			return false;
	}
	return sqlstate[0] != '\0';
}

/* lock_not_available and query_canceled: lock_timeout and statement_timeout. */
static bool is_broken_off(const char *sqlstate)
{
	return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "57014") == 0;
}

/* Nothing can be concluded about the rows, and it is not for this connection to try again: another
 * server may be the primary now, or a function may have been replaced. */
static void batch_unavailable(
	struct lane *lane, struct lane_batch *batch, const struct pg_result *result)
{
	struct lane_queue *queue = batch->queue;
	if (!lane->must_reconnect)
		lane->trouble = mem_must(talloc_asprintf(lane, "%s: %s %s",
			queue->call->statement.name, result->sqlstate, result->message));
	lane->must_reconnect = true;
	if (is_broken_off(result->sqlstate))
		metric_add(METRIC_batch_timeouts, 1);
	if (is_of_statement(result->sqlstate))
		timer_set(lane->timers, &queue->pause,
			clock_mono_ns() + backoff_next_ns(&queue->backoff));
	else
		lane->is_away = true;
	/* It may have been too much work for the statement's time limit. */
	queue->limit = queue->limit > 1 ? queue->limit / 2 : 1;
	TAILQ_INSERT_TAIL(&lane->unresolved, batch, entry);
}

static void on_result(void *owner, void *tag, const struct pg_result *result)
{
	struct lane *lane = owner;
	struct lane_batch *batch = tag;
	struct lane_queue *queue = batch->queue;
	enter(lane);
	TAILQ_REMOVE(&lane->round.batches, batch, entry);
	batch->is_in_flight = false;
	switch (result->outcome) {
	case PG_DONE:
		batch_done(lane, batch, result->rows);
		if (!lane->must_reconnect)
			queue->limit = queue->limit < lane->settings.batch_max / 2
					       ? 2 * queue->limit
					       : lane->settings.batch_max;
		backoff_reset(&queue->backoff);
		break;
	case PG_BAD_ROW:
		batch_refused(lane, batch, result);
		break;
	case PG_RETRY:
		metric_add(METRIC_batch_retries, 1);
		lane->must_retry = true;
		lane_batch_again(lane, batch, 0, batch->count);
		talloc_free(batch);
		break;
	case PG_UNAVAILABLE:
		metric_add(METRIC_batch_retries, 1);
		batch_unavailable(lane, batch, result);
		break;
	case PG_LOST:
		metric_add(METRIC_batch_retries, 1);
		lane->state = LANE_LOSING;
		TAILQ_INSERT_TAIL(&lane->unresolved, batch, entry);
		break;
	}
	if (TAILQ_EMPTY(&lane->round.batches))
		end_round(lane);
	leave(lane);
}

/* Events -------------------------------------------------------------------------------------- */

static void on_up(void *owner)
{
	struct lane *lane = owner;
	enter(lane);
	lane->state = LANE_UP;
	lane->up_since_ns = clock_mono_ns();
	log_event(LOG_LEVEL_INFO, "database_up", "lane=%s waiting=%zu", lane->settings.name,
		lane->waiting_count);
	if (lane->settings.state_changed)
		lane->settings.state_changed(lane->settings.owner, true);
	leave(lane);
}

static void on_down(void *owner, const char *why)
{
	struct lane *lane = owner;
	enter(lane);
	TALLOC_FREE(lane->trouble);
	back_off(lane, why);
	leave(lane);
}

/* The lane's pause, or one queue's, which may end while the lane's still lasts. */
static void on_pause_over(void *owner)
{
	struct lane *lane = owner;
	enter(lane);
	if (lane->state == LANE_BACKING_OFF && !timer_is_set(&lane->pause))
		lane_start(lane);
	leave(lane);
}

static void on_expiry(void *owner)
{
	struct lane *lane = owner;
	enter(lane);
	lane_expire(lane);
	leave(lane);
}

/* For the owners ------------------------------------------------------------------------------ */

static int lane_destroy(struct lane *lane)
{
	timer_cancel(lane->timers, &lane->pause);
	timer_cancel(lane->timers, &lane->expiry);
	for (size_t i = 0; i < lane->queue_count; i++)
		timer_cancel(lane->timers, &lane->queues[i].pause);
	return 0;
}

struct lane *lane_new(TALLOC_CTX *ctx, struct event_base *base, struct timer_queue *timers,
	const struct lane_settings *settings)
{
	struct lane *lane = mem_must(talloc_zero(ctx, struct lane));
	lane->settings = *settings;
	lane->timers = timers;
	lane->reconnect = (struct backoff){
		.min_ms = settings->reconnect_min_ms, .max_ms = settings->reconnect_max_ms};
	lane->retry = (struct backoff){.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS};
	lane->expiry_walked_ns = INT64_MIN / 2;
	TAILQ_INIT(&lane->round.batches);
	TAILQ_INIT(&lane->next.batches);
	TAILQ_INIT(&lane->unresolved);
	TAILQ_INIT(&lane->finished);
	timer_init(&lane->pause, on_pause_over, lane);
	timer_init(&lane->expiry, on_expiry, lane);

	unsigned count = 0, rehearsed_count = 0;
	while (settings->calls[count])
		count++;
	lane->queue_count = count;
	lane->queues = mem_must(talloc_zero_array(lane, struct lane_queue, count));
	const struct pg_statement **statements =
		mem_must(talloc_zero_array(lane, const struct pg_statement *, count + 1));
	const struct pg_statement **rehearsed =
		mem_must(talloc_zero_array(lane, const struct pg_statement *, count + 1));
	for (unsigned i = 0; i < count; i++) {
		struct lane_queue *queue = &lane->queues[i];
		queue->call = settings->calls[i];
		queue->rows = pg_batch_new(lane->queues, &queue->call->statement);
		queue->limit = settings->batch_max;
		queue->backoff = lane->reconnect;
		timer_init(&queue->pause, on_pause_over, lane);
		TAILQ_INIT(&queue->again);
		for (int urgency = 0; urgency < LANE_URGENCIES; urgency++)
			TAILQ_INIT(&queue->waiting[urgency]);
		statements[i] = &queue->call->statement;
		if (queue->call->is_rehearsed)
			rehearsed[rehearsed_count++] = &queue->call->statement;
	}
	lane->settings.connection.statements = statements;
	lane->settings.connection.rehearsed = rehearsed;

	static const struct pg_events events = {.up = on_up, .down = on_down, .result = on_result};
	lane->conn = pgconn_new(lane, base, &lane->settings.connection, &events, lane);
	talloc_set_destructor(lane, lane_destroy);
	return lane;
}

void lane_start(struct lane *lane)
{
	if (lane->state == LANE_STOPPED)
		lane->down_since_ns = clock_mono_ns();
	lane->state = LANE_CONNECTING;
	pgconn_open(lane->conn);
}

/* A lane without work takes whatever comes, so that a slow round of the past cannot shut it for
 * ever. A round under way that already takes longer than the mean says what the next will take. */
static int64_t estimated_wait_ns(
	const struct lane *lane, const struct lane_queue *queue, enum lane_urgency urgency)
{
	size_t ahead = queue->open_count;
	if (urgency == LANE_URGENT)
		ahead -= queue->waiting_count[LANE_ORDINARY];
	if (ahead == 0)
		return 0;
	int64_t round_ns = lane->round_mean_ns;
	if (!TAILQ_EMPTY(&lane->round.batches) &&
		clock_mono_ns() - lane->round_started_ns > round_ns)
		round_ns = clock_mono_ns() - lane->round_started_ns;
	size_t rounds = ahead / lane->settings.batch_max + 1;
	return (int64_t)rounds * round_ns;
}

static struct lane_queue *find_queue(struct lane *lane, const struct lane_call *call)
{
	for (size_t i = 0; i < lane->queue_count; i++) {
		if (lane->queues[i].call == call)
			return &lane->queues[i];
	}
	return NULL;
}

int lane_submit(struct lane *lane, struct lane_item *item, int64_t wait_max_ns)
{
	assert(!item->list && !item->batch);
	struct lane_queue *queue = find_queue(lane, item->call);
	assert(queue);
	if (wait_max_ns > 0 && estimated_wait_ns(lane, queue, item->urgency) > wait_max_ns)
		return ERR_FULL;
	item->queue = queue;
	item->queued_ns = clock_mono_ns();
	item->refusal = NULL;
	lane_list_add(&queue->waiting[item->urgency], item);
	lane_count_waiting(lane, item, 1);
	lane->open_count++;
	queue->open_count++;
	lane_note_peak(lane);
	lane_watch_deadline(lane, item->deadline_ns);
	if (lane->depth == 0) {
		send_waiting(lane);
		/* Who expired just now is told by the timer, not from inside this call. */
		if (!TAILQ_EMPTY(&lane->finished))
			timer_set(lane->timers, &lane->expiry, item->queued_ns);
	}
	return 0;
}

void lane_hold(struct lane *lane)
{
	enter(lane);
}

void lane_release(struct lane *lane)
{
	leave(lane);
}

bool lane_is_up(const struct lane *lane)
{
	return lane->state == LANE_UP;
}

int64_t lane_silence_ns(const struct lane *lane)
{
	if (lane->state == LANE_UP)
		return TAILQ_EMPTY(&lane->round.batches) ? 0
							 : clock_mono_ns() - lane->round_started_ns;
	return lane->state == LANE_LOSING ? 0 : clock_mono_ns() - lane->down_since_ns;
}

bool lane_is_idle(const struct lane *lane)
{
	return lane->open_count == 0 && TAILQ_EMPTY(&lane->round.batches);
}
