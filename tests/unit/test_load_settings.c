/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradload's command line, its patterns and its histogram. */
#include "base/clock.h"
#include "load/histogram.h"
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
		TEST(test_histogram_extremes),
		CU_TEST_INFO_NULL,
	};
	return suite_run("load_settings", tests);
}
