/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of stations: the forms in which devices send them and operators write them, and lines of
 * random text, the same in every run. */
#include "base/mem.h"
#include "base/station.h"
#include "suite.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static TALLOC_CTX *ctx;

static bool fits(const char *pattern_text, const char *station)
{
	struct station_pattern pattern;
	const char *fault = NULL;
	CU_ASSERT_EQUAL_FATAL(station_pattern_parse(ctx, pattern_text, &pattern, &fault), 0);
	CU_ASSERT_PTR_NULL(fault);
	return station_pattern_fits(&pattern, station_normalise(ctx, station));
}

static void test_forms(void)
{
	static const struct {
		const char *text, *normal;
	} forms[] = {
		{"00:11:22:AA:bb:CC", "001122aabbcc"},
		{"00-11-22-AA-BB-CC", "001122aabbcc"},
		{"0011.22aa.bbcc", "001122aabbcc"},
		{"0011-22aa-bbcc", "001122aabbcc"},
		{"001122AABBCC", "001122aabbcc"},
		{"00-11-22-AA-BB-CC:Guests", "001122aabbcc:guests"},
		{"0255501234", "0255501234"},
		{"+49255501234", "49255501234"},
		{"+49 2555", "+49 2555"},
		{"+", "+"},
		{"", ""},
		{"Ge-1/0/0.100:200", "ge-1/0/0.100:200"},
		/* No MAC addresses. */
		{"00:11:22:AA:bb", "00:11:22:aa:bb"},
		{"00:11:22:AA:bb:CC1", "00:11:22:aa:bb:cc1"},
		{"00:11:22-AA-bb-CC", "00:11:22-aa-bb-cc"},
		{"00.11.22.33.44.55", "00.11.22.33.44.55"},
		{"100-0200", "100-0200"},
		{"10.0.0.1", "10.0.0.1"},
	};
	for (size_t n = 0; n < sizeof forms / sizeof *forms; n++) {
		CU_ASSERT_STRING_EQUAL(station_normalise(ctx, forms[n].text), forms[n].normal);
		CU_ASSERT_STRING_EQUAL(station_normalise(ctx, forms[n].normal), forms[n].normal);
	}
}

static void test_mac_addresses(void)
{
	static const char *const forms[] = {"00:11:22:AA:BB:CC", "00-11-22-aa-bb-cc",
		"0011.22aa.bbcc", "001122aabbcc", "0011-22AA-BBCC"};
	static const char *const beginnings[] = {
		"00:11:22*", "00-11-22-*", "0011.22*", "001122*", "00:11:2*", "0011.22AA.BBCC*"};
	for (size_t n = 0; n < sizeof forms / sizeof *forms; n++) {
		for (size_t m = 0; m < sizeof forms / sizeof *forms; m++)
			CU_ASSERT_TRUE(fits(forms[n], forms[m]));
		for (size_t m = 0; m < sizeof beginnings / sizeof *beginnings; m++)
			CU_ASSERT_TRUE(fits(beginnings[m], forms[n]));
		CU_ASSERT_FALSE(fits(forms[n], "00:11:22:AA:BB:CD"));
		CU_ASSERT_FALSE(fits(forms[n], "00-11-22-AA-BB-CC:guests"));
		CU_ASSERT_FALSE(fits("00:11:23*", forms[n]));
	}
	CU_ASSERT_TRUE(fits("0011.22aa.bbcc:guests", "00-11-22-AA-BB-CC:Guests"));
	CU_ASSERT_TRUE(fits("0011.22aa.bbcc:*", "00-11-22-AA-BB-CC:Guests"));
	CU_ASSERT_FALSE(fits("0011.22aa.bbcc:*", "00-11-22-AA-BB-CC"));
}

static void test_numbers(void)
{
	CU_ASSERT_TRUE(fits("02555 / 01-234", "0255501234"));
	CU_ASSERT_TRUE(fits("+49 (2555) 01234", "49255501234"));
	CU_ASSERT_TRUE(fits("49255501234", "+49255501234"));
	CU_ASSERT_TRUE(fits("02555*", "0255501234"));
	CU_ASSERT_TRUE(fits("+49 2555*", "+49255501234"));
	CU_ASSERT_FALSE(fits("02555", "0255501234"));
	CU_ASSERT_FALSE(fits("0255501234", "025550123"));
	/* Which country somebody calls from is not guessed. */
	CU_ASSERT_FALSE(fits("02555 01234", "49255501234"));
}

