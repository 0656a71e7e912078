/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Several filters of one direction as one list: by example, and with random lists and packets
 * against the plain reading of what that means. */
#include "base/mem.h"
#include "filter_lists.h"
#include "suite.h"
#include <string.h>

#define LISTS_MAX 4

static TALLOC_CTX *ctx;
static struct sample_list samples[LISTS_MAX];
static struct filter_list lists[LISTS_MAX], merged;
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

static void list(size_t index, const char *const *lines)
{
	static const char *const names[LISTS_MAX] = {"one", "two", "three", "four"};
	lists[index] = *sample_list_make(&samples[index], names[index], FILTER_IN, lines);
}

/* As Cisco's rules, which say the family too. */
static void becomes(size_t count, const char *const *expected)
{
	struct filter_values values;
	size_t lines = 0;

	CU_ASSERT_EQUAL_FATAL(filter_merge(ctx, lists, count, &merged, &fault), 0);
	CU_ASSERT_EQUAL_FATAL(
		filter_cisco_avpairs(ctx, &merged, 1, &sample_pools, &values, &fault), 0);
	for (; expected[lines] != NULL; lines++) {
		const struct filter_value *value = &values.values[lines];
		CU_ASSERT_FATAL(lines < values.count);
		if (value->size != strlen(expected[lines]) ||
			memcmp(value->octets, expected[lines], value->size) != 0)
			printf("\n%.*s\n", (int)value->size, (const char *)value->octets);
		CU_ASSERT_EQUAL(value->size, strlen(expected[lines]));
		CU_ASSERT_EQUAL(memcmp(value->octets, expected[lines], value->size), 0);
	}
	CU_ASSERT_EQUAL(values.count, lines);
}

static void test_what_is_left_to_the_others(void)
{
	list(0, LINES("deny tcp any any eq smtp", "permit ip any any"));
	list(1, LINES("permit udp any host 10.0.1.1", "deny udp any any", "permit ip any any"));
	becomes(1, LINES("ip:inacl#1=deny tcp any any eq smtp", "ip:inacl#2=permit ip any any"));
	becomes(2, LINES("ip:inacl#1=deny tcp any any eq smtp",
			   "ip:inacl#2=permit udp any host 10.0.1.1", "ip:inacl#3=deny udp any any",
			   "ip:inacl#4=permit ip any any"));
}

/* A filter that ends without permitting the rest has decided about everything. */
static void test_what_ends_with_a_denial(void)
{
	list(1, LINES("permit udp any any", "permit ip any any"));
	list(0, LINES("permit tcp any any eq www"));
	becomes(2, LINES("ip:inacl#1=permit tcp any any eq www", "ip:inacl#2=deny ip any any"));
	list(0, LINES("permit tcp any any eq www", "deny ip any any", "permit ip any any"));
	becomes(2, LINES("ip:inacl#1=permit tcp any any eq www", "ip:inacl#2=deny ip any any"));
}

/* A list that leaves IPv6 alone still does beside one that does not. */
static void test_families(void)
{
	list(0, LINES("deny tcp any any eq smtp", "permit ip any any"));
	list(1, LINES("deny udp any any", "permit ip any any", "permit ipv6 any any"));
	becomes(2, LINES("ip:inacl#1=deny tcp any any eq smtp", "ip:inacl#2=deny udp any any",
			   "ipv6:inacl#1=deny udp any any", "ip:inacl#3=permit ip any any",
			   "ipv6:inacl#2=permit ipv6 any any"));
	/* What the first says of IPv6 stays, for the second says nothing of it. */
	list(0, LINES("deny tcp any any eq smtp", "permit ip any any", "permit ipv6 any any"));
	list(1, LINES("deny udp any any", "permit ip any any"));
	becomes(2,
		LINES("ip:inacl#1=deny tcp any any eq smtp",
			"ipv6:inacl#1=deny tcp any any eq smtp", "ipv6:inacl#2=permit ipv6 any any",
			"ip:inacl#2=deny udp any any", "ip:inacl#3=permit ip any any"));
}

