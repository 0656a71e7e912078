/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/db/freelist.h under a fake clock. */
#include "../scenario/fake_clock.h"
#include "base/mem.h"
#include "db/freelist.h"
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pool 1: a small range for everybody and one for NAS group 7; pool 2: a large and an IPv6 range.
 */
#define RANGES                                                                                    \
	"{\"pool_range_id\": 1, \"pool_id\": 1, \"nas_group_id\": 0, \"first\": \"10.0.8.1\", "   \
	"\"last\": \"10.0.8.100\"},"                                                              \
	"{\"pool_range_id\": 2, \"pool_id\": 1, \"nas_group_id\": 7, \"first\": \"10.0.4.0\", "   \
	"\"last\": \"10.0.4.9\"},"                                                                \
	"{\"pool_range_id\": 3, \"pool_id\": 2, \"nas_group_id\": 0, \"first\": \"100.64.0.0\", " \
	"\"last\": \"100.67.255.255\"},"                                                          \
	"{\"pool_range_id\": 4, \"pool_id\": 2, \"nas_group_id\": 0, \"first\": \"2001:db8::\", " \
	"\"last\": \"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\"}"
#define OTHER_RANGES                                                                            \
	"{\"pool_range_id\": 1, \"pool_id\": 3, \"nas_group_id\": 0, \"first\": \"10.0.8.1\", " \
	"\"last\": \"10.0.8.100\"},"                                                            \
	"{\"pool_range_id\": 2, \"pool_id\": 1, \"nas_group_id\": 7, \"first\": \"10.0.4.0\", " \
	"\"last\": \"10.0.4.8\"}"

static TALLOC_CTX *ctx;
static struct freelist *list;

static void use_ranges(struct freelist *of, const char *ranges)
{
	char *why = NULL;
	struct catalog *catalog = NULL;
	char *json = mem_must(talloc_asprintf(ctx,
		"{\"version\": 1, \"nas\": [], \"learned\": [], \"pools\": [], "
		"\"filters\": [], \"filter_sets\": [], \"realms\": [], \"nas_groups\": [], "
		"\"plans\": [], "
		"\"pool_ranges\": [%s]}",
		ranges));
	CU_ASSERT_EQUAL_FATAL(catalog_parse(ctx, json, strlen(json), &catalog, &why), 0);
	freelist_use_catalog(of, catalog);
	catalog_release(catalog);
}

static void begin(unsigned worker, unsigned workers)
{
	fake_clock_reset();
	ctx = talloc_new(NULL);
	list = freelist_new(ctx, worker, workers);
	use_ranges(list, RANGES);
}

static void end(void)
{
	talloc_free(ctx);
}

static struct addr parse(const char *text)
{
	struct addr addr;
	CU_ASSERT_EQUAL_FATAL(addr_parse(text, &addr), 0);
	return addr;
}

static void put(const char *text, int64_t freed_s)
{
	struct addr addr = parse(text);
	freelist_put(list, &addr, freed_s * US_PER_S);
}

/* Takes one; true if it is that address. */
static bool takes(int32_t pool_id, int32_t group, const char *expected)
{
	struct addr addr = {0};
	char text[ADDR_TEXT_MAX];
	size_t taken = freelist_take(list, pool_id, group, 1, &addr);
	return strcmp(taken == 1 ? addr_format(&addr, text) : "none", expected) == 0;
}

static void test_order(void)
{
	begin(0, 1);
	CU_ASSERT_TRUE(takes(1, 0, "none"));
	put("10.0.8.5", 300);
	put("10.0.8.6", 100);
	put("10.0.8.7", 200);
	put("10.0.8.8", INT64_MIN / US_PER_S); /* never used */
	CU_ASSERT_EQUAL(freelist_count(list, 1, 0), 4);
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.8"));
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.6"));
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.7"));
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.5"));
	CU_ASSERT_TRUE(takes(1, 0, "none"));
	end();
}

