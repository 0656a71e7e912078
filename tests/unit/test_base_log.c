/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What reaches stderr: the form of a line, levels, limits and quoting. The clock is faked. */
#include "base/clock.h"
#include "base/log.h"
#include "suite.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int64_t fake_mono_ns = 5 * NS_PER_S;

int64_t clock_mono_ns(void)
{
	return fake_mono_ns;
}

int64_t clock_wall_us(void)
{
	return INT64_C(1000000000123456); /* 2001-09-09 01:46:40 UTC */
}

static char output[16384];
static int saved_stderr;
static FILE *capture;

static void capture_begin(void)
{
	capture = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(capture);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(capture), STDERR_FILENO);
}

static void capture_end(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	rewind(capture);
	output[fread(output, 1, sizeof output - 1, capture)] = '\0';
	fclose(capture);
}

static void test_line(void)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "poprad[worker 1]");
	capture_begin();
	errno = ENOENT;
	log_event(LOG_LEVEL_INFO, "nas_loaded", "count=%d", 3);
	CU_ASSERT_EQUAL(errno, ENOENT);
	log_event(LOG_LEVEL_ERROR, "stopped", "%s", "");
	log_event(LOG_LEVEL_DEBUG, "hidden", "a=1");
	log_event(LOG_LEVEL_WARNING, "forged", "why=%s", "a\nerror: \x1b[31mb\r");
	capture_end();
	CU_ASSERT_STRING_EQUAL(output,
		"2001-09-09T01:46:40.123Z poprad[worker 1] info: nas_loaded count=3\n"
		"2001-09-09T01:46:40.123Z poprad[worker 1] error: stopped\n"
		"2001-09-09T01:46:40.123Z poprad[worker 1] warning: forged why=a error:  [31mb \n");
}

static size_t size_written(void)
{
	return (size_t)lseek(STDERR_FILENO, 0, SEEK_CUR);
}

static void test_held_lines(void)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "p");
	capture_begin();
	log_hold();
	log_event(LOG_LEVEL_INFO, "one", "a=1");
	log_event(LOG_LEVEL_INFO, "two", "a=2");
	CU_ASSERT_EQUAL(size_written(), 0);
	log_event(LOG_LEVEL_WARNING, "three", "a=3");
	CU_ASSERT_EQUAL(size_written(), 128);
	log_event(LOG_LEVEL_INFO, "four", "a=4");
	CU_ASSERT_EQUAL(size_written(), 128);
	log_release();
	CU_ASSERT_EQUAL(size_written(), 170);
	log_release();
	log_event(LOG_LEVEL_INFO, "five", "a=5");
	CU_ASSERT_EQUAL(size_written(), 212);
	capture_end();
	CU_ASSERT_STRING_EQUAL(output, "2001-09-09T01:46:40.123Z p info: one a=1\n"
				       "2001-09-09T01:46:40.123Z p info: two a=2\n"
				       "2001-09-09T01:46:40.123Z p warning: three a=3\n"
				       "2001-09-09T01:46:40.123Z p info: four a=4\n"
				       "2001-09-09T01:46:40.123Z p info: five a=5\n");
}

/* What is held never takes more memory than one write may have. */
static void test_many_held_lines(void)
{
	static const char line[] = "2001-09-09T01:46:40.123Z p info: line n=1000\n";
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "p");
	capture_begin();
	log_hold();
	for (int n = 1000; n < 1200; n++)
		log_event(LOG_LEVEL_INFO, "line", "n=%d", n);
	size_t held = 200 * strlen(line) - size_written();
	CU_ASSERT_TRUE(held > 0 && held <= PIPE_BUF);
	CU_ASSERT_EQUAL(held % strlen(line), 0);
	log_release();
	CU_ASSERT_EQUAL(size_written(), 200 * strlen(line));
	capture_end();
	CU_ASSERT_EQUAL(memcmp(output, line, strlen(line)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "n=1199\n"));
}

