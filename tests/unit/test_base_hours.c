/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of hours of the week: their text, and when they end by the clock of a place, across
 * midnight, the end of the week and both changes of the clock. */
#include "base/hours.h"
#include "base/mem.h"
#include "suite.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static TALLOC_CTX *ctx;
static const struct zone *utc, *berlin;

static int64_t utc_s(int year, int month, int day, int hour, int minute)
{
	struct tm when = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute};
	return timegm(&when);
}

static const struct hours *hours_of(const char *text)
{
	struct hours *hours = NULL;
	struct hours_fault fault;
	CU_ASSERT_EQUAL_FATAL(hours_parse(ctx, text, &hours, &fault), 0);
	return hours;
}

/* Minutes until the hours end; 0: outside; -1: they never end. */
static int64_t left_min(const char *text, const struct zone *zone, int64_t at_s)
{
	int64_t end_s = 0;
	if (!hours_have(hours_of(text), zone, at_s, &end_s))
		return 0;
	return end_s == INT64_MAX ? -1 : (end_s - at_s) / 60;
}

/* 2026-11-23 is a Monday. */
static void test_a_window(void)
{
	const char *text = "Mo-Fr 18:00-23:00";
	CU_ASSERT_EQUAL(left_min(text, utc, utc_s(2026, 11, 23, 17, 59)), 0);
	CU_ASSERT_EQUAL(left_min(text, utc, utc_s(2026, 11, 23, 18, 0)), 300);
	CU_ASSERT_EQUAL(left_min(text, utc, utc_s(2026, 11, 27, 22, 59)), 1);
	CU_ASSERT_EQUAL(left_min(text, utc, utc_s(2026, 11, 27, 23, 0)), 0);
	CU_ASSERT_EQUAL(left_min(text, utc, utc_s(2026, 11, 28, 18, 0)), 0);
	CU_ASSERT_EQUAL(left_min("mo 6:05-7:00", utc, utc_s(2026, 11, 23, 6, 5)), 55);
	CU_ASSERT_EQUAL(left_min(text, utc, -3 * 86400 + 18 * 3600), 300);
}

static void test_windows_that_touch_are_one(void)
{
	CU_ASSERT_EQUAL(
		left_min("Mo 18:00-20:00,Mo 19:00-22:00", utc, utc_s(2026, 11, 23, 18, 0)), 240);
	CU_ASSERT_EQUAL(
		left_min("Mo 18:00-20:00, Mo 20:00-21:00", utc, utc_s(2026, 11, 23, 18, 0)), 180);
	/* Across midnight, written either way. */
	CU_ASSERT_EQUAL(
		left_min("Mo 22:00-24:00, Tu 00:00-06:00", utc, utc_s(2026, 11, 23, 23, 0)), 420);
	CU_ASSERT_EQUAL(left_min("Mo-Tu 22:00-06:00", utc, utc_s(2026, 11, 23, 23, 0)), 420);
	CU_ASSERT_EQUAL(left_min("Mo 22:00-06:00", utc, utc_s(2026, 11, 24, 5, 0)), 60);
	CU_ASSERT_EQUAL(left_min("Mo 22:00-06:00", utc, utc_s(2026, 11, 24, 22, 0)), 0);
	/* Across the end of the week: Saturday to Monday. */
	CU_ASSERT_EQUAL(
		left_min("Sa-Su 00:00-24:00, Mo 00:00-08:00", utc, utc_s(2026, 11, 28, 0, 0)),
		48 * 60 + 480);
	CU_ASSERT_EQUAL(left_min("Su 20:00-08:00", utc, utc_s(2026, 11, 29, 23, 0)), 540);
	CU_ASSERT_EQUAL(left_min("Su 20:00-08:00", utc, utc_s(2026, 11, 30, 7, 0)), 60);
	CU_ASSERT_EQUAL(left_min("Fr-Mo 12:00-13:00", utc, utc_s(2026, 11, 30, 12, 30)), 30);
	CU_ASSERT_EQUAL(left_min("Fr-Mo 12:00-13:00", utc, utc_s(2026, 12, 1, 12, 30)), 0);
	CU_ASSERT_EQUAL(left_min("Mo 12:00-12:00", utc, utc_s(2026, 11, 24, 11, 0)), 60);
}

