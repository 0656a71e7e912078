/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What plans provide, octet by octet for each kind of access server, and what is refused. */
#include "base/log.h"
#include "base/mem.h"
#include "db/catalog.h"
#include "suite.h"
#include <stdlib.h>
#include <string.h>

/* The access server of the kind n, from 0, stands at 10.0.(n + 1).0/24. */
#define PROVISION(IN, OUT, SERVERS) \
	"'rate_in_kbit': " IN ", 'rate_out_kbit': " OUT ", 'dns_servers': " SERVERS

static TALLOC_CTX *ctx;
static struct catalog *catalog;

static int set_up(void)
{
	ctx = talloc_new(NULL);
	return ctx == NULL;
}

static int tear_down(void)
{
	return talloc_free(ctx);
}

/* A plan with that provision and those attributes; JSON with ' for ". What keeps it from being
 * read, or NULL. */
static const char *load(const char *kind_and_form, const char *provision, const char *attributes)
{
	char *kind = mem_must(talloc_strdup(ctx, kind_and_form)), *why = NULL;
	char *form = strchr(kind, ' ');
	if (form)
		*form++ = '\0';
	char *json = mem_must(talloc_asprintf(ctx,
		"{'version': 1, 'nas': [{'nas_id': 1, 'name': 'n', 'prefix': '10.0.1.0/24', "
		"'secret': 's', 'kind': '%s', 'nas_group_id': 0, 'is_own_network': true, "
		"'require_message_authenticator': 'auto', 'limit_proxy_state': true, "
		"'no_accounting': false, 'timeout_ms': 0, 'filter_form': '%s'}], 'learned': [], "
		"'pool_ranges': [], 'pools': [], 'filters': [], 'filter_sets': [], 'realms': [], "
		"'nas_groups': [], "
		"'plans': [{'plan_id': 1, 'name': 'home', 'pool_id': 0, 'session_limit': 0, "
		"'session_timeout_s': 0, 'idle_timeout_s': 0, 'interim_s': 0, "
		"'login_hours': 'always', 'time_zone': 'UTC', 'address_list': '', "
		"'suspended_plan_id': 0, "
		"'expired_plan_id': 0, "
		"'netmask': '255.255.255.255', 'allows_login': false, %s, "
		"'filters': [], 'attributes': %s}]}",
		kind, form ? form : "usual", provision, attributes));
	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (catalog_parse(ctx, json, strlen(json), &catalog, &why) != 0)
		return why;
	return NULL;
}

static const char *hex(const uint8_t *octets, size_t size)
{
	char *text = mem_must(talloc_strdup(ctx, ""));
	for (size_t i = 0; i < size; i++)
		text = mem_must(talloc_asprintf_append(text, "%02x", octets[i]));
	return text;
}

/* All attributes as hex digits. */
static const char *rendered(void)
{
	const struct plan *plan = catalog_find_plan(catalog, 1);
	struct addr source = {.family = 4, .bytes = {10, 0, 1, 9}};
	const struct nas *nas = catalog_find_nas(catalog, &source);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	CU_ASSERT_PTR_NOT_NULL_FATAL(nas);
	if (!plan->provisions)
		return "";
	const struct rendered_provision *provision = &plan->provisions[nas->filter_view];
	return hex(provision->octets, provision->size);
}

static void no_refusal(void)
{
	size_t count;
	catalog_refusals(catalog, &count);
	CU_ASSERT_EQUAL(count, 0);
}

static void becomes(const char *kind, const char *provision, const char *expected)
{
	const char *why = load(kind, provision, "[]");
	if (why)
		printf("\n%s\n", why);
	CU_ASSERT_PTR_NULL_FATAL(why);
	const char *octets = rendered();
	if (strcmp(octets, expected) != 0)
		printf("\n%s: %s\n", kind, octets);
	CU_ASSERT_STRING_EQUAL(octets, expected);
	no_refusal();
}

/* Header of a vendor's attribute: 26, length, vendor, number, length. */
static const char *vendor(unsigned id, unsigned number, const char *value)
{
	unsigned size = (unsigned)strlen(value);
	return mem_must(talloc_asprintf(ctx, "1a%02x%08x%02x%02x%s", size + 8, id, number, size + 2,
		hex((const uint8_t *)value, size)));
}

#define RATES PROVISION("64", "128000", "[]")

