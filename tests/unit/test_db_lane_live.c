/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A lane over a real PostgreSQL (POPRAD_TEST_DATABASE) whose backend is killed again and again:
 * every item gets exactly one outcome, only the faulty ones are refused, and what was answered is
 * stored once. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "db/lane.h"
#include "db/session_key.h"
#include "suite.h"
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_COUNT 20000
#define IN_FLIGHT 500
#define FAULTY_EVERY 97
#define KILL_EVERY 2000 /* items done */
#define GUARD_NS (120 * NS_PER_S)

static struct event_base *base;
static struct timer_queue *timers;
static struct lane *lane;

struct thing {
	struct lane_item item;
	uint8_t key[SESSION_KEY_SIZE];
	int64_t number; /* negative: the database refuses it */
	unsigned calls;
	enum lane_outcome outcome;
};
static struct thing things[ITEM_COUNT];
static int64_t started, done_count;

static const enum pg_type store_types[] = {PG_UUID, PG_INT8};
static void submit_next(void);

static void put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct thing *thing = (const struct thing *)(const void *)item;
	pg_put_uuid(batch, thing->key);
	pg_put_int(batch, thing->number);
}

static void take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	int64_t number;
	CU_ASSERT_TRUE(pg_read_int(rows, row, 1, &number));
	CU_ASSERT_EQUAL(number, ((struct thing *)(void *)item)->number);
}

static void done(struct lane_item *item, enum lane_outcome outcome)
{
	struct thing *thing = (struct thing *)(void *)item;
	thing->calls++;
	thing->outcome = outcome;
	done_count++;
	submit_next();
}

static const struct lane_call store_call = {
	.statement = {"store", "select * from live_store($1, $2)", 2, store_types},
	.put = put,
	.take = take,
	.done = done,
};

static void submit_next(void)
{
	if (started == ITEM_COUNT)
		return;
	struct thing *thing = &things[started++];
	CU_ASSERT_EQUAL(lane_submit(lane, &thing->item, 0), 0);
}

/* A connection beside the lane's, for the set-up, for the kills and for the last count. */
static unsigned helper_ups, helper_results;
static int64_t helper_number;

static void helper_up(void *owner)
{
	(void)owner;
	helper_ups++;
}

static void helper_down(void *owner, const char *why)
{
	(void)owner;
	CU_FAIL(why);
	(void)why;
}

static void helper_result(void *owner, void *tag, const struct pg_result *result)
{
	(void)owner;
	(void)tag;
	helper_results++;
	CU_ASSERT_EQUAL(result->outcome, PG_DONE);
	if (result->outcome == PG_DONE && pg_rows_count(result->rows) > 0)
		pg_read_int(result->rows, 0, 0, &helper_number);
}

static const struct pg_events helper_events = {
	.up = helper_up, .down = helper_down, .result = helper_result};

/* One turn of the loop of a worker. */
static void turn(void)
{
	int64_t wait_ns = timer_next_due_ns(timers);
	if (wait_ns != TIMER_NEVER)
		wait_ns -= clock_mono_ns();
	if (wait_ns > 20 * NS_PER_MS)
		wait_ns = 20 * NS_PER_MS;
	if (wait_ns < 0)
		wait_ns = 0;
	const struct timeval wait = {0, wait_ns / 1000};
	event_base_loopexit(base, &wait);
	event_base_loop(base, EVLOOP_ONCE);
	timer_run(timers, clock_mono_ns());
}

static void helper_run(struct pgconn *conn, const struct pg_statement *statement)
{
	int64_t end_ns = clock_mono_ns() + GUARD_NS;
	unsigned before = helper_results;
	struct pg_batch *none = pg_batch_new(NULL, statement);
	pgconn_execute(conn, statement, none, NULL);
	talloc_free(none);
	pgconn_flush(conn);
	while (helper_results == before && clock_mono_ns() < end_ns)
		turn();
	CU_ASSERT_EQUAL_FATAL(helper_results, before + 1);
}

static struct pgconn *helper_open(
	const char *database, const struct pg_statement *const *statements)
{
	const struct pgconn_settings settings = {.conninfo = database,
		.connect_timeout_ms = 20000,
		.statement_timeout_ms = 20000,
		.lock_timeout_ms = 5000,
		.statements = statements};
	int64_t end_ns = clock_mono_ns() + GUARD_NS;
	unsigned before = helper_ups;
	struct pgconn *conn = pgconn_new(timers, base, &settings, &helper_events, NULL);
	pgconn_open(conn);
	while (helper_ups == before && clock_mono_ns() < end_ns)
		turn();
	CU_ASSERT_EQUAL_FATAL(helper_ups, before + 1);
	return conn;
}

