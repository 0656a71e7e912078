/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradload's command line, its patterns, its histogram and its timetable. */
#include "base/clock.h"
#include "load/histogram.h"
#include "load/schedule.h"
#include "load/settings.h"
#include "suite.h"
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

static struct load_settings settings;

/* The sentences that go with refusals are not for the test's log. */
static int parse(const char *line)
{
	char copy[256], *argv[ARGUMENTS_MAX] = {NULL};
	int argc = 0;
	snprintf(copy, sizeof copy, "popradload %s", line);
	for (char *word = strtok(copy, " "); word && argc < ARGUMENTS_MAX - 1;
		word = strtok(NULL, " "))
		argv[argc++] = word;
	int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
	dup2(nowhere, STDERR_FILENO);
	optind = 0;
	int error = settings_read(argc, argv, &settings);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(nowhere);
	return error;
}

static void test_defaults(void)
{
	CU_ASSERT_EQUAL(parse("auth"), 0);
	CU_ASSERT_EQUAL(settings.mode, LOAD_AUTH);
	CU_ASSERT_EQUAL(settings.method, LOAD_PAP);
	CU_ASSERT_EQUAL(settings.auth_port, 1812);
	CU_ASSERT_EQUAL(settings.acct_port, 1813);
	CU_ASSERT_EQUAL(settings.operations, 1);
	CU_ASSERT_EQUAL(settings.window, 1); /* not more than there are subscribers */
	CU_ASSERT_EQUAL(addr_compare(&settings.source, &settings.server), 0);
	CU_ASSERT_FALSE(settings.is_json);
}

static void test_options(void)
{
	CU_ASSERT_EQUAL(
		parse("storm --login line-%d --password p --count 500 --first 7 --window 300 "
		      "--method mschapv2 --source 127.0.1.1 --sources 20 --ports 2 --timeout 250ms "
		      "--retries 0 --json --unsigned --acct-port 65535"),
		0);
	CU_ASSERT_EQUAL(settings.mode, LOAD_STORM);
	CU_ASSERT_EQUAL(settings.method, LOAD_MSCHAP2);
	CU_ASSERT_EQUAL(settings.first, 7);
	CU_ASSERT_EQUAL(settings.operations, 500);
	CU_ASSERT_EQUAL(settings.duration_ns, 600 * NS_PER_S);
	CU_ASSERT_EQUAL(settings.window, 300);
	CU_ASSERT_EQUAL(settings.sources, 20);
	CU_ASSERT_EQUAL(settings.ports, 2);
	CU_ASSERT_EQUAL(settings.timeout_ns, 250 * NS_PER_MS);
	CU_ASSERT_EQUAL(settings.retries, 0);
	CU_ASSERT_EQUAL(settings.acct_port, 65535);
	CU_ASSERT_TRUE(settings.is_json && settings.is_unsigned);
}