static void test_other_text(void)
{
	CU_ASSERT_TRUE(fits("dslam-1 1/12", "DSLAM-1 1/12"));
	CU_ASSERT_FALSE(fits("dslam-1 1/12", "dslam-11/2"));
	CU_ASSERT_FALSE(fits("100-1200", "1001-200"));
	CU_ASSERT_TRUE(fits("dslam-1 *", "dslam-1 1/12"));
	/* An address is no beginning of a number. */
	CU_ASSERT_TRUE(fits("10.0.*", "10.0.3.7"));
	CU_ASSERT_FALSE(fits("10.0.*", "1003"));
	CU_ASSERT_FALSE(fits("10.0.0.1", "10001"));
}

static void test_what_is_no_pattern(void)
{
	static const struct {
		const char *text, *fault;
		int rc;
	} bad[] = {{"", "is empty", ERR_SYNTAX}, {"*", "has nothing before the *", ERR_SYNTAX},
		{"0255*1", "has a * that is not its end", ERR_SYNTAX},
		{"0255**", "has a * that is not its end", ERR_SYNTAX},
		{"a\tb", "has control characters", ERR_SYNTAX}};
	char *longer = mem_must(talloc_array(ctx, char, STATION_TEXT_MAX + 2));
	struct station_pattern pattern;
	const char *fault;
	for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
		CU_ASSERT_EQUAL(
			station_pattern_parse(ctx, bad[n].text, &pattern, &fault), bad[n].rc);
		CU_ASSERT_STRING_EQUAL(fault, bad[n].fault);
	}
	memset(longer, '1', STATION_TEXT_MAX + 1);
	longer[STATION_TEXT_MAX + 1] = '\0';
	CU_ASSERT_EQUAL(station_pattern_parse(ctx, longer, &pattern, &fault), ERR_RANGE);
	CU_ASSERT_STRING_EQUAL(fault, "is too long");
	longer[STATION_TEXT_MAX] = '\0';
	CU_ASSERT_TRUE(fits(longer, longer));
}

#define LINES 100000

static uint32_t state = 2463534242u;

/* xorshift: the same numbers on every machine. */
static uint32_t random_below(uint32_t bound)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % bound;
}

static void build_line(char *line, size_t room)
{
	static const char *const parts[] = {"00", "11", "aA", "0011", "22bb", ":", ":", "-", "-",
		".", "+", "(", ")", "/", " ", "1", "234", "x", "\xff", "*", "001122334455",
		"Guests"};
	size_t size = 0;
	line[0] = '\0';
	for (uint32_t n = 1 + random_below(16); n > 0 && size < room - 16; n--)
		size += (size_t)snprintf(line + size, room - size, "%s",
			parts[random_below(sizeof parts / sizeof *parts)]);
	if (random_below(8) == 0)
		line[random_below((uint32_t)size)] = (char)(1 + random_below(255));
}

/* Whatever is sent: its form is its own form, and who writes it down is understood. */
static void test_any_text(void)
{
	unsigned patterns = 0, plain = 0;
	for (unsigned n = 0; n < LINES; n++) {
		char line[STATION_TEXT_MAX + 1];
		struct station_pattern pattern;
		const char *fault = NULL;
		TALLOC_CTX *own = mem_must(talloc_new(ctx));
		build_line(line, sizeof line);
		char *normal = station_normalise(own, line);
		CU_ASSERT_STRING_EQUAL_FATAL(station_normalise(own, normal), normal);
		if (station_pattern_parse(own, line, &pattern, &fault) != 0) {
			CU_ASSERT_PTR_NOT_NULL_FATAL(fault);
			talloc_free(own);
			continue;
		}
		patterns++;
		plain += strchr(line, '*') == NULL;
		if (strchr(line, '*') == NULL)
			CU_ASSERT_TRUE_FATAL(station_pattern_fits(&pattern, normal));
		(void)station_pattern_fits(&pattern, "001122334455");
		talloc_free(own);
	}
	CU_ASSERT_TRUE(patterns > LINES / 4 && plain > LINES / 8 && patterns < LINES);
}

static int prepare(void)
{
	ctx = mem_must(talloc_new(NULL));
	return 0;
}

static int clean_up(void)
{
	talloc_free(ctx);
	return 0;
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_forms),
		TEST(test_mac_addresses),
		TEST(test_numbers),
		TEST(test_other_text),
		TEST(test_what_is_no_pattern),
		TEST(test_any_text),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("base/station", prepare, clean_up, tests);
}