static void test_pools_and_groups(void)
{
	begin(0, 1);
	put("10.0.4.1", 1);
	put("10.0.8.1", 2);
	put("100.64.0.0", 3);
	CU_ASSERT_EQUAL(freelist_count(list, 1, 0), 1);
	CU_ASSERT_EQUAL(freelist_count(list, 1, 7), 2);
	CU_ASSERT_EQUAL(freelist_count(list, 1, 8), 1);
	CU_ASSERT_EQUAL(freelist_count(list, 2, 7), 1);
	CU_ASSERT_EQUAL(freelist_count(list, 9, 7), 0);
	struct addr taken[4];
	CU_ASSERT_EQUAL(freelist_take(list, 1, 7, 4, taken), 2);
	struct addr expected = parse("10.0.4.1");
	CU_ASSERT_EQUAL(addr_compare(&taken[0], &expected), 0);
	CU_ASSERT_EQUAL(freelist_count(list, 1, 7), 0);
	end();
}

static void test_ignored(void)
{
	begin(0, 1);
	put("10.0.8.5", 1);
	put("10.0.8.5", 2);
	put("10.0.8.0", 1);
	put("10.0.8.101", 1);
	put("9.255.255.255", 1);
	put("2001:db9::", 1);
	put("2001:db8:1::", 1); /* in the range, but too far from its start */
	CU_ASSERT_EQUAL(freelist_count(list, 1, 0), 1);
	CU_ASSERT_EQUAL(freelist_count(list, 2, 0), 0);
	put("2001:db8::7", 1);
	CU_ASSERT_TRUE(takes(2, 0, "2001:db8::7"));
	/* taken, it is unknown again */
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.5"));
	put("10.0.8.5", 3);
	CU_ASSERT_EQUAL(freelist_count(list, 1, 0), 1);
	end();
}

static void test_put_back_and_remove(void)
{
	begin(0, 1);
	put("10.0.8.5", INT64_MIN / US_PER_S);
	put("10.0.8.6", 1);
	struct addr addr = parse("10.0.8.7");
	freelist_put_back(list, &addr);
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.7"));
	addr = parse("10.0.8.5");
	freelist_remove(list, &addr);
	freelist_remove(list, &addr);
	CU_ASSERT_TRUE(takes(1, 0, "10.0.8.6"));
	CU_ASSERT_TRUE(takes(1, 0, "none"));
	end();
}

/* Every address is in the own slice of exactly one worker, and own ones go first. */
static void test_slices(void)
{
	unsigned first_choices[4] = {0};
	bool is_first[101] = {false};
	for (unsigned worker = 0; worker < 4; worker++) {
		begin(worker, 4);
		for (int i = 1; i <= 100; i++) {
			struct addr addr = addr_from_v4(0x0a000800u + (uint32_t)i);
			freelist_put(list, &addr, 0);
		}
		/* The own slice ends where another worker's slice begins, so a put of an old
		 * address of a foreign slice does not jump the queue: count by taking it all. */
		struct addr taken[100];
		CU_ASSERT_EQUAL(freelist_take(list, 1, 0, 100, taken), 100);
		for (int i = 0; i < 25; i++) {
			unsigned number = taken[i].bytes[3];
			if (!is_first[number])
				first_choices[worker]++;
			is_first[number] = true;
		}
		end();
	}
	/* Slices are about 25 each, so the first 25 choices of the workers hardly overlap. */
	for (unsigned worker = 0; worker < 4; worker++)
		CU_ASSERT_TRUE(first_choices[worker] >= 15);
}

static void test_seeds_differ(void)
{
	struct addr taken[2][50];
	for (unsigned node = 0; node < 2; node++) {
		begin(0, 1);
		freelist_use_order(list, node * 77);
		for (int i = 1; i <= 100; i++) {
			struct addr addr = addr_from_v4(0x0a000800u + (uint32_t)i);
			freelist_put(list, &addr, 5 * US_PER_S);
		}
		CU_ASSERT_EQUAL(freelist_take(list, 1, 0, 50, taken[node]), 50);
		end();
	}
	CU_ASSERT_NOT_EQUAL(memcmp(taken[0], taken[1], sizeof taken[0]), 0);
}

