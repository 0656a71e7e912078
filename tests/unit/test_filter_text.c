/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Filters as configuration: Cisco IOS, MikroTik RouterOS, nftables. */
#include "filter_lists.h"
#include "suite.h"
#include <string.h>

static TALLOC_CTX *ctx;
static struct sample_list sample;

static int set_up(void)
{
	ctx = talloc_new(NULL);
	return ctx == NULL;
}

static int tear_down(void)
{
	return talloc_free(ctx);
}

typedef int render(TALLOC_CTX *owner, const struct filter_list *list,
	const struct filter_pools *pools, char **text, struct filter_fault *fault);

static int nftables(TALLOC_CTX *owner, const struct filter_list *list,
	const struct filter_pools *pools, char **text, struct filter_fault *fault)
{
	return filter_nftables(owner, list, pools, "ppp*", text, fault);
}

static void renders(render *form, const struct filter_list *list, const char *expected)
{
	struct filter_fault fault = {0};
	char *text = NULL;
	int err = form(ctx, list, &sample_pools, &text, &fault);

	if (err != 0)
		fprintf(stderr, "%s\n", fault.text);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	if (strcmp(text, expected) != 0)
		fprintf(stderr, "%s\n", text);
	CU_ASSERT_STRING_EQUAL(text, expected);
}

static void refused(render *form, const struct filter_list *list, const char *part)
{
	struct filter_fault fault = {.column = 7};
	char *text = NULL;

	CU_ASSERT_EQUAL(form(ctx, list, &sample_pools, &text, &fault), ERR_RANGE);
	if (strstr(fault.text, part) == NULL)
		fprintf(stderr, "%s\n", fault.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, part));
	CU_ASSERT_EQUAL(fault.column, 0);
}

static const struct filter_list *list_of(const char *const *lines)
{
	return sample_list_make(&sample, "test", FILTER_IN, lines);
}

static void test_ios_sample(void)
{
	renders(filter_ios, sample_to_customers(&sample),
		"no ip access-list extended to-general-customer-equipment\n"
		"ip access-list extended to-general-customer-equipment\n"
		" deny tcp any 10.0.8.0 0.0.7.255 eq smtp www pop2 pop3 139 irc 443 1080 8000 "
		"8080\n"
		" deny tcp any 192.168.4.0 0.0.3.255 eq smtp www pop2 pop3 139 irc 443 1080 8000 "
		"8080\n"
		" permit ip any any\n"
		"exit\n");
	renders(filter_ios, sample_from_customers(&sample),
		"no ip access-list extended from-general-customer-equipment\n"
		"ip access-list extended from-general-customer-equipment\n"
		" permit tcp 10.0.8.0 0.0.7.255 10.0.1.0 0.0.0.15 eq smtp\n"
		" permit tcp 192.168.4.0 0.0.3.255 10.0.1.0 0.0.0.15 eq smtp\n"
		" deny tcp 10.0.8.0 0.0.7.255 any eq smtp\n"
		" deny tcp 192.168.4.0 0.0.3.255 any eq smtp\n"
		" permit ip any any\n"
		"exit\n");
	renders(filter_ios, sample_from_internet(&sample),
		"no ip access-list extended from-internet\n"
		"ip access-list extended from-internet\n"
		" permit tcp any 10.0.1.0 0.0.0.15 eq smtp\n"
		" deny tcp any any eq smtp\n"
		" permit ip any any\n"
		"exit\n");
}

