/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What plans' filters become for each kind of access server, octet by octet, and what is refused.
 */
#include "base/log.h"
#include "base/mem.h"
#include "db/catalog.h"
#include "suite.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The access server n, from 0, stands at 10.0.(n + 1).0/24. */
struct place {
	const char *kind, *form;
	bool is_virtual;
};

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

/* What realms and groups impose; the access server n is of the group n + 1. */
static const char *realms = "[]", *groups = "[]";

/* filters, sets and the plan's lists are JSON with ' for ". */
static void load_with_own(const struct place *places, const char *filters, const char *sets,
	const char *plan_filters, const char *attributes, const char *own)
{

	char *json = mem_must(talloc_strdup(ctx, "{'version': 1, 'nas': ["));
	char *why = NULL;
	for (unsigned n = 0; places[n].kind; n++)
		json = mem_must(talloc_asprintf_append(json,
			"%s{'nas_id': %u, 'name': 'n%u', 'prefix': '10.0.%u.0/24', 'secret': 's', "
			"'kind': '%s', 'nas_group_id': %u, 'is_own_network': %s, "
			"'require_message_authenticator': 'auto', 'limit_proxy_state': true, "
			"'no_accounting': false, 'timeout_ms': 0, 'filter_password': 'p', "
			"'filter_form': '%s'}",
			n > 0 ? ", " : "", n + 1, n + 1, n + 1, places[n].kind, n + 1,
			places[n].is_virtual ? "false" : "true", places[n].form));
	json = mem_must(talloc_asprintf_append(json,
		"], 'learned': [], 'pool_ranges': [], "
		"'pools': [{'name': 'dynamic', 'networks': ['10.0.8.0/21']}], "
		"'filters': %s, 'filter_sets': %s, 'realms': %s, 'nas_groups': %s, "
		"'plans': [{'plan_id': 1, 'name': 'home', "
		"'pool_id': 0, 'session_limit': 0, 'session_timeout_s': 0, "
		"'login_hours': 'always', 'time_zone': 'UTC', 'address_list': '', "
		"'suspended_plan_id': 0, "
		"'expired_plan_id': 0, "
		"'idle_timeout_s': 0, 'interim_s': 0, 'netmask': '255.255.255.255', "
		"'allows_login': false, 'rate_in_kbit': 0, 'rate_out_kbit': 0, 'dns_servers': [], "
		"'filters': %s, 'attributes': %s}]%s}",
		filters, sets, realms, groups, plan_filters, attributes, own));
	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (catalog_parse(ctx, json, strlen(json), &catalog, &why) != 0)
		printf("\n%s\n", why);
	CU_ASSERT_PTR_NULL_FATAL(why);
}

static void load(const struct place *places, const char *filters, const char *sets,
	const char *plan_filters, const char *attributes)
{
	load_with_own(places, filters, sets, plan_filters, attributes, "");
}

/* What the subscriber in question has of his own, and his login; NULL = nothing. */
static const struct own_filters *own_filters;
static const char *login;

static const struct rendered_filters *rendered(unsigned place)
{
	struct addr source = {.family = 4, .bytes = {10, 0, (uint8_t)(place + 1), 9}};
	const struct nas *nas = catalog_find_nas(catalog, &source);
	CU_ASSERT_PTR_NOT_NULL_FATAL(nas);
	const struct plan *plan = catalog_find_plan(catalog, 1);
	const struct imposed *by_realm =
		login == NULL ? NULL : catalog_imposed_by_realm(catalog, login);
	return own_filters == NULL && by_realm == NULL
		       ? &plan->rendered[nas->filter_view]
		       : catalog_own_filters(
				 ctx, catalog, plan, by_realm, own_filters, nas->filter_view);
}

static void put_value(char **text, const uint8_t *octets, size_t size)
{
	bool is_text = size > 0 && isalpha(octets[0]);
	for (size_t i = 0; i < size; i++)
		*text = mem_must(talloc_asprintf_append(*text,
			!is_text    ? "%02x"
			: octets[i] ? "%c"
				    : "|",
			octets[i]));
}

