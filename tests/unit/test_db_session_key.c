/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/db/session_key.h under a fake clock. */
#include "../scenario/fake_clock.h"
#include "db/session_key.h"
#include "suite.h"
#include <string.h>

static uint64_t milliseconds_of(const uint8_t key[SESSION_KEY_SIZE])
{
	uint64_t ms = 0;
	for (unsigned i = 0; i < 6; i++)
		ms = (ms << 8) | key[i];
	return ms;
}

static void test_form(void)
{
	fake_clock_reset();
	uint8_t key[SESSION_KEY_SIZE];
	session_key_mint(key);
	CU_ASSERT_EQUAL(milliseconds_of(key), (uint64_t)(FAKE_CLOCK_START_US / 1000));
	CU_ASSERT_EQUAL(key[6] >> 4, 7);
	CU_ASSERT_EQUAL(key[8] >> 6, 2);
}

/* More keys than fit into one millisecond, then a clock that is set back: always upward. */
static void test_order(void)
{
	uint8_t last[SESSION_KEY_SIZE] = {0}, key[SESSION_KEY_SIZE];
	for (unsigned i = 0; i < 10000; i++) {
		if (i == 6000)
			fake_clock_step_wall_ms(-3600 * 1000);
		if (i == 8000)
			fake_clock_step_wall_ms(7200 * 1000);
		session_key_mint(key);
		CU_ASSERT_TRUE_FATAL(memcmp(last, key, 8) < 0);
		memcpy(last, key, sizeof last);
	}
}

static void test_class_round_trip(void)
{
	uint8_t key[SESSION_KEY_SIZE], read[SESSION_KEY_SIZE];
	char text[SESSION_CLASS_SIZE + 1];
	session_key_mint(key);
	session_class_format(key, text);
	CU_ASSERT_EQUAL(strlen(text), SESSION_CLASS_SIZE);
	CU_ASSERT_EQUAL(session_class_parse((const uint8_t *)text, SESSION_CLASS_SIZE, read),
		SESSION_CLASS_OURS);
	CU_ASSERT_EQUAL(memcmp(key, read, sizeof key), 0);
}

/* The checksum is the common CRC-32, whose value over 16 zero octets is known. */
static void test_class_text(void)
{
	static const uint8_t key[SESSION_KEY_SIZE];
	char text[SESSION_CLASS_SIZE + 1];
	session_class_format(key, text);
	CU_ASSERT_STRING_EQUAL(text, "poprad:00000000000000000000000000000000:ecbb4b55");
}

static enum session_class parse(const char *text)
{
	uint8_t key[SESSION_KEY_SIZE];
	return session_class_parse((const uint8_t *)text, strlen(text), key);
}

static void test_class_refused(void)
{
	CU_ASSERT_EQUAL(parse(""), SESSION_CLASS_FOREIGN);
	CU_ASSERT_EQUAL(parse("popra"), SESSION_CLASS_FOREIGN);
	CU_ASSERT_EQUAL(
		parse("another server's class, as long as ours may be..."), SESSION_CLASS_FOREIGN);
	CU_ASSERT_EQUAL(parse("poprad:"), SESSION_CLASS_BROKEN);
	CU_ASSERT_EQUAL(
		parse("poprad:00000000000000000000000000000000:ecbb4b5"), SESSION_CLASS_BROKEN);
	CU_ASSERT_EQUAL(
		parse("poprad:00000000000000000000000000000000:ecbb4b555"), SESSION_CLASS_BROKEN);
	CU_ASSERT_EQUAL(
		parse("poprad:00000000000000000000000000000001:ecbb4b55"), SESSION_CLASS_BROKEN);
	CU_ASSERT_EQUAL(
		parse("poprad:0000000000000000000000000000000g:ecbb4b55"), SESSION_CLASS_BROKEN);
	CU_ASSERT_EQUAL(
		parse("poprad:00000000000000000000000000000000-ecbb4b55"), SESSION_CLASS_BROKEN);
	CU_ASSERT_EQUAL(
		parse("poprad:00000000000000000000000000000000:ecbb4bxx"), SESSION_CLASS_BROKEN);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_form),
		TEST(test_order),
		TEST(test_class_round_trip),
		TEST(test_class_text),
		TEST(test_class_refused),
		CU_TEST_INFO_NULL,
	};
	return suite_run("db/session_key", tests);
}