static void test_long_line_is_cut(void)
{
	static char long_text[5000];
	memset(long_text, 'x', sizeof long_text - 1);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_DEBUG, long_text);
	capture_begin();
	log_event(LOG_LEVEL_DEBUG, "long", "text=%s", long_text);
	log_event(LOG_LEVEL_DEBUG, long_text, "text=%s", long_text);
	capture_end();
	char *first_end = strchr(output, '\n');
	CU_ASSERT_PTR_NOT_NULL_FATAL(first_end);
	CU_ASSERT_TRUE(first_end - output < 2200);
	char *second_end = strchr(first_end + 1, '\n');
	CU_ASSERT_PTR_NOT_NULL_FATAL(second_end);
	CU_ASSERT_TRUE(second_end - first_end < 2200);
	CU_ASSERT_EQUAL(second_end[1], '\0');
}

static unsigned count_lines(void)
{
	unsigned lines = 0;
	for (const char *end = output; (end = strchr(end, '\n')) != NULL; end++)
		lines++;
	return lines;
}

static void test_limit(void)
{
	static struct log_limit limit;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "poprad");
	capture_begin();
	for (unsigned i = 0; i < LOG_LIMIT_BURST + 25; i++)
		log_event_limited(&limit, LOG_LEVEL_INFO, "flood", "i=%u", i);
	capture_end();
	CU_ASSERT_EQUAL(count_lines(), LOG_LIMIT_BURST);
	CU_ASSERT_PTR_NULL(strstr(output, "suppressed"));

	fake_mono_ns += NS_PER_S;
	capture_begin();
	log_event_limited(&limit, LOG_LEVEL_DEBUG, "flood", "hidden=1");
	log_event_limited(&limit, LOG_LEVEL_INFO, "flood", "i=%u", 1U);
	log_event_limited(&limit, LOG_LEVEL_INFO, "flood", "i=%u", 2U);
	capture_end();
	CU_ASSERT_EQUAL(count_lines(), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "flood i=1 suppressed=25\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "flood i=2\n"));
}

static void test_quote(void)
{
	CU_ASSERT_STRING_EQUAL(log_quote("demo", 4), "\"demo\"");
	CU_ASSERT_STRING_EQUAL(log_quote("", 0), "\"\"");
	CU_ASSERT_STRING_EQUAL(log_quote("a\0\n\xff~\x7f", 6), "\"a\\x00\\x0a\\xff~\\x7f\"");
	CU_ASSERT_STRING_EQUAL(log_quote("say \"\\\"", 7), "\"say \\\"\\\\\\\"\"");
	CU_ASSERT_STRING_EQUAL(log_quote_text(NULL), "-");
	CU_ASSERT_STRING_EQUAL(log_quote_text("a b"), "\"a b\"");

	char many[65], quoted[300];
	memset(many, 0xff, sizeof many);
	const char *whole = log_quote(many, 64);
	CU_ASSERT_EQUAL(strlen(whole), 64 * 4 + 2);
	snprintf(quoted, sizeof quoted, "%s...", whole);
	CU_ASSERT_STRING_EQUAL(log_quote(many, 65), quoted);

	const char *first = log_quote("first", 5);
	for (unsigned i = 0; i < 7; i++)
		log_quote("other", 5);
	CU_ASSERT_STRING_EQUAL(first, "\"first\"");
}

static void test_level(void)
{
	enum log_level level = LOG_LEVEL_ERROR;
	CU_ASSERT_TRUE(log_level_parse("debug", &level));
	CU_ASSERT_EQUAL(level, LOG_LEVEL_DEBUG);
	CU_ASSERT_TRUE(log_level_parse("warning", &level));
	CU_ASSERT_EQUAL(level, LOG_LEVEL_WARNING);
	CU_ASSERT_FALSE(log_level_parse("Info", &level));
	CU_ASSERT_FALSE(log_level_parse("", &level));
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_line),
		TEST(test_held_lines),
		TEST(test_many_held_lines),
		TEST(test_long_line_is_cut),
		TEST(test_limit),
		TEST(test_quote),
		TEST(test_level),
		CU_TEST_INFO_NULL,
	};
	return suite_run("base/log", tests);
}
