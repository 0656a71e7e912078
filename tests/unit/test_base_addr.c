/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Addresses, prefixes and the longest-match map. */
#include "base/addr.h"
#include "suite.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct addr parsed(const char *text)
{
	struct addr addr = {0};
	CU_ASSERT_EQUAL(addr_parse(text, &addr), 0);
	return addr;
}

static struct prefix parsed_prefix(const char *text)
{
	struct prefix prefix = {0};
	CU_ASSERT_EQUAL(prefix_parse(text, &prefix), 0);
	return prefix;
}

static void expect_text(const char *text, const char *expected)
{
	char buffer[ADDR_TEXT_MAX];
	struct addr addr = parsed(text);
	CU_ASSERT_STRING_EQUAL(addr_format(&addr, buffer), expected);
}

static void test_parse_and_format(void)
{
	expect_text("192.0.2.1", "192.0.2.1");
	expect_text("0.0.0.0", "0.0.0.0");
	expect_text("2001:DB8:0:0::1", "2001:db8::1");
	expect_text("::", "::");
	expect_text("::ffff:192.0.2.1", "192.0.2.1");
	expect_text("::ffff:c000:201", "192.0.2.1");
	expect_text("::192.0.2.1", "::192.0.2.1");
	CU_ASSERT_EQUAL(parsed("::ffff:192.0.2.1").family, 4);

	struct addr none = {0};
	char buffer[ADDR_TEXT_MAX];
	CU_ASSERT_STRING_EQUAL(addr_format(&none, buffer), "-");
	CU_ASSERT_FALSE(addr_is_set(&none));
}

static void test_parse_refuses(void)
{
	static const char *const wrong[] = {"", " ", "localhost", "192.0.2", "192.0.2.256",
		"192.0.2.1 ", " 192.0.2.1", "192.0.2.1/32", "0x7f.1", "192.0.02.1", "1",
		"2001:db8::1::", "fe80::1%lo", "[::1]", "2001:db8:0:0:0:0:0:0:1", ":::"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct addr addr;
		CU_ASSERT_EQUAL(addr_parse(wrong[i], &addr), ERR_SYNTAX);
	}
}

