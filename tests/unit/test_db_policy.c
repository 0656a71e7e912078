/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of what a subscriber has of his own, as it stands in his row: good and bad. */
#include "base/mem.h"
#include "db/policy.h"
#include "suite.h"
#include <string.h>

static TALLOC_CTX *ctx;
static const struct policy plan = {
	.session_limit = 1, .session_timeout_s = 28800, .idle_timeout_s = 900, .interim_s = 600};

static const struct policy *overlaid(const char *own)
{
	const struct policy *policy = NULL;
	char *why = NULL;
	CU_ASSERT_EQUAL_FATAL(policy_overlay(ctx, &plan, own, &policy, &why), 0);
	CU_ASSERT_PTR_NULL(why);
	return policy;
}

static void test_nothing_is_as_in_the_plan(void)
{
	const struct policy *policy = overlaid("{}");
	CU_ASSERT_EQUAL(memcmp(policy, &plan, sizeof plan), 0);
}

static void test_what_is_own_goes_before_the_plan(void)
{
	const struct policy *policy = overlaid("{\"session_limit\": 0, \"interim_s\": 60}");
	CU_ASSERT_EQUAL(policy->session_limit, 0);
	CU_ASSERT_EQUAL(policy->session_timeout_s, 28800);
	CU_ASSERT_EQUAL(policy->idle_timeout_s, 900);
	CU_ASSERT_EQUAL(policy->interim_s, 60);
	CU_ASSERT_EQUAL(policy->own, 1u << POLICY_SESSION_LIMIT | 1u << POLICY_INTERIM);
	policy = overlaid("{\"session_timeout_s\": 2147483647, \"idle_timeout_s\": 1}");
	CU_ASSERT_EQUAL(policy->session_timeout_s, 2147483647);
	CU_ASSERT_EQUAL(policy->idle_timeout_s, 1);
	policy = overlaid("{\"rate_in_kbit\": 64, \"rate_out_kbit\": 128}");
	CU_ASSERT_EQUAL(policy->provision.rate_in_kbit, 64);
	CU_ASSERT_EQUAL(policy->provision.rate_out_kbit, 128);
	CU_ASSERT_EQUAL(policy->own, POLICY_OWN_RATES);
	policy = overlaid("{\"dns_servers\": [\"192.0.2.53\", \"2001:db8::53\"]}");
	CU_ASSERT_EQUAL(policy->provision.dns_server_count, 2);
	CU_ASSERT_EQUAL(policy->provision.dns_servers[0].family, 4);
	CU_ASSERT_EQUAL(policy->provision.dns_servers[1].family, 6);
	CU_ASSERT_EQUAL(policy->own, POLICY_OWN_DNS_SERVERS);
	policy = overlaid("{\"routes\": [\"192.0.2.0/24\", \"2001:db8:1::/48\"]}");
	CU_ASSERT_EQUAL(policy->provision.route_count, 2);
	CU_ASSERT_EQUAL(policy->provision.routes[1].bits, 48);
	CU_ASSERT_EQUAL(policy->own, POLICY_OWN_ROUTES);
	policy = overlaid("{\"address_list\": \"suspended\"}");
	CU_ASSERT_STRING_EQUAL(policy->provision.address_list, "suspended");
	CU_ASSERT_EQUAL(policy->own, POLICY_OWN_ADDRESS_LIST);
	policy = overlaid("{\"address_list\": \"\"}");
	CU_ASSERT_PTR_NULL(policy->provision.address_list);
	CU_ASSERT_EQUAL(policy->own, POLICY_OWN_ADDRESS_LIST);
	CU_ASSERT_EQUAL(overlaid("{\"dns_servers\": []}")->own, POLICY_OWN_DNS_SERVERS);
}

static void test_own_hours(void)
{
	CU_ASSERT_PTR_NOT_NULL(overlaid("{\"login_hours\": \"Mo 18:00-20:00\"}")->login_hours);
	const struct policy *policy = overlaid("{\"login_hours\": \"Always\"}");
	CU_ASSERT_PTR_NULL(policy->login_hours);
	CU_ASSERT_EQUAL(policy->own, 1u << POLICY_LOGIN_HOURS);
}

static void test_own_time_zone(void)
{
	const struct policy *policy = overlaid("{\"time_zone\": \"Asia/Kolkata\"}");
	CU_ASSERT_STRING_EQUAL(policy->time_zone, "Asia/Kolkata");
	CU_ASSERT_EQUAL(policy->own, 1u << POLICY_TIME_ZONE);
}

static void test_own_tunnels(void)
{
	const struct policy *policy =
		overlaid("{\"tunnels\": [\"a\", \"b\"], \"tunnel_address\": true}");
	CU_ASSERT_EQUAL_FATAL(policy->tunnels->count, 2);
	CU_ASSERT_STRING_EQUAL(policy->tunnels->names[1], "b");
	CU_ASSERT_TRUE(policy->tunnel_address);
	CU_ASSERT_EQUAL(policy->own, 1u << POLICY_TUNNELS | 1u << POLICY_TUNNEL_ADDRESS);
	policy = overlaid("{\"tunnels\": []}");
	CU_ASSERT_PTR_NULL(policy->tunnels);
	CU_ASSERT_EQUAL(policy->own, 1u << POLICY_TUNNELS);
}