static void test_rates(void)
{
	/* 64k/128M as the vendor's manual has it: received at 64000 bit/s, sent at 128000000. */
	becomes("mikrotik", RATES, vendor(14988, 8, "64k/128000k"));
	becomes("cisco", RATES,
		mem_must(talloc_asprintf(ctx, "%s%s",
			vendor(9, 1, "qos-policy-in=add-class(sub,(class-default),police(64000))"),
			vendor(9, 1,
				"qos-policy-out=add-class(sub,(class-default),shape(128000000)"
				")"))));
	becomes("juniper", RATES, vendor(4874, 108, "T02 128000k"));
	becomes("nokia", RATES, vendor(6527, 126, "e:r:rate=128000"));
	becomes("huawei", RATES,
		"1a0c000007db02060000fa00"
		"1a0c000007db050607a12000");
	becomes("other", RATES,
		"1a0c0000372a07060000fa00"
		"1a0c0000372a080607a12000");
	becomes("pppd", RATES,
		"1a0c0000372a07060000fa00"
		"1a0c0000372a080607a12000");
	/* What goes to the subscriber stands first. */
	becomes("accel-ppp", RATES, "0b0b3132383030302f3634");
	static const char *const silent[] = {"usr", "portmaster", "ascend", "l2tpns"};
	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
		becomes(silent[i], RATES, "");
}

#define SERVERS PROVISION("0", "0", "['2001:db8::53', '192.0.2.53', '192.0.2.54', '2001:db8::54']")
#define SIX_1 "20010db8000000000000000000000053"
#define SIX_2 "20010db8000000000000000000000054"
#define RFC6911 "a912" SIX_1 "a912" SIX_2

static void test_dns_servers(void)
{
	const char *microsoft = "1a0c000001371c06c0000235"
				"1a0c000001371d06c0000236";
	becomes("cisco", SERVERS,
		mem_must(talloc_asprintf(
			ctx, "%s" RFC6911, vendor(9, 1, "ip:dns-servers=192.0.2.53 192.0.2.54"))));
	becomes("juniper", SERVERS,
		"1a0c0000130a0406c0000235"
		"1a0c0000130a0506c0000236"
		"1a180000130a2f12" SIX_1 "1a180000130a3012" SIX_2);
	becomes("nokia", SERVERS,
		"1a0c0000197f0906c0000235"
		"1a0c0000197f0a06c0000236"
		"1a180000197f6912" SIX_1 "1a180000197f6a12" SIX_2);
	becomes("huawei", SERVERS,
		"1a0c000007db8706c0000235"
		"1a0c000007db8806c0000236"
		"1a18000007db9a12" SIX_1 "1a18000007db9a12" SIX_2);
	/* Numbers of four octets, without a length. */
	becomes("usr", SERVERS,
		"1a0e000001ad0000900fc0000235"
		"1a0e000001ad00009010c0000236");
	becomes("ascend", SERVERS,
		"1a0c000002118706c0000235"
		"1a0c000002118806c0000236"
		"1a0c00000211890600000001");
	becomes("ascend old-rules", SERVERS,
		"8706c0000235"
		"8806c0000236"
		"890600000001");
	becomes("l2tpns", SERVERS,
		"8706c0000235"
		"8806c0000236");
	becomes("pppd", SERVERS, microsoft);
	becomes("accel-ppp", SERVERS, mem_must(talloc_asprintf(ctx, "%s" RFC6911, microsoft)));
	becomes("other", SERVERS, mem_must(talloc_asprintf(ctx, "%s" RFC6911, microsoft)));
	becomes("mikrotik", SERVERS, "");
	becomes("portmaster", SERVERS, "");
	/* One alone, of one family. */
	becomes("other", PROVISION("0", "0", "['192.0.2.53']"), "1a0c000001371c06c0000235");
	becomes("cisco", PROVISION("0", "0", "['192.0.2.53']"),
		vendor(9, 1, "ip:dns-servers=192.0.2.53"));
	becomes("cisco", PROVISION("0", "0", "['2001:db8::53']"), "a912" SIX_1);
	becomes("usr", PROVISION("0", "0", "['2001:db8::53']"), "");
	/* A primary and a secondary one are all that can be told. */
	becomes("l2tpns", PROVISION("0", "0", "['10.0.0.1', '10.0.0.2', '10.0.0.3']"),
		"87060a000001"
		"88060a000002");
}

static void test_nothing(void)
{
	for (size_t i = 0; nas_kind_at(i); i++) {
		becomes(nas_kind_at(i)->name, PROVISION("0", "0", "[]"), "");
		CU_ASSERT_PTR_NULL(catalog_find_plan(catalog, 1)->provisions);
		/* The database does not let one stand alone. */
		becomes(nas_kind_at(i)->name, PROVISION("0", "64", "[]"), "");
		becomes(nas_kind_at(i)->name, PROVISION("64", "0", "[]"), "");
	}
}

