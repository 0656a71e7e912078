/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/auth/guesses.h. */
#include "auth/guesses.h"
#include "base/clock.h"
#include "suite.h"
#include <stdio.h>

#define MINUTE_NS (60 * NS_PER_S)
#define BEGIN_NS (1000 * NS_PER_S)

static struct guesses *guesses;
static const struct addr nas = {.family = 4, .bytes = {10, 0, 3, 7}};
static const struct addr other_nas = {.family = 4, .bytes = {10, 0, 3, 8}};

static unsigned guess(const char *login, const char *calling_station_id, int64_t now_ns)
{
	const struct line line = {
		.login = login, .calling_station_id = calling_station_id, .nas_port = -1};
	return guesses_add(guesses, &line, &nas, now_ns);
}

static void begin(void)
{
	talloc_free(guesses);
	guesses = guesses_new(NULL);
}

static void test_login(void)
{
	begin();
	CU_ASSERT_EQUAL(guess("demo", "1", BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guess("demo", "2", BEGIN_NS), 1);
	CU_ASSERT_EQUAL(guess("other", "3", BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guess("demo", "4", BEGIN_NS), 2);
	/* A login is no telephone number. */
	CU_ASSERT_EQUAL(guess("1", "demo", BEGIN_NS), 0);
}

static void test_line(void)
{
	begin();
	CU_ASSERT_EQUAL(guess("a", "0255501234", BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guess("b", "0255501234", BEGIN_NS), 1);
	CU_ASSERT_EQUAL(guess("c", "0255501234", BEGIN_NS), 2);
	/* Without a number it is the NAS and its port, if it says one. */
	const struct line port = {.login = "d", .nas_port = 7};
	const struct line same = {.login = "e", .nas_port = 7};
	const struct line next = {.login = "f", .nas_port = 8};
	const struct line named = {.login = "g", .nas_port = 7, .nas_port_id = "ttyS7"};
	CU_ASSERT_EQUAL(guesses_add(guesses, &port, &nas, BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guesses_add(guesses, &same, &nas, BEGIN_NS), 1);
	CU_ASSERT_EQUAL(guesses_add(guesses, &next, &nas, BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guesses_add(guesses, &named, &nas, BEGIN_NS), 0);
	const struct line elsewhere = {.login = "h", .nas_port = 7};
	CU_ASSERT_EQUAL(guesses_add(guesses, &elsewhere, &other_nas, BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guess("i", NULL, BEGIN_NS), 0);
	CU_ASSERT_EQUAL(guess("j", NULL, BEGIN_NS), 1);
}

static void test_forgetting(void)
{
	begin();
	for (unsigned n = 0; n < 5; n++)
		CU_ASSERT_EQUAL(guess("demo", "1", BEGIN_NS), n);
	CU_ASSERT_EQUAL(guess("demo", "2", BEGIN_NS + MINUTE_NS - 1), 5);
	/* The minutes count from the last one. */
	CU_ASSERT_EQUAL(guess("demo", "3", BEGIN_NS + 3 * MINUTE_NS), 4);
	CU_ASSERT_EQUAL(guess("demo", "4", BEGIN_NS + 60 * MINUTE_NS), 0);
	for (unsigned n = 0; n < 100; n++)
		guess("demo", "5", BEGIN_NS);
	CU_ASSERT_EQUAL(guess("demo", "6", BEGIN_NS), GUESSES_MAX);
}

/* However many come, those of whom most is known are kept. */
static void test_flood(void)
{
	char login[32], number[32];
	begin();
	for (unsigned n = 0; n < 6; n++)
		guess("victim", "0255501234", BEGIN_NS);
	for (unsigned n = 0; n < 200000; n++) {
		snprintf(login, sizeof login, "login-%u", n);
		snprintf(number, sizeof number, "%u", n);
		guess(login, number, BEGIN_NS + NS_PER_S);
	}
	CU_ASSERT_EQUAL(guess("victim", "1", BEGIN_NS + 2 * NS_PER_S), 6);
	CU_ASSERT_EQUAL(guess("x", "0255501234", BEGIN_NS + 2 * NS_PER_S), 6);
	CU_ASSERT(talloc_get_size(guesses) <= 100000);
}

static void test_wait(void)
{
	CU_ASSERT_EQUAL(guesses_wait_ms(0, 1000, 10000), 1000);
	CU_ASSERT_EQUAL(guesses_wait_ms(1, 1000, 10000), 2000);
	CU_ASSERT_EQUAL(guesses_wait_ms(3, 1000, 10000), 8000);
	CU_ASSERT_EQUAL(guesses_wait_ms(4, 1000, 10000), 10000);
	CU_ASSERT_EQUAL(guesses_wait_ms(1000, 10000, 60000), 60000);
	/* Switched off, either way, and a limit below what every reject waits. */
	CU_ASSERT_EQUAL(guesses_wait_ms(9, 0, 10000), 0);
	CU_ASSERT_EQUAL(guesses_wait_ms(9, 1000, 0), 1000);
	CU_ASSERT_EQUAL(guesses_wait_ms(9, 1000, 500), 1000);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_login),
		TEST(test_line),
		TEST(test_forgetting),
		TEST(test_flood),
		TEST(test_wait),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("auth/guesses", tests);
	talloc_free(guesses);
	return failed;
}
