/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Checks of popradctl's values by type, and of filter rules. */
#include "ctl/ctl.h"
#include "ctl/value.h"
#include "suite.h"
#include <stdlib.h>
#include <string.h>

static TALLOC_CTX *ctx;
static const char *why;

static int set_up(void)
{
	ctx = talloc_new(NULL);
	return ctx == NULL;
}

static int tear_down(void)
{
	return talloc_free(ctx);
}

static int check(enum value_type type, const char *form, const char *text, const char **normal)
{
	struct parameter parameter = {.name = "value", .type = type, .form = form};

	return value_check(ctx, &parameter, text, normal, &why);
}

static void good(enum value_type type, const char *text, const char *expected)
{
	const char *normal = NULL;

	CU_ASSERT_EQUAL_FATAL(check(type, "yes|no|auto", text, &normal), CTL_OK);
	CU_ASSERT_STRING_EQUAL(normal, expected);
}

static void bad(enum value_type type, const char *text, int code)
{
	const char *normal = NULL;

	why = NULL;
	CU_ASSERT_EQUAL(check(type, "yes|no|auto", text, &normal), code);
	CU_ASSERT_PTR_NOT_NULL(why);
}

static const char *repeated(char octet, size_t count)
{
	char *text = talloc_size(ctx, count + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, octet, count);
	text[count] = '\0';
	return text;
}

static void test_names(void)
{
	static const char *const wrong[] = {"", "a b", "a\nb", "-a", "a/b", "a'b", "a\"b",
		"\xc3\xa9", "a\x1b[2J", "\xff", "a;b", "a%b"};

	good(VALUE_NAME, "bank-7", "bank-7");
	good(VALUE_NAME, repeated('n', VALUE_NAME_MAX), repeated('n', VALUE_NAME_MAX));
	bad(VALUE_NAME, repeated('n', VALUE_NAME_MAX + 1), CTL_USAGE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		bad(VALUE_NAME, wrong[i], CTL_USAGE);
}

static void test_logins(void)
{
	static const char *const wrong[] = {
		"", "@isp.example", "a@", "a b", "a\\x00b", "a\tb", "\xff", "a\xc2\x9b", "a\x7f"};

	good(VALUE_LOGIN, "Line-7@ISP.Example", "Line-7@isp.example");
	good(VALUE_LOGIN, "User", "User");
	good(VALUE_LOGIN, "ISP\\User", "ISP\\User");
	good(VALUE_LOGIN, "A@B@C.example", "A@B@c.example");
	good(VALUE_LOGIN, "j\xc3\xbcrgen@isp.example", "j\xc3\xbcrgen@isp.example");
	good(VALUE_LOGIN, repeated('u', 253), repeated('u', 253));
	bad(VALUE_LOGIN, repeated('u', 254), CTL_USAGE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		bad(VALUE_LOGIN, wrong[i], CTL_USAGE);
	good(VALUE_REALM, "ISP.example", "isp.example");
	bad(VALUE_REALM, "a@b", CTL_USAGE);
}

static void test_passwords(void)
{
	good(VALUE_PASSWORD, "two words", "two words");
	good(VALUE_PASSWORD, "{nt}8846f7eaee8fb117ad06bdd830b7586c",
		"{nt}8846f7eaee8fb117ad06bdd830b7586c");
	good(VALUE_PASSWORD, "{clear}{odd", "{clear}{odd");
	good(VALUE_PASSWORD, repeated('p', 128), repeated('p', 128));
	good(VALUE_SECRET, "{a secret} is no $hash$", "{a secret} is no $hash$");
	bad(VALUE_SECRET, "two\nlines", CTL_USAGE);
	bad(VALUE_PASSWORD, "", CTL_USAGE);
	bad(VALUE_PASSWORD, "{nt}8846", CTL_USAGE);
	bad(VALUE_PASSWORD, "{rot13}frperg", CTL_USAGE);
	bad(VALUE_PASSWORD, "a\rb", CTL_USAGE);
	bad(VALUE_PASSWORD, repeated('p', 129), CTL_USAGE);
	bad(VALUE_PASSWORD, repeated('p', 10000), CTL_USAGE);
}

static void test_numbers(void)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x10", "1.5", "2147483648",
		"99999999999999999999", "one"};

	good(VALUE_NUMBER, "0", "0");
	good(VALUE_NUMBER, "007", "7");
	good(VALUE_NUMBER, "2147483647", "2147483647");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		bad(VALUE_NUMBER, wrong[i], CTL_USAGE);
}

static void test_durations(void)
{
	good(VALUE_SECONDS, "8h", "28800");
	good(VALUE_SECONDS, "15m", "900");
	good(VALUE_SECONDS, "45", "45");
	good(VALUE_SECONDS, "0", "0");
	good(VALUE_SECONDS, "2000ms", "2");
	good(VALUE_MILLISECONDS, "3s", "3000");
	bad(VALUE_SECONDS, "1500ms", CTL_USAGE);
	bad(VALUE_SECONDS, "8 h", CTL_USAGE);
	bad(VALUE_SECONDS, "-1", CTL_USAGE);
	bad(VALUE_SECONDS, "99999999999d", CTL_USAGE);
	bad(VALUE_MILLISECONDS, "3650d", CTL_USAGE);
}

