/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/db/lane.h over a scripted connection and a fake clock. The calls under test carry
 * one number per item; the scripted database answers with it doubled, or refuses it. */
#include "../scenario/fake_clock.h"
#include "../scenario/fake_pgconn.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "db/lane.h"
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 256
#define ITEMS_MAX 1000
#define NEVER_CALLED (-1)

static struct timer_queue *timers;
static struct lane *lane;
static struct pgconn *conn;
static int state_changes;
static bool announced_up;

struct thing {
	struct lane_item item;
	int64_t number, answer;
	int outcome; /* enum lane_outcome, or NEVER_CALLED */
	unsigned calls;
	unsigned order; /* of done */
	char refusal[64];
	struct thing *submit_next; /* what its done does */
	struct thing *cancel_next;
};
static struct thing things[ITEMS_MAX];
static unsigned done_count;

static void put_number(const struct lane_item *item, struct pg_batch *batch)
{
	pg_put_int(batch, ((const struct thing *)(const void *)item)->number);
}

static void take_answer(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	int64_t value;
	if (pg_read_int(rows, row, 1, &value))
		((struct thing *)(void *)item)->answer += value;
}

static void note_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct thing *thing = (struct thing *)(void *)item;
	thing->outcome = (int)outcome;
	thing->calls++;
	thing->order = done_count++;
	if (outcome == LANE_REFUSED)
		snprintf(thing->refusal, sizeof thing->refusal, "%s", item->refusal);
	if (thing->submit_next)
		CU_ASSERT_EQUAL(lane_submit(lane, &thing->submit_next->item, 0), 0);
	if (thing->cancel_next)
		lane_cancel(lane, &thing->cancel_next->item);
}

static const enum pg_type types[] = {PG_INT8};
static const struct lane_call find_call = {
	.statement = {"find", "select * from find($1)", 1, types},
	.put = put_number,
	.take = take_answer,
	.done = note_done,
};
static const struct lane_call admit_call = {
	.statement = {"admit", "select * from admit($1)", 1, types},
	.put = put_number,
	.take = take_answer,
	.done = note_done,
};

static void note_state(void *owner, bool is_up)
{
	(void)owner;
	state_changes++;
	announced_up = is_up;
}

static void begin_down(void)
{
	static const struct lane_call *const calls[] = {&find_call, &admit_call, NULL};
	const struct lane_settings settings = {
		.name = "login",
		.connection = {.conninfo = ""},
		.metrics = {.rows = DISTRIBUTION_login_rows,
			.round_us = DISTRIBUTION_login_round_us,
			.wait_us = DISTRIBUTION_login_wait_us,
			.queue = METRIC_login_queue,
			.queue_peak = METRIC_login_queue_peak,
			.round_age_us = METRIC_login_round_age_us},
		.batch_max = BATCH_MAX,
		.reconnect_min_ms = 100,
		.reconnect_max_ms = 10000,
		.calls = calls,
		.state_changed = note_state,
	};
	fake_clock_reset();
	state_changes = 0;
	announced_up = false;
	done_count = 0;
	memset(things, 0, sizeof things);
	for (int i = 0; i < ITEMS_MAX; i++) {
		things[i].number = i;
		things[i].outcome = NEVER_CALLED;
		things[i].item.call = &find_call;
		things[i].item.deadline_ns = INT64_MAX;
		things[i].item.urgency = LANE_ORDINARY;
	}
	timers = timer_queue_new(NULL);
	lane = lane_new(timers, NULL, timers, &settings);
	lane_start(lane);
	conn = fake_pgconn_with("find");
}

static void begin(void)
{
	begin_down();
	fake_pgconn_accept(conn);
}

static void end(void)
{
	talloc_free(timers);
	CU_ASSERT_EQUAL(fake_pgconn_count(), 0);
}

static void submit(int i)
{
	CU_ASSERT_EQUAL(lane_submit(lane, &things[i].item, 0), 0);
}

static void submit_range(int from, int to)
{
	for (int i = from; i < to; i++)
		submit(i);
}

/* Answers the oldest execution with each number doubled. */
static void answer_all(void)
{
	const struct fake_execution *execution = fake_pgconn_pending(conn);
	CU_ASSERT_PTR_NOT_NULL_FATAL(execution);
	char *rows = mem_must(talloc_strdup(NULL, ""));
	for (size_t i = 0; i < execution->row_count; i++)
		rows = mem_must(talloc_asprintf_append(
			rows, "%zu|%d\n", i + 1, 2 * atoi(fake_value(execution, i, 0))));
	fake_pgconn_answer(conn, rows);
	talloc_free(rows);
}