/* "11 no-smtp.in\n9/1 ip:inacl#1=...\n": | stands for NUL, other octets are hex. */
static const char *decoded(unsigned place)
{
	const struct rendered_filters *filters = rendered(place);
	char *text = mem_must(talloc_strdup(ctx, ""));
	CU_ASSERT_FALSE(filters->is_refused);
	for (size_t at = 0; at < filters->size; at += filters->octets[at + 1]) {
		const uint8_t *attr = filters->octets + at;
		CU_ASSERT_FATAL(attr[1] >= 2 && at + attr[1] <= filters->size);
		size_t header = attr[0] == 26 ? 8 : 2;
		if (header == 8) {
			CU_ASSERT_EQUAL(attr[7], attr[1] - 6);
			text = mem_must(talloc_asprintf_append(
				text, "%u/%u ", attr[4] << 8 | attr[5], attr[6]));
		} else {
			text = mem_must(talloc_asprintf_append(text, "%u ", attr[0]));
		}
		put_value(&text, attr + header, attr[1] - header);
		text = mem_must(talloc_asprintf_append(text, "\n"));
	}
	return text;
}

static void becomes(unsigned place, const char *expected)
{
	const char *text = decoded(place);
	if (strcmp(text, expected) != 0)
		printf("\nplace %u: %s", place, text);
	CU_ASSERT_STRING_EQUAL(text, expected);
}

static void no_refusal(void)
{
	size_t count;
	const struct plan_refusal *refusals = catalog_refusals(catalog, &count);
	if (count > 0)
		printf("\n%s: %s\n", refusals->kind->name, refusals->why);
	CU_ASSERT_EQUAL(count, 0);
}