static void test_faults(void)
{
	static const struct {
		const char *provision, *why;
	} faults[] = {
		{"'rate_in_kbit': 0, 'rate_out_kbit': 0", "plans row 1: dns_servers: is missing"},
		{"'rate_in_kbit': 0, 'dns_servers': []", "plans row 1: rate_out_kbit: is missing"},
		{PROVISION("-1", "1", "[]"), "rate_in_kbit: -1 is not within 0..100000000"},
		{PROVISION("1", "100000001", "[]"), "100000001 is not within 0..100000000"},
		{PROVISION("'64'", "1", "[]"), "rate_in_kbit: is no integer"},
		{PROVISION("0", "0", "'192.0.2.53'"), "dns_servers: is no list"},
		{PROVISION("0", "0", "['ns.isp.example']"), "\"ns.isp.example\" is no address"},
		{PROVISION("0", "0", "['10.0.0.1', ['10.0.0.2']]"), "dns_servers: is no string"},
		{PROVISION("0", "0", "['10.0.0.1', '10.0.0.2', '::1', '::2', '::3']"),
			"has 5 elements, more than 4"},
	};
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		const char *why = load("other", faults[i].provision, "[]");
		CU_ASSERT_PTR_NOT_NULL_FATAL(why);
		if (!strstr(why, faults[i].why))
			printf("\n%s: %s\n", faults[i].provision, why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, faults[i].why));
	}
}