static size_t pending_rows(size_t index)
{
	const struct fake_execution *execution = fake_pgconn_pending_at(conn, index);
	return execution ? execution->row_count : 0;
}

static int pending_number(size_t row)
{
	const char *value = fake_value(fake_pgconn_pending(conn), row, 0);
	return value ? atoi(value) : -1;
}

static void test_lone_leaves_at_once(void)
{
	begin();
	CU_ASSERT_TRUE(lane_is_up(lane) && announced_up);
	CU_ASSERT_TRUE(lane_is_idle(lane));
	submit(7);
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	CU_ASSERT_EQUAL(lane_queue_length(lane), 0);
	CU_ASSERT_FALSE(lane_is_idle(lane));
	CU_ASSERT_EQUAL(things[7].calls, 0);
	answer_all();
	CU_ASSERT_EQUAL(things[7].outcome, LANE_ANSWERED);
	CU_ASSERT_EQUAL(things[7].answer, 14);
	CU_ASSERT_TRUE(lane_is_idle(lane));
	end();
}

static void test_batching_while_in_flight(void)
{
	begin();
	uint64_t batches = metric_get(METRIC_batches), items = metric_get(METRIC_batch_items);
	submit_range(0, BATCH_MAX);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	CU_ASSERT_EQUAL(lane_queue_length(lane), BATCH_MAX - 1);
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	CU_ASSERT_EQUAL(pending_rows(0), BATCH_MAX - 1);
	answer_all();
	for (int i = 0; i < BATCH_MAX; i++) {
		CU_ASSERT_EQUAL(things[i].outcome, LANE_ANSWERED);
		CU_ASSERT_EQUAL(things[i].answer, 2 * i);
		CU_ASSERT_EQUAL(things[i].order, (unsigned)i);
	}
	CU_ASSERT_EQUAL(metric_get(METRIC_batches) - batches, 2);
	CU_ASSERT_EQUAL(metric_get(METRIC_batch_items) - items, BATCH_MAX);
	end();
}

/* A full batch leaves while another is under way, one at a time; the rest waits. */
static void test_full_batch_leaves_ahead(void)
{
	begin();
	submit_range(0, 1 + 2 * BATCH_MAX + 50);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_EQUAL(pending_rows(1), BATCH_MAX);
	CU_ASSERT_EQUAL(lane_queue_length(lane), BATCH_MAX + 50);
	CU_ASSERT_TRUE(lane_item_is_in_flight(&things[BATCH_MAX].item));
	CU_ASSERT_FALSE(lane_item_is_in_flight(&things[BATCH_MAX + 1].item));
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_EQUAL(pending_rows(1), BATCH_MAX);
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 50);
	answer_all();
	for (int i = 0; i < 1 + 2 * BATCH_MAX + 50; i++) {
		CU_ASSERT_EQUAL(things[i].answer, 2 * i);
		CU_ASSERT_EQUAL(things[i].order, (unsigned)i);
	}
	CU_ASSERT_TRUE(lane_is_idle(lane));
	end();
}

/* With a full batch all that waits leaves, but not before the last statement of the round. */
static void test_whole_round_leaves_ahead(void)
{
	begin();
	for (int i = 1; i < 4; i++)
		things[i].item.call = &admit_call;
	things[5].item.urgency = LANE_URGENT;
	submit_range(0, 3);
	submit(4);
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	submit(3);
	submit_range(5, 6 + BATCH_MAX);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 4);
	CU_ASSERT_EQUAL(pending_rows(1), 1);
	CU_ASSERT_EQUAL(pending_rows(2), BATCH_MAX);
	CU_ASSERT_STRING_EQUAL(fake_pgconn_pending_at(conn, 3)->statement, "admit");
	while (fake_pgconn_pending(conn))
		answer_all();
	CU_ASSERT_EQUAL(done_count, 6 + BATCH_MAX);
	end();
}

static struct distribution grown(enum metric_distribution which, const struct distribution *before)
{
	struct distribution now;
	metric_get_distribution(which, &now);
	distribution_subtract(&now, before);
	return now;
}

