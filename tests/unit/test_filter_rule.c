/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Filter rules: what is read, how it is written again, and what is refused in which column. */
#include "filter/filter.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

static TALLOC_CTX *ctx;

static int set_up(void)
{
	ctx = talloc_new(NULL);
	return ctx == NULL;
}

static int tear_down(void)
{
	return talloc_free(ctx);
}

static struct filter_rule parse(const char *line)
{
	struct filter_rule rule;
	struct filter_fault fault;
	int err = filter_rule_parse(line, &rule, &fault);

	if (err != 0)
		fprintf(stderr, "%s\n%*u: %s\n", line, (int)fault.column, fault.column, fault.text);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	return rule;
}

/* Reads line, and expects that text, which is read and written as itself. */
static void canonical(const char *line, const char *text)
{
	struct filter_rule rule = parse(line);
	struct filter_rule again = parse(text);

	CU_ASSERT_STRING_EQUAL(filter_rule_format(ctx, &rule), text);
	CU_ASSERT_STRING_EQUAL(filter_rule_format(ctx, &again), text);
	CU_ASSERT_EQUAL(rule.family, again.family);
	CU_ASSERT_EQUAL(rule.protocol, again.protocol);
}

static void refused(const char *line, unsigned column, const char *part)
{
	struct filter_rule rule;
	struct filter_fault fault = {0};

	CU_ASSERT_NOT_EQUAL(filter_rule_parse(line, &rule, &fault), 0);
	if (fault.column != column || strstr(fault.text, part) == NULL)
		fprintf(stderr, "%s\n%u: %s\n", line, fault.column, fault.text);
	CU_ASSERT_EQUAL(fault.column, column);
	CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, part));
}

static void same(const char *line)
{
	canonical(line, line);
}

static void test_networks(void)
{
	same("permit ip any any");
	same("deny ip 10.0.8.0/21 host 10.0.1.1");
	same("deny tcp any pool dynamic");
	same("permit ipv6 2001:db8::/32 host 2001:db8::1");
	canonical("permit ip 10.0.8.0 0.0.7.255 any", "permit ip 10.0.8.0/21 any");
	canonical("permit ip 10.0.8.1 0.0.0.0 any", "permit ip host 10.0.8.1 any");
	canonical("permit ip 10.0.8.1/32 0.0.0.0/0", "permit ip host 10.0.8.1 0.0.0.0/0");
	canonical("permit ip 0.0.0.0 255.255.255.255 any", "permit ip 0.0.0.0/0 any");
	canonical("permit ipv6 2001:DB8:0::1/128 any", "permit ipv6 host 2001:db8::1 any");
	canonical("  permit\tip   any any \t", "permit ip any any");
}

static void test_protocols(void)
{
	same("permit udp any any");
	same("permit gre any any");
	same("permit esp 2001:db8::/32 any");
	same("permit gre 2001:db8::/32 any");
	same("permit 255 any any");
	same("permit icmp6 any any");
	canonical("permit 6 any any", "permit tcp any any");
	canonical("permit 0 any any", "permit ip any any");
	canonical("permit 58 any any", "permit icmp6 any any");
	canonical("permit 51 any any", "permit ahp any any");
}

static void test_families(void)
{
	CU_ASSERT_EQUAL(parse("deny tcp any any eq smtp").family, 0);
	CU_ASSERT_EQUAL(parse("deny tcp any pool dynamic eq smtp").family, 0);
	CU_ASSERT_EQUAL(parse("deny tcp any 10.0.8.0/21").family, 4);
	CU_ASSERT_EQUAL(parse("deny tcp any 0.0.0.0/0").family, 4);
	CU_ASSERT_EQUAL(parse("deny tcp host 2001:db8::1 any").family, 6);
	CU_ASSERT_EQUAL(parse("permit ip any any").family, 4);
	CU_ASSERT_EQUAL(parse("permit ipv6 any any").family, 6);
	CU_ASSERT_EQUAL(parse("permit icmp6 any any").family, 6);
	refused("deny tcp 10.0.8.0/21 2001:db8::/32", 22,
		"an IPv6 network in a rule that is of IPv4");
	refused("deny tcp host 2001:db8::1 10.0.8.0 0.0.7.255", 27, "an IPv4 network");
	refused("deny ip 2001:db8::/32 any", 9, "the rule begins with ipv6");
	refused("deny ipv6 any host 10.0.8.1", 20, "an IPv4 network");
}

static void test_ports(void)
{
	struct filter_rule rule = parse("deny tcp any range 20 ftp any eq smtp www 8080");

	CU_ASSERT_EQUAL(rule.source.ports.comparison, FILTER_RANGE);
	CU_ASSERT_EQUAL(rule.source.ports.numbers[1], 21);
	CU_ASSERT_EQUAL(rule.destination.ports.comparison, FILTER_EQ);
	CU_ASSERT_EQUAL_FATAL(rule.destination.ports.count, 3);
	CU_ASSERT_EQUAL(rule.destination.ports.numbers[2], 8080);
	same("deny tcp any range ftp-data ftp any eq smtp www 8080");
	same("deny udp any any neq domain");
	same("deny udp any lt 1024 pool dynamic gt 1023");
	same("deny tcp any eq 0 any eq 65535");
	same("deny tcp any any eq 1 2 3 4 5 6 8 10 11 12");
	canonical("deny tcp any eq 25 host 10.0.1.1 eq 80",
		"deny tcp any eq smtp host 10.0.1.1 eq www");
	canonical("deny tcp any eq 25 110 10.0.1.0 0.0.0.15",
		"deny tcp any eq smtp pop3 10.0.1.0/28");
	/* The name depends on the protocol; of two names for a port one is written. */
	canonical("deny tcp any any eq 514", "deny tcp any any eq cmd");
	canonical("deny tcp any any eq syslog", "deny tcp any any eq cmd");
	canonical("deny udp any any eq 514", "deny udp any any eq syslog");
	canonical("deny tcp any any eq msrpc", "deny tcp any any eq 135");
}