/* What became free at once is proposed section by section, and evenly from all over a section. */
static void test_neighbours(void)
{
	begin(0, 1);
	freelist_use_order(list, 77);
	uint32_t first = 0x64400000u;
	for (uint32_t i = 0; i < 4 * 4096; i++) {
		struct addr addr = addr_from_v4(first + i);
		freelist_put(list, &addr, 5 * US_PER_S);
	}
	for (int section = 0; section < 4; section++) {
		unsigned counts[4096 / 64] = {0};
		struct addr taken[256];
		CU_ASSERT_EQUAL_FATAL(freelist_take(list, 2, 0, 256, taken), 256);
		for (int i = 0; i < 256; i++) {
			CU_ASSERT_EQUAL(taken[i].bytes[2] >> 4, taken[0].bytes[2] >> 4);
			counts[(taken[i].bytes[2] << 8 | taken[i].bytes[3]) % 4096 / 64]++;
		}
		for (int i = 0; i < 4096 / 64; i++)
			CU_ASSERT_EQUAL(counts[i], 4);
		/* The rest of the section. */
		for (int i = 0; i < 15; i++)
			CU_ASSERT_EQUAL_FATAL(freelist_take(list, 2, 0, 256, taken), 256);
	}
	end();
}

static void test_new_catalog(void)
{
	begin(0, 1);
	put("10.0.8.5", 1);
	put("10.0.4.1", 1);
	put("100.64.0.1", 1);
	use_ranges(list, OTHER_RANGES);
	/* the same range in another pool is kept, a range with another end begins anew */
	CU_ASSERT_EQUAL(freelist_count(list, 1, 7), 0);
	CU_ASSERT_EQUAL(freelist_count(list, 2, 0), 0);
	CU_ASSERT_TRUE(takes(3, 0, "10.0.8.5"));
	put("100.64.0.1", 1);
	CU_ASSERT_EQUAL(freelist_count(list, 2, 0), 0);
	use_ranges(list, "");
	CU_ASSERT_EQUAL(freelist_count(list, 3, 0), 0);
	end();
}

/* A model test: a fixed sequence of puts, takes and removes against a plain table. */
static void test_model(void)
{
	begin(0, 1);
	static int64_t freed[101]; /* 0 = not listed */
	memset(freed, 0, sizeof freed);
	uint32_t random = 1;
	size_t listed = 0;
	for (int step = 1; step <= 20000; step++) {
		random = random * 1664525 + 1013904223;
		uint32_t number = (random >> 8) % 100 + 1;
		struct addr addr = addr_from_v4(0x0a000800u + number);
		unsigned what = (random >> 24) % 4;
		if (what < 2) {
			freelist_put(list, &addr, step * US_PER_S);
			if (freed[number] == 0) {
				freed[number] = step;
				listed++;
			}
		} else if (what == 2) {
			freelist_remove(list, &addr);
			listed -= freed[number] != 0;
			freed[number] = 0;
		} else if (listed > 0) {
			uint32_t oldest = 0;
			for (uint32_t i = 1; i <= 100; i++)
				if (freed[i] && (!oldest || freed[i] < freed[oldest]))
					oldest = i;
			CU_ASSERT_EQUAL_FATAL(freelist_take(list, 1, 0, 1, &addr), 1);
			CU_ASSERT_EQUAL_FATAL(addr.bytes[3], oldest);
			freed[oldest] = 0;
			listed--;
		}
		CU_ASSERT_EQUAL_FATAL(freelist_count(list, 1, 0), listed);
	}
	end();
}

static void test_bounded(void)
{
	begin(0, 1);
	for (uint32_t i = 0; i < 200000; i++) {
		struct addr addr = addr_from_v4(0x64400000u + i);
		freelist_put(list, &addr, i);
	}
	CU_ASSERT_EQUAL(freelist_count(list, 2, 0), 1 << 17);
	end();
}

