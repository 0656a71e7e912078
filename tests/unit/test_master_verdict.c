/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What popradctl status says of the last seconds: from the page of counters to the sentence. */
#include "base/clock.h"
#include "base/mem.h"
#include "master/verdict.h"
#include "suite.h"
#include <string.h>
#include <unistd.h>

#define WORKERS 2
#define BATCH_MAX 256

static struct metrics_page *page;
static struct recent_samples *samples;
static int64_t now_ns;
static char text[VERDICT_TEXT_MAX];

static void begin(void)
{
	int fd = -1;
	talloc_free(page);
	page = metrics_page_new(NULL, WORKERS, &fd);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	close(fd);
	samples = recent_new(page, page, WORKERS);
	now_ns = 0;
	for (unsigned worker = 0; worker < WORKERS; worker++) {
		metrics_use_row(page, worker);
		metric_set(METRIC_login_lane_up, 1);
		metric_set(METRIC_accounting_lane_up, 1);
	}
	recent_sample(samples, now_ns);
}

/* Worker 1 has served `requests` in full batches, each round in round_us, `seconds` long. */
static void serve(unsigned seconds, unsigned rounds, uint64_t round_us, uint64_t wait_us)
{
	metrics_use_row(page, 1);
	for (unsigned second = 0; second < seconds; second++) {
		now_ns += NS_PER_S;
		for (unsigned i = 0; i < rounds; i++) {
			metric_observe(DISTRIBUTION_login_rows, BATCH_MAX);
			metric_observe(DISTRIBUTION_login_round_us, round_us);
			metric_observe(DISTRIBUTION_login_wait_us, wait_us);
			metric_add(METRIC_packets_received, BATCH_MAX);
			metric_add(METRIC_access_accepts, BATCH_MAX);
		}
		recent_sample(samples, now_ns);
	}
}

static struct recent look(unsigned worker)
{
	struct recent recent;
	recent_read(samples, worker, now_ns, &recent);
	recent.is_running = true;
	return recent;
}

static const char *verdict(void)
{
	const struct recent workers[WORKERS] = {look(0), look(1)};
	return verdict_name(verdict_reach(workers, WORKERS, BATCH_MAX, text));
}

static void test_recent(void)
{
	begin();
	CU_ASSERT_EQUAL(look(1).seconds, 0);
	serve(3, 4, 20000, 5000);
	struct recent recent = look(1);
	CU_ASSERT_EQUAL(recent.seconds, 3);
	CU_ASSERT_EQUAL(recent.received, 3 * 4 * BATCH_MAX);
	CU_ASSERT_EQUAL(recent.answered, 3 * 4 * BATCH_MAX);
	CU_ASSERT_EQUAL(recent.lanes[RECENT_LOGIN].batches, 12);
	CU_ASSERT_EQUAL(recent.lanes[RECENT_LOGIN].requests, 12 * BATCH_MAX);
	CU_ASSERT_EQUAL(recent.lanes[RECENT_LOGIN].rows.max, BATCH_MAX);
	CU_ASSERT_EQUAL(recent.lanes[RECENT_LOGIN].round_us.mean, 20000);
	CU_ASSERT_TRUE(recent.lanes[RECENT_LOGIN].busy_share > 0.079 &&
		       recent.lanes[RECENT_LOGIN].busy_share < 0.081);
	CU_ASSERT_EQUAL(recent.lanes[RECENT_ACCOUNTING].batches, 0);
	CU_ASSERT_EQUAL(look(0).received, 0);
	/* What is older than the ring is forgotten. */
	serve(2 * RECENT_SECONDS, 0, 0, 0);
	CU_ASSERT_EQUAL(look(1).received, 0);
	CU_ASSERT_EQUAL(look(1).seconds, RECENT_SECONDS - 1);
}

static void test_fine(void)
{
	begin();
	CU_ASSERT_STRING_EQUAL(verdict(), "starting");
	/* Full batches one after the other are no trouble while requests need not wait for long. */
	serve(5, 40, 24000, 20000);
	CU_ASSERT_STRING_EQUAL(verdict(), "fine");
	const struct recent workers[WORKERS] = {look(0), {.is_running = false}};
	CU_ASSERT_EQUAL(verdict_reach(workers, WORKERS, BATCH_MAX, text), VERDICT_worker_missing);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "Worker 1"));
}

static void test_database(void)
{
	begin();
	serve(5, 25, 40000, 600000);
	CU_ASSERT_STRING_EQUAL(verdict(), "database_slow");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "the login lane waited for it 100 %"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "took 40.0 ms"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "with 256 requests"));
	metric_add(METRIC_batch_timeouts, 2);
	CU_ASSERT_STRING_EQUAL(verdict(), "database_blocked");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "broke off 2 batches"));
	metric_set(METRIC_accounting_round_age_us, 2900000);
	CU_ASSERT_STRING_EQUAL(verdict(), "database_blocked");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "one round of the accounting lane for 2.9 s"));
	/* A lane that connects anew after that is away for a moment. */
	metric_set(METRIC_login_lane_up, 0);
	CU_ASSERT_STRING_EQUAL(verdict(), "database_blocked");
	begin();
	serve(5, 25, 40000, 600000);
	metric_set(METRIC_login_lane_up, 0);
	CU_ASSERT_STRING_EQUAL(verdict(), "database_away");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "login lane"));
	metric_count_drop(DROP_spool_refused);
	CU_ASSERT_STRING_EQUAL(verdict(), "spool_full");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "did not take 1 records"));
}

static void test_processors(void)
{
	begin();
	serve(5, 25, 10000, 1000);
	metric_count_drop(DROP_requests_max);
	CU_ASSERT_STRING_EQUAL(verdict(), "bursts");
	metric_add(METRIC_loop_run_us, 2500000);
	metric_add(METRIC_loop_wait_us, 2300000);
	CU_ASSERT_STRING_EQUAL(verdict(), "processors_busy");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "used 50 % of one and waited for one 46 %"));
	metric_add(METRIC_loop_run_us, 2000000);
	CU_ASSERT_STRING_EQUAL(verdict(), "workers_busy");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "used 90 % of a processor"));
	metric_count_drop(DROP_hash_queue);
	CU_ASSERT_STRING_EQUAL(verdict(), "hashes_slow");
	/* A busy processor is none of the operator's worries while everybody is served in time. */
	begin();
	serve(5, 25, 10000, 1000);
	metric_add(METRIC_loop_run_us, 4900000);
	CU_ASSERT_STRING_EQUAL(verdict(), "fine");
	metric_add(METRIC_receive_overflows, 1);
	CU_ASSERT_STRING_EQUAL(verdict(), "workers_busy");
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_recent),
		TEST(test_fine),
		TEST(test_database),
		TEST(test_processors),
		CU_TEST_INFO_NULL,
	};
	int code = suite_run("master/verdict", tests);
	talloc_free(page);
	return code;
}
