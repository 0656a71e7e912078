/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Filters as values of RADIUS attributes: Cisco-AVPair, Ascend-Data-Filter, NAS-Filter-Rule. */
#include "filter_lists.h"
#include "hex.h"
#include "suite.h"
#include <string.h>

static TALLOC_CTX *ctx;
static struct sample_list sample, other;
static struct filter_values values;
static struct filter_fault fault;

static int set_up(void)
{
	ctx = talloc_new(NULL);
	return ctx == NULL;
}

static int tear_down(void)
{
	return talloc_free(ctx);
}

static const struct filter_list *list_of(const char *const *lines)
{
	return sample_list_make(&sample, "test", FILTER_IN, lines);
}

static void done(int err)
{
	if (err != 0)
		fprintf(stderr, "%s\n", fault.text);
	CU_ASSERT_EQUAL_FATAL(err, 0);
}

static void refused(int err, const char *part)
{
	CU_ASSERT_NOT_EQUAL(err, 0);
	if (strstr(fault.text, part) == NULL)
		fprintf(stderr, "%s\n", fault.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, part));
}

static void has_texts(const char *const *texts)
{
	size_t count = 0, octets = 0;

	for (; texts[count] != NULL; count++) {
		const struct filter_value *value = &values.values[count];

		CU_ASSERT_FATAL(count < values.count);
		CU_ASSERT_EQUAL(value->size, strlen(texts[count]));
		CU_ASSERT_EQUAL(memcmp(value->octets, texts[count], value->size), 0);
		octets += 8 + value->size;
	}
	CU_ASSERT_EQUAL(values.count, count);
	CU_ASSERT_EQUAL(values.packet_octets, octets);
}

static void has_records(size_t size, const char *const *records)
{
	size_t count = 0;

	for (; records[count] != NULL; count++) {
		uint8_t expected[64] = {0};

		CU_ASSERT_FATAL(count < values.count);
		unhex(records[count], expected, sizeof expected);
		CU_ASSERT_EQUAL_FATAL(values.values[count].size, size);
		CU_ASSERT_EQUAL(memcmp(values.values[count].octets, expected, size), 0);
	}
	CU_ASSERT_EQUAL(values.count, count);
	CU_ASSERT_EQUAL(values.packet_octets, count * (8 + size));
}

static void avpairs(const struct filter_list *list, const char *const *texts)
{
	done(filter_cisco_avpairs(ctx, list, 1, &sample_pools, &values, &fault));
	has_texts(texts);
}

static void ascend(const struct filter_list *list, const char *const *records)
{
	done(filter_ascend(ctx, list, 1, &sample_pools, FILTER_ASCEND_SHORT, &values, &fault));
	has_records(FILTER_ASCEND_SHORT, records);
	/* What equipment pads, it pads with zeros. */
	done(filter_ascend(ctx, list, 1, &sample_pools, FILTER_ASCEND_LONG, &values, &fault));
	has_records(FILTER_ASCEND_LONG, records);
}

/* Rules are separated by | in expected, by a NUL on the wire. */
static void nas_rules(const struct filter_list *list, unsigned ports_max, const char *expected)
{
	size_t rule_count, rules = 1;
	char text[254];

	done(filter_nas_rules(
		ctx, list, 1, &sample_pools, ports_max, &values, &rule_count, &fault));
	CU_ASSERT_FATAL(values.count == 1 && values.values[0].size < sizeof text);
	memcpy(text, values.values[0].octets, values.values[0].size);
	text[values.values[0].size] = '\0';
	for (size_t i = 0; i < values.values[0].size; i++) {
		if (text[i] == '\0') {
			text[i] = '|';
			rules++;
		}
	}
	CU_ASSERT_STRING_EQUAL(text, expected);
	CU_ASSERT_EQUAL(rules, rule_count);
	CU_ASSERT_EQUAL(values.packet_octets, strlen(expected) + 2);
}