static void test_prefix_parse(void)
{
	static const struct {
		const char *text;
		int code;
		const char *prefix;
	} cases[] = {
		{"192.0.2.0/24", 0, "192.0.2.0/24"},
		{"192.0.2.1", 0, "192.0.2.1/32"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},
		{"100.64.0.0/15", 0, "100.64.0.0/15"},
		{"2001:db8::/32", 0, "2001:db8::/32"},
		{"2001:db8::1", 0, "2001:db8::1/128"},
		{"::ffff:10.0.0.0/104", 0, "10.0.0.0/8"},
		{"192.0.2.1/24", ERR_RANGE, "192.0.2.0/24"},
		{"100.65.0.1/15", ERR_RANGE, "100.64.0.0/15"},
		{"10.0.0.1/0", ERR_RANGE, "0.0.0.0/0"},
		{"2001:db8::1/127", ERR_RANGE, "2001:db8::/127"},
		{"2001:db8:ffff::/33", ERR_RANGE, "2001:db8:8000::/33"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prefix prefix = {0};
		char text[ADDR_TEXT_MAX];
		CU_ASSERT_EQUAL(prefix_parse(cases[i].text, &prefix), cases[i].code);
		CU_ASSERT_STRING_EQUAL(prefix_format(&prefix, text), cases[i].prefix);
	}
	static const char *const wrong[] = {"", "/", "/24", "192.0.2.0/", "192.0.2.0/33",
		"192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/08", "192.0.2.0/24 ", "2001:db8::/129",
		"2001:db8::/1280", "::ffff:10.0.0.0/8", "192.0.2.0/255.255.255.0",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/1"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct prefix prefix;
		CU_ASSERT_EQUAL(prefix_parse(wrong[i], &prefix), ERR_SYNTAX);
	}
}

static bool contains(const char *prefix_text, const char *addr_text)
{
	struct prefix prefix = parsed_prefix(prefix_text);
	struct addr addr = parsed(addr_text);
	return prefix_contains(&prefix, &addr);
}

static bool overlaps(const char *one_text, const char *other_text)
{
	struct prefix one = parsed_prefix(one_text), other = parsed_prefix(other_text);
	bool forth = prefix_overlaps(&one, &other);
	CU_ASSERT_EQUAL(forth, prefix_overlaps(&other, &one));
	return forth;
}

static void test_contains_and_overlaps(void)
{
	CU_ASSERT_TRUE(contains("192.0.2.0/24", "192.0.2.255"));
	CU_ASSERT_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
	CU_ASSERT_TRUE(contains("0.0.0.0/0", "255.255.255.255"));
	CU_ASSERT_FALSE(contains("0.0.0.0/0", "::1"));
	CU_ASSERT_TRUE(contains("::/0", "2001:db8::1"));
	CU_ASSERT_FALSE(contains("::/0", "192.0.2.1"));
	CU_ASSERT_TRUE(contains("2001:db8::4/127", "2001:db8::5"));
	CU_ASSERT_FALSE(contains("2001:db8::4/127", "2001:db8::6"));
	CU_ASSERT_TRUE(contains("192.0.2.1", "192.0.2.1"));
	struct addr none = {0};
	struct prefix all = parsed_prefix("0.0.0.0/0");
	CU_ASSERT_FALSE(prefix_contains(&all, &none));

	CU_ASSERT_TRUE(overlaps("10.0.0.0/8", "10.9.0.0/16"));
	CU_ASSERT_TRUE(overlaps("10.0.0.0/8", "10.0.0.0/8"));
	CU_ASSERT_FALSE(overlaps("10.0.0.0/9", "10.128.0.0/9"));
	CU_ASSERT_FALSE(overlaps("0.0.0.0/0", "::/0"));
}

static void test_compare_and_hash(void)
{
	struct addr low = parsed("192.0.2.1"), high = parsed("192.0.2.2"), six = parsed("::1");
	CU_ASSERT_TRUE(addr_compare(&low, &high) < 0);
	CU_ASSERT_TRUE(addr_compare(&high, &low) > 0);
	CU_ASSERT_EQUAL(addr_compare(&low, &low), 0);
	CU_ASSERT_TRUE(addr_compare(&high, &six) < 0);
	CU_ASSERT_NOT_EQUAL(addr_hash(&low, 1), addr_hash(&low, 2));
	CU_ASSERT_EQUAL(addr_hash(&low, 1), addr_hash(&low, 1));

	/* 4096 neighbours over 4096 buckets: a fair hash fills about 63% of them. */
	static bool filled[4096];
	unsigned count = 0;
	for (uint32_t i = 0; i < 4096; i++) {
		struct addr addr = addr_from_v4(0x0a000000 + i);
		bool *bucket = &filled[addr_hash(&addr, 7) % 4096];
		count += !*bucket;
		*bucket = true;
	}
	CU_ASSERT_TRUE(count > 2300);
}

static void expect_sum(const char *from, uint64_t n, const char *expected)
{
	struct addr addr = parsed(from), sum = {0};
	char text[ADDR_TEXT_MAX];
	int code = addr_add(&addr, n, &sum);
	CU_ASSERT_EQUAL(code, expected == NULL ? ERR_RANGE : 0);
	if (expected != NULL)
		CU_ASSERT_STRING_EQUAL(addr_format(&sum, text), expected);
}

static void test_add(void)
{
	expect_sum("192.0.2.1", 0, "192.0.2.1");
	expect_sum("192.0.2.255", 1, "192.0.3.0");
	expect_sum("0.0.0.0", UINT32_MAX, "255.255.255.255");
	expect_sum("0.0.0.1", UINT32_MAX, NULL);
	expect_sum("192.0.2.1", UINT64_MAX, NULL);
	expect_sum("2001:db8::ffff:ffff:ffff:ffff", 1, "2001:db8:0:1::");
	expect_sum("2001:db8::1", UINT64_MAX, "2001:db8:0:1::");
	expect_sum("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, NULL);
	struct addr none = {0}, sum;
	CU_ASSERT_EQUAL(addr_add(&none, 1, &sum), ERR_RANGE);
}

static void test_sockaddr(void)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::1"};
	for (size_t i = 0; i < 2; i++) {
		struct addr addr = parsed(texts[i]);
		struct sockaddr_storage storage;
		uint16_t port;
		socklen_t size = addr_to_sockaddr(&addr, 1812, &storage);
		CU_ASSERT_EQUAL(
			size, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		struct addr back = addr_from_sockaddr((struct sockaddr *)&storage, &port);
		CU_ASSERT_EQUAL(addr_compare(&addr, &back), 0);
		CU_ASSERT_EQUAL(port, 1812);
	}
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
	uint8_t octets[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 9};
	memcpy(&mapped.sin6_addr, octets, 16);
	uint16_t port;
	struct addr addr = addr_from_sockaddr((struct sockaddr *)&mapped, &port);
	char text[ADDR_TEXT_MAX];
	CU_ASSERT_STRING_EQUAL(addr_format(&addr, text), "192.0.2.9");

	struct sockaddr_storage storage = {.ss_family = AF_UNIX};
	addr = addr_from_sockaddr((struct sockaddr *)&storage, &port);
	CU_ASSERT_FALSE(addr_is_set(&addr));
	CU_ASSERT_EQUAL(addr_to_sockaddr(&addr, 1, &storage), 0);
}

static void expect_found(const struct prefix_map *map, const char *text, const char *expected)
{
	struct addr addr = parsed(text);
	const char *found = prefix_map_find(map, &addr);
	CU_ASSERT_PTR_EQUAL(found, expected);
}

static void test_map_longest_match(void)
{
	static char any[] = "any", wide[] = "wide", narrow[] = "narrow", host[] = "host",
		    six[] = "six", six_host[] = "six_host";
	static const struct {
		const char *prefix;
		char *value;
	} entries[] = {{"10.0.0.0/8", wide}, {"10.1.0.0/16", narrow}, {"10.1.2.3", host},
		{"2001:db8::/32", six}, {"2001:db8::1", six_host}};
	struct prefix_map *map = prefix_map_new(NULL);
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		struct prefix prefix = parsed_prefix(entries[i].prefix);
		CU_ASSERT_EQUAL(prefix_map_add(map, &prefix, entries[i].value), 0);
		CU_ASSERT_EQUAL(prefix_map_add(map, &prefix, any), ERR_EXISTS);
	}
	expect_found(map, "10.1.2.3", host);
	expect_found(map, "10.1.2.4", narrow);
	expect_found(map, "10.2.2.3", wide);
	expect_found(map, "11.0.0.0", NULL);
	expect_found(map, "2001:db8::1", six_host);
	expect_found(map, "2001:db8::2", six);
	expect_found(map, "2001:db9::1", NULL);
	expect_found(map, "::ffff:10.1.2.3", host);

	struct prefix everything = parsed_prefix("0.0.0.0/0");
	CU_ASSERT_EQUAL(prefix_map_add(map, &everything, any), 0);
	expect_found(map, "11.0.0.0", any);
	expect_found(map, "2001:db9::1", NULL);

	struct addr none = {0};
	struct prefix nothing = {0};
	CU_ASSERT_PTR_NULL(prefix_map_find(map, &none));
	CU_ASSERT_EQUAL(prefix_map_add(map, &nothing, any), ERR_SYNTAX);
	talloc_free(map);
}

static void test_map_grows(void)
{
	enum { COUNT = 20000 };
	static char values[COUNT];
	struct prefix_map *map = prefix_map_new(NULL);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct addr addr = addr_from_v4(0x64400000 + i * 256);
		struct prefix prefix = prefix_of(&addr, i % 2 == 0 ? 24 : 32);
		CU_ASSERT_EQUAL_FATAL(prefix_map_add(map, &prefix, &values[i]), 0);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		struct addr first = addr_from_v4(0x64400000 + i * 256);
		struct addr second = addr_from_v4(0x64400001 + i * 256);
		CU_ASSERT_PTR_EQUAL_FATAL(prefix_map_find(map, &first), &values[i]);
		CU_ASSERT_PTR_EQUAL_FATAL(
			prefix_map_find(map, &second), i % 2 == 0 ? &values[i] : NULL);
	}
	talloc_free(map);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_parse_and_format),
		TEST(test_parse_refuses),
		TEST(test_prefix_parse),
		TEST(test_contains_and_overlaps),
		TEST(test_compare_and_hash),
		TEST(test_add),
		TEST(test_sockaddr),
		TEST(test_map_longest_match),
		TEST(test_map_grows),
		CU_TEST_INFO_NULL,
	};
	return suite_run("base/addr", tests);
}