/* The one refusal there is. */
static void refused(bool is_login_refused, const char *place, const char *why)
{
	size_t count;
	const struct plan_refusal *refusal = catalog_refusals(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	CU_ASSERT_STRING_EQUAL(refusal->plan, "home");
	CU_ASSERT_EQUAL(refusal->is_login_refused, is_login_refused);
	CU_ASSERT_STRING_EQUAL(plan_refusal_place(ctx, refusal), place);
	if (!strstr(refusal->why, why))
		printf("\n%s\n", refusal->why);
	CU_ASSERT_PTR_NOT_NULL(strstr(refusal->why, why));
	CU_ASSERT_EQUAL(rendered(0)->is_refused, is_login_refused);
	if (is_login_refused) {
		CU_ASSERT_EQUAL(rendered(0)->size, 0);
	}
}

/* A filter of each direction; the one from the subscriber is for our own network alone; and one
 * for routers. */
#define BOTH                                                                                       \
	"[{'filter_id': 1, 'name': 'to', 'direction': 'out', 'scope': 'anywhere', "                \
	"'rules': ['deny tcp any pool dynamic eq 25 80', 'permit ip any any']}, "                  \
	"{'filter_id': 2, 'name': 'from', 'direction': 'in', 'scope': 'own-network', "             \
	"'rules': ['deny tcp any any eq 25', 'permit ip any any']}, "                              \
	"{'filter_id': 3, 'name': 'routers', 'direction': 'in', 'scope': 'router', 'rules': []}, " \
	"{'filter_id': 4, 'name': 'empty', 'direction': 'in', 'scope': 'anywhere', 'rules': []}, " \
	"{'filter_id': 5, 'name': 'odd', 'direction': 'in', 'scope': 'anywhere', "                 \
	"'rules': ['permit ip any any', 'deny tcp any any eq smpt']}]"
#define SET                                                                                 \
	"[{'filter_set_id': 1, 'name': 'home-set', 'in_filter_id': 2, 'out_filter_id': 1, " \
	"'names': {'usr': 'home', 'l2tpns': 'l2'}}]"

#define IMPOSED                                                                        \
	"[{'filter_id': 1, 'name': 'to', 'direction': 'out', 'scope': 'anywhere', "    \
	"'rules': ['deny tcp any pool dynamic eq 25', 'permit ip any any']}, "         \
	"{'filter_id': 2, 'name': 'from', 'direction': 'in', 'scope': 'own-network', " \
	"'rules': ['deny tcp any any eq 25', 'permit ip any any']}, "                  \
	"{'filter_id': 6, 'name': 'no-udp', 'direction': 'in', 'scope': 'anywhere', "  \
	"'rules': ['deny udp any any', 'permit ip any any']}]"
#define IMPOSED_SET                                                                     \
	"[{'filter_set_id': 1, 'name': 'pair', 'in_filter_id': 2, 'out_filter_id': 1, " \
	"'names': {}}, {'filter_set_id': 7, 'name': 'hold', 'in_filter_id': 6, "        \
	"'out_filter_id': 0, 'names': {}}]"

#define TO_25 "01000000000000000a0008000015060000000019000200"
#define TO_80 "01000000000000000a0008000015060000000050000200"
static const char *record(const char *beginning)
{
	return mem_must(talloc_asprintf(ctx, "%s%0*d", beginning, 64 - (int)strlen(beginning), 0));
}

static void test_names(void)
{
	static const struct place places[] = {{"cisco", "usual", false},
		{"mikrotik", "names", false}, {"juniper", "usual", false}, {"usr", "usual", false},
		{"portmaster", "usual", false}, {"l2tpns", "usual", false},
		{"pppd", "usual", false}, {"other", "usual", false}, {"huawei", "usual", false},
		{"accel-ppp", "usual", false}, {"cisco", "none", false}, {"cisco", "usual", true},
		{"juniper", "usual", true}, {"portmaster", "usual", true}, {"usr", "usual", true},
		{0}};
	load(places, BOTH, SET, "[1, 2, 3]", "[]");
	no_refusal();
	becomes(0, "11 to.out\n11 from.in\n");
	becomes(1, "11 to.out\n11 from.in\n");
	becomes(2, "4874/11 to\n4874/10 from\n");
	becomes(3, "11 home\n");
	becomes(4, "11 home-set\n");
	becomes(5, "11 l2.out\n11 l2.in\n");
	becomes(6, "11 to.out\n11 from.in\n");
	becomes(7, "11 to.out\n11 from.in\n");
	for (unsigned place = 8; place <= 10; place++)
		becomes(place, "");
	becomes(11, "11 to.out\n");
	becomes(12, "4874/11 to\n");
	becomes(13, "11 to\n");
	becomes(14, "11 to\n");
}

static void test_rules(void)
{
	static const struct place places[] = {{"cisco", "rules", false}, {"ascend", "usual", false},
		{"ascend", "old-rules", false}, {"nokia", "usual", false},
		{"other", "rules", false}, {"cisco", "rules", true}, {"ascend", "rules", true},
		{"nokia", "rules", true}, {0}};
	const char *all = record("0101"), *all_in = record("010101");
	const char *smtp_in = record("01000100000000000000000000000600000000190002");
	load(places, BOTH, SET, "[1, 2, 3]", "[]");
	no_refusal();
	becomes(0, "9/1 ip:outacl#1=deny tcp any 10.0.8.0 0.0.7.255 eq smtp\n"
		   "9/1 ip:outacl#2=deny tcp any 10.0.8.0 0.0.7.255 eq www\n"
		   "9/1 ip:outacl#3=permit ip any any\n"
		   "9/1 ip:inacl#1=deny tcp any any eq smtp\n"
		   "9/1 ip:inacl#2=permit ip any any\n");
	becomes(1, mem_must(talloc_asprintf(ctx,
			   "529/242 %s\n529/242 %s\n529/242 %s\n529/242 %s\n529/242 %s\n",
			   record(TO_25), record(TO_80), all, smtp_in, all_in)));
	becomes(2, mem_must(talloc_asprintf(ctx, "242 %s\n242 %s\n242 %s\n242 %s\n242 %s\n",
			   record(TO_25), record(TO_80), all, smtp_in, all_in)));
	becomes(3, "92 deny out 6 from any to 10.0.8.0/21 25|deny out 6 from any to 10.0.8.0/21 80|"
		   "permit out ip from any to any|deny in 6 from any to any 25|"
		   "permit in ip from any to any\n");
	becomes(4, "92 deny out 6 from any to 10.0.8.0/21 25,80|permit out ip from any to any|"
		   "deny in 6 from any to any 25|permit in ip from any to any\n");
	becomes(5, "9/1 ip:outacl#1=deny tcp any 10.0.8.0 0.0.7.255 eq smtp\n"
		   "9/1 ip:outacl#2=deny tcp any 10.0.8.0 0.0.7.255 eq www\n"
		   "9/1 ip:outacl#3=permit ip any any\n");
	becomes(6, mem_must(talloc_asprintf(ctx, "529/242 %s\n529/242 %s\n529/242 %s\n",
			   record(TO_25), record(TO_80), all)));
	becomes(7, "92 deny out 6 from any to 10.0.8.0/21 25|deny out 6 from any to 10.0.8.0/21 80|"
		   "permit out ip from any to any\n");
}

static void test_a_plan_without_filters(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {"ascend", "usual", false},
		{"nokia", "usual", false}, {"juniper", "usual", true}, {0}};
	load(places, BOTH, SET, "[]", "[]");
	no_refusal();
	for (unsigned place = 0; place < 4; place++)
		becomes(place, "");
}