static void test_scans(void)
{
	begin(0, 1);
	int32_t id = 0;
	struct addr after, none = {0};
	unsigned seen = 0;
	/* each range in turn, from its start */
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(freelist_scan_next(list, &id, &after));
		CU_ASSERT_FALSE(addr_is_set(&after));
		seen |= 1u << id;
		if (id == 1) {
			struct addr last = parse("10.0.8.50");
			freelist_scanned(list, id, &last, 1);
		} else {
			freelist_scanned(list, id, &none, 1);
		}
	}
	CU_ASSERT_EQUAL(seen, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
	/* the one that is not at its end goes on */
	CU_ASSERT_TRUE(freelist_scan_next(list, &id, &after));
	CU_ASSERT_EQUAL(id, 1);
	CU_ASSERT_EQUAL(after.bytes[3], 50);
	for (int i = 1; i <= 100; i++) {
		struct addr addr = addr_from_v4(0x0a000800u + (uint32_t)i);
		freelist_put(list, &addr, 0);
	}
	freelist_scanned(list, 1, NULL, 1);
	/* nothing is due, although three lists are empty: only after the pause */
	CU_ASSERT_FALSE(freelist_scan_next(list, &id, &after));
	fake_clock_advance_ms(10000);
	seen = 0;
	while (freelist_scan_next(list, &id, &after) && !(seen & 1u << id)) {
		seen |= 1u << id;
		freelist_scanned(list, id, NULL, 1);
	}
	CU_ASSERT_EQUAL(seen, 1u << 2 | 1u << 3 | 1u << 4);
	/* the full one runs low */
	struct addr taken[95];
	CU_ASSERT_EQUAL(freelist_take(list, 1, 0, 95, taken), 95);
	CU_ASSERT_TRUE(freelist_scan_next(list, &id, &after));
	CU_ASSERT_EQUAL(id, 1);
	end();
}

static void count_call(void *owner)
{
	(*(unsigned *)owner)++;
}

static void put_many(uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct addr addr = addr_from_v4(first + i);
		freelist_put(list, &addr, 0);
	}
}

/* A range is read at once until there is enough for some time, the rest without haste. */
static void test_runs_low(void)
{
	begin(0, 1);
	unsigned low_calls = 0;
	freelist_on_low(list, count_call, &low_calls);
	int32_t id = 0;
	struct addr after, last = parse("100.65.0.0"), taken[6000];
	freelist_scanned(list, 1, NULL, 0);
	freelist_scanned(list, 2, NULL, 0);
	freelist_scanned(list, 4, NULL, 0);
	/* also where nothing was found so far */
	freelist_scanned(list, 3, &last, 0);
	CU_ASSERT_TRUE(freelist_runs_low(list));
	put_many(0x64410000u, 20000);
	last = parse("100.66.0.0");
	freelist_scanned(list, 3, &last, 20000);
	CU_ASSERT_FALSE(freelist_runs_low(list));
	CU_ASSERT_TRUE(freelist_scan_next(list, &id, &after));
	CU_ASSERT_EQUAL(id, 3);
	CU_ASSERT_EQUAL(freelist_take(list, 2, 0, 3000, taken), 3000);
	CU_ASSERT_EQUAL(low_calls, 0);
	CU_ASSERT_FALSE(freelist_runs_low(list));
	CU_ASSERT_EQUAL(freelist_take(list, 2, 0, 3000, taken), 3000);
	CU_ASSERT_EQUAL(low_calls, 1);
	CU_ASSERT_TRUE(freelist_runs_low(list));
	/* read to its end: nothing more is to be had at once */
	freelist_scanned(list, 3, NULL, 0);
	CU_ASSERT_FALSE(freelist_runs_low(list));
	CU_ASSERT_EQUAL(freelist_take(list, 2, 0, 6000, taken), 6000);
	CU_ASSERT_EQUAL(freelist_take(list, 2, 0, 6000, taken), 6000);
	CU_ASSERT_EQUAL(low_calls, 1);
	/* A range that is read again goes on at once only while that finds something. */
	freelist_scanned(list, 3, &last, 0);
	CU_ASSERT_FALSE(freelist_runs_low(list));
	freelist_scanned(list, 3, &last, 1);
	CU_ASSERT_TRUE(freelist_runs_low(list));
	end();
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_order),
		TEST(test_pools_and_groups),
		TEST(test_ignored),
		TEST(test_put_back_and_remove),
		TEST(test_slices),
		TEST(test_seeds_differ),
		TEST(test_neighbours),
		TEST(test_new_catalog),
		TEST(test_model),
		TEST(test_bounded),
		TEST(test_scans),
		TEST(test_runs_low),
		CU_TEST_INFO_NULL,
	};
	return suite_run("db/freelist", tests);
}
