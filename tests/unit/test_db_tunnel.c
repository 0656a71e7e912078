/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tunnels, octet by octet, and what of a catalog's row is refused. */
#include "base/mem.h"
#include "db/catalog.h"
#include "suite.h"
#include <stdlib.h>
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

static const char *hex(const struct rendered_tunnels *rendered, size_t from)
{
	char *text = mem_must(talloc_strdup(ctx, ""));
	for (size_t i = from; i < rendered->count; i++)
		for (size_t at = 0; at < rendered->attributes[i].size; at++)
			text = mem_must(talloc_asprintf_append(text, "%s%02x",
				*text == '\0' ? "" : " ", rendered->attributes[i].octets[at]));
	return text;
}

static const struct tunnel plain = {
	.name = "plain", .type = 3, .medium = 1, .server = "lns", .preference = -1};

static void test_one(void)
{
	const struct tunnel *tunnels[] = {&plain};
	struct rendered_tunnels rendered = tunnels_render(ctx, tunnels, 1);
	CU_ASSERT_EQUAL(rendered.count, 3);
	CU_ASSERT_EQUAL(rendered.octets, 6 + 6 + 6);
	CU_ASSERT_STRING_EQUAL(
		hex(&rendered, 0), "40 06 01 00 00 03 41 06 01 00 00 01 43 06 01 6c 6e 73");
}

/* Each attribute, in the order of their numbers. */
static void test_all_that_can_be_said(void)
{
	const struct tunnel full = {.name = "full",
		.type = 1,
		.medium = 2,
		.server = "S",
		.client = "C",
		.client_auth_id = "c",
		.server_auth_id = "s",
		.assignment_id = "a",
		.password = "secret",
		.preference = 0x010203};
	const struct tunnel *tunnels[] = {&full};
	struct rendered_tunnels rendered = tunnels_render(ctx, tunnels, 1);
	CU_ASSERT_EQUAL_FATAL(rendered.count, 9);
	CU_ASSERT_STRING_EQUAL(hex(&rendered, 0),
		"40 06 01 00 00 01 41 06 01 00 00 02 42 04 01 43 43 04 01 53 "
		"45 08 73 65 63 72 65 74 "
		"52 04 01 61 53 06 01 01 02 03 5a 04 01 63 5b 04 01 73");
	CU_ASSERT_EQUAL(rendered.attributes[4].encryption, ATTR_SALTED);
	CU_ASSERT_TRUE(rendered.attributes[4].has_tag);
	CU_ASSERT_EQUAL(rendered.attributes[4].tag, 1);
	/* Tag, salt and one block. */
	CU_ASSERT_EQUAL(rendered.octets, 6 + 6 + 4 + 4 + (2 + 1 + 2 + 16) + 4 + 6 + 4 + 4);
	tunnels_wipe(&rendered);
	CU_ASSERT_EQUAL(rendered.attributes[4].octets[2], 0);
}

static void test_several(void)
{
	const struct tunnel low = {
		.name = "low", .type = 3, .medium = 1, .server = "l", .preference = 0};
	const struct tunnel *tunnels[TUNNELS_MAX] = {&plain, &low};
	struct rendered_tunnels rendered = tunnels_render(ctx, tunnels, 2);
	CU_ASSERT_STRING_EQUAL(hex(&rendered, 2),
		"43 06 01 6c 6e 73 53 06 01 00 00 01 "
		"40 06 02 00 00 03 41 06 02 00 00 01 43 04 02 6c 53 06 02 00 00 00");
	for (size_t i = 0; i < TUNNELS_MAX; i++)
		tunnels[i] = &plain;
	rendered = tunnels_render(ctx, tunnels, TUNNELS_MAX);
	CU_ASSERT_EQUAL_FATAL(rendered.count, 4 * TUNNELS_MAX);
	CU_ASSERT_EQUAL(rendered.attributes[rendered.count - 1].tag, 31);
	CU_ASSERT_EQUAL(rendered.attributes[rendered.count - 1].octets[2], 31);
}