static void test_ios_other_rules(void)
{
	renders(filter_ios,
		list_of(LINES("permit tcp any range 20 21 host 10.0.1.1 gt 1023 established",
			"deny udp any neq domain 0.0.0.0/0 lt 7", "permit icmp any any",
			"deny 99 any any")),
		"no ip access-list extended test\n"
		"ip access-list extended test\n"
		" permit tcp any range ftp-data ftp host 10.0.1.1 gt 1023 established\n"
		" deny udp any neq domain any lt echo\n"
		" permit icmp any any\n"
		" deny 99 any any\n"
		"exit\n");
	/* A numbered list takes one port an entry. */
	renders(filter_ios,
		sample_list_make(
			&sample, "101", FILTER_IN, LINES("deny tcp any eq 20 21 any eq smtp www")),
		"no ip access-list extended 101\n"
		"ip access-list extended 101\n"
		" deny tcp any eq ftp-data any eq smtp\n"
		" deny tcp any eq ftp-data any eq www\n"
		" deny tcp any eq ftp any eq smtp\n"
		" deny tcp any eq ftp any eq www\n"
		"exit\n");
}

static void test_ios_of_ipv6(void)
{
	renders(filter_ios,
		list_of(LINES("deny tcp any pool mixed eq smtp www", "permit icmp any any",
			"permit gre any any", "permit ip any any", "permit ipv6 any any")),
		"no ip access-list extended test\n"
		"ip access-list extended test\n"
		" deny tcp any 10.0.8.0 0.0.7.255 eq smtp www\n"
		" deny tcp any 192.168.4.0 0.0.3.255 eq smtp www\n"
		" permit icmp any any\n"
		" permit gre any any\n"
		" permit ip any any\n"
		"exit\n"
		"no ipv6 access-list test-ipv6\n"
		"ipv6 access-list test-ipv6\n"
		" deny tcp any 2001:db8::/32 eq smtp\n"
		" deny tcp any 2001:db8::/32 eq www\n"
		" permit icmp any any\n"
		" permit 47 any any\n"
		" permit ipv6 any any\n"
		"exit\n");
	renders(filter_ios, list_of(LINES("deny tcp any any eq smtp", "permit ipv6 any any")),
		"no ipv6 access-list test\n"
		"ipv6 access-list test\n"
		" deny tcp any any eq smtp\n"
		" permit ipv6 any any\n"
		"exit\n");
}

static void test_mikrotik(void)
{
	renders(filter_mikrotik, sample_to_customers(&sample),
		"/ip firewall filter\n"
		"remove [find chain=\"to-general-customer-equipment\"]\n"
		"add chain=\"to-general-customer-equipment\" action=drop protocol=tcp "
		"dst-address=10.0.8.0/21 dst-port=25,80,109,110,139,194,443,1080,8000,8080\n"
		"add chain=\"to-general-customer-equipment\" action=drop protocol=tcp "
		"dst-address=192.168.4.0/22 dst-port=25,80,109,110,139,194,443,1080,8000,8080\n"
		"add chain=\"to-general-customer-equipment\" action=return\n");
	renders(filter_mikrotik, sample_from_customers(&sample),
		"/ip firewall filter\n"
		"remove [find chain=\"from-general-customer-equipment\"]\n"
		"add chain=\"from-general-customer-equipment\" action=return protocol=tcp "
		"src-address=10.0.8.0/21 dst-address=10.0.1.0/28 dst-port=25\n"
		"add chain=\"from-general-customer-equipment\" action=return protocol=tcp "
		"src-address=192.168.4.0/22 dst-address=10.0.1.0/28 dst-port=25\n"
		"add chain=\"from-general-customer-equipment\" action=drop protocol=tcp "
		"src-address=10.0.8.0/21 dst-port=25\n"
		"add chain=\"from-general-customer-equipment\" action=drop protocol=tcp "
		"src-address=192.168.4.0/22 dst-port=25\n"
		"add chain=\"from-general-customer-equipment\" action=return\n");
	renders(filter_mikrotik, sample_from_internet(&sample),
		"/ip firewall filter\n"
		"remove [find chain=\"from-internet\"]\n"
		"add chain=\"from-internet\" action=return protocol=tcp dst-address=10.0.1.0/28 "
		"dst-port=25\n"
		"add chain=\"from-internet\" action=drop protocol=tcp dst-port=25\n"
		"add chain=\"from-internet\" action=return\n");
	/* A chain that ends returns, so the denial at the end is told. */
	renders(filter_mikrotik,
		list_of(LINES("permit tcp any lt 1024 any range 6000 6063 established",
			"permit udp any neq 53 any gt 1023", "permit icmp any any",
			"permit ipv6 any host 2001:db8::1")),
		"/ipv6 firewall filter\n"
		"remove [find chain=\"test\"]\n"
		"add chain=\"test\" action=return protocol=tcp src-port=0-1023 dst-port=6000-6063 "
		"tcp-flags=ack\n"
		"add chain=\"test\" action=return protocol=tcp src-port=0-1023 dst-port=6000-6063 "
		"tcp-flags=rst\n"
		"add chain=\"test\" action=return protocol=udp src-port=!53 dst-port=1024-65535\n"
		"add chain=\"test\" action=return protocol=icmpv6\n"
		"add chain=\"test\" action=return dst-address=2001:db8::1/128\n"
		"add chain=\"test\" action=drop\n");
}