/* One filter or two with one name; which set speaks of them. */
static void test_sets(void)
{
	static const struct place places[] = {
		{"usr", "usual", false}, {"portmaster", "usual", false}, {0}};
	load(places, BOTH,
		"[{'filter_set_id': 1, 'name': 'a', 'in_filter_id': 2, 'out_filter_id': 0, "
		"'names': {}}, "
		"{'filter_set_id': 2, 'name': 'b', 'in_filter_id': 2, 'out_filter_id': 0, 'names': "
		"{'usr': 'u'}}]",
		"[2]", "[]");
	no_refusal();
	becomes(0, "11 u\n");
	becomes(1, "11 a\n");
	load(places, BOTH, "[]", "[2]", "[]");
	no_refusal();
	becomes(0, "11 from\n");
}

/* What the NAS does with a name that does not do is its affair; it is told what was meant. */
static void test_names_that_do_not_do(void)
{
	static const struct place usr[] = {{"usr", "usual", false}, {0}};
	static const struct place portmaster[] = {{"portmaster", "usual", false}, {0}};
	static const struct place juniper[] = {{"juniper", "usual", true}, {0}};
	load(portmaster, BOTH, "[]", "[1, 2]", "[]");
	refused(false, "kind portmaster", "to and from must have one name there");
	becomes(0, "11 to\n11 from\n");
	load(usr, BOTH,
		"[{'filter_set_id': 1, 'name': 'longer-than-fifteen', 'in_filter_id': 2, "
		"'out_filter_id': 1, 'names': "
		"{}}]",
		"[1, 2]", "[]");
	refused(false, "kind usr", "longer-than-fifteen has more than 15 characters");
	becomes(0, "11 longer-than-fifteen\n");
	load(juniper, BOTH, "[]", "[4, 5]", "[]");
	refused(false, "kind juniper, virtual POP", "empty and odd are of one direction");
}

/* Nothing is sent, and nobody may log in. */
static void test_rules_that_cannot_be_said(void)
{
	static const struct place ascend[] = {{"ascend", "old-rules", true}, {0}};
	static const struct place nokia[] = {{"nokia", "usual", false}, {0}};
	load(ascend, BOTH, "[]", "[4]", "[]");
	refused(true, "kind ascend, filter form old-rules, virtual POP", "empty has no rules");
	load(ascend, BOTH, "[]", "[5]", "[]");
	refused(true, "kind ascend, filter form old-rules, virtual POP",
		"odd, rule 2: column 21: expected a port");
	load(nokia, BOTH, "[]", "[2, 5]", "[]");
	refused(true, "kind nokia", "odd, rule 2");
	load(ascend,
		"[{'filter_id': 1, 'name': 'r', 'direction': 'in', 'scope': 'anywhere', 'rules': "
		"['permit ip any any', 'deny tcp any any range 7000 9000']}]",
		"[]", "[1]", "[]");
	refused(true, "kind ascend, filter form old-rules, virtual POP",
		"r, rule 2: this form has");
	load(nokia,
		"[{'filter_id': 1, 'name': 'n', 'direction': 'in', 'scope': 'anywhere', 'rules': "
		"['deny tcp any any eq 1 2 3 4 5 6 7 8 9 10', 'permit ip any any']}]",
		"[]", "[1]", "[]");
	refused(true, "kind nokia",
		"n become 11 rules, and it takes 10; popradctl nas set NAME --filter-form none");
	load(nokia,
		"[{'filter_id': 1, 'name': 'p', 'direction': 'in', 'scope': 'anywhere', 'rules': "
		"['deny ip any pool gone', 'permit ip any any']}]",
		"[]", "[1]", "[]");
	refused(true, "kind nokia", "p, rule 1: there is no pool gone");
}

/* How many records of 40 octets, beside the plan's attributes. */
static void load_many(unsigned rules, const char *attributes)
{
	static const struct place ascend[] = {{"ascend", "usual", false}, {0}};
	char *filters = mem_must(talloc_strdup(ctx,
		"[{'filter_id': 1, 'name': 'many', 'direction': 'in', 'scope': 'anywhere', "
		"'rules': ['permit ip any any'"));
	for (unsigned i = 1; i < rules; i++)
		filters = mem_must(talloc_asprintf_append(filters, ", 'deny tcp any any eq 25'"));
	filters = mem_must(talloc_asprintf_append(filters, "]}]"));
	load(ascend, filters, "[]", "[1]", attributes);
}