/* A round that was sent ahead begins when the one before has ended. */
static void test_figures_of_round_ahead(void)
{
	struct distribution rows, wait_us, round_us;
	begin();
	metric_get_distribution(DISTRIBUTION_login_rows, &rows);
	metric_get_distribution(DISTRIBUTION_login_wait_us, &wait_us);
	metric_get_distribution(DISTRIBUTION_login_round_us, &round_us);
	submit_range(0, 1 + BATCH_MAX);
	lane_cancel(lane, &things[9].item);
	fake_clock_advance_ms(4);
	answer_all();
	fake_clock_advance_ms(3);
	lane_show(lane);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_round_age_us), 3000);
	answer_all();
	rows = grown(DISTRIBUTION_login_rows, &rows);
	wait_us = grown(DISTRIBUTION_login_wait_us, &wait_us);
	round_us = grown(DISTRIBUTION_login_round_us, &round_us);
	CU_ASSERT_EQUAL(rows.sum, 1 + BATCH_MAX);
	CU_ASSERT_EQUAL(wait_us.sum, (BATCH_MAX - 1) * 4000);
	CU_ASSERT_EQUAL(distribution_count(&round_us), 2);
	CU_ASSERT_EQUAL(round_us.sum, 7000);
	end();
}

/* What popradctl status tells of a lane. */
static void test_figures(void)
{
	struct distribution rows, wait_us, round_us;
	begin();
	metric_get_distribution(DISTRIBUTION_login_rows, &rows);
	metric_get_distribution(DISTRIBUTION_login_wait_us, &wait_us);
	metric_get_distribution(DISTRIBUTION_login_round_us, &round_us);
	submit_range(0, 3);
	fake_clock_advance_ms(4);
	lane_show(lane);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_queue), 2);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_queue_peak), 2);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_round_age_us), 4000);
	answer_all();
	fake_clock_advance_ms(1);
	answer_all();
	rows = grown(DISTRIBUTION_login_rows, &rows);
	wait_us = grown(DISTRIBUTION_login_wait_us, &wait_us);
	round_us = grown(DISTRIBUTION_login_round_us, &round_us);
	CU_ASSERT_EQUAL(rows.sum, 3);
	CU_ASSERT_EQUAL(distribution_count(&rows), 2);
	CU_ASSERT_EQUAL(distribution_count(&wait_us), 3);
	CU_ASSERT_EQUAL(distribution_quantile(&wait_us, 1000), 3584);
	CU_ASSERT_EQUAL(distribution_count(&round_us), 2);
	CU_ASSERT_EQUAL(round_us.sum, 5000);
	/* The peak is that of the last turns. */
	for (int turn = 0; turn < 10; turn++) {
		CU_ASSERT_EQUAL(metric_get(METRIC_login_queue_peak), 2);
		lane_show(lane);
	}
	lane_show(lane);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_queue), 0);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_queue_peak), 0);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_round_age_us), 0);
	end();
}

/* Each call's queue leaves as one statement, in the order of the calls, and nothing more leaves
 * until both are answered. */
static void test_two_calls_in_one_round(void)
{
	begin();
	for (int i = 1; i < 20; i += 2)
		things[i].item.call = &admit_call;
	submit_range(0, 20);
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_STRING_EQUAL(fake_pgconn_pending_at(conn, 0)->statement, "find");
	CU_ASSERT_STRING_EQUAL(fake_pgconn_pending_at(conn, 1)->statement, "admit");
	submit(20);
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	CU_ASSERT_EQUAL(pending_number(0), 20);
	end();
}

static void test_urgent_first(void)
{
	begin();
	things[5].item.urgency = LANE_URGENT;
	things[3].item.urgency = LANE_URGENT;
	submit_range(0, 7);
	answer_all();
	static const int urgent[] = {3, 5}, ordinary[] = {1, 2, 4, 6};
	CU_ASSERT_EQUAL(pending_rows(0), 2);
	for (size_t i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(pending_number(i), urgent[i]);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pending_number(i), ordinary[i]);
	answer_all();
	end();
}

/* One of each subject in a batch, the earlier first, and nobody behind waits for it. */
static void test_subjects_apart(void)
{
	static const int first[] = {1, 2, 4}, second[] = {3, 6}, third[] = {5};
	begin();
	things[1].item.subject = things[3].item.subject = things[5].item.subject = 77;
	things[2].item.subject = things[6].item.subject = 78;
	submit_range(0, 7);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 3);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(pending_number(i), first[i]);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 2);
	for (size_t i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(pending_number(i), second[i]);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	CU_ASSERT_EQUAL(pending_number(0), third[0]);
	answer_all();
	CU_ASSERT_TRUE(lane_is_idle(lane));
	end();
}