static void test_what_never_ends(void)
{
	CU_ASSERT_EQUAL(left_min("always", utc, utc_s(2026, 11, 23, 0, 0)), -1);
	CU_ASSERT_EQUAL(left_min("Mo-Su 00:00-24:00", berlin, utc_s(2026, 3, 29, 0, 0)), -1);
	CU_ASSERT_EQUAL(left_min("Mo-Su 06:00-06:00", utc, utc_s(2026, 11, 23, 0, 0)), -1);
	CU_ASSERT_EQUAL(left_min("Tu-Mo 00:00-24:00", utc, utc_s(2026, 11, 29, 0, 0)), -1);
}

static void test_the_clock_of_a_place(void)
{
	/* In winter one hour before UTC, in summer two. */
	CU_ASSERT_EQUAL(left_min("Mo-Fr 18:00-23:00", berlin, utc_s(2026, 11, 23, 16, 59)), 0);
	CU_ASSERT_EQUAL(left_min("Mo-Fr 18:00-23:00", berlin, utc_s(2026, 11, 23, 17, 0)), 300);
	CU_ASSERT_EQUAL(left_min("Mo-Fr 18:00-23:00", berlin, utc_s(2026, 7, 6, 16, 0)), 300);
	/* There it is Monday already. */
	CU_ASSERT_EQUAL(left_min("Mo 00:00-01:00", berlin, utc_s(2026, 11, 22, 23, 30)), 30);
}

/* On 2026-03-29 the clock goes from 02:00 to 03:00, at 01:00 UTC. */
static void test_the_clock_is_set_forward(void)
{
	CU_ASSERT_EQUAL(left_min("Su 00:00-06:00", berlin, utc_s(2026, 3, 28, 23, 0)), 300);
	CU_ASSERT_EQUAL(left_min("Sa 20:00-06:00", berlin, utc_s(2026, 3, 28, 19, 0)), 540);
	/* 02:30 never comes: the clock leaves the window when it is set. */
	CU_ASSERT_EQUAL(left_min("Su 00:00-02:30", berlin, utc_s(2026, 3, 29, 0, 0)), 60);
	CU_ASSERT_EQUAL(left_min("Su 00:00-02:30", berlin, utc_s(2026, 3, 29, 1, 0)), 0);
	CU_ASSERT_EQUAL(left_min("Su 02:00-03:00", berlin, utc_s(2026, 3, 29, 1, 0)), 0);
	CU_ASSERT_EQUAL(left_min("Su 02:30-04:00", berlin, utc_s(2026, 3, 29, 1, 0)), 60);
}

/* On 2026-10-25 the clock goes from 03:00 back to 02:00, at 01:00 UTC. */
static void test_the_clock_is_set_back(void)
{
	CU_ASSERT_EQUAL(left_min("Su 00:00-06:00", berlin, utc_s(2026, 10, 24, 22, 0)), 420);
	CU_ASSERT_EQUAL(left_min("Sa 20:00-06:00", berlin, utc_s(2026, 10, 24, 18, 0)), 660);
	/* 02:30 comes twice, and what begins and ends by it, too. */
	CU_ASSERT_EQUAL(left_min("Su 00:00-02:30", berlin, utc_s(2026, 10, 25, 0, 0)), 30);
	CU_ASSERT_EQUAL(left_min("Su 00:00-02:30", berlin, utc_s(2026, 10, 25, 0, 45)), 0);
	CU_ASSERT_EQUAL(left_min("Su 00:00-02:30", berlin, utc_s(2026, 10, 25, 1, 0)), 30);
	/* A window that ends at 03:00 ends at the second one. */
	CU_ASSERT_EQUAL(left_min("Su 01:00-03:00", berlin, utc_s(2026, 10, 25, 0, 0)), 120);
	CU_ASSERT_EQUAL(left_min("Su 03:00-04:00", berlin, utc_s(2026, 10, 25, 1, 30)), 0);
	CU_ASSERT_EQUAL(left_min("Su 03:00-04:00", berlin, utc_s(2026, 10, 25, 2, 0)), 60);
}