static void test_room(void)
{
	load_many(89, "[]");
	no_refusal();
	CU_ASSERT_EQUAL(rendered(0)->size, 89 * 40);
	load_many(90, "[]");
	refused(true, "kind ascend", "many take 3600 octets of an answer, in which they have 3584");
	load_many(89, "['Reply-Message = 0123456789012345678901234567890']");
	refused(true, "kind ascend", "many take 3560 octets of an answer, in which they have 3551");
	load_many(256, "[]");
	refused(true, "kind ascend", "many take 10240 octets");
	load_many(257, "[]");
	refused(true, "kind ascend", "many has more than 256 rules");
}

/* An attribute that says the same, or must not be beside them, takes the filters' place. */
static void test_given_attributes(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {"cisco", "rules", false},
		{"juniper", "usual", false}, {"ascend", "usual", false}, {"nokia", "usual", false},
		{"other", "usual", false}, {0}};
	static const struct {
		const char *attributes;
		const char *is_sent; /* by place */
	} cases[] = {
		{"['Filter-Id = own']", "--++--"},
		{"['NAS-Filter-Rule = permit in ip from any to any']", "-+++--"},
		{"['ERX-Ingress-Policy-Name = own']", "++-+++"},
		{"['ERX-Egress-Policy-Name = own']", "++-+++"},
		{"['Ascend-Data-Filter = ip in forward']", "+++-++"},
		{"['Cisco-AVPair = ip:inacl#1=permit ip any any']", "+-++++"},
		{"['Cisco-AVPair = ip:addr-pool=x', 'Reply-Message = hi']", "++++++"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		load(places, BOTH, SET, "[1, 2]", cases[i].attributes);
		no_refusal();
		for (unsigned place = 0; place < 6; place++) {
			bool is_sent = rendered(place)->size > 0;
			if (is_sent != (cases[i].is_sent[place] == '+'))
				printf("\n%s: place %u\n", cases[i].attributes, place);
			CU_ASSERT_EQUAL(is_sent, cases[i].is_sent[place] == '+');
		}
	}
	/* What takes their place, need not be said. */
	static const struct place ascend[] = {{"ascend", "usual", false}, {0}};
	load(ascend, BOTH, "[]", "[4]", "['Ascend-Data-Filter = ip in forward']");
	no_refusal();
	CU_ASSERT_FALSE(rendered(0)->is_refused);
}

/* Every kind in every form it has is one of the ways above; a form that it has not sends nothing.
 */
static void test_forms(void)
{
	for (size_t i = 0; nas_kind_at(i); i++) {
		const struct nas_kind *kind = nas_kind_at(i);
		enum filter_rendering usual = nas_kind_rendering(kind, NAS_FORM_USUAL);
		CU_ASSERT_TRUE(nas_kind_has_form(kind, NAS_FORM_USUAL));
		CU_ASSERT_TRUE(nas_kind_has_form(kind, NAS_FORM_NONE));
		CU_ASSERT_EQUAL(nas_kind_rendering(kind, NAS_FORM_NONE), RENDER_NOTHING);
		CU_ASSERT_TRUE(usual == kind->names ||
			       (kind->names == RENDER_NOTHING && usual == kind->rules));
		CU_ASSERT_TRUE(kind->rules != RENDER_NAS_RULES || kind->filter_ports_max > 0);
	}
	static const struct {
		const char *kind;
		bool names, rules, old_rules;
	} forms[] = {
		{"cisco", true, true, false},
		{"mikrotik", true, false, false},
		{"juniper", true, false, false},
		{"usr", true, false, false},
		{"portmaster", true, false, false},
		{"ascend", false, true, true},
		{"nokia", false, true, false},
		{"huawei", false, false, false},
		{"accel-ppp", false, false, false},
		{"l2tpns", true, false, false},
		{"pppd", true, false, false},
		{"other", true, true, false},
	};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const struct nas_kind *kind = nas_kind_find(forms[i].kind);
		CU_ASSERT_PTR_EQUAL_FATAL(nas_kind_at(i), kind);
		CU_ASSERT_EQUAL(nas_kind_has_form(kind, NAS_FORM_NAMES), forms[i].names);
		CU_ASSERT_EQUAL(nas_kind_has_form(kind, NAS_FORM_RULES), forms[i].rules);
		CU_ASSERT_EQUAL(nas_kind_has_form(kind, NAS_FORM_OLD_RULES), forms[i].old_rules);
		CU_ASSERT_EQUAL(nas_kind_has_form(kind, NAS_FORM_FILTER_SERVER),
			strcmp(kind->name, "cisco") == 0);
	}
}