static void test_refusals(void)
{
	static const char *const lines[] = {"", "fly", "auth acct", "auth --nope", "auth --window",
		"auth --window 0", "auth --window -1", "auth --window 1x", "auth --auth-port 0",
		"auth --auth-port 65536", "auth --method eap", "auth --timeout 0",
		"auth --timeout 1y", "auth --login %s", "auth --login x%",
		"auth --count 2 --login x", "auth --count 1000 --login %d --window 257 --ports 1",
		"auth --source ::1", "auth --server example.net",
		"auth --sources 1025 --source 127.0.0.1",
		"auth --sources 1000 --ports 64 --source 127.0.0.1"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		CU_ASSERT_EQUAL(parse(lines[i]), ERR_SYNTAX);
}

static void test_whose_server(void)
{
	CU_ASSERT_EQUAL(parse("auth --server 198.51.100.1"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(parse("auth --server 2001:db8::1"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(parse("auth --server 198.51.100.1 --i-own-this-server"), 0);
	CU_ASSERT_FALSE(addr_is_set(&settings.source));
	CU_ASSERT_EQUAL(parse("auth --server 127.9.9.9"), 0);
	CU_ASSERT_EQUAL(parse("auth --server ::1"), 0);
}

static void test_patterns(void)
{
	char text[17];
	CU_ASSERT_EQUAL(pattern_expand("line-%d", 42, text, 16), 7);
	CU_ASSERT_STRING_EQUAL(text, "line-42");
	CU_ASSERT_EQUAL(pattern_expand("%d%%%d", 7, text, 16), 3);
	CU_ASSERT_STRING_EQUAL(text, "7%7");
	CU_ASSERT_EQUAL(pattern_expand("0123456789abcdef", 0, text, 16), 16);
	CU_ASSERT_STRING_EQUAL(text, "0123456789abcdef");
	CU_ASSERT_EQUAL(pattern_expand("0123456789abcdefg", 0, text, 16), -1);
	CU_ASSERT_EQUAL(pattern_expand("0123456789abcd%d", 100, text, 16), -1);
	CU_ASSERT_EQUAL(pattern_expand("0123456789abcd%d", 10, text, 16), 16);
	CU_ASSERT_EQUAL(pattern_expand("", 0, text, 16), 0);
}

static void test_histogram(void)
{
	static struct histogram histogram;
	CU_ASSERT_EQUAL(histogram_quantile_us(&histogram, 500), 0);
	CU_ASSERT_EQUAL(histogram_mean_us(&histogram), 0);
	for (int us = 1; us <= 1000; us++)
		histogram_add(&histogram, us * INT64_C(1000));
	CU_ASSERT_EQUAL(histogram.count, 1000);
	CU_ASSERT_EQUAL(histogram.max_us, 1000);
	CU_ASSERT_EQUAL(histogram_mean_us(&histogram), 500);
	for (unsigned per_mille = 1; per_mille <= 1000; per_mille++) {
		uint32_t value = histogram_quantile_us(&histogram, per_mille);
		CU_ASSERT_TRUE(value >= per_mille && value <= per_mille + per_mille / 64);
	}
}

static void test_histogram_merge(void)
{
	static struct histogram one, other;
	for (int us = 1; us <= 50; us++) {
		histogram_add(&one, us * INT64_C(1000));
		histogram_add(&other, (us + 50) * INT64_C(1000));
	}
	histogram_merge(&one, &other);
	CU_ASSERT_EQUAL(one.count, 100);
	CU_ASSERT_EQUAL(one.max_us, 100);
	CU_ASSERT_EQUAL(histogram_mean_us(&one), 50);
	CU_ASSERT_EQUAL(histogram_quantile_us(&one, 500), 50);
	histogram_merge(&other, &one);
	CU_ASSERT_EQUAL(other.count, 150);
}

/* What is due by the time of the n-th is n + 1 operations, and one nanosecond earlier n. */
static void test_schedule(void)
{
	static const uint64_t rates[] = {1, 3, 7, 1000, 33333, 10000000};
	static const uint64_t numbers[] = {0, 1, 2, 3, 999, 1000, 33334, 123456789, 999999999999};
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		const struct schedule schedule = {5 * NS_PER_S + 17, rates[i]};
		CU_ASSERT_EQUAL(schedule_due_ns(&schedule, 0), schedule.begun_ns);
		CU_ASSERT_EQUAL(schedule_due_ns(&schedule, 60 * rates[i]),
			schedule.begun_ns + 60 * NS_PER_S);
		for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++) {
			uint64_t n = numbers[j];
			/* 100 years of nanoseconds are in range. */
			if (n / rates[i] > UINT64_C(100) * 366 * 86400)
				continue;
			int64_t due_ns = schedule_due_ns(&schedule, n);
			CU_ASSERT_EQUAL(schedule_count(&schedule, due_ns), n + 1);
			CU_ASSERT_EQUAL(schedule_count(&schedule, due_ns - 1), n);
		}
		CU_ASSERT_EQUAL(schedule_count(&schedule, 0), 0);
	}
}

static void test_mixed(void)
{
	CU_ASSERT_EQUAL(parse("acct --mixed --login %d --count 100 --duration 1s"), 0);
	CU_ASSERT_TRUE(settings.is_mixed);
	CU_ASSERT_EQUAL(settings.online, 50);
	CU_ASSERT_EQUAL(parse("session --mixed --login %d --count 100 --online 99"), 0);
	CU_ASSERT_EQUAL(settings.online, 99);
	CU_ASSERT_EQUAL(parse("acct --mixed --login %d --count 100 --online 100"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(parse("acct --login %d --count 100 --online 10"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(parse("acct --mixed"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(parse("auth --mixed --login %d --count 100"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(parse("storm --mixed --login %d --count 100"), ERR_SYNTAX);
}

static void test_patience(void)
{
	CU_ASSERT_EQUAL(parse("auth --timeout 2s --retries 4"), 0);
	CU_ASSERT_EQUAL(settings.patience_ns, 10 * NS_PER_S);
	CU_ASSERT_EQUAL(parse("auth --timeout 2s --patience 500ms"), 0);
	CU_ASSERT_EQUAL(settings.patience_ns, 500 * NS_PER_MS);
	CU_ASSERT_EQUAL(parse("auth --timeout 1000000d"), ERR_SYNTAX);
}

static void test_numbers(void)
{
	char digits[NUMBER_DIGITS_MAX];
	CU_ASSERT_EQUAL(number_write(0, digits), 1);
	CU_ASSERT_EQUAL(digits[0], '0');
	CU_ASSERT_EQUAL(number_write(1203, digits), 4);
	CU_ASSERT_EQUAL(memcmp(digits, "1203", 4), 0);
	CU_ASSERT_EQUAL(number_write(UINT64_MAX, digits), NUMBER_DIGITS_MAX);
	CU_ASSERT_EQUAL(memcmp(digits, "18446744073709551615", NUMBER_DIGITS_MAX), 0);
}

static void test_histogram_extremes(void)
{
	static struct histogram histogram;
	histogram_add(&histogram, -5);
	CU_ASSERT_EQUAL(histogram_quantile_us(&histogram, 1000), 0);
	histogram_add(&histogram, INT64_MAX);
	CU_ASSERT_EQUAL(histogram_quantile_us(&histogram, 1000), UINT32_MAX);
	CU_ASSERT_EQUAL(histogram_quantile_us(&histogram, 500), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_defaults),
		TEST(test_options),
		TEST(test_refusals),
		TEST(test_whose_server),
		TEST(test_patterns),
		TEST(test_histogram),
		TEST(test_histogram_merge),
		TEST(test_histogram_extremes),
		TEST(test_schedule),
		TEST(test_mixed),
		TEST(test_patience),
		TEST(test_numbers),
		CU_TEST_INFO_NULL,
	};
	return suite_run("load_settings", tests);
}