/* Of a subject in flight nothing is sent ahead, so that a retry does not change the order. */
static void test_subject_is_not_sent_ahead(void)
{
	begin();
	for (int i = 1; i < 4; i++)
		things[i].item.subject = 77;
	things[3].item.urgency = LANE_URGENT;
	submit(1);
	submit_range(2, 4 + BATCH_MAX);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_EQUAL(pending_rows(1), BATCH_MAX - 1);
	CU_ASSERT_EQUAL(lane_queue_length(lane), 3);
	fake_pgconn_answer_error(conn, "40001", "could not serialize access");
	CU_ASSERT_EQUAL(pending_number(0), 4);
	answer_all();
	fake_clock_run_ms(timers, 1000);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_EQUAL(pending_number(0), 1);
	answer_all();
	answer_all();
	CU_ASSERT_EQUAL(pending_number(0), 3);
	answer_all();
	CU_ASSERT_EQUAL(pending_number(0), 2);
	answer_all();
	CU_ASSERT_TRUE(lane_is_idle(lane));
	end();
}

/* Who was not sent ahead for his subject's sake leaves with the next round, not ever later. */
static void test_subject_waits_for_one_round(void)
{
	begin();
	things[0].item.subject = things[1].item.subject = 77;
	submit_range(0, 1 + 3 * BATCH_MAX);
	CU_ASSERT_FALSE(lane_item_is_in_flight(&things[1].item));
	answer_all();
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_TRUE(lane_item_is_in_flight(&things[1].item));
	while (fake_pgconn_pending(conn))
		answer_all();
	CU_ASSERT_TRUE(lane_is_idle(lane));
	end();
}

static void test_rows(void)
{
	begin();
	submit_range(0, 4);
	answer_all();
	/* no row for the first, two for the second, one for nobody */
	fake_pgconn_answer(conn, "2|10\n3|7\n2|5\n9|1\n0|1\n\\N|1");
	CU_ASSERT_EQUAL(things[1].outcome, LANE_NO_ROW);
	CU_ASSERT_EQUAL(things[2].outcome, LANE_ANSWERED);
	CU_ASSERT_EQUAL(things[2].answer, 15);
	CU_ASSERT_EQUAL(things[3].answer, 7);
	end();
}

/* Answers rounds until the lane is idle; whatever holds a culprit is refused. */
static unsigned answer_refusing(int culprit, int other)
{
	unsigned rounds = 0;
	while (fake_pgconn_pending_count(conn) > 0 && rounds < 50) {
		rounds++;
		for (size_t n = fake_pgconn_pending_count(conn); n > 0; n--) {
			bool is_bad = false;
			for (size_t i = 0; i < pending_rows(0); i++)
				is_bad |=
					pending_number(i) == culprit || pending_number(i) == other;
			if (is_bad)
				fake_pgconn_answer_error(conn, "22P05", "untranslatable");
			else
				answer_all();
		}
	}
	return rounds;
}

static void test_bisect(void)
{
	for (int culprit = 1; culprit <= BATCH_MAX; culprit += 51) {
		begin();
		submit_range(0, BATCH_MAX + 1);
		answer_all();
		CU_ASSERT_EQUAL(answer_refusing(culprit, culprit), 9);
		for (int i = 0; i <= BATCH_MAX; i++) {
			CU_ASSERT_EQUAL(
				things[i].outcome, i == culprit ? LANE_REFUSED : LANE_ANSWERED);
			CU_ASSERT_EQUAL(things[i].calls, 1);
		}
		CU_ASSERT_STRING_EQUAL(things[culprit].refusal, "22P05: untranslatable");
		CU_ASSERT_TRUE(lane_is_idle(lane));
		CU_ASSERT_TRUE(lane_is_up(lane));
		end();
	}
}

static void test_bisect_two_culprits(void)
{
	begin();
	uint64_t bisections = metric_get(METRIC_batch_bisections);
	submit_range(0, 100);
	answer_all();
	answer_refusing(17, 60);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(
			things[i].outcome, i == 17 || i == 60 ? LANE_REFUSED : LANE_ANSWERED);
	CU_ASSERT_TRUE(metric_get(METRIC_batch_bisections) > bisections);
	end();
}