/* Names, and the rules of each for who asks; what cannot be said must not be named. */
static void test_answers(void)
{
	static const struct place places[] = {
		{"cisco", "filter-server", false}, {"cisco", "usual", false}, {0}};
	size_t count;
	load(places, IMPOSED,
		"[{'filter_set_id': 1, 'name': 'pair', 'in_filter_id': 2, 'out_filter_id': 1, "
		"'names': {'cisco': 'short'}}]",
		"[1, 2]", "[]");
	no_refusal();
	becomes(0, "11 to.out\n11 from.in\n");
	becomes(1, "11 short.out\n11 short.in\n");
	const struct filter *filters = catalog_filters(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 3);
	static const char rule[] = "ip:inacl#1=deny tcp any any eq smtp";
	CU_ASSERT_FATAL(filters[1].answer.size > 8 + strlen(rule));
	CU_ASSERT_EQUAL(filters[1].answer.octets[7], 2 + strlen(rule));
	CU_ASSERT_EQUAL(memcmp(filters[1].answer.octets + 8, rule, strlen(rule)), 0);
	load(places, BOTH, "[]", "[5]", "[]");
	refused(true, "kind cisco, filter form filter-server", "odd, rule 2");
	filters = catalog_filters(catalog, &count);
	CU_ASSERT_PTR_NOT_NULL(filters[4].answer_fault);
	CU_ASSERT_PTR_NOT_NULL(strstr(filters[3].answer_fault, "empty has no rules"));
}

#define OWN_SET                                                                                  \
	"[{'filter_set_id': 7, 'name': 'hold', 'in_filter_id': 2, 'out_filter_id': 0, 'names': " \
	"{'usr': 'h'}}]"

static void test_exemptions(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {"nokia", "usual", false},
		{"usr", "usual", false}, {"cisco", "usual", true}, {0}};
	static const struct own_filters from = {.exempt_count = 2, .exempt_filter_ids = {77, 2}};
	static const struct own_filters both = {.exempt_count = 2, .exempt_filter_ids = {2, 1}};
	load(places, BOTH, OWN_SET, "[1, 2, 3]", "[]");
	own_filters = &from;
	becomes(0, "11 to.out\n");
	becomes(2, "11 to\n");
	becomes(3, "11 to.out\n");
	const struct rendered_filters *first = rendered(0);
	CU_ASSERT_EQUAL(first->displaces, 0);
	CU_ASSERT_NOT_EQUAL(first->yields_to, 0);
	CU_ASSERT_PTR_EQUAL(rendered(0), first);
	own_filters = &both;
	for (unsigned place = 0; place < 4; place++)
		becomes(place, "");
	own_filters = NULL;
	becomes(0, "11 to.out\n11 from.in\n");
}

static void test_quarantine(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {"other", "rules", false},
		{"usr", "usual", false}, {"cisco", "usual", true}, {"accel-ppp", "usual", false},
		{0}};
	static const struct own_filters own = {
		.quarantine_filter_set_id = 7, .exempt_count = 1, .exempt_filter_ids = {2}};
	static const struct own_filters unknown = {.quarantine_filter_set_id = 8};
	load(places, BOTH, OWN_SET, "[1]", "['Filter-Id = his-own']");
	CU_ASSERT_TRUE(catalog_knows_own_filters(catalog, NULL));
	CU_ASSERT_TRUE(catalog_knows_own_filters(catalog, &own));
	CU_ASSERT_FALSE(catalog_knows_own_filters(catalog, &unknown));
	own_filters = &own;
	becomes(0, "11 from.in\n");
	CU_ASSERT_EQUAL(rendered(0)->displaces, CARRIERS_ALL);
	CU_ASSERT_EQUAL(rendered(0)->yields_to, 0);
	becomes(1, "92 deny in 6 from any to any 25|permit in ip from any to any\n");
	becomes(2, "11 h\n");
	/* It does not apply at a virtual POP: all is as without it. */
	becomes(3, "");
	CU_ASSERT_EQUAL(rendered(3)->displaces, 0);
	becomes(4, "");
	own_filters = NULL;
}

