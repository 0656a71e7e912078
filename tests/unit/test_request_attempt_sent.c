/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of attempt_sent_text (src/request/attempts.h). */
#include "request/attempts.h"
#include "suite.h"
#include <string.h>

static char text[256];

static const char *sent(const void *attributes, size_t length)
{
	attempt_sent_text(attributes, length, text, sizeof text);
	return text;
}
#define SENT(octets) sent(octets, sizeof(octets) - 1)

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(SENT(""), "");
	CU_ASSERT_STRING_EQUAL(SENT("\x06\x06\x00\x00\x00\x02"
				    "\x09\x06\xff\xff\xff\xff"
				    "\x0b\x0ahome.out"
				    "\x1b\x06\x00\x00\x70\x80"
				    "\x55\x06\xff\xff\xff\xff"),
		"Service-Type=2 Framed-IP-Netmask=255.255.255.255 Filter-Id=\"home.out\" "
		"Session-Timeout=28800 Acct-Interim-Interval=4294967295");
}

static void test_numbers(void)
{
	CU_ASSERT_STRING_EQUAL(SENT("\x0c\x06\x00\x00\x05\xd4"), "12=0x000005d4");
	CU_ASSERT_STRING_EQUAL(
		SENT("\x1a\x10\x00\x00\x00\x09\x01\x0aip:addr="), "26.9.1=\"ip:addr=\"");
	/* Quotes would end the value too early. */
	CU_ASSERT_STRING_EQUAL(SENT("\x12\x05"
				    "a\"b"),
		"Reply-Message=0x612262");
	CU_ASSERT_STRING_EQUAL(SENT("\x1b\x03\x01"), "Session-Timeout=0x01");
}

static void test_what_is_left_out(void)
{
	/* Message-Authenticator, Class, the address, Proxy-State, Tunnel-Password */
	CU_ASSERT_STRING_EQUAL(SENT("\x50\x04xx\x19\x04yy\x08\x06\x0a\x00\x00\x01\x21\x03z\x45\x05"
				    "abc"),
		"");
	/* MS-MPPE-Send-Key and MS-CHAP2-Success, but not MS-CHAP-Error */
	CU_ASSERT_STRING_EQUAL(SENT("\x1a\x0c\x00\x00\x01\x37\x10\x06"
				    "abcd"),
		"");
	CU_ASSERT_STRING_EQUAL(SENT("\x1a\x0c\x00\x00\x01\x37\x1a\x06"
				    "abcd"),
		"");
	CU_ASSERT_STRING_EQUAL(SENT("\x1a\x0c\x00\x00\x01\x37\x02\x06"
				    "E=69"),
		"26.311.2=\"E=69\"");
	CU_ASSERT_STRING_EQUAL(
		SENT("\x1a\x19\x00\x00\x00\x09\x01\x13vpdn:Password=xyz"), "26.9.1=...");
}

/* Whole attributes, and never past the room. */
static void test_too_long(void)
{
	uint8_t many[4 * 102];
	for (size_t n = 0; n < 4; n++) {
		memset(many + n * 102, 'a', 102);
		many[n * 102] = ATTR_REPLY_MESSAGE;
		many[n * 102 + 1] = 102;
	}
	attempt_sent_text(many, sizeof many, text, sizeof text);
	CU_ASSERT_EQUAL(strlen(text), 2 * (strlen("Reply-Message=") + 102) + 1);
	attempt_sent_text(many, sizeof many, text, 20);
	CU_ASSERT_STRING_EQUAL(text, "");
}

/* What is not well formed ends the text. */
static void test_malformed(void)
{
	CU_ASSERT_STRING_EQUAL(SENT("\x0b\x03x\x0b\x09y"), "Filter-Id=\"x\"");
	CU_ASSERT_STRING_EQUAL(SENT("\x0b\x01"), "");
	CU_ASSERT_STRING_EQUAL(SENT("\x0b"), "");
	CU_ASSERT_STRING_EQUAL(SENT("\x1a\x07\x00\x00\x00\x09\x01"), "");
	CU_ASSERT_STRING_EQUAL(SENT("\x1a\x08\x00\x00\x00\x09\x01\x09"), "");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"known attributes by name", test_names},
		{"others by number", test_numbers},
		{"secrets and what tells nothing", test_what_is_left_out},
		{"too long", test_too_long},
		{"malformed", test_malformed},
		CU_TEST_INFO_NULL,
	};
	return suite_run("request/attempt_sent", tests);
}