static void test_retry_keeps_order(void)
{
	begin();
	uint64_t retries = metric_get(METRIC_batch_retries);
	submit_range(0, 10);
	answer_all();
	fake_pgconn_answer_error(conn, "40P01", "deadlock detected");
	submit_range(10, 15);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	CU_ASSERT_TRUE(lane_is_up(lane));
	fake_clock_run_ms(timers, 1000);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	CU_ASSERT_EQUAL(pending_rows(0), 9);
	CU_ASSERT_EQUAL(pending_number(0), 1);
	CU_ASSERT_EQUAL(pending_number(8), 9);
	answer_all();
	answer_all();
	for (int i = 0; i < 15; i++) {
		CU_ASSERT_EQUAL(things[i].outcome, LANE_ANSWERED);
		CU_ASSERT_EQUAL(things[i].order, (unsigned)i);
	}
	CU_ASSERT_EQUAL(metric_get(METRIC_batch_retries) - retries, 1);
	end();
}

/* After a failure nothing is sent until all that is in flight has been answered. */
static void test_retry_drains(void)
{
	begin();
	submit(0);
	submit_range(1, 1 + 3 * BATCH_MAX);
	fake_pgconn_answer_error(conn, "40P01", "deadlock detected");
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	answer_all();
	CU_ASSERT_EQUAL(done_count, BATCH_MAX);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	fake_clock_run_ms(timers, 1000);
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	CU_ASSERT_EQUAL(pending_number(0), 0);
	CU_ASSERT_EQUAL(pending_rows(1), BATCH_MAX);
	while (fake_pgconn_pending(conn))
		answer_all();
	CU_ASSERT_EQUAL(done_count, 1 + 3 * BATCH_MAX);
	end();
}

static void test_unavailable_drains(void)
{
	begin();
	submit_range(0, 1 + 3 * BATCH_MAX);
	answer_all();
	fake_pgconn_answer_error(conn, "57014", "canceling statement due to statement timeout");
	CU_ASSERT_TRUE(lane_is_up(lane));
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	answer_all();
	CU_ASSERT_FALSE(lane_is_up(lane));
	CU_ASSERT_EQUAL(done_count, 1 + BATCH_MAX);
	fake_clock_run_ms(timers, 200);
	fake_pgconn_accept(conn);
	/* that the one ahead succeeded does not mean that it was not too much work */
	CU_ASSERT_EQUAL(pending_rows(0), BATCH_MAX / 2);
	CU_ASSERT_EQUAL(pending_number(0), 1);
	while (fake_pgconn_pending(conn))
		answer_all();
	for (int i = 0; i < 1 + 3 * BATCH_MAX; i++)
		CU_ASSERT_EQUAL(things[i].calls, 1);
	end();
}

/* Both rounds are lost: each item waits where it would wait if it had never been sent. */
static void test_lost_with_round_ahead(void)
{
	begin();
	for (int i = 1; i < 4; i++)
		things[i].item.subject = 77;
	for (int i = 0; i < 2 + BATCH_MAX; i++) {
		submit(i);
		fake_clock_advance_ms(1);
	}
	answer_all();
	CU_ASSERT_EQUAL(pending_number(0), 1);
	submit_range(2 + BATCH_MAX, 2 + 2 * BATCH_MAX);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 2);
	answer_all();
	CU_ASSERT_EQUAL(lane_oldest_ns(lane), FAKE_CLOCK_START_NS + 2 * NS_PER_MS);
	fake_pgconn_lose(conn, "server closed the connection");
	CU_ASSERT_EQUAL(lane_oldest_ns(lane), FAKE_CLOCK_START_NS + 2 * NS_PER_MS);
	fake_clock_run_ms(timers, 100);
	fake_pgconn_accept(conn);
	CU_ASSERT_EQUAL(pending_number(0), 2);
	while (fake_pgconn_pending(conn))
		answer_all();
	for (int i = 0; i < 2 + 2 * BATCH_MAX; i++)
		CU_ASSERT_EQUAL(things[i].calls, 1);
	CU_ASSERT_TRUE(things[2].order < things[3].order);
	end();
}

static void set_deadline(int i, int64_t ms)
{
	things[i].item.deadline_ns = FAKE_CLOCK_START_NS + ms * NS_PER_MS;
}