static void test_volumes(void)
{
	good(VALUE_VOLUME, "0", "0");
	good(VALUE_VOLUME, "1500000", "1500000");
	good(VALUE_VOLUME, "5k", "5000");
	good(VALUE_VOLUME, "500M", "500000000");
	good(VALUE_VOLUME, "50G", "50000000000");
	good(VALUE_VOLUME, "9223372T", "9223372000000000000");
	bad(VALUE_VOLUME, "9223373T", CTL_USAGE);
	bad(VALUE_VOLUME, "99999999999999999999", CTL_USAGE);
	bad(VALUE_VOLUME, "", CTL_USAGE);
	bad(VALUE_VOLUME, "G", CTL_USAGE);
	bad(VALUE_VOLUME, "-5G", CTL_USAGE);
	bad(VALUE_VOLUME, " 5G", CTL_USAGE);
	bad(VALUE_VOLUME, "5 G", CTL_USAGE);
	bad(VALUE_VOLUME, "5GB", CTL_USAGE);
	bad(VALUE_VOLUME, "1.5G", CTL_USAGE);
}

static void test_choices_and_kinds(void)
{
	good(VALUE_CHOICE, "auto", "auto");
	bad(VALUE_CHOICE, "aut", CTL_USAGE);
	bad(VALUE_CHOICE, "yes|no", CTL_USAGE);
	bad(VALUE_CHOICE, "", CTL_USAGE);
	good(VALUE_KIND, "cisco", "cisco");
	bad(VALUE_KIND, "toaster", CTL_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "cisco"));
}

static void test_addresses(void)
{
	good(VALUE_ADDRESS, "10.0.4.10", "10.0.4.10");
	good(VALUE_ADDRESS, "2001:DB8::0:1", "2001:db8::1");
	bad(VALUE_ADDRESS, "10.0.4", CTL_USAGE);
	bad(VALUE_ADDRESS, "host.example", CTL_USAGE);
	bad(VALUE_ADDRESS, "10.0.4.10/32", CTL_USAGE);
	good(VALUE_PREFIX, "127.0.1.0/24", "127.0.1.0/24");
	bad(VALUE_PREFIX, "192.168.6.0/22", CTL_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "192.168.4.0/22"));
	bad(VALUE_PREFIX, "192.168.4.0/33", CTL_USAGE);
	bad(VALUE_PREFIX, "192.168.4.0/", CTL_USAGE);
	good(VALUE_KEY, "0193a1c2-5a60-7000-8000-000000000001",
		"0193a1c2-5a60-7000-8000-000000000001");
	bad(VALUE_KEY, "0193a1c2-5a60-7000-8000-00000000000", CTL_USAGE);
	bad(VALUE_KEY, "0193a1c2-5a60-7000-8000-0000000000011", CTL_USAGE);
	bad(VALUE_KEY, "0193a1c2-5a60-7000-8000-00000000000g", CTL_USAGE);
	bad(VALUE_KEY, "", CTL_USAGE);
}

static void test_filter_rules(void)
{
	good(VALUE_RULE, "deny  tcp any 10.0.8.0 0.0.7.255 eq 25",
		"deny tcp any 10.0.8.0/21 eq smtp");
	bad(VALUE_RULE, "deny everything", CTL_USAGE);
	CU_ASSERT_STRING_EQUAL(why,
		"is no rule: column 6: expected a protocol (ip, ipv6, tcp, udp, "
		"icmp, icmp6, gre, esp, ahp, ..., or 0 to 255), not 'everything'");
}

static void test_billing(void)
{
	good(VALUE_MONTH, "2026-10", "2026-10-01");
	bad(VALUE_MONTH, "2026-13", CTL_USAGE);
	good(VALUE_CURSOR, "0", "0");
	good(VALUE_CURSOR, "999999999999999999", "999999999999999999");
	bad(VALUE_CURSOR, "1000000000000000000", CTL_USAGE);
	bad(VALUE_CURSOR, "", CTL_USAGE);
	bad(VALUE_CURSOR, "-1", CTL_USAGE);
	good(VALUE_PRICE, "0", "0");
	good(VALUE_PRICE, "1.20", "1.20");
	good(VALUE_PRICE, "999999999.999999", "999999999.999999");
	bad(VALUE_PRICE, "", CTL_USAGE);
	bad(VALUE_PRICE, ".5", CTL_USAGE);
	bad(VALUE_PRICE, "5.", CTL_USAGE);
	bad(VALUE_PRICE, "1.0000000", CTL_USAGE);
	bad(VALUE_PRICE, "1000000000", CTL_USAGE);
	bad(VALUE_PRICE, "1,20", CTL_USAGE);
	bad(VALUE_PRICE, "1.2.3", CTL_USAGE);
	bad(VALUE_PRICE, "-1", CTL_USAGE);
	bad(VALUE_PRICE, "NaN", CTL_USAGE);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"names", test_names},
		{"logins", test_logins},
		{"passwords", test_passwords},
		{"numbers", test_numbers},
		{"durations", test_durations},
		{"volumes", test_volumes},
		{"choices and kinds", test_choices_and_kinds},
		{"addresses", test_addresses},
		{"filter rules", test_filter_rules},
		{"months, change numbers and prices", test_billing},
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("ctl_value", set_up, tear_down, tests);
}