static void test_faults(void)
{
	static struct filter_rule many[FILTER_RULES_MAX];

	list(0, LINES("permit ip any any"));
	list(1, LINES(NULL));
	CU_ASSERT_EQUAL(filter_merge(ctx, lists, 2, &merged, &fault), ERR_RANGE);
	CU_ASSERT_STRING_EQUAL(fault.text, "two has no rules");
	list(1, LINES("deny tcp any any eq smtp", "permit ip any any"));
	for (size_t i = 0; i < FILTER_RULES_MAX; i++)
		many[i] = samples[1].rules[0];
	lists[0] = (struct filter_list){"many", FILTER_IN, many, FILTER_RULES_MAX};
	/* It ends with an unsaid denial, which must be said when another follows. */
	CU_ASSERT_EQUAL(filter_merge(ctx, lists, 2, &merged, &fault), ERR_RANGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "many and the others of its direction"));
}

/* Random ----------------------------------------------------------------------------------- */

struct packet {
	uint8_t family, protocol;
	uint16_t port;
};

static uint32_t random_state = 7;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % bound;
}

static bool matches(const struct filter_rule *rule, const struct packet *packet)
{
	return (rule->family == 0 || rule->family == packet->family) &&
	       (rule->protocol == 0 || rule->protocol == packet->protocol) &&
	       (rule->destination.ports.count == 0 ||
		       rule->destination.ports.numbers[0] == packet->port);
}

static bool is_about(const struct filter_list *one, uint8_t family)
{
	bool has_own = false, has_other = false;
	for (size_t i = 0; i < one->count; i++) {
		has_own = has_own || one->rules[i].family == family;
		has_other =
			has_other || (one->rules[i].family != 0 && one->rules[i].family != family);
	}
	return has_own || (family == 4 && !has_other);
}

/* Each list in turn: what it says of the packet counts, unless it permits everything else and
 * another follows that is about that family. */
static bool passes(size_t count, const struct packet *packet)
{
	bool is_said = false;
	for (size_t i = 0; i < count; i++) {
		bool is_followed = false;
		size_t n = 0;
		if (!is_about(&lists[i], packet->family))
			continue;
		is_said = true;
		for (size_t k = i + 1; k < count; k++)
			is_followed = is_followed || is_about(&lists[k], packet->family);
		while (n < lists[i].count && !matches(&lists[i].rules[n], packet))
			n++;
		if (n == lists[i].count)
			return false;
		if (!lists[i].rules[n].is_permit)
			return false;
		if (lists[i].rules[n].protocol != 0 || !is_followed)
			return true;
	}
	return !is_said;
}

static bool merged_passes(const struct packet *packet)
{
	if (!is_about(&merged, packet->family))
		return true;
	for (size_t i = 0; i < merged.count; i++)
		if (matches(&merged.rules[i], packet))
			return merged.rules[i].is_permit;
	return false;
}

static void make_random_list(size_t index)
{
	static const char *const lines[] = {"deny tcp any any eq 25", "permit tcp any any eq 80",
		"deny udp any any", "permit udp any any eq 53", "permit ip any any",
		"permit ipv6 any any", "deny ip any any", "deny ipv6 any any",
		"permit tcp any any"};
	const char *chosen[6] = {NULL};
	size_t count = 1 + random_below(5);
	for (size_t i = 0; i < count; i++)
		chosen[i] = lines[random_below(sizeof lines / sizeof *lines)];
	list(index, chosen);
}

static void test_random_lists(void)
{
	static const uint8_t families[] = {4, 6}, protocols[] = {6, 17, 47};
	static const uint16_t ports[] = {25, 53, 80, 99};
	for (unsigned round = 0; round < 5000; round++) {
		TALLOC_CTX *outer = ctx;
		size_t count = 1 + random_below(LISTS_MAX);
		for (size_t i = 0; i < count; i++)
			make_random_list(i);
		ctx = mem_must(talloc_new(outer));
		CU_ASSERT_EQUAL_FATAL(filter_merge(ctx, lists, count, &merged, &fault), 0);
		for (unsigned n = 0; n < 2 * 3 * 4; n++) {
			const struct packet packet = {
				families[n % 2], protocols[n / 2 % 3], ports[n / 6]};
			CU_ASSERT_EQUAL_FATAL(merged_passes(&packet), passes(count, &packet));
		}
		talloc_free(ctx);
		ctx = outer;
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_what_is_left_to_the_others),
		TEST(test_what_ends_with_a_denial),
		TEST(test_families),
		TEST(test_faults),
		TEST(test_random_lists),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("filter_merge", set_up, tear_down, tests);
}
