/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Each chore is one item of the accounting lane, which is where a late answer harms least: a scan
 * of SCAN_ROWS rows holds a login back by milliseconds if it shares the login lane. A chore that is
 * still under way when its next turn comes is left alone. */
#include "path/chores.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/dupcache.h"
#include "spool/spool.h"
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define TURN_NS NS_PER_S

/* Rows of poprad.address that one call examines: some milliseconds. */
#define SCAN_ROWS 4096

/* Closed sessions that one call moves; while calls come back full, the next one follows at once. */
#define MOVE_MAX 500

/* In a long turn closed sessions move, and memory that nobody needed since the last one is given
 * back. Sessions do not move right after the start, when everybody may be logging in. */
#define LONG_TURN_EVERY 10

/* The months of history are looked after as seldom as that. */
#define MONTHS_EVERY 600

/* What has arrived but has not been read from its socket yet is not in the lane either. */
#define UNREAD_US US_PER_S

/* A chore that waits longer has nothing to say any more; its next turn says it anew. */
#define PATIENCE_NS (10 * NS_PER_S)

struct chore {
	struct lane_item item;
	struct chores *chores;
	bool is_under_way;
};

struct chores {
	struct worker *worker;
	struct timer turn;
	unsigned turns;
	char *node;
	int64_t available_since_us;
	struct chore tick, scan, move, months;
	/* the scan that is under way */
	int32_t scan_range_id;
	struct addr scan_after, scan_last_seen;
	size_t scan_found;
	int64_t moved;
};

static struct chore *chore_of(const struct lane_item *item)
{
	return (struct chore *)((char *)item - offsetof(struct chore, item));
}

static void submit(struct chore *chore)
{
	struct lane *lane = chore->chores->worker->accounting_lane;
	if (chore->is_under_way || !lane_is_up(lane))
		return;
	chore->item.deadline_ns = clock_mono_ns() + PATIENCE_NS;
	chore->is_under_way = lane_submit(lane, &chore->item, 0) == 0;
}

/* True if the chore was done. What a database refuses (a function of another version, say) is worth
 * an error line: nobody waits for the answer. */
static bool finish(struct chore *chore, enum lane_outcome outcome)
{
	static struct log_limit limit;
	chore->is_under_way = false;
	if (outcome == LANE_REFUSED)
		log_event_limited(&limit, LOG_LEVEL_ERROR, "chore_refused", "call=%s refusal=%s",
			chore->item.call->statement.name, log_quote_text(chore->item.refusal));
	return outcome == LANE_ANSWERED || outcome == LANE_NO_ROW;
}

/* Tick ------------------------------------------------------------------------------------- */

/* Every accounting packet that arrived before this moment is stored. */
static int64_t accounted_until_us(const struct worker *worker)
{
	int64_t oldest_ns = lane_oldest_ns(worker->accounting_lane);
	int64_t now_ns = clock_mono_ns();
	int64_t waiting_ns = oldest_ns < now_ns ? now_ns - oldest_ns : 0;
	int64_t until_us = clock_wall_us() - waiting_ns / 1000 - UNREAD_US;
	int64_t delivered_us = spool_delivered_until_us(worker->spool);
	return delivered_us < until_us ? delivered_us : until_us;
}

static void tick_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct chores *chores = chore_of(item)->chores;
	pg_put_text(batch, chores->node);
	pg_put_int(batch, chores->worker->index);
	pg_put_time(batch, chores->available_since_us);
	pg_put_time(batch, accounted_until_us(chores->worker));
	pg_put_int(batch, chores->worker->conf->lost_after);
	pg_put_int(batch, chores->worker->conf->silence_max_s);
}

static void tick_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	int64_t expired, lost;
	(void)item;
	if (pg_read_int(rows, row, 1, &expired) && expired > 0)
		metric_add(METRIC_sessions_expired, (uint64_t)expired);
	if (pg_read_int(rows, row, 2, &lost) && lost > 0)
		metric_add(METRIC_sessions_lost, (uint64_t)lost);
}

static void tick_done(struct lane_item *item, enum lane_outcome outcome)
{
	finish(chore_of(item), outcome);
}

static const enum pg_type tick_types[] = {
	PG_TEXT, PG_INT4, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_INT4, PG_INT4};

const struct lane_call chores_tick_call = {
	.statement = {.name = "tick",
		.sql = "select * from poprad.tick($1::text[], $2::int4[], $3::timestamptz[],"
		       " $4::timestamptz[], $5::int4[], $6::int4[])",
		.column_count = 6,
		.types = tick_types},
	.put = tick_put,
	.take = tick_take,
	.done = tick_done,
};

/* Free addresses --------------------------------------------------------------------------- */

enum scan_column { SCAN_ORD, SCAN_ADDRESS, SCAN_CHANGED_AT, SCAN_LAST_SEEN };

void chores_scan(struct chores *chores)
{
	if (chores->scan.is_under_way)
		return;
	if (!freelist_scan_next(
		    chores->worker->freelist, &chores->scan_range_id, &chores->scan_after))
		return;
	chores->scan_found = 0;
	chores->scan_last_seen = (struct addr){0};
	submit(&chores->scan);
}

static void scan_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct chores *chores = chore_of(item)->chores;
	pg_put_int(batch, chores->scan_range_id);
	pg_put_addr(batch, &chores->scan_after);
	pg_put_int(batch, SCAN_ROWS);
}

