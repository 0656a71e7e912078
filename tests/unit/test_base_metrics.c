/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The table of counters and the page that master and workers share. */
#include "base/metrics.h"
#include "suite.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_table(void)
{
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
		const struct metric_info *info = metric_info(metric);
		size_t size = strlen(info->sentence);
		CU_ASSERT_TRUE(size > 1 && info->sentence[size - 1] == '.');
		for (const char *letter = info->name; *letter != '\0'; letter++)
			CU_ASSERT_TRUE(islower((unsigned char)*letter) || *letter == '_');
		for (enum metric other = 0; other < metric; other++)
			CU_ASSERT_STRING_NOT_EQUAL(info->name, metric_info(other)->name);
	}
	for (enum metric_distribution which = 0; which < DISTRIBUTION_COUNT; which++)
		CU_ASSERT_TRUE(strlen(metric_distribution_info(which)->sentence) > 1);
	CU_ASSERT_STRING_EQUAL(
		metric_distribution_info(DISTRIBUTION_login_rows)->name, "login_rows");
	CU_ASSERT_STRING_EQUAL(metric_info(METRIC_drop_unknown_nas)->name, "drop_unknown_nas");
	CU_ASSERT_TRUE(metric_info(METRIC_login_queue)->is_gauge);
	CU_ASSERT_FALSE(metric_info(METRIC_packets_received)->is_gauge);
}

static void test_reasons(void)
{
	CU_ASSERT_STRING_EQUAL(drop_name(DROP_none), "none");
	CU_ASSERT_STRING_EQUAL(drop_name(DROP_bad_code), "bad_code");
	CU_ASSERT_STRING_EQUAL(reject_name(REJECT_wrong_password), "wrong_password");
	CU_ASSERT_STRING_EQUAL(reject_reply_message(REJECT_session_limit), "Too many sessions");
	CU_ASSERT_STRING_EQUAL(reject_reply_message(REJECT_wrong_password),
		reject_reply_message(REJECT_unknown_subscriber));
	for (enum reject reject = REJECT_none; reject < REJECT_COUNT; reject++)
		CU_ASSERT_EQUAL(reject_find(reject_name(reject)), reject);
	CU_ASSERT_EQUAL(reject_find("ok"), REJECT_none);
	CU_ASSERT_EQUAL(reject_find(""), REJECT_none);
}

static void test_private_row(void)
{
	CU_ASSERT_EQUAL(metric_get(METRIC_batches), 0);
	metric_add(METRIC_batches, 2);
	metric_add(METRIC_batches, 3);
	CU_ASSERT_EQUAL(metric_get(METRIC_batches), 5);
	metric_set(METRIC_login_queue, 9);
	metric_set(METRIC_login_queue, 4);
	CU_ASSERT_EQUAL(metric_get(METRIC_login_queue), 4);
	metric_count_drop(DROP_duplicate);
	CU_ASSERT_EQUAL(metric_get(METRIC_drop_duplicate), 1);
	metric_count_reject(REJECT_expired);
	metric_count_reject(REJECT_expired);
	CU_ASSERT_EQUAL(metric_get(METRIC_reject_expired), 2);
}

static void test_distribution(void)
{
	struct distribution before = {0}, after;
	CU_ASSERT_EQUAL(distribution_quantile(&before, 500), 0);
	CU_ASSERT_EQUAL(distribution_mean(&before), 0);
	for (uint64_t value = 0; value <= 1000; value++)
		metric_observe(DISTRIBUTION_login_wait_us, value);
	metric_get_distribution(DISTRIBUTION_login_wait_us, &before);
	CU_ASSERT_EQUAL(distribution_count(&before), 1001);
	CU_ASSERT_EQUAL(distribution_mean(&before), 500);
	CU_ASSERT_EQUAL(distribution_quantile(&before, 500), 448);
	CU_ASSERT_EQUAL(distribution_quantile(&before, 1000), 896);
	/* What came between two looks. */
	metric_observe(DISTRIBUTION_login_wait_us, 256);
	metric_observe(DISTRIBUTION_login_wait_us, UINT64_MAX / 4);
	metric_get_distribution(DISTRIBUTION_login_wait_us, &after);
	distribution_subtract(&after, &before);
	CU_ASSERT_EQUAL(distribution_count(&after), 2);
	CU_ASSERT_EQUAL(distribution_quantile(&after, 500), 256);
	CU_ASSERT_EQUAL(distribution_quantile(&after, 1000), UINT64_C(7) << 24);
	metric_get_distribution(DISTRIBUTION_login_rows, &after);
	CU_ASSERT_EQUAL(distribution_count(&after), 0);
}

