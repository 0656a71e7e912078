/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Octets made safe for the database, hex, and durations. */
#include "base/err.h"
#include "base/text.h"
#include "suite.h"
#include <stdlib.h>
#include <string.h>

#define OCTETS(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static void test_clean(void)
{
	CU_ASSERT_TRUE(text_is_clean(OCTETS("")));
	CU_ASSERT_TRUE(text_is_clean(OCTETS("demo@isp.example")));
	CU_ASSERT_TRUE(text_is_clean(OCTETS("M\xc3\xbcnchen")));
	CU_ASSERT_TRUE(text_is_clean(OCTETS("\xe2\x82\xac \xf0\x9f\x93\x9e \xf4\x8f\xbf\xbf")));
	CU_ASSERT_TRUE(text_is_clean(OCTETS("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80")));
	CU_ASSERT_FALSE(text_is_clean(OCTETS("de\0mo")));
	CU_ASSERT_FALSE(text_is_clean(OCTETS("M\xfcnchen")));
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\x80")));
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xc0\xaf")));         /* overlong / */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xc1\xbf")));         /* overlong */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xe0\x9f\xbf")));     /* overlong */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xf0\x8f\xbf\xbf"))); /* overlong */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xed\xa0\x80")));     /* surrogate */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xf4\x90\x80\x80"))); /* past U+10FFFF */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xf5\x80\x80\x80")));
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xe2\x82"))); /* cut off */
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xf0\x9f\x93")));
	CU_ASSERT_FALSE(text_is_clean(OCTETS("\xe2\x82z")));
}

static void expect_cleaned(const uint8_t *octets, size_t size, const char *expected)
{
	char *text = text_clean(NULL, octets, size);
	CU_ASSERT_STRING_EQUAL(text, expected);
	CU_ASSERT_TRUE(text_is_clean((const uint8_t *)text, strlen(text)));
	talloc_free(text);
}

static void test_cleaned(void)
{
	expect_cleaned(OCTETS(""), "");
	expect_cleaned(OCTETS("M\xc3\xbcnchen"), "M\xc3\xbcnchen");
	expect_cleaned(OCTETS("M\xfcnchen"), "M\\xfcnchen");
	expect_cleaned(OCTETS("a\0b"), "a\\x00b");
	expect_cleaned(OCTETS("\0"), "\\x00");
	expect_cleaned(OCTETS("DOMAIN\\user"), "DOMAIN\\user");
	expect_cleaned(OCTETS("DOMAIN\\xavier"), "DOMAIN\\xavier");
	expect_cleaned(OCTETS("\\x00"), "\\x5cx00");
	expect_cleaned(OCTETS("\\\xff\\x0"), "\\\\xff\\x0");
	expect_cleaned(OCTETS("\xe2\x82"), "\\xe2\\x82");
	expect_cleaned(OCTETS("\xed\xa0\x80"), "\\xed\\xa0\\x80");
	expect_cleaned(OCTETS("\xff\xe2\x82\xac\xff"), "\\xff\xe2\x82\xac\\xff");
}

static int compare_texts(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Two inputs never become one text: over every four octets of an alphabet of troublemakers. */
static void test_cleaned_is_unique(void)
{
	TALLOC_CTX *ctx = talloc_new(NULL);
	static const uint8_t alphabet[] = {0, '\\', 'x', '0', '5', 'c', 0xc3, 0xbc, 0xff};
	enum { N = sizeof alphabet, TEXTS = N * N * N * N };
	static char *texts[TEXTS];
	for (size_t i = 0; i < TEXTS; i++) {
		uint8_t octets[4] = {alphabet[i % N], alphabet[i / N % N], alphabet[i / N / N % N],
			alphabet[i / N / N / N]};
		texts[i] = text_clean(ctx, octets, sizeof octets);
	}
	qsort(texts, TEXTS, sizeof *texts, compare_texts);
	for (size_t i = 1; i < TEXTS; i++)
		CU_ASSERT_FATAL(strcmp(texts[i - 1], texts[i]) != 0);
	talloc_free(ctx);
}

static void test_hex(void)
{
	char hex[9];
	uint8_t octets[4] = {0};
	text_to_hex(OCTETS("\x00\x7f\xab\xff"), hex);
	CU_ASSERT_STRING_EQUAL(hex, "007fabff");
	CU_ASSERT_TRUE(text_from_hex("007FabFF", octets, 4));
	CU_ASSERT_EQUAL(memcmp(octets, "\x00\x7f\xab\xff", 4), 0);
	text_to_hex(octets, 0, hex);
	CU_ASSERT_STRING_EQUAL(hex, "");
	CU_ASSERT_TRUE(text_from_hex("", octets, 0));
	CU_ASSERT_FALSE(text_from_hex("007fabf", octets, 4));
	CU_ASSERT_FALSE(text_from_hex("007fabff0", octets, 4));
	CU_ASSERT_FALSE(text_from_hex("007fabfg", octets, 4));
	CU_ASSERT_FALSE(text_from_hex("0x7fabff", octets, 4));
	CU_ASSERT_FALSE(text_from_hex("/:@G`g  ", octets, 4));
}

static void test_lower(void)
{
	char text[] = "User@ISP.Example \xc3\x9c[Z]{z}";
	text_lower(text);
	CU_ASSERT_STRING_EQUAL(text, "user@isp.example \xc3\x9c[z]{z}");
}

static void test_duration(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} right[] = {{"0", 0}, {"10ms", 10}, {"90s", 90000}, {"45", 45000}, {"15m", 900000},
		{"8h", 28800000}, {"1d", 86400000}, {"3652d", INT64_C(315532800000)},
		{"315532800000ms", INT64_C(315532800000)}};
	for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
		int64_t ms = -1;
		CU_ASSERT_TRUE(text_parse_duration_ms(right[i].text, &ms));
		CU_ASSERT_EQUAL(ms, right[i].ms);
	}
	static const char *const wrong[] = {"", "s", "-1", "+1", "1 s", " 1s", "1w", "1.5h", "1M",
		"1sm", "3653d", "315532800001ms", "99999999999999999999", "9223372036854775807d"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int64_t ms;
		CU_ASSERT_FALSE(text_parse_duration_ms(wrong[i], &ms));
	}
}

static void test_time(void)
{
	char text[TEXT_TIME_BYTES + 1];
	text_put_time(text, 0);
	CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:00");
	text_put_time(text, 1800000000);
	CU_ASSERT_STRING_EQUAL(text, "2027-01-15T08:00:00");
}

static void test_err_text(void)
{
	CU_ASSERT_STRING_EQUAL(err_text(0), "no error");
	CU_ASSERT_STRING_EQUAL(err_text(ERR_FULL), "a bound is reached");
	CU_ASSERT_STRING_EQUAL(err_text(7), "unknown error");
	CU_ASSERT_STRING_EQUAL(err_text(-1000), "unknown error");
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_clean),
		TEST(test_cleaned),
		TEST(test_cleaned_is_unique),
		TEST(test_hex),
		TEST(test_lower),
		TEST(test_duration),
		TEST(test_time),
		TEST(test_err_text),
		CU_TEST_INFO_NULL,
	};
	return suite_run("base/text", tests);
}