/* Once per free address, then once for the end row, which says how far the scan came. */
static void scan_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct chores *chores = chore_of(item)->chores;
	struct addr address;
	int64_t changed_us;
	if (!pg_read_addr(rows, row, SCAN_ADDRESS, &address)) {
		if (!pg_read_addr(rows, row, SCAN_LAST_SEEN, &chores->scan_last_seen))
			chores->scan_last_seen = (struct addr){0};
		return;
	}
	/* Without a time it was never leased: the first to go. */
	if (!pg_read_time(rows, row, SCAN_CHANGED_AT, &changed_us))
		changed_us = 0;
	freelist_put(chores->worker->freelist, &address, changed_us);
	chores->scan_found++;
}

static void scan_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct chores *chores = chore_of(item)->chores;
	if (!finish(&chores->scan, outcome))
		return;
	freelist_scanned(chores->worker->freelist, chores->scan_range_id, &chores->scan_last_seen,
		chores->scan_found);
	if (freelist_runs_low(chores->worker->freelist))
		chores_scan(chores);
}

static const enum pg_type scan_types[] = {PG_INT4, PG_INET, PG_INT4};

const struct lane_call chores_scan_call = {
	.statement = {.name = "free_addresses",
		.sql = "select * from poprad.free_addresses($1::int4[], $2::inet[], $3::int4[])",
		.column_count = 3,
		.types = scan_types},
	.put = scan_put,
	.take = scan_take,
	.done = scan_done,
};

/* History ---------------------------------------------------------------------------------- */

static void move_put(const struct lane_item *item, struct pg_batch *batch)
{
	(void)item;
	pg_put_int(batch, MOVE_MAX);
}

static void move_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct chores *chores = chore_of(item)->chores;
	if (!pg_read_int(rows, row, 1, &chores->moved))
		chores->moved = 0;
}

static void move_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct chores *chores = chore_of(item)->chores;
	if (finish(&chores->move, outcome) && chores->moved >= MOVE_MAX)
		submit(&chores->move);
}

static const enum pg_type move_types[] = {PG_INT4};

const struct lane_call chores_move_call = {
	.statement = {.name = "move_closed",
		.sql = "select * from poprad.move_closed($1::int4[])",
		.column_count = 1,
		.types = move_types},
	.put = move_put,
	.take = move_take,
	.done = move_done,
};

static void months_put(const struct lane_item *item, struct pg_batch *batch)
{
	pg_put_int(batch, chore_of(item)->chores->worker->conf->sessions_keep_s);
}

static void months_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	int64_t dropped;
	(void)item;
	if (pg_read_int(rows, row, 1, &dropped) && dropped > 0)
		log_event(LOG_LEVEL_INFO, "history_dropped", "months=%" PRId64, dropped);
}

static void months_done(struct lane_item *item, enum lane_outcome outcome)
{
	finish(chore_of(item), outcome);
}

static const enum pg_type months_types[] = {PG_INT8};

const struct lane_call chores_months_call = {
	.statement = {.name = "history_months",
		.sql = "select * from poprad.history_months($1::int8[])",
		.column_count = 1,
		.types = months_types},
	.put = months_put,
	.take = months_take,
	.done = months_done,
};

/* Turns ------------------------------------------------------------------------------------ */

/* After a storm the machine has its memory again. */
static void give_memory_back(struct worker *worker, bool is_long_turn)
{
	bool has_given = dupcache_give_back(worker->dupcache, clock_mono_ns());
	if (is_long_turn && requests_give_back(worker) > 0)
		has_given = true;
	if (has_given)
		malloc_trim(0);
}

static void take_turn(void *owner)
{
	struct chores *chores = owner;
	struct worker *worker = chores->worker;
	timer_set(worker->timers, &chores->turn, clock_mono_ns() + TURN_NS);
	lane_show(worker->login_lane);
	lane_show(worker->accounting_lane);
	lane_show(worker->attempts_lane);
	submit(&chores->tick);
	chores_scan(chores);
	if (worker->index == 0 && chores->turns % MONTHS_EVERY == 0)
		submit(&chores->months);
	bool is_first_turn = chores->turns == 0;
	bool is_long_turn = chores->turns++ % LONG_TURN_EVERY == 0;
	give_memory_back(worker, is_long_turn);
	if (worker->index == 0 && is_long_turn && !is_first_turn)
		submit(&chores->move);
}

void chores_lane_up(struct chores *chores)
{
	chores->available_since_us = clock_wall_us();
	submit(&chores->tick);
	chores_scan(chores);
}

static char *node_name(TALLOC_CTX *ctx)
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
		strcpy(name, "localhost");
	return mem_must(text_clean(ctx, (const uint8_t *)name, strlen(name)));
}

static int chores_destroy(struct chores *chores)
{
	timer_cancel(chores->worker->timers, &chores->turn);
	return 0;
}

static void init_chore(struct chores *chores, struct chore *chore, const struct lane_call *call)
{
	chore->chores = chores;
	chore->item = (struct lane_item){.call = call, .urgency = LANE_ORDINARY};
}

static void list_runs_low(void *owner)
{
	chores_scan(owner);
}

struct chores *chores_new(TALLOC_CTX *ctx, struct worker *worker)
{
	struct chores *chores = mem_must(talloc_zero(ctx, struct chores));
	chores->worker = worker;
	chores->node = node_name(chores);
	init_chore(chores, &chores->tick, &chores_tick_call);
	init_chore(chores, &chores->scan, &chores_scan_call);
	init_chore(chores, &chores->move, &chores_move_call);
	init_chore(chores, &chores->months, &chores_months_call);
	freelist_on_low(worker->freelist, list_runs_low, chores);
	timer_init(&chores->turn, take_turn, chores);
	timer_set(worker->timers, &chores->turn, clock_mono_ns() + TURN_NS);
	talloc_set_destructor(chores, chores_destroy);
	return chores;
}