/* Each bucket begins behind the one before, and each value is in the bucket that it should be. */
static void test_buckets(void)
{
	unsigned last = 0;
	for (uint64_t value = 0; value <= DISTRIBUTION_MAX; value += 1 + value / 64) {
		unsigned bucket = distribution_bucket(value);
		CU_ASSERT_TRUE(bucket == last || bucket == last + 1);
		last = bucket;
	}
	CU_ASSERT_EQUAL(distribution_bucket(UINT64_MAX), DISTRIBUTION_BUCKETS - 1);
}

static void test_shared_page(void)
{
	int fd = -1;
	struct metrics_page *page = metrics_page_new(NULL, 3, &fd);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	pid_t child = fork();
	if (child == 0) {
		struct metrics_page *mine = metrics_page_attach(NULL, fd, 3);
		if (mine == NULL)
			_exit(1);
		metrics_use_row(mine, 1);
		metric_add(METRIC_packets_received, 7);
		metric_set(METRIC_requests_open, 5);
		metric_observe(DISTRIBUTION_accounting_wait_us, 9);
		_exit(0);
	}
	int status;
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(metrics_page_read(page, 1, METRIC_packets_received), 7);
	CU_ASSERT_EQUAL(metrics_page_read(page, 1, METRIC_requests_open), 5);
	struct distribution distribution;
	metrics_page_read_distribution(page, 1, DISTRIBUTION_accounting_wait_us, &distribution);
	CU_ASSERT_EQUAL(distribution.sum, 9);
	CU_ASSERT_EQUAL(distribution_count(&distribution), 1);
	metrics_page_read_distribution(page, 2, DISTRIBUTION_accounting_wait_us, &distribution);
	CU_ASSERT_EQUAL(distribution_count(&distribution), 0);
	CU_ASSERT_EQUAL(metrics_page_read(page, 0, METRIC_packets_received), 0);
	CU_ASSERT_EQUAL(metrics_page_read(page, 2, METRIC_packets_received), 0);

	metrics_page_clear_gauges(page, 1);
	CU_ASSERT_EQUAL(metrics_page_read(page, 1, METRIC_requests_open), 0);
	CU_ASSERT_EQUAL(metrics_page_read(page, 1, METRIC_packets_received), 7);

	metrics_use_row(page, 2);
	metric_add(METRIC_batches, 1);
	CU_ASSERT_EQUAL(metrics_page_read(page, 2, METRIC_batches), 1);
	metric_add(METRIC_packets_received, 1);
	CU_ASSERT_EQUAL(metric_total(METRIC_packets_received), 8);
	talloc_free(page);
	CU_ASSERT_EQUAL(metric_get(METRIC_batches), 5); /* the private row again */
	close(fd);
}

static void check_advice(const char *reason)
{
	const struct advice *advice = advice_find(reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(advice);
	CU_ASSERT_STRING_EQUAL(advice->reason, reason);
	CU_ASSERT_TRUE(strlen(advice->sentence) > 10 && strlen(advice->help) > 10);
	CU_ASSERT_TRUE(strlen(advice->customer) > 10);
}

/* Who is told that a login failed is told what to do, too. */
static void test_advice(void)
{
	for (enum reject reject = REJECT_none + 1; reject < REJECT_COUNT; reject++)
		check_advice(reject_name(reject));
	for (enum drop drop = DROP_none + 1; drop < DROP_COUNT; drop++) {
		if (drop_is_attempt(drop))
			check_advice(drop_name(drop));
		else
			CU_ASSERT_PTR_NULL(advice_find(drop_name(drop)));
	}
	CU_ASSERT_TRUE(drop_is_attempt(DROP_unknown_nas));
	CU_ASSERT_FALSE(drop_is_attempt(DROP_duplicate));
	CU_ASSERT_FALSE(drop_is_attempt(DROP_none));
	/* A stranger guesses no more from the answer than before. */
	CU_ASSERT_STRING_EQUAL(advice_find("wrong_password")->customer,
		advice_find("unknown_subscriber")->customer);
}

static void test_page_is_checked(void)
{
	int fd = -1;
	struct metrics_page *page = metrics_page_new(NULL, 2, &fd);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT_PTR_NULL(metrics_page_attach(NULL, fd, 3));
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_EQUAL(ftruncate(fd, 0), -1);
	CU_ASSERT_PTR_NULL(metrics_page_attach(NULL, -1, 2));
	talloc_free(page);
	close(fd);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_table),
		TEST(test_reasons),
		TEST(test_advice),
		TEST(test_private_row),
		TEST(test_distribution),
		TEST(test_buckets),
		TEST(test_shared_page),
		TEST(test_page_is_checked),
		CU_TEST_INFO_NULL,
	};
	return suite_run("base/metrics", tests);
}