static void make_function(const char *database)
{
	static const struct pg_statement table = {
		"table", "create table live (key uuid primary key, number bigint)", 0, NULL};
	static const struct pg_statement function = {"function",
		"create function live_store(keys uuid[], numbers bigint[]) returns table (ord int, "
		"n "
		"bigint) language plpgsql as $$ begin "
		"if exists (select from unnest(numbers) t(x) where x < 0) then "
		"raise exception 'negative' using errcode = '22003'; end if; "
		"insert into live select * from unnest(keys, numbers) on conflict do nothing; "
		"return query select t.o::int, t.x from unnest(numbers) with ordinality t(x, o); "
		"end $$",
		0, NULL};
	static const struct pg_statement *const statements[] = {&table, &function, NULL};
	struct pgconn *conn = helper_open(database, statements);
	helper_run(conn, &table);
	helper_run(conn, &function);
	talloc_free(conn);
}

static void lane_begin(const char *database)
{
	static const struct lane_call *const calls[] = {&store_call, NULL};
	char *conninfo =
		mem_must(talloc_asprintf(timers, "%s application_name=lane_live", database));
	const struct lane_settings settings = {
		.name = "live",
		.connection = {.conninfo = conninfo,
			.connect_timeout_ms = 20000,
			.statement_timeout_ms = 20000,
			.lock_timeout_ms = 5000},
		.batch_max = 256,
		.reconnect_min_ms = 1,
		.reconnect_max_ms = 100,
		.calls = calls,
	};
	for (int i = 0; i < ITEM_COUNT; i++) {
		things[i].number = i % FAULTY_EVERY == 0 ? -1 - i : i;
		things[i].item.call = &store_call;
		things[i].item.deadline_ns = INT64_MAX;
		things[i].item.urgency = i % 3 == 0 ? LANE_URGENT : LANE_ORDINARY;
		session_key_mint(things[i].key);
	}
	lane = lane_new(timers, base, timers, &settings);
	lane_start(lane);
}

static void test_killed_again_and_again(void)
{
	static const struct pg_statement kill_lane = {"kill_lane",
		"select count(pg_terminate_backend(pid)) from pg_stat_activity "
		"where application_name = 'lane_live'",
		0, NULL};
	static const struct pg_statement count = {"count", "select count(*) from live", 0, NULL};
	static const struct pg_statement *const statements[] = {&kill_lane, &count, NULL};
	const char *database = getenv("POPRAD_TEST_DATABASE");
	timers = timer_queue_new(NULL);
	make_function(database);
	struct pgconn *helper = helper_open(database, statements);
	lane_begin(database);
	for (int i = 0; i < IN_FLIGHT; i++)
		submit_next();

	int64_t end_ns = clock_mono_ns() + GUARD_NS, kills = 0, killed = 0;
	while (done_count < ITEM_COUNT && clock_mono_ns() < end_ns) {
		turn();
		if (done_count / KILL_EVERY > kills) {
			kills = done_count / KILL_EVERY;
			helper_run(helper, &kill_lane);
			killed += helper_number;
		}
	}
	CU_ASSERT_EQUAL(done_count, ITEM_COUNT);
	CU_ASSERT_TRUE(killed > 0);
	CU_ASSERT_TRUE(lane_is_idle(lane));
	int64_t answered = 0;
	for (int i = 0; i < ITEM_COUNT; i++) {
		CU_ASSERT_EQUAL(things[i].calls, 1);
		CU_ASSERT_EQUAL(
			things[i].outcome, i % FAULTY_EVERY == 0 ? LANE_REFUSED : LANE_ANSWERED);
		answered += things[i].outcome == LANE_ANSWERED;
	}
	helper_run(helper, &count);
	CU_ASSERT_EQUAL(helper_number, answered);
	talloc_free(timers);
}

int main(void)
{
	if (!getenv("POPRAD_TEST_DATABASE"))
		return 77;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "test");
	base = event_base_new();
	if (!base)
		return 2;
	CU_TestInfo tests[] = {
		TEST(test_killed_again_and_again),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("db/lane_live", tests);
	event_base_free(base);
	return failed;
}