static const struct plan_refusal *only_refusal(void)
{
	size_t count;
	const struct plan_refusal *refusals = catalog_refusals(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	return refusals;
}

/* The greatest rate that 32 bits hold is told, and the operator knows. */
static void test_rates_that_do_not_fit(void)
{
	static const char most[] = PROVISION("4294967", "4294967", "[]");
	static const char more[] = PROVISION("1", "4294968", "[]");
	becomes("huawei", most,
		"1a0c000007db0206fffffed8"
		"1a0c000007db0506fffffed8");
	CU_ASSERT_PTR_NULL(load("huawei", more, "[]"));
	CU_ASSERT_STRING_EQUAL(rendered(), "1a0c000007db0206000003e8"
					   "1a0c000007db0506ffffffff");
	const struct plan_refusal *refusal = only_refusal();
	CU_ASSERT_EQUAL(refusal->part, PLAN_RATES);
	CU_ASSERT_FALSE(refusal->is_login_refused);
	CU_ASSERT_STRING_EQUAL(refusal->why,
		"it is told at most 4294967 kbit/s, and these are 1 in and 4294968 out");
	CU_ASSERT_PTR_NULL(load("other", more, "[]"));
	CU_ASSERT_EQUAL(only_refusal()->part, PLAN_RATES);
	becomes("mikrotik", PROVISION("100000000", "100000000", "[]"),
		vendor(14988, 8, "100000000k/100000000k"));
}

/* The answer has 4096 octets, of which 512 are kept for the rest. */
static void test_room(void)
{
	char *attributes = mem_must(talloc_strdup(ctx, "["));
	for (unsigned i = 0; i < 14; i++)
		attributes = mem_must(talloc_asprintf_append(
			attributes, "%s'Reply-Message = %0253d'", i > 0 ? ", " : "", 7));
	CU_ASSERT_PTR_NULL(load("mikrotik", PROVISION("0", "0", "[]"),
		mem_must(talloc_asprintf(
			ctx, "%s, 'Port-Limit = 1', 'Framed-MTU = 1492']", attributes))));
	no_refusal();
	CU_ASSERT_PTR_NULL(load("mikrotik", RATES,
		mem_must(talloc_asprintf(
			ctx, "%s, 'Port-Limit = 1', 'Framed-MTU = 1492']", attributes))));
	const struct plan_refusal *refusal = only_refusal();
	CU_ASSERT_EQUAL(refusal->part, PLAN_ATTRIBUTES);
	CU_ASSERT_STRING_EQUAL(
		refusal->why, "they take 3601 octets of an answer, in which they have 3584");
}

static bool is_same(const char *one, const char *other)
{
	struct encoded_attr left, right;
	char *why = NULL;
	CU_ASSERT_EQUAL_FATAL(attr_from_text(ctx, one, &left, &why), 0);
	CU_ASSERT_EQUAL_FATAL(attr_from_text(ctx, other, &right, &why), 0);
	bool same = attribute_is_same_type(left.octets, right.octets);
	CU_ASSERT_EQUAL(attribute_is_same_type(right.octets, left.octets), same);
	return same;
}

/* The same for every kind; the gateway is the subscriber. */
static void test_routes(void)
{
	struct provision provision = {.route_count = 2};
	CU_ASSERT_EQUAL_FATAL(prefix_parse("192.0.2.0/24", &provision.routes[0]), 0);
	CU_ASSERT_EQUAL_FATAL(prefix_parse("2001:db8:1::/48", &provision.routes[1]), 0);
	CU_ASSERT_FALSE(provision_is_empty(&provision));
	const char *expected = mem_must(talloc_asprintf(ctx, "1618%s6316%s",
		hex((const uint8_t *)"192.0.2.0/24 0.0.0.0 1", 22),
		hex((const uint8_t *)"2001:db8:1::/48 :: 1", 20)));
	expected = mem_must(talloc_strdup(ctx, expected));
	for (size_t i = 0; nas_kind_at(i); i++) {
		struct rendered_provision made =
			provision_render(ctx, &provision, nas_kind_at(i), false);
		CU_ASSERT_STRING_EQUAL(hex(made.octets, made.size), expected);
	}
}

/* MikroTik's alone. */
static void test_address_lists(void)
{
	struct provision provision = {.address_list = "suspended"};
	CU_ASSERT_FALSE(provision_is_empty(&provision));
	for (size_t i = 0; nas_kind_at(i); i++) {
		const struct nas_kind *kind = nas_kind_at(i);
		struct rendered_provision made = provision_render(ctx, &provision, kind, false);
		const char *expected = strcmp(kind->name, "mikrotik") == 0
					       ? "1a1100003a8c130b73757370656e646564"
					       : "";
		CU_ASSERT_STRING_EQUAL(hex(made.octets, made.size), expected);
	}
}

static void test_types(void)
{
	CU_ASSERT_TRUE(is_same("Filter-Id = a", "Filter-Id = bcd"));
	CU_ASSERT_FALSE(is_same("Filter-Id = a", "Reply-Message = a"));
	CU_ASSERT_TRUE(is_same("Mikrotik-Rate-Limit = 1k", "Mikrotik-Rate-Limit = 20k"));
	CU_ASSERT_FALSE(
		is_same("MS-Primary-DNS-Server = 10.0.0.1", "MS-Secondary-DNS-Server = 10.0.0.1"));
	CU_ASSERT_FALSE(is_same("MS-Primary-DNS-Server = 10.0.0.1", "ERX-Primary-Dns = 10.0.0.1"));
	CU_ASSERT_FALSE(is_same(
		"USR-Primary_DNS_Server = 10.0.0.1", "USR-Secondary_DNS_Server = 10.0.0.1"));
	CU_ASSERT_TRUE(
		is_same("USR-Primary_DNS_Server = 10.0.0.1", "USR-Primary_DNS_Server = 10.0.0.2"));
	CU_ASSERT_TRUE(is_same("Cisco-AVPair = ip:dns-servers=10.0.0.1 10.0.0.2",
		"Cisco-AVPair = ip:dns-servers=10.0.0.3"));
	CU_ASSERT_FALSE(is_same(
		"Cisco-AVPair = ip:dns-servers=10.0.0.1", "Cisco-AVPair = qos-policy-in=x"));
	CU_ASSERT_FALSE(
		is_same("Cisco-AVPair = ip:dns-servers=10.0.0.1", "Cisco-AVPair = ip:dns-servers"));
	CU_ASSERT_FALSE(is_same("Cisco-AVPair = x", "Cisco-NAS-Port = x"));
}

int main(void)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "test");
	char *why = NULL;
	const char *dictionaries = getenv("POPRAD_DICTIONARY_DIR");
	if (!dictionaries || dictionary_load(NULL, dictionaries, &why) != 0) {
		printf("POPRAD_DICTIONARY_DIR: %s\n", why ? why : "not set");
		return 2;
	}
	CU_TestInfo tests[] = {
		TEST(test_rates),
		TEST(test_dns_servers),
		TEST(test_nothing),
		TEST(test_faults),
		TEST(test_rates_that_do_not_fit),
		TEST(test_room),
		TEST(test_routes),
		TEST(test_address_lists),
		TEST(test_types),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("db/provision", set_up, tear_down, tests);
}