/* Many combinations: what is not kept is right, too. */
static void test_many_combinations(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {0}};
	struct own_filters own = {.exempt_count = 1};
	char *filters = mem_must(talloc_strdup(ctx, "[")), *ids = mem_must(talloc_strdup(ctx, "["));
	for (unsigned n = 1; n <= 13; n++) {
		filters = mem_must(talloc_asprintf_append(filters,
			"%s{'filter_id': %u, 'name': 'f%u', 'direction': 'in', 'scope': "
			"'anywhere', 'rules': []}",
			n > 1 ? ", " : "", n, n));
		ids = mem_must(talloc_asprintf_append(ids, "%s%u", n > 1 ? ", " : "", n));
	}
	load(places, talloc_asprintf_append(filters, "]"), "[]", talloc_asprintf_append(ids, "]"),
		"[]");
	own_filters = &own;
	for (unsigned mask = 1; mask < 1u << 13; mask++) {
		char *expected = mem_must(talloc_strdup(ctx, ""));
		own.exempt_count = 0;
		for (unsigned n = 0; n < 13; n++)
			if (mask & 1u << n)
				own.exempt_filter_ids[own.exempt_count++] = (int32_t)n + 1;
			else
				expected = mem_must(
					talloc_asprintf_append(expected, "11 f%u.in\n", n + 1));
		becomes(0, expected);
	}
	own_filters = NULL;
}

/* What a realm or a group imposes goes before all else, and nothing takes its place. */
static void test_imposed(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {"cisco", "rules", false},
		{"usr", "usual", false}, {"cisco", "usual", true}, {"accel-ppp", "usual", false},
		{"other", "rules", false}, {"juniper", "usual", false}, {0}};
	static const struct own_filters exempt = {.exempt_count = 1, .exempt_filter_ids = {2}};
	static const struct own_filters held = {.quarantine_filter_set_id = 7};
	realms = "[{'name': 'a.example', 'filters': [2]}]";
	load(places, IMPOSED, IMPOSED_SET, "[1, 6]", "['Filter-Id = his-own']");
	no_refusal();
	becomes(0, "");
	login = "x@b.example";
	becomes(0, "");
	login = "x@a.example";
	becomes(0, "11 from.in\n11 to.out\n");
	CU_ASSERT_EQUAL(rendered(0)->displaces, CARRIERS_ALL);
	CU_ASSERT_EQUAL(rendered(0)->yields_to, 0);
	becomes(1, "9/1 ip:inacl#1=deny tcp any any eq smtp\n9/1 ip:inacl#2=deny udp any any\n"
		   "9/1 ip:inacl#3=permit ip any any\n"
		   "9/1 ip:outacl#1=deny tcp any 10.0.8.0 0.0.7.255 eq smtp\n"
		   "9/1 ip:outacl#2=permit ip any any\n");
	/* One name for both directions: that of the pair that has both, if there is one. */
	becomes(2, "11 pair\n");
	/* It is for our own network. */
	becomes(3, "");
	becomes(4, "");
	CU_ASSERT_EQUAL(rendered(4)->displaces, 0);
	becomes(5,
		"92 deny in 6 from any to any 25|deny in 17 from any to any|permit in ip from any "
		"to any|deny out 6 from any to 10.0.8.0/21 25|permit out ip from any to any\n");
	becomes(6, "4874/10 from\n4874/11 to\n");
	own_filters = &exempt;
	becomes(0, "11 from.in\n11 to.out\n");
	own_filters = &held;
	becomes(0, "11 from.in\n");
	becomes(1, "9/1 ip:inacl#1=deny tcp any any eq smtp\n9/1 ip:inacl#2=deny udp any any\n"
		   "9/1 ip:inacl#3=permit ip any any\n");
	becomes(3, "11 no-udp.in\n");
	own_filters = NULL;
	login = NULL;
	realms = "[]";
}