static void test_nftables(void)
{
	renders(nftables, sample_to_customers(&sample),
		"table inet poprad-to-general-customer-equipment\n"
		"delete table inet poprad-to-general-customer-equipment\n"
		"table inet poprad-to-general-customer-equipment {\n"
		"\tchain rules {\n"
		"\t\tip daddr 10.0.8.0/21 meta l4proto 6 tcp dport { 25, 80, 109, 110, 139, 194, "
		"443, 1080, 8000, 8080 } drop\n"
		"\t\tip daddr 192.168.4.0/22 meta l4proto 6 tcp dport { 25, 80, 109, 110, 139, "
		"194, "
		"443, 1080, 8000, 8080 } drop\n"
		"\t\treturn\n"
		"\t}\n"
		"\tchain outgoing {\n"
		"\t\ttype filter hook postrouting priority filter; policy accept;\n"
		"\t\toifname \"ppp*\" meta nfproto ipv4 jump rules\n"
		"\t}\n"
		"}\n");
	renders(nftables,
		list_of(LINES("permit tcp any any established", "deny udp 10.0.8.0/21 lt 1024 any",
			"permit udp any range 1 2 any neq 53",
			"permit tcp host 2001:db8::1 any gt 7")),
		"table inet poprad-test\n"
		"delete table inet poprad-test\n"
		"table inet poprad-test {\n"
		"\tchain rules {\n"
		"\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return\n"
		"\t\tmeta nfproto ipv4 meta l4proto 6 tcp flags & (ack | rst) != 0 return\n"
		"\t\tmeta nfproto ipv6 meta l4proto 6 tcp flags & (ack | rst) != 0 return\n"
		"\t\tmeta nfproto ipv4 ip saddr 10.0.8.0/21 meta l4proto 17 udp sport < 1024 drop\n"
		"\t\tmeta nfproto ipv4 meta l4proto 17 udp sport 1-2 udp dport != 53 return\n"
		"\t\tmeta nfproto ipv6 meta l4proto 17 udp sport 1-2 udp dport != 53 return\n"
		"\t\tmeta nfproto ipv6 ip6 saddr 2001:db8::1/128 meta l4proto 6 tcp dport > 7 "
		"return\n"
		"\t\tmeta nfproto ipv4 drop\n"
		"\t\tmeta nfproto ipv6 drop\n"
		"\t}\n"
		"\tchain incoming {\n"
		"\t\ttype filter hook prerouting priority filter; policy accept;\n"
		"\t\tiifname \"ppp*\" jump rules\n"
		"\t}\n"
		"}\n");
}