static void test_own_binding(void)
{
	const struct binding *binding = &overlaid("{}")->binding;
	CU_ASSERT_PTR_NULL(binding->calling_stations);
	CU_ASSERT_FALSE(binding->learns);
	binding = &overlaid("{\"calling_stations\": [\"02555*\", \"00:11:22:33:44:55\"], "
			    "\"called_stations\": [], \"nas_port_types\": [\"Ethernet\"], "
			    "\"nas_groups\": [\"west\"], \"learn_calling_station\": true, "
			    "\"learned_calling_station\": \"001122334455\"}")
			   ->binding;
	CU_ASSERT_TRUE(station_list_has(binding->calling_stations, "001122334455"));
	CU_ASSERT_TRUE(station_list_has(binding->calling_stations, "0255501234"));
	CU_ASSERT_FALSE(station_list_has(binding->calling_stations, "0255601234"));
	CU_ASSERT_PTR_NULL(binding->called_stations);
	CU_ASSERT_TRUE(word_list_has(binding->nas_port_types, "ethernet"));
	CU_ASSERT_FALSE(word_list_has(binding->nas_port_types, "Virtual"));
	CU_ASSERT_TRUE(word_list_has(binding->nas_groups, "west"));
	CU_ASSERT_TRUE(binding->learns);
	CU_ASSERT_STRING_EQUAL(binding->learned, "001122334455");
	CU_ASSERT_EQUAL(overlaid("{\"called_stations\": []}")->own, 1u << POLICY_CALLED_STATIONS);
}

/* A newer database may have columns that this server does not know. */
static void test_what_is_unknown_is_passed_over(void)
{
	CU_ASSERT_EQUAL(overlaid("{\"colour\": \"blue\"}")->own, 0);
}

static void test_what_cannot_be_is_refused(void)
{
	static const struct {
		const char *own, *why;
		int rc;
	} bad[] = {
		{"", "", ERR_SYNTAX},
		{"[]", "document: is no object", ERR_SYNTAX},
		{"{\"session_limit\": 1", "", ERR_SYNTAX},
		{"{\"session_limit\": 1, \"session_limit\": 2}", "", ERR_SYNTAX},
		{"{\"session_limit\": \"1\"}", "session_limit: is no integer", ERR_SYNTAX},
		{"{\"session_limit\": null}", "session_limit: is no integer", ERR_SYNTAX},
		{"{\"session_limit\": -1}", "session_limit: -1 is not within 0..2147483647",
			ERR_RANGE},
		{"{\"rate_out_kbit\": 100000001}",
			"rate_out_kbit: 100000001 is not within 0..100000000", ERR_RANGE},
		{"{\"routes\": [\"192.0.2.1/24\"]}", "routes: \"192.0.2.1/24\" is no prefix",
			ERR_RANGE},
		{"{\"dns_servers\": [\"ns\"]}", "dns_servers: \"ns\" is no address", ERR_SYNTAX},
		{"{\"idle_timeout_s\": 2147483648}",
			"idle_timeout_s: 2147483648 is not within 0..2147483647", ERR_RANGE},
		{"{\"address_list\": 7}", "address_list: is no string", ERR_SYNTAX},
		{"{\"login_hours\": 7}", "login_hours: is no string", ERR_SYNTAX},
		{"{\"login_hours\": \"\"}", "login_hours: has 0 octets", ERR_RANGE},
		{"{\"login_hours\": \"Mo-Fr 18-23\"}",
			"login_hours: column 7: is no time such as 18:30", ERR_SYNTAX},
		{"{\"calling_stations\": [\"1\", \"0255*1\"]}",
			"calling_stations: element 2 has a * that is not its end", ERR_SYNTAX},
		{"{\"called_stations\": [null]}", "called_stations: is no string", ERR_SYNTAX},
		{"{\"nas_port_types\": [\"\"]}", "nas_port_types: has 0 octets", ERR_RANGE},
		{"{\"nas_groups\": \"west\"}", "nas_groups: is no list", ERR_SYNTAX},
		{"{\"learn_calling_station\": 1}",
			"learn_calling_station: is neither true nor false", ERR_SYNTAX},
		{"{\"learned_calling_station\": \"\"}", "learned_calling_station: has 0 octets",
			ERR_RANGE},
		{"{\"time_zone\": \"Europe/Nowhere\"}",
			"time_zone: \"Europe/Nowhere\" is no time zone", ERR_RANGE},
		{"{\"interim_s\": 59}", "interim_s: 59 is neither 0 (none) nor at least 60 seconds",
			ERR_RANGE},
	};
	for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
		const struct policy *policy;
		char *why = NULL;
		CU_ASSERT_EQUAL(policy_overlay(ctx, &plan, bad[n].own, &policy, &why), bad[n].rc);
		CU_ASSERT_PTR_NOT_NULL_FATAL(why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, bad[n].why));
	}
}

static int prepare(void)
{
	ctx = mem_must(talloc_new(NULL));
	return 0;
}

static int clean_up(void)
{
	talloc_free(ctx);
	return 0;
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_nothing_is_as_in_the_plan),
		TEST(test_what_is_own_goes_before_the_plan),
		TEST(test_own_hours),
		TEST(test_own_time_zone),
		TEST(test_own_tunnels),
		TEST(test_own_binding),
		TEST(test_what_is_unknown_is_passed_over),
		TEST(test_what_cannot_be_is_refused),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("db_policy", prepare, clean_up, tests);
}