static void test_cisco(void)
{
	avpairs(list_of(LINES("permit tcp any host 192.0.2.25 eq 25", "deny tcp any any eq 25",
			"permit ip any any")),
		LINES("ip:inacl#1=permit tcp any host 192.0.2.25 eq smtp",
			"ip:inacl#2=deny tcp any any eq smtp", "ip:inacl#3=permit ip any any"));
	avpairs(sample_from_customers(&sample),
		LINES("ip:inacl#1=permit tcp 10.0.8.0 0.0.7.255 10.0.1.0 0.0.0.15 eq smtp",
			"ip:inacl#2=permit tcp 192.168.4.0 0.0.3.255 10.0.1.0 0.0.0.15 eq smtp",
			"ip:inacl#3=deny tcp 10.0.8.0 0.0.7.255 any eq smtp",
			"ip:inacl#4=deny tcp 192.168.4.0 0.0.3.255 any eq smtp",
			"ip:inacl#5=permit ip any any"));
	avpairs(sample_from_internet(&sample),
		LINES("ip:inacl#1=permit tcp any 10.0.1.0 0.0.0.15 eq smtp",
			"ip:inacl#2=deny tcp any any eq smtp", "ip:inacl#3=permit ip any any"));
	done(filter_cisco_avpairs(
		ctx, sample_to_customers(&sample), 1, &sample_pools, &values, &fault));
	CU_ASSERT_EQUAL_FATAL(values.count, 21);
	CU_ASSERT_EQUAL(memcmp(values.values[0].octets,
				"ip:outacl#1=deny tcp any 10.0.8.0 0.0.7.255 eq smtp",
				values.values[0].size),
		0);
	CU_ASSERT_EQUAL(memcmp(values.values[19].octets,
				"ip:outacl#20=deny tcp any 192.168.4.0 0.0.3.255 eq 8080",
				values.values[19].size),
		0);
	CU_ASSERT_EQUAL(memcmp(values.values[20].octets, "ip:outacl#21=permit ip any any",
				values.values[20].size),
		0);
}

static void test_cisco_ipv6_counts_for_itself(void)
{
	avpairs(list_of(LINES("deny tcp any any eq smtp", "permit ip any any",
			"permit ipv6 2001:db8::/32 any")),
		LINES("ip:inacl#1=deny tcp any any eq smtp",
			"ipv6:inacl#1=deny tcp any any eq smtp", "ip:inacl#2=permit ip any any",
			"ipv6:inacl#2=permit ipv6 2001:db8::/32 any"));
}

static void test_both_directions(void)
{
	struct filter_list lists[2];

	lists[0] = *sample_list_make(&sample, "up", FILTER_IN, LINES("permit ip any any"));
	lists[1] = *sample_list_make(&other, "down", FILTER_OUT, LINES("permit udp any any"));
	done(filter_cisco_avpairs(ctx, lists, 2, &sample_pools, &values, &fault));
	has_texts(LINES("ip:inacl#1=permit ip any any", "ip:outacl#1=permit udp any any"));
	done(filter_ascend(ctx, lists, 2, &sample_pools, FILTER_ASCEND_SHORT, &values, &fault));
	has_records(24, LINES("01010100", "01010000 00000000 00000000 0000 11", "01"));
	done(filter_nas_rules(
		ctx, lists, 2, &sample_pools, FILTER_PORTS_MAX, &values, NULL, &fault));
	CU_ASSERT_EQUAL_FATAL(values.count, 1);
	static const char expected[] = "permit in ip from any to any\0"
				       "permit out 17 from any to any\0"
				       "deny out ip from any to any";
	CU_ASSERT_EQUAL_FATAL(values.values[0].size, sizeof expected - 1);
	CU_ASSERT_EQUAL(memcmp(values.values[0].octets, expected, sizeof expected - 1), 0);
	lists[1].direction = FILTER_IN;
	refused(filter_cisco_avpairs(ctx, lists, 2, &sample_pools, &values, &fault),
		"up and down are of one direction");
	refused(filter_ascend(ctx, lists, 2, NULL, FILTER_ASCEND_LONG, &values, &fault), "up and");
	refused(filter_nas_rules(ctx, lists, 2, NULL, 1, &values, NULL, &fault), "up and down");
}