static void test_expired_in_queue(void)
{
	begin();
	submit(0);
	set_deadline(1, 50);
	set_deadline(2, 200);
	submit_range(1, 3);
	fake_clock_run_ms(timers, 49);
	CU_ASSERT_EQUAL(things[1].calls, 0);
	fake_clock_run_ms(timers, 1);
	CU_ASSERT_EQUAL(things[1].outcome, LANE_EXPIRED);
	CU_ASSERT_EQUAL(things[2].calls, 0);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	CU_ASSERT_EQUAL(pending_number(0), 2);
	/* in flight it is past its deadline, but the answer is there */
	fake_clock_run_ms(timers, 500);
	answer_all();
	CU_ASSERT_EQUAL(things[2].outcome, LANE_ANSWERED);
	end();
}

/* The check at sending is exact, even if no timer has run; submit never calls done. */
static void test_expired_before_sending(void)
{
	begin();
	set_deadline(0, -1);
	submit(0);
	CU_ASSERT_EQUAL(things[0].calls, 0);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	fake_clock_run_ms(timers, 0);
	CU_ASSERT_EQUAL(things[0].outcome, LANE_EXPIRED);
	end();
}

static void test_expired_while_down(void)
{
	begin_down();
	fake_pgconn_refuse(conn, "connection refused");
	for (int i = 0; i < 20; i++)
		set_deadline(i, 100 + i);
	submit_range(0, 21);
	fake_clock_run_ms(timers, 200);
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(things[i].outcome, LANE_EXPIRED);
	CU_ASSERT_EQUAL(things[20].calls, 0);
	CU_ASSERT_TRUE(fake_pgconn_is_opening(conn));
	fake_pgconn_accept(conn);
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	answer_all();
	CU_ASSERT_EQUAL(things[20].outcome, LANE_ANSWERED);
	CU_ASSERT_EQUAL(state_changes, 1);
	end();
}

static void test_lost_connection(void)
{
	begin();
	for (int i = 1; i < 12; i += 2)
		things[i].item.call = &admit_call;
	things[6].item.urgency = LANE_URGENT;
	submit_range(0, 8);
	answer_all();
	submit_range(8, 12);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 3);
	fake_pgconn_lose(conn, "server closed the connection");
	CU_ASSERT_FALSE(lane_is_up(lane));
	CU_ASSERT_FALSE(announced_up);
	CU_ASSERT_EQUAL(done_count, 1);
	CU_ASSERT_EQUAL(lane_queue_length(lane), 11);
	CU_ASSERT_EQUAL(lane_oldest_ns(lane), FAKE_CLOCK_START_NS);
	fake_clock_run_ms(timers, 100);
	fake_pgconn_accept(conn);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 3);
	static const int ordinary[] = {2, 4, 8, 10};
	CU_ASSERT_EQUAL(pending_rows(0), 1);
	CU_ASSERT_EQUAL(pending_number(0), 6);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(0), 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pending_number(i), ordinary[i]);
	answer_all();
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(pending_number(i), 2 * (int)i + 1);
	answer_all();
	for (int i = 0; i < 12; i++) {
		CU_ASSERT_EQUAL(things[i].outcome, LANE_ANSWERED);
		CU_ASSERT_EQUAL(things[i].calls, 1);
	}
	end();
}

/* Time until the lane connects anew, in steps of 10 ms. */
static int64_t wait_for_open(void)
{
	int64_t ms = 0;
	while (!fake_pgconn_is_opening(conn) && ms < 60000) {
		fake_clock_run_ms(timers, 10);
		ms += 10;
	}
	return ms;
}

static void test_back_off(void)
{
	begin_down();
	int64_t whole = 0;
	for (int i = 0; i < 12; i++) {
		fake_pgconn_refuse(conn, "connection refused");
		CU_ASSERT_FALSE(fake_pgconn_is_opening(conn));
		int64_t nominal = 100 << i < 10000 ? 100 << i : 10000;
		int64_t ms = wait_for_open();
		CU_ASSERT_TRUE(ms >= nominal / 2 && ms <= nominal + 10);
		whole += ms;
	}
	CU_ASSERT_TRUE(whole > 30000);
	CU_ASSERT_EQUAL(state_changes, 0);
	end();
}

/* A server that connects but cannot work (its disk is full) must not be asked in a loop, and
 * nothing is refused for it. */