static void test_zones(void)
{
	int64_t now_s = utc_s(2026, 11, 22, 12, 0), until_s;
	CU_ASSERT_EQUAL(zone_offset_s(utc, now_s, &until_s), 0);
	CU_ASSERT_EQUAL(until_s, INT64_MAX);
	CU_ASSERT_EQUAL(zone_offset_s(berlin, now_s, &until_s), 3600);
	CU_ASSERT_EQUAL(until_s, utc_s(2027, 3, 28, 1, 0));
	CU_ASSERT_EQUAL(zone_offset_s(berlin, until_s, &until_s), 7200);
	CU_ASSERT_EQUAL(until_s, utc_s(2027, 10, 31, 1, 0));
	const struct zone *kolkata = zone_load(ctx, "Asia/Kolkata", now_s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(kolkata);
	CU_ASSERT_EQUAL(zone_offset_s(kolkata, now_s, &until_s), 19800);
	CU_ASSERT_EQUAL(until_s, INT64_MAX);
	static const char *const unknown[] = {"", "Nowhere/Town", "Europe", "/etc/passwd",
		"../zoneinfo/Europe/Berlin", "CET-1CEST", "Europe/Berlin ", "zone.tab",
		"Europe/A-name-that-is-longer-than-any-that-there-is-in-the-database-of-zones"};
	for (size_t n = 0; n < sizeof unknown / sizeof unknown[0]; n++)
		CU_ASSERT_PTR_NULL(zone_load(ctx, unknown[n], now_s));
}

static void test_zones_are_kept(void)
{
	int64_t now_s = utc_s(2026, 11, 22, 12, 0), until_s;
	const struct zone *kept = zone_find("Asia/Kolkata", now_s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(kept);
	CU_ASSERT_PTR_NOT_NULL(zone_find("Europe/Berlin", now_s));
	CU_ASSERT_PTR_EQUAL(zone_find("Asia/Kolkata", now_s + 86399), kept);
	CU_ASSERT_EQUAL(zone_offset_s(kept, now_s, &until_s), 19800);
	/* Twenty years later it knows the changes of the years then. */
	int64_t later_s = utc_s(2046, 1, 22, 12, 0);
	CU_ASSERT_EQUAL(
		zone_offset_s(zone_find("Europe/Berlin", later_s), later_s, &until_s), 3600);
	CU_ASSERT_TRUE(until_s < later_s + 366 * 86400);
	CU_ASSERT_PTR_NULL(zone_find("Europe/Nowhere", now_s));
	CU_ASSERT_PTR_NULL(zone_find("", now_s));
}

/* What nearly are hours: refused with a column inside the line, or else every time is in them or
 * not, with an end that lies ahead. The same lines in every run. */
static void test_any_text(void)
{
	static const char *const parts[] = {"Mo", "tu", "We", "Th", "FR", "Sa", "Su", "Mo-Fr",
		"Sa-Su", "-", "-", ":", ",", ", ", " ", " ", "18:00", "23:00", "00:00", "24:00",
		"6:05", "07:0", "24:01", "always", "1", "xx", "\xff", "18:00-23:00", "22:00-06:00",
		"00:00-24:00"};
	enum { LINES = 50000 };
	uint32_t state = 2463534242u;
	unsigned good = 0;
	for (unsigned n = 0; n < LINES; n++) {
		char line[HOURS_TEXT_MAX + 1] = "";
		size_t size = 0;
		unsigned count = 1 + n % 12;
		for (unsigned part = 0; part < count && size < sizeof line - 16; part++) {
			state ^= state << 13;
			state ^= state >> 17;
			state ^= state << 5;
			/* Every other line is whole windows, so that much gets through. */
			const char *text = n % 2 == 0
						   ? parts[state % (sizeof parts / sizeof *parts)]
					   : part % 3 == 0 ? parts[state % 9]
					   : part % 3 == 1 ? parts[27 + state % 3]
							   : ", ";
			size += (size_t)snprintf(line + size, sizeof line - size, "%s%s", text,
				n % 2 == 1 && part % 3 == 0 ? " " : "");
		}
		struct hours *hours = NULL;
		struct hours_fault fault = {0};
		if (hours_parse(ctx, line, &hours, &fault) != 0) {
			CU_ASSERT_TRUE_FATAL(fault.column >= 1 && fault.column <= size + 1);
			CU_ASSERT_TRUE_FATAL(fault.text != NULL && fault.text[0] != '\0');
			continue;
		}
		good++;
		int64_t at_s = utc_s(2026, 3, 1, 0, 0) + state % (60 * 86400), end_s = 0;
		if (hours_have(hours, berlin, at_s, &end_s))
			CU_ASSERT_TRUE_FATAL(end_s > at_s);
		talloc_free(hours);
	}
	CU_ASSERT_TRUE(good > LINES / 20 && good < LINES);
}

/* Whoever has asked for zones has the process's own as before. */
static void test_the_process_keeps_its_zone(void)
{
	setenv("TZ", "Asia/Tokyo", 1);
	CU_ASSERT_PTR_NOT_NULL(zone_load(ctx, "Europe/Berlin", 0));
	CU_ASSERT_STRING_EQUAL(getenv("TZ"), "Asia/Tokyo");
	time_t zero = 0;
	struct tm local;
	CU_ASSERT_EQUAL(localtime_r(&zero, &local)->tm_hour, 9);
	unsetenv("TZ");
	CU_ASSERT_PTR_NOT_NULL(zone_load(ctx, "Europe/Berlin", 0));
	CU_ASSERT_PTR_NULL(getenv("TZ"));
}

static void test_what_is_no_text_of_hours(void)
{
	static const struct {
		const char *text;
		unsigned column;
	} bad[] = {
		{"", 1},
		{"Mo", 3},
		{"Mon 18:00-20:00", 3},
		{"18:00-20:00", 1},
		{"Mo 18-20", 4},
		{"Mo 18:00", 9},
		{"Mo 18:00-25:00", 10},
		{"Mo 24:00-25:00", 4},
		{"Mo 18:60-20:00", 4},
		{"Mo 18:00 - 20:00", 9},
		{"Mo 18:00-24:01", 10},
		{"Mo-X 18:00-20:00", 4},
		{"Mo 18:00-20:00;", 15},
		{"Mo 18:00-20:00,", 16},
		{"Mo 18:00-20:00, never", 17},
		{"Mo 018:00-20:00", 4},
		{"always ", 1},
		{"Mo 18:00-20:000", 10},
	};
	for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
		struct hours *hours = NULL;
		struct hours_fault fault = {0};
		CU_ASSERT_EQUAL(hours_parse(ctx, bad[n].text, &hours, &fault), ERR_SYNTAX);
		CU_ASSERT_EQUAL(fault.column, bad[n].column);
		CU_ASSERT_PTR_NOT_NULL(fault.text);
	}
	char *longest = mem_must(talloc_strdup(ctx, "Mo 1:00-2:00"));
	while (strlen(longest) <= HOURS_TEXT_MAX)
		longest = mem_must(talloc_strdup_append(longest, ",Mo 1:00-2:00"));
	struct hours *hours = NULL;
	struct hours_fault fault = {0};
	CU_ASSERT_EQUAL(hours_parse(ctx, longest, &hours, &fault), ERR_SYNTAX);
	CU_ASSERT_EQUAL(fault.column, HOURS_TEXT_MAX + 1);
}

static int prepare(void)
{
	ctx = mem_must(talloc_new(NULL));
	utc = zone_load(ctx, "UTC", utc_s(2026, 11, 22, 12, 0));
	berlin = zone_load(ctx, "Europe/Berlin", utc_s(2026, 11, 22, 12, 0));
	return utc == NULL || berlin == NULL;
}

static int clean_up(void)
{
	talloc_free(ctx);
	return 0;
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_a_window),
		TEST(test_windows_that_touch_are_one),
		TEST(test_what_never_ends),
		TEST(test_the_clock_of_a_place),
		TEST(test_the_clock_is_set_forward),
		TEST(test_the_clock_is_set_back),
		TEST(test_zones),
		TEST(test_zones_are_kept),
		TEST(test_any_text),
		TEST(test_the_process_keeps_its_zone),
		TEST(test_what_is_no_text_of_hours),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("base_hours", prepare, clean_up, tests);
}