static void test_nftables_interfaces(void)
{
	static const char *const wrong[] = {
		"", "*", "p*p", "ppp\"; flush ruleset; \"", "sixteen-letters-", "ppp 0"};
	struct filter_fault fault;
	char *text = NULL;

	sample_from_internet(&sample);
	CU_ASSERT_EQUAL_FATAL(filter_nftables(ctx, &sample.list, NULL, NULL, &text, &fault), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "iifname != \"lo\" meta nfproto ipv4 jump rules"));
	CU_ASSERT_EQUAL(filter_nftables(ctx, &sample.list, NULL, "veth1@if2", &text, &fault), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		CU_ASSERT_EQUAL(filter_nftables(ctx, &sample.list, NULL, wrong[i], &text, &fault),
			ERR_RANGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "interface"));
	}
}

static void test_names(void)
{
	static const char *const wrong[] = {"", "two words", "quo\"te", "new\nline", "\xc3\xa9",
		"a]b", "sixty-five-characters-sixty-five-characters-sixty-five-characters"};
	const char *const *lines = LINES("permit ip any any");

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const struct filter_list *list =
			sample_list_make(&sample, wrong[i], FILTER_IN, lines);

		refused(filter_ios, list, "the filter's name");
		refused(filter_mikrotik, list, "the filter's name");
		refused(nftables, list, "the filter's name");
	}
	sample_list_make(&sample, "7th-floor", FILTER_IN, lines);
	refused(filter_ios, &sample.list, "no name for IOS");
	sample_list_make(&sample, "200", FILTER_IN, lines);
	refused(filter_ios, &sample.list, "no name for IOS");
	sample_list_make(&sample, "a+b", FILTER_IN, lines);
	refused(nftables, &sample.list, "no name for nftables");
}

static void test_what_cannot_be_rendered(void)
{
	sample_list_make(&sample, "test", FILTER_IN, LINES("permit ip any any"));
	sample.list.count = 0;
	refused(filter_ios, &sample.list, "test has no rules");
	sample.list.count = FILTER_RULES_MAX + 1;
	refused(filter_ios, &sample.list, "more than 256 rules");
	list_of(LINES("permit ip any any", "deny ip pool nowhere any"));
	refused(filter_ios, &sample.list, "test, rule 2: there is no pool nowhere");
	refused(filter_mikrotik, &sample.list, "rule 2");
	refused(nftables, &sample.list, "rule 2");
	/* A pool without networks is nobody. */
	renders(filter_ios, list_of(LINES("deny ip pool empty any", "permit ip any any")),
		"no ip access-list extended test\nip access-list extended test\n permit ip any "
		"any\n"
		"exit\n");
}

/* Pools on both sides multiply: the bound holds, and memory with it. */
static void test_a_filter_that_becomes_too_long(void)
{
	static struct prefix networks[100];
	const struct filter_pool pool = {"many", networks, 100};
	const struct filter_pools pools = {&pool, 1};
	struct filter_fault fault;
	char *text = NULL;

	for (uint32_t i = 0; i < 100; i++)
		networks[i] = (struct prefix){addr_from_v4(0x0a000000 + (i << 8)), 24};
	list_of(LINES("deny ip pool many any", "permit ip any any"));
	CU_ASSERT_EQUAL(filter_ios(ctx, &sample.list, &pools, &text, &fault), 0);
	list_of(LINES("deny ip pool many pool many", "permit ip any any"));
	CU_ASSERT_EQUAL(filter_ios(ctx, &sample.list, &pools, &text, &fault), ERR_RANGE);
	CU_ASSERT_STRING_EQUAL(
		fault.text, "test, rule 1: the filter becomes more than 4096 entries");
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_ios_sample),
		TEST(test_ios_other_rules),
		TEST(test_ios_of_ipv6),
		TEST(test_mikrotik),
		TEST(test_nftables),
		TEST(test_nftables_interfaces),
		TEST(test_names),
		TEST(test_what_cannot_be_rendered),
		TEST(test_a_filter_that_becomes_too_long),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("filter_text", set_up, tear_down, tests);
}