static void test_unavailable_backs_off(void)
{
	begin();
	submit_range(0, 5);
	answer_all();
	int64_t last = 0;
	for (int i = 0; i < 6; i++) {
		fake_pgconn_answer_error(conn, "53100", "could not extend file");
		CU_ASSERT_FALSE(lane_is_up(lane));
		CU_ASSERT_EQUAL(done_count, 1);
		int64_t ms = wait_for_open();
		CU_ASSERT_TRUE(ms >= (100 << i) / 2);
		last = ms;
		fake_pgconn_accept(conn);
	}
	CU_ASSERT_TRUE(last >= 1600);
	while (fake_pgconn_pending(conn))
		answer_all();
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(things[i].outcome, LANE_ANSWERED);
	/* after a success it begins anew */
	fake_pgconn_lose(conn, "gone");
	CU_ASSERT_TRUE(wait_for_open() <= 110);
	end();
}

/* One function of the lane is not permitted: it is asked ever less often, the other one goes on. */
static void test_one_statement_fails(void)
{
	begin();
	things[0].item.call = &admit_call;
	submit(0);
	unsigned refused = 0;
	int next = 1;
	for (int64_t ms = 0; ms < 60000; ms += 10) {
		if (fake_pgconn_is_opening(conn))
			fake_pgconn_accept(conn);
		if (next < ITEMS_MAX && ms % 100 == 0)
			submit(next++);
		while (fake_pgconn_pending(conn)) {
			if (strcmp(fake_pgconn_pending(conn)->statement, "admit") == 0) {
				fake_pgconn_answer_error(conn, "42501", "permission denied");
				refused++;
			} else {
				answer_all();
			}
		}
		fake_clock_run_ms(timers, 10);
	}
	/* 100 ms, 200 ms ... 10 s: about 12 tries in a minute; jitter may double that */
	CU_ASSERT_TRUE(refused >= 8 && refused <= 30);
	CU_ASSERT_EQUAL(things[0].calls, 0);
	for (int i = 1; i < next - 10; i++)
		CU_ASSERT_EQUAL(things[i].outcome, LANE_ANSWERED);
	/* permitted at last */
	for (int i = 0; i < 3000 && things[0].calls == 0; i++) {
		if (fake_pgconn_is_opening(conn))
			fake_pgconn_accept(conn);
		while (fake_pgconn_pending(conn))
			answer_all();
		fake_clock_run_ms(timers, 10);
	}
	CU_ASSERT_EQUAL(things[0].outcome, LANE_ANSWERED);
	end();
}

/* A warning that the commit may not have been replicated: the same again, with the same items. */
static void test_unreplicated(void)
{
	begin();
	submit(3);
	fake_pgconn_answer_unreplicated(conn);
	CU_ASSERT_EQUAL(things[3].calls, 0);
	wait_for_open();
	fake_pgconn_accept(conn);
	CU_ASSERT_EQUAL(pending_number(0), 3);
	answer_all();
	CU_ASSERT_EQUAL(things[3].outcome, LANE_ANSWERED);
	end();
}

/* While the database fails, new batches are halved, and grow again afterwards. */
static void test_batch_size_adapts(void)
{
	begin();
	submit_range(0, ITEMS_MAX);
	answer_all();
	fake_pgconn_answer_error(conn, "57014", "canceling statement due to statement timeout");
	answer_all();
	wait_for_open();
	fake_pgconn_accept(conn);
	CU_ASSERT_EQUAL(pending_rows(0), BATCH_MAX / 2);
	CU_ASSERT_EQUAL(pending_number(0), 1);
	CU_ASSERT_EQUAL(pending_rows(1), BATCH_MAX / 2);
	answer_all();
	CU_ASSERT_EQUAL(pending_rows(1), BATCH_MAX);
	end();
}

static void test_cancel(void)
{
	begin();
	submit_range(0, 10);
	lane_cancel(lane, &things[0].item);  /* in flight */
	lane_cancel(lane, &things[5].item);  /* waiting */
	lane_cancel(lane, &things[11].item); /* idle */
	CU_ASSERT_EQUAL(lane_queue_length(lane), 8);
	answer_all();
	CU_ASSERT_EQUAL(things[0].calls, 0);
	CU_ASSERT_EQUAL(pending_rows(0), 8);
	lane_cancel(lane, &things[2].item);
	fake_pgconn_answer_error(conn, "23505", "duplicate key");
	lane_cancel(lane, &things[3].item); /* in a half that waits to go again */
	CU_ASSERT_EQUAL(answer_refusing(-1, -1), 1);
	for (int i = 0; i < 10; i++) {
		bool is_cancelled = i == 0 || i == 2 || i == 3 || i == 5;
		CU_ASSERT_EQUAL(things[i].calls, is_cancelled ? 0 : 1);
	}
	CU_ASSERT_TRUE(lane_is_idle(lane));
	CU_ASSERT_EQUAL(lane_queue_length(lane), 0);
	end();
}