/* Why a catalog with this row of the table, which a plan names, is refused; NULL = it is not. */
static const char *load(const char *row)
{
	struct catalog *catalog = NULL;
	char *why = NULL,
	     *json = mem_must(talloc_asprintf(ctx,
		     "{'version': 1, 'nas': [], 'learned': [], 'pool_ranges': [], 'pools': [], "
		     "'filters': [], 'filter_sets': [], 'realms': [], 'nas_groups': [], "
		     "'tunnels': [%s], 'plans': [{'plan_id': 1, 'name': 'home', 'pool_id': 0, "
		     "'session_limit': 0, 'session_timeout_s': 0, 'idle_timeout_s': 0, "
		     "'interim_s': 0, 'login_hours': 'always', 'time_zone': 'UTC', "
		     "'address_list': '', 'suspended_plan_id': 0, 'expired_plan_id': 0, "
		     "'netmask': '255.255.255.255', 'allows_login': false, 'rate_in_kbit': 0, "
		     "'rate_out_kbit': 0, 'dns_servers': [], 'tunnels': ['t'], 'filters': [], "
		     "'attributes': []}]}",
		     row));
	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (catalog_parse(ctx, json, strlen(json), &catalog, &why) != 0)
		return why;
	const struct plan *plan = catalog_find_plan(catalog, 1);
	CU_ASSERT_EQUAL(plan->has_unknown_tunnel, *row == '\0');
	CU_ASSERT_EQUAL(plan->tunnels.count, *row == '\0' ? 0 : 3);
	return NULL;
}

#define ROW(TYPE, MEDIUM, SERVER, MORE) \
	"{'name': 't', 'type': '" TYPE "', 'medium': '" MEDIUM "', 'server': '" SERVER "'" MORE "}"

static void test_rows(void)
{
	CU_ASSERT_PTR_NULL(load(ROW("l2tp", "ipv4", "192.0.2.1", "")));
	CU_ASSERT_PTR_NULL(load(""));
	CU_ASSERT_PTR_NOT_NULL(load(ROW("vlan", "ipv4", "192.0.2.1", "")));
	CU_ASSERT_PTR_NOT_NULL(load(ROW("l2tp", "ipx", "192.0.2.1", "")));
	CU_ASSERT_PTR_NOT_NULL(load(ROW("l2tp", "ipv4", "", "")));
	CU_ASSERT_PTR_NOT_NULL(load(ROW("l2tp", "ipv4", "a", ", 'preference': 16777216")));
	CU_ASSERT_PTR_NOT_NULL(load(ROW("l2tp", "ipv4", "a", ", 'preference': -1")));
	CU_ASSERT_PTR_NOT_NULL(load(ROW("l2tp", "ipv4", "a", ", 'password': ''")));
	char *text = mem_must(talloc_zero_size(ctx, TUNNEL_TEXT_MAX + 2));
	memset(text, 'x', TUNNEL_TEXT_MAX + 1);
	CU_ASSERT_PTR_NOT_NULL(load(talloc_asprintf(ctx, ROW("l2tp", "ipv4", "%s", ""), text)));
}

static bool is_attribute(const char *text)
{
	struct encoded_attr attr = {0};
	char *why = NULL;
	CU_ASSERT_EQUAL_FATAL(attr_from_text(ctx, text, &attr, &why), 0);
	return tunnel_is_attribute(&attr);
}

static void test_attributes(void)
{
	CU_ASSERT_TRUE(is_attribute("Tunnel-Type = VLAN"));
	CU_ASSERT_TRUE(is_attribute("Tunnel-Password:2 = p"));
	CU_ASSERT_TRUE(is_attribute("Tunnel-Server-Auth-Id:31 = p"));
	CU_ASSERT_TRUE(is_attribute("Cisco-AVPair = vpdn:l2tp-tunnel-password=p"));
	CU_ASSERT_FALSE(is_attribute("Cisco-AVPair = ip:dns-servers=192.0.2.1"));
	CU_ASSERT_FALSE(is_attribute("Cisco-AVPair = vpdn"));
	CU_ASSERT_FALSE(is_attribute("Framed-MTU = 1492"));
	CU_ASSERT_FALSE(is_attribute("Acct-Tunnel-Connection = x"));
}

int main(void)
{
	char *why = NULL;
	const char *dictionaries = getenv("POPRAD_DICTIONARY_DIR");
	if (!dictionaries || dictionary_load(NULL, dictionaries, &why) != 0) {
		printf("POPRAD_DICTIONARY_DIR: %s\n", why ? why : "not set");
		return 2;
	}
	CU_TestInfo tests[] = {
		TEST(test_one),
		TEST(test_all_that_can_be_said),
		TEST(test_several),
		TEST(test_rows),
		TEST(test_attributes),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("db/tunnel", set_up, tear_down, tests);
}