/* The records that the makers' manuals show. */
static void test_ascend_documented(void)
{
	/* Drop what the subscriber sends by SMTP, forward the rest. */
	ascend(list_of(LINES("deny tcp any any eq smtp", "permit ip any any")),
		LINES("01000100 00000000 00000000 00000600 00000019 0002 0000", "01010100"));
	/* Juniper's: drop what comes from 10.2.1.0/24. */
	ascend(list_of(LINES("deny ip 10.2.1.0/24 any", "permit ip any any")),
		LINES("01000100 0A020100 00000000 18000000 00000000 00000000", "01010100"));
	/* Nokia's: permit in ip from any to 10.1.1.1/32; the rest is dropped. */
	ascend(list_of(LINES("permit ip any host 10.1.1.1")),
		LINES("01010100000000000a01010100200000000000000000", "01000100"));
}

static void test_ascend_sample(void)
{
	ascend(sample_from_customers(&sample),
		LINES("01010100 0a000800 0a000100 151c0600 00000019 0002",
			"01010100 c0a80400 0a000100 161c0600 00000019 0002",
			"01000100 0a000800 00000000 15000600 00000019 0002",
			"01000100 c0a80400 00000000 16000600 00000019 0002", "01010100"));
	ascend(sample_from_internet(&sample),
		LINES("01010100 00000000 0a000100 001c0600 00000019 0002",
			"01000100 00000000 00000000 00000600 00000019 0002", "01010100"));
	done(filter_ascend(ctx, sample_to_customers(&sample), 1, &sample_pools, FILTER_ASCEND_LONG,
		&values, &fault));
	CU_ASSERT_EQUAL_FATAL(values.count, 21);
	ASSERT_OCTETS(values.values[1].octets, "01000000 00000000 0a000800 00150600 00000050 0002");
	ASSERT_OCTETS(
		values.values[12].octets, "01000000 00000000 c0a80400 00160600 0000006d 0002");
	ASSERT_OCTETS(values.values[20].octets, "01010000 00000000 00000000 00000000 00000000");
}

static void test_ascend_comparisons(void)
{
	ascend(list_of(LINES("permit tcp any lt 1024 any gt 1023 established",
		       "deny udp any neq 53 any eq 65535", "permit ip any any")),
		LINES("01010100 00000000 00000000 00000601 040003ff 0103",
			"01000100 00000000 00000000 00001100 0035ffff 0402", "01010100"));
	/* Ranges to an end of all ports are one comparison, short ones are a record each. */
	ascend(list_of(LINES("deny tcp any any range 0 1023", "deny tcp any any range 6000 65535",
		       "deny tcp any any range 20 22", "deny tcp any any range 0 65535",
		       "permit ip any any")),
		LINES("01000100 00000000 00000000 00000600 00000400 0001",
			"01000100 00000000 00000000 00000600 0000176f 0003",
			"01000100 00000000 00000000 00000600 00000014 0002",
			"01000100 00000000 00000000 00000600 00000015 0002",
			"01000100 00000000 00000000 00000600 00000016 0002",
			"01000100 00000000 00000000 00000600", "01010100"));
	done(filter_ascend(ctx, list_of(LINES("deny tcp any range 1 16 any eq 1 2")), 1, NULL, 24,
		&values, &fault));
	CU_ASSERT_EQUAL(values.count, 33);
	refused(filter_ascend(ctx,
			list_of(LINES("permit ip any any", "deny tcp any any range 1 17")), 1, NULL,
			24, &values, &fault),
		"test, rule 2: this form has no ranges");
}

static void test_ascend_ipv6(void)
{
	list_of(LINES("deny tcp any 2001:db8::/32 eq smtp", "permit icmp any any",
		"permit ipv6 host 2001:db8::1 any"));
	done(filter_ascend(
		ctx, &sample.list, 1, &sample_pools, FILTER_ASCEND_SHORT, &values, &fault));
	has_records(48, LINES("03000100 00000000000000000000000000000000 "
			      "20010db8000000000000000000000000 0020"
			      "0600 0000 0019 0002",
				"03010100 00000000000000000000000000000000 "
				"00000000000000000000000000000000 "
				"0000 3a00",
				"03010100 20010db8000000000000000000000001 "
				"00000000000000000000000000000000 "
				"8000",
				"03000100"));
}