/* A group is part of what access servers have in common. */
static void test_imposed_by_a_group(void)
{
	static const struct place places[] = {{"cisco", "usual", false}, {"cisco", "usual", false},
		{"usr", "usual", false}, {"cisco", "usual", false}, {"nokia", "usual", false}, {0}};
	size_t count;
	groups = "[{'nas_group_id': 2, 'name': 'west', 'filters': [2]}, {'nas_group_id': 3, "
		 "'name': 'east', 'filters': [2]}, {'nas_group_id': 4, 'name': 'north', 'filters': "
		 "[6, 2]}]";
	load(places, IMPOSED, "[]", "[6, 1]", "[]");
	becomes(0, "11 no-udp.in\n11 to.out\n");
	becomes(1, "11 from.in\n11 to.out\n");
	becomes(2, "11 from\n");
	becomes(3, "11 no-udp.in\n11 from.in\n11 to.out\n");
	const struct plan_refusal *refusals = catalog_refusals(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	CU_ASSERT_STRING_EQUAL(plan_refusal_place(ctx, refusals), "kind cisco, group north");
	CU_ASSERT_STRING_EQUAL(refusals->why,
		"no-udp and from are both imposed there, and one name is sent for a direction");
	CU_ASSERT_FALSE(refusals->is_login_refused);
	const struct plan_refusal *remarks = catalog_remarks(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 2);
	CU_ASSERT_STRING_EQUAL(plan_refusal_place(ctx, remarks), "kind cisco, group west");
	CU_ASSERT_STRING_EQUAL(remarks[0].why,
		"from is imposed there, and where names are sent, no-udp gives way to it");
	/* A realm's come behind the group's, each once. */
	realms = "[{'name': 'a.example', 'filters': [6, 2]}]";
	load(places, IMPOSED, "[]", "[]", "[]");
	login = "x@a.example";
	becomes(4,
		"92 deny in 17 from any to any|deny in 6 from any to any 25|permit in ip from any "
		"to any\n");
	login = NULL;
	realms = groups = "[]";
}

static void test_imposed_that_does_not_do(void)
{
	static const struct place places[] = {{"ascend", "usual", false}, {0}};
	size_t count;
	realms = "[{'name': 'a.example', 'filters': [5]}]";
	load_with_own(places, BOTH, "[]", "[1]", "[]", ", 'own_filters': []");
	const struct plan_refusal *refusals = catalog_refusals(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	CU_ASSERT_STRING_EQUAL(refusals[0].plan, "home in realm a.example");
	CU_ASSERT_PTR_NOT_NULL(strstr(refusals[0].why, "odd, rule 2"));
	login = "x@a.example";
	CU_ASSERT_TRUE(rendered(0)->is_refused);
	login = NULL;
	realms = "[]";
}

static void test_own_filters_that_do_not_do(void)
{
	static const struct place places[] = {{"ascend", "usual", false}, {0}};
	size_t count;
	load_with_own(places, BOTH,
		"[{'filter_set_id': 7, 'name': 'hold', 'in_filter_id': 5, 'out_filter_id': 0, "
		"'names': {}}]",
		"[1, 4]", "[]",
		", 'own_filters': [{'plan_id': 1, 'realm': null, 'policy': {'exempt_filter_ids': "
		"[4]}}, "
		"{'plan_id': 1, 'realm': null, 'policy': {'quarantine_filter_set_id': 7}}]");
	const struct plan_refusal *refusals = catalog_refusals(catalog, &count);
	/* The plan has a filter without rules; exempt from it one can be sent the other. */
	CU_ASSERT_EQUAL_FATAL(count, 2);
	CU_ASSERT_STRING_EQUAL(refusals[0].plan, "home");
	CU_ASSERT_STRING_EQUAL(refusals[1].plan, "home with filter set hold");
	CU_ASSERT_TRUE(refusals[1].is_login_refused);
	CU_ASSERT_PTR_NOT_NULL(strstr(refusals[1].why, "odd, rule 2"));
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
		TEST(test_names),
		TEST(test_rules),
		TEST(test_a_plan_without_filters),
		TEST(test_sets),
		TEST(test_names_that_do_not_do),
		TEST(test_rules_that_cannot_be_said),
		TEST(test_room),
		TEST(test_given_attributes),
		TEST(test_forms),
		TEST(test_answers),
		TEST(test_exemptions),
		TEST(test_quarantine),
		TEST(test_many_combinations),
		TEST(test_imposed),
		TEST(test_imposed_by_a_group),
		TEST(test_imposed_that_does_not_do),
		TEST(test_own_filters_that_do_not_do),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("db/render", set_up, tear_down, tests);
}