static void test_established(void)
{
	CU_ASSERT_TRUE(parse("permit tcp any any established").is_established);
	CU_ASSERT_FALSE(parse("permit tcp any any").is_established);
	same("permit tcp any any established");
	same("permit tcp any eq www any gt 1023 established");
	refused("permit udp any any established", 20, "only tcp");
	refused("permit tcp any any established log", 32, "the end of the rule, not 'log'");
}

static void test_what_is_wrong_is_named_with_its_column(void)
{
	refused("", 1, "expected permit or deny, but the rule ends");
	refused("   ", 4, "expected permit or deny");
	refused("allow ip any any", 1, "not 'allow'");
	refused("permit", 7, "expected a protocol");
	refused("permit carrier-pigeon any any", 8, "expected a protocol");
	refused("permit 256 any any", 8, "expected a protocol");
	refused("permit ip", 10, "expected any, host ADDRESS, pool NAME or a network");
	refused("permit ip any", 14, "but the rule ends");
	refused("permit ip nowhere any", 11, "not 'nowhere'");
	refused("permit ip host any", 16, "expected an address");
	refused("permit ip host", 15, "expected an address");
	refused("permit ip host 10.0.8.0/21 any", 16, "expected an address");
	refused("permit ip pool a/b any", 16, "expected the name of a pool");
	refused("permit ip any pool", 19, "expected the name of a pool");
	refused("permit ip any any any", 19, "expected the end of the rule");
	refused("permit tcp any any any", 20, "established or the end");
	refused("deny ip 10.0.8.1/21 any", 9, "did you mean 10.0.8.0/21?");
	refused("deny ip 10.0.8.1 0.0.7.255 any", 18, "did you mean 10.0.8.0?");
	refused("deny ip 10.0.8.0 255.255.248.0 any", 18, "its wildcard mask is 0.0.7.255");
	refused("deny ip 10.0.8.0 0.0.5.255 any", 18, "no wildcard mask of one piece");
	refused("deny ip 10.0.8.0 any", 18, "expected a wildcard mask");
	refused("deny ip 10.0.8.0", 17, "expected a wildcard mask");
	refused("deny ip 10.0.8.0/33 any", 9, "expected any, host");
	refused("deny ipv6 2001:db8::1 any", 11, "one address is host 2001:db8::1");
	refused("deny ip any any eq 25", 17, "only tcp and udp have ports");
	refused("deny tcp any any eq", 20, "expected a port of tcp");
	refused("deny tcp any any eq 65536", 21, "expected a port of tcp");
	refused("deny tcp any any eq -1", 21, "expected a port of tcp");
	refused("deny tcp any any eq ntp", 21, "expected a port of tcp");
	refused("deny udp any any eq smtp", 21, "expected a port of udp");
	refused("deny tcp any any eq smtp ntp", 26,
		"established or the end of the rule, not 'ntp'");
	refused("deny tcp any any eq 1 2 3 4 5 6 7 8 9 10 11", 42, "more than 10 ports");
	refused("deny tcp any any neq 1 2", 24, "the end of the rule");
	refused("deny tcp any any range 20", 26, "expected a port");
	refused("deny tcp any any range 21 20", 27, "ends before it begins");
	refused("deny tcp any any lt 0", 21, "no port is less");
	refused("deny tcp any any gt 65535", 21, "no port is greater");
	refused("deny tcp from any to any", 10, "not 'from'");
}

static void test_hostile_lines(void)
{
	char line[FILTER_LINE_MAX + 100];

	refused("permit ip any any\n", 18, "a character that no rule has");
	refused("permit ip any \x1b[2J", 15, "a character that no rule has");
	refused("permit \xc3\xa9 any any", 8, "a character that no rule has");
	memset(line, ' ', sizeof line);
	memcpy(line, "permit ip any any", 17);
	line[FILTER_LINE_MAX] = '\0';
	canonical(line, "permit ip any any");
	line[FILTER_LINE_MAX] = ' ';
	line[sizeof line - 1] = '\0';
	refused(line, FILTER_LINE_MAX + 1, "longer than");
	memset(line, 'x', FILTER_LINE_MAX);
	line[FILTER_LINE_MAX] = '\0';
	refused(line, 1, "not 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'");
	memcpy(line, "deny ip ", 8);
	refused(line, 9, "expected any");
	memcpy(line, "deny ip pool ", 13);
	refused(line, 14, "expected the name of a pool");
}

/* Nothing is longer than a line may be: what is written can be read again. */
static void test_the_longest_rule(void)
{
	char pool[FILTER_NAME_MAX + 1], line[1024];
	static const char ports[] =
		"eq pim-auto-rp 65534 65533 65532 65531 65530 hostname hostname "
		"pim-auto-rp ftp-data";

	memset(pool, 'p', FILTER_NAME_MAX);
	pool[FILTER_NAME_MAX] = '\0';
	snprintf(line, sizeof line, "permit tcp pool %s %s pool %s %s established", pool, ports,
		pool, ports);
	CU_ASSERT_TRUE(strlen(line) < FILTER_LINE_MAX);
	same(line);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_networks),
		TEST(test_protocols),
		TEST(test_families),
		TEST(test_ports),
		TEST(test_established),
		TEST(test_what_is_wrong_is_named_with_its_column),
		TEST(test_hostile_lines),
		TEST(test_the_longest_rule),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("filter_rule", set_up, tear_down, tests);
}