static void test_cancelled_is_not_sent_again(void)
{
	begin();
	submit_range(0, 3);
	answer_all();
	lane_cancel(lane, &things[1].item);
	fake_pgconn_lose(conn, "gone");
	lane_cancel(lane, &things[2].item);
	CU_ASSERT_TRUE(lane_is_idle(lane));
	wait_for_open();
	fake_pgconn_accept(conn);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	end();
}

/* done submits another and cancels its neighbour, whose answer has come already. */
static void test_reentrant_done(void)
{
	begin();
	things[1].submit_next = &things[20];
	things[1].cancel_next = &things[2];
	things[20].submit_next = &things[21];
	submit_range(0, 4);
	answer_all();
	answer_all();
	CU_ASSERT_EQUAL(things[1].calls, 1);
	CU_ASSERT_EQUAL(things[2].calls, 0);
	CU_ASSERT_EQUAL(things[3].calls, 1);
	CU_ASSERT_EQUAL(pending_number(0), 20);
	answer_all();
	CU_ASSERT_EQUAL(pending_number(0), 21);
	answer_all();
	CU_ASSERT_TRUE(lane_is_idle(lane));
	end();
}

static void test_bound(void)
{
	begin();
	/* rounds of 100 ms each */
	submit(0);
	fake_clock_advance_ms(100);
	answer_all();
	const int64_t wait_max_ns = 250 * NS_PER_MS;
	int accepted = 0;
	while (accepted < ITEMS_MAX - 1 &&
		lane_submit(lane, &things[1 + accepted].item, wait_max_ns) == 0)
		accepted++;
	/* two full rounds and one begun are 200 to 300 ms */
	CU_ASSERT_EQUAL(accepted, 2 * BATCH_MAX);
	CU_ASSERT_EQUAL(lane_submit(lane, &things[900].item, wait_max_ns), ERR_FULL);
	CU_ASSERT_EQUAL(lane_submit(lane, &things[901].item, 0), 0);
	while (fake_pgconn_pending(conn))
		answer_all();
	CU_ASSERT_EQUAL(things[900].calls, 0);
	CU_ASSERT_EQUAL(things[901].outcome, LANE_ANSWERED);
	/* a lane that was slow takes work again once it has none */
	submit(902);
	fake_clock_advance_ms(10000);
	CU_ASSERT_EQUAL(lane_submit(lane, &things[903].item, wait_max_ns), ERR_FULL);
	answer_all();
	CU_ASSERT_EQUAL(lane_submit(lane, &things[903].item, wait_max_ns), 0);
	end();
}

int main(void)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "test");
	CU_TestInfo tests[] = {
		TEST(test_lone_leaves_at_once),
		TEST(test_batching_while_in_flight),
		TEST(test_full_batch_leaves_ahead),
		TEST(test_whole_round_leaves_ahead),
		TEST(test_figures),
		TEST(test_figures_of_round_ahead),
		TEST(test_two_calls_in_one_round),
		TEST(test_urgent_first),
		TEST(test_subjects_apart),
		TEST(test_subject_is_not_sent_ahead),
		TEST(test_subject_waits_for_one_round),
		TEST(test_rows),
		TEST(test_bisect),
		TEST(test_bisect_two_culprits),
		TEST(test_retry_keeps_order),
		TEST(test_retry_drains),
		TEST(test_unavailable_drains),
		TEST(test_expired_in_queue),
		TEST(test_expired_before_sending),
		TEST(test_expired_while_down),
		TEST(test_lost_connection),
		TEST(test_lost_with_round_ahead),
		TEST(test_back_off),
		TEST(test_unavailable_backs_off),
		TEST(test_one_statement_fails),
		TEST(test_unreplicated),
		TEST(test_batch_size_adapts),
		TEST(test_cancel),
		TEST(test_cancelled_is_not_sent_again),
		TEST(test_reentrant_done),
		TEST(test_bound),
		CU_TEST_INFO_NULL,
	};
	return suite_run("db/lane", tests);
}