static void test_nas_rules(void)
{
	nas_rules(list_of(LINES("deny tcp any any eq 25", "permit ip any any")), FILTER_PORTS_MAX,
		"deny in 6 from any to any 25|permit in ip from any to any");
	nas_rules(sample_from_internet(&sample), FILTER_PORTS_MAX,
		"permit in 6 from any to 10.0.1.0/28 25|deny in 6 from any to any 25|"
		"permit in ip from any to any");
	nas_rules(sample_to_customers(&sample), FILTER_PORTS_MAX,
		"deny out 6 from any to 10.0.8.0/21 25,80,109,110,139,194,443,1080,8000,8080|"
		"deny out 6 from any to 192.168.4.0/22 25,80,109,110,139,194,443,1080,8000,8080|"
		"permit out ip from any to any");
	nas_rules(list_of(LINES("permit tcp host 10.0.8.1 lt 1024 any neq 25 established",
			  "deny udp any gt 1023 any range 1 9")),
		FILTER_PORTS_MAX,
		"permit in 6 from 10.0.8.1 0-1023 to any 0-24,26-65535 established|"
		"deny in 17 from any 1024-65535 to any 1-9|deny in ip from any to any");
	/* Where a rule may have one port or range, it becomes several. */
	nas_rules(list_of(LINES("deny tcp any neq 0 any neq 25", "deny udp any any eq 1 2")), 1,
		"deny in 6 from any 1-65535 to any 0-24|deny in 6 from any 1-65535 to any 26-65535|"
		"deny in 17 from any to any 1|deny in 17 from any to any 2|deny in ip from any to "
		"any");
	/* any would mean both families. */
	nas_rules(list_of(LINES("permit ip any any", "deny ipv6 any host 2001:db8::1",
			  "permit ipv6 any any")),
		FILTER_PORTS_MAX,
		"permit in ip from 0.0.0.0/0 to 0.0.0.0/0|deny in ip from ::/0 to 2001:db8::1|"
		"permit in ip from ::/0 to ::/0");
}

static void test_nas_rules_are_cut_anywhere(void)
{
	size_t rule_count;

	done(filter_nas_rules(ctx, sample_from_customers(&sample), 1, &sample_pools,
		FILTER_PORTS_MAX, &values, &rule_count, &fault));
	static const char expected[] = "permit in 6 from 10.0.8.0/21 to 10.0.1.0/28 25\0"
				       "permit in 6 from 192.168.4.0/22 to 10.0.1.0/28 25\0"
				       "deny in 6 from 10.0.8.0/21 to any 25\0"
				       "deny in 6 from 192.168.4.0/22 to any 25\0"
				       "permit in ip from any to any";
	CU_ASSERT_EQUAL(rule_count, 5);
	CU_ASSERT_EQUAL(values.count, 1);
	CU_ASSERT_EQUAL_FATAL(values.values[0].size, sizeof expected - 1);
	CU_ASSERT_EQUAL(memcmp(values.values[0].octets, expected, sizeof expected - 1), 0);

	list_of(LINES("deny tcp any pool dynamic eq 10001 10002 10003 10004 10005 10006",
		"deny tcp any pool dynamic eq 10007 10008 10009 10010 10011 10012",
		"permit ip any any"));
	done(filter_nas_rules(ctx, &sample.list, 1, &sample_pools, FILTER_PORTS_MAX, &values,
		&rule_count, &fault));
	CU_ASSERT_EQUAL(rule_count, 5);
	CU_ASSERT_EQUAL_FATAL(values.count, 2);
	CU_ASSERT_EQUAL(values.values[0].size, 253);
	CU_ASSERT_EQUAL(values.packet_octets, 253 + values.values[1].size + 4);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_cisco),
		TEST(test_cisco_ipv6_counts_for_itself),
		TEST(test_both_directions),
		TEST(test_ascend_documented),
		TEST(test_ascend_sample),
		TEST(test_ascend_comparisons),
		TEST(test_ascend_ipv6),
		TEST(test_nas_rules),
		TEST(test_nas_rules_are_cut_anywhere),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("filter_attributes", set_up, tear_down, tests);
}
