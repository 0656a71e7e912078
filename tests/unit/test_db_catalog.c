/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of the catalog: its document, good and bad in every way, and the watch over a scripted
 * connection with a directory of its own for the copy. */
#include "../scenario/fake_clock.h"
#include "../scenario/fake_pgconn.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "db/catalog.h"
#include "suite.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char good_document[] =
	"{'version': 17, 'nas': ["
	"{'nas_id': 1, 'name': 'modem-bank', 'prefix': '10.0.3.0/24', 'secret': 'testing123', "
	"'kind': 'cisco', 'nas_group_id': 0, 'is_own_network': true, "
	"'require_message_authenticator': 'auto', 'limit_proxy_state': true, "
	"'no_accounting': false, 'timeout_ms': 0, 'filter_form': 'usual'}, "
	"{'nas_id': 2, 'name': 'bank-7', 'prefix': '10.0.3.7/32', 'secret': 'other', "
	"'kind': 'portmaster', 'nas_group_id': 7, 'is_own_network': false, "
	"'require_message_authenticator': 'yes', 'limit_proxy_state': false, "
	"'no_accounting': true, 'timeout_ms': 3000, 'filter_form': 'names'}], "
	"'learned': ['192.0.2.7', '192.0.2.1', '2001:db8::1'], "
	"'pool_ranges': [{'pool_range_id': 5, 'pool_id': 3, 'nas_group_id': 7, "
	"'first': '10.0.8.1', 'last': '10.0.15.254'}], "
	"'pools': [{'name': 'dynamic', 'networks': ['10.0.8.0/21', '2001:db8::/32']}], "
	"'filters': [{'filter_id': 9, 'name': 'to-general-customer-equipment', "
	"'direction': 'out', 'scope': 'anywhere', 'rules': ['deny tcp any pool dynamic eq 25', "
	"'permit ip any any']}, "
	"{'filter_id': 4, 'name': 'from-internet', 'direction': 'in', 'scope': 'router', 'rules': "
	"[]}], "
	"'filter_sets': [{'filter_set_id': 1, 'name': 'general', 'in_filter_id': 4, "
	"'out_filter_id': 0, "
	"'names': {'usr': 'gen', 'fax': 'x'}}], "
	"'realms': [{'name': 'isp.example', 'filters': [9]}, {'name': 'a.example', 'filters': "
	"[4, 9]}], "
	"'nas_groups': [{'nas_group_id': 7, 'name': 'west', 'filters': [4]}], "
	"'plans': [{'plan_id': 8, 'name': 'dialup', 'pool_id': 3, 'session_limit': 1, "
	"'session_timeout_s': 28800, 'idle_timeout_s': 900, 'interim_s': 600, "
	"'login_hours': 'Mo-Fr 18:00-23:00', 'time_zone': 'Europe/Berlin', "
	"'address_list': '', 'suspended_plan_id': 0, 'expired_plan_id': 0, "
	"'netmask': '255.255.255.255', 'allows_login': false, 'rate_in_kbit': 0, 'rate_out_kbit': "
	"0, 'dns_servers': [], 'filters': [9, 4], "
	"'attributes': ['Framed-MTU = 1492', 'No-Such-Attribute = 1', "
	"'Reply-Message = hello']}, "
	"{'plan_id': 2, 'name': 'static', 'pool_id': 0, 'session_limit': 0, "
	"'session_timeout_s': 0, 'idle_timeout_s': 0, 'interim_s': 0, "
	"'login_hours': 'always', 'time_zone': 'UTC', "
	"'address_list': '', 'suspended_plan_id': 0, 'expired_plan_id': 0, "
	"'netmask': '255.255.252.0', 'allows_login': true, 'rate_in_kbit': 0, 'rate_out_kbit': 0, "
	"'dns_servers': [], 'filters': [], 'attributes': []}]}";

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static TALLOC_CTX *ctx;

/* The document with ' for ", and `from` (which it must hold) replaced by `to`. */
static char *document_with(const char *from, const char *to)
{
	const char *place = strstr(good_document, from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(place);
	char *json = mem_must(talloc_asprintf(ctx, "%.*s%s%s", (int)(place - good_document),
		good_document, to, place + strlen(from)));
	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return json;
}

static struct addr parse(const char *text)
{
	struct addr addr;
	CU_ASSERT_EQUAL_FATAL(addr_parse(text, &addr), 0);
	return addr;
}

static const struct nas *find_nas(const struct catalog *catalog, const char *text)
{
	struct addr addr = parse(text);
	return catalog_find_nas(catalog, &addr);
}

static bool has_learned(const struct catalog *catalog, const char *text)
{
	struct addr addr = parse(text);
	return catalog_has_learned(catalog, &addr);
}

static void check_nas(const struct catalog *catalog)
{
	const struct nas *nas = find_nas(catalog, "10.0.3.1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(nas);
	CU_ASSERT_EQUAL(nas->nas_id, 1);
	CU_ASSERT_STRING_EQUAL(nas->name, "modem-bank");
	CU_ASSERT_STRING_EQUAL(nas->secret, "testing123");
	CU_ASSERT_EQUAL(nas->secret_size, 10);
	CU_ASSERT_STRING_EQUAL(nas->kind->name, "cisco");
	CU_ASSERT_TRUE(nas->is_own_network && nas->limit_proxy_state && !nas->no_accounting);
	CU_ASSERT_EQUAL(nas->require_message_authenticator, MESSAGE_AUTHENTICATOR_AUTO);
	nas = find_nas(catalog, "10.0.3.7"); /* the longer prefix */
	CU_ASSERT_PTR_NOT_NULL_FATAL(nas);
	CU_ASSERT_EQUAL(nas->nas_id, 2);
	CU_ASSERT_EQUAL(nas->nas_group_id, 7);
	CU_ASSERT_EQUAL(nas->timeout_ms, 3000);
	CU_ASSERT_EQUAL(nas->kind->names, RENDER_FILTER_ID_BASE);
	CU_ASSERT_TRUE(!nas->is_own_network && !nas->limit_proxy_state && nas->no_accounting);
	CU_ASSERT_EQUAL(nas->require_message_authenticator, MESSAGE_AUTHENTICATOR_YES);
	CU_ASSERT_PTR_NULL(find_nas(catalog, "10.0.4.1"));
	CU_ASSERT_PTR_NULL(find_nas(catalog, "2001:db8::1"));
}

static void check_plans(const struct catalog *catalog)
{
	const struct plan *plan = catalog_find_plan(catalog, 8);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	CU_ASSERT_STRING_EQUAL(plan->name, "dialup");
	CU_ASSERT_EQUAL(plan->policy.session_timeout_s, 28800);
	CU_ASSERT_EQUAL(plan->policy.idle_timeout_s, 900);
	CU_ASSERT_EQUAL(plan->policy.interim_s, 600);
	CU_ASSERT_EQUAL(plan->policy.session_limit, 1);
	CU_ASSERT_EQUAL_FATAL(plan->filter_count, 2);
	CU_ASSERT_STRING_EQUAL(plan->filters[0]->list.name, "to-general-customer-equipment");
	CU_ASSERT_EQUAL(plan->filters[0]->list.direction, FILTER_OUT);
	CU_ASSERT_EQUAL(plan->filters[0]->list.count, 2);
	CU_ASSERT_EQUAL(plan->filters[1]->scope, FILTER_ROUTER);
	/* the unknown attribute is left out, the others stay */
	CU_ASSERT_EQUAL_FATAL(plan->attribute_count, 2);
	CU_ASSERT_EQUAL(plan->attributes[0].number, 12);
	CU_ASSERT_EQUAL(plan->attributes[1].number, 18);
	plan = catalog_find_plan(catalog, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	CU_ASSERT_TRUE(plan->allows_login);
	CU_ASSERT_EQUAL(plan->netmask.bytes[2], 252);
	CU_ASSERT_PTR_NULL(catalog_find_plan(catalog, 3));
}

static void test_good(void)
{
	ctx = talloc_new(NULL);
	struct catalog *catalog = NULL;
	char *why = NULL;
	char *json = document_with("", "");
	CU_ASSERT_EQUAL_FATAL(catalog_parse(ctx, json, strlen(json), &catalog, &why), 0);
	CU_ASSERT_EQUAL(catalog_version(catalog), 17);
	check_nas(catalog);
	check_plans(catalog);
	CU_ASSERT_TRUE(has_learned(catalog, "192.0.2.1"));
	CU_ASSERT_TRUE(has_learned(catalog, "192.0.2.7"));
	CU_ASSERT_TRUE(has_learned(catalog, "2001:db8::1"));
	CU_ASSERT_FALSE(has_learned(catalog, "192.0.2.2"));
	size_t count;
	const struct pool_range *range = catalog_ranges(catalog, &count);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	CU_ASSERT_EQUAL(range->pool_range_id, 5);
	CU_ASSERT_EQUAL(range->pool_id, 3);
	CU_ASSERT_EQUAL(range->nas_group_id, 7);
	CU_ASSERT_EQUAL(range->last.bytes[2], 15);
	catalog_hold(catalog);
	catalog_release(catalog);
	CU_ASSERT_EQUAL(catalog_version(catalog), 17);
	catalog_release(catalog);
	talloc_free(ctx);
}

/* One fault each: what is replaced by what, the code, and what the sentence must say. */
static const struct {
	const char *from, *to;
	int rc;
	const char *why;
} faults[] = {
	{"{'version'", "['version'", ERR_SYNTAX, "line 1"},
	{"'version': 17, ", "", ERR_SYNTAX, "version: is missing"},
	{"'version': 17", "'version': 17, 'version': 18", ERR_SYNTAX, "line 1"},
	{"'version': 17", "'version': -1", ERR_RANGE, "version: -1"},
	{"'version': 17", "'version': '17'", ERR_SYNTAX, "version: is no integer"},
	{"'nas': [", "'nass': [", ERR_SYNTAX, "nas: is missing"},
	{"'learned': ['192.0.2.7', '192.0.2.1', '2001:db8::1']", "'learned': 3", ERR_SYNTAX,
		"learned: is no list"},
	{"'192.0.2.1', ", "'localhost', ", ERR_SYNTAX, "learned row 2: source: \"localhost\""},
	{"'192.0.2.1', ", "5, ", ERR_SYNTAX, "learned row 2: source: is no string"},
	{"'nas_id': 1", "'nas_id': 0", ERR_RANGE, "nas row 1: nas_id: 0"},
	{"'nas_id': 1", "'nas_id': 1.5", ERR_SYNTAX, "nas_id: is no integer"},
	{"'nas_id': 1", "'nas_id': 4294967297", ERR_RANGE, "nas_id: 4294967297"},
	{"'nas_id': 1, ", "", ERR_SYNTAX, "nas row 1: nas_id: is missing"},
	{"'name': 'bank-7'", "'name': ''", ERR_RANGE, "nas row 2: name: has 0 octets"},
	{"'name': 'bank-7'", "'name': null", ERR_SYNTAX, "name: is no string"},
	{"'name': 'bank-7'", "'name': 'a\\u0000b'", ERR_SYNTAX, "line 1"},
	{"'name': 'bank-7'", "'name': 'a\xff'", ERR_SYNTAX, "line 1"},
	{"10.0.3.0/24", "10.0.3.1/24", ERR_RANGE, "nas row 1: prefix: \"10.0.3.1/24\""},
	{"10.0.3.0/24", "10.0.3.0/33", ERR_SYNTAX, "prefix:"},
	{"10.0.3.0/24", "modem.example", ERR_SYNTAX, "prefix:"},
	{"10.0.3.0/24", "10.0.3.7/32", ERR_RANGE, "nas row 2: prefix: is there twice"},
	{"'secret': 'other', ", "", ERR_SYNTAX, "secret: is missing"},
	{"'kind': 'cisco'", "'kind': 'toaster'", ERR_RANGE, "kind: \"toaster\" is unknown"},
	{"'is_own_network': true", "'is_own_network': 1", ERR_SYNTAX, "is_own_network: is neither"},
	{"'auto'", "'maybe'", ERR_RANGE, "require_message_authenticator: \"maybe\""},
	{"'timeout_ms': 3000", "'timeout_ms': 60001", ERR_RANGE, "timeout_ms: 60001"},
	{"'first': '10.0.8.1'", "'first': '10.0.16.1'", ERR_RANGE,
		"pool_ranges row 1: last: is not behind first"},
	{"'first': '10.0.8.1'", "'first': '2001:db8::'", ERR_RANGE, "last: is not behind first"},
	{"'first': '10.0.8.1'", "'first': '10.0.8.1/24'", ERR_SYNTAX, "first:"},
	{"'pool_id': 3", "'pool_id': 0", ERR_RANGE, "pool_id: 0"},
	{"'filter_id': 9", "'filter_id': 4", ERR_RANGE, "filter_id: is there twice"},
	{"'filter_id': 9", "'filter_id': 10", ERR_RANGE,
		"realms row 1: filters: element 1 names no filter"},
	{"[9, 4]", "[9, '4']", ERR_RANGE, "filters: element 2 names no filter"},
	{"[9, 4]", "[9, 4294967300]", ERR_RANGE, "filters: element 2 names no filter"},
	{"[9, 4]", "9", ERR_SYNTAX, "filters: is no list"},
	{"'direction': 'out'", "'direction': 'up'", ERR_RANGE, "direction: \"up\""},
	{"'scope': 'router'", "'scope': 'mars'", ERR_RANGE, "filters row 2: scope: \"mars\""},
	{"'rules': []", "'rules': 'deny ip any any'", ERR_SYNTAX,
		"filters row 2: rules: is no list"},
	{"'rules': []", "'rules': [7]", ERR_SYNTAX, "filters row 2: rules: is no string"},
	{"'filter_form': 'usual'", "'filter_form': 'filter-server'", ERR_SYNTAX,
		"nas row 1: filter_password: is missing"},
	{"'filter_form': 'usual'",
		"'filter_form': 'filter-server', 'filter_password': '" A32 A32 A32 A32 "a'",
		ERR_RANGE, "filter_password: has 129 octets"},
	{"'filter_form': 'usual'", "'filter_form': 'loud'", ERR_RANGE, "filter_form: \"loud\""},
	{"'pools': [", "'pool': [", ERR_SYNTAX, "pools: is missing"},
	{"10.0.8.0/21", "10.0.8.0/20", ERR_RANGE, "pools row 1: networks: "},
	{"'networks': [", "'networks': [5, ", ERR_SYNTAX, "networks: is no string"},
	{"'in_filter_id': 4", "'in_filter_id': 5", ERR_RANGE,
		"filter_sets row 1: in_filter_id: names no filter"},
	{"'in_filter_id': 4", "'in_filter_id': null", ERR_RANGE, "in_filter_id: names no filter"},
	{"{'usr': 'gen', 'fax': 'x'}", "[]", ERR_SYNTAX, "names: is no object"},
	{"'usr': 'gen'", "'usr': 5", ERR_SYNTAX, "names: is no string"},
	{"'realms'", "'realm'", ERR_SYNTAX, "realms: is missing"},
	{"'filters': [4, 9]", "'filters': [4, 10]", ERR_RANGE,
		"realms row 2: filters: element 2 names no filter"},
	{"'filters': [4, 9]", "'filters': [4, 4, 4, 4, 4, 4, 4, 4, 4]", ERR_RANGE,
		"realms row 2: filters:"},
	{"'nas_group_id': 7, 'name'", "'nas_group_id': 0, 'name'", ERR_RANGE,
		"nas_groups row 1: nas_group_id: 0"},
	{"'plan_id': 8", "'plan_id': 2", ERR_RANGE, "plan_id: is there twice"},
	{"'Mo-Fr 18:00-23:00'", "'Mo-Fr 18:00'", ERR_SYNTAX, "login_hours: column 12"},
	{"'Europe/Berlin'", "'Europe/Nowhere'", ERR_RANGE,
		"plans row 1: time_zone: \"Europe/Nowhere\" is no time zone"},
	{"'session_limit': 1", "'session_limit': -1", ERR_RANGE, "session_limit: -1"},
	{"'255.255.255.255'", "'255.0.255.0'", ERR_RANGE, "netmask: is no netmask"},
	{"'255.255.255.255'", "'ffff::'", ERR_RANGE, "netmask: is no netmask"},
	{"'255.255.255.255'", "null", ERR_SYNTAX, "netmask: is no string"},
	{"'allows_login': false", "'allows_login': 'no'", ERR_SYNTAX, "allows_login: is neither"},
	{"'Framed-MTU = 1492'", "1492", ERR_SYNTAX, "attributes: is no string"},
	{"'plans': [{", "'plans': [7, {", ERR_SYNTAX, "plans row 1: row: is no object"},
};

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		ctx = talloc_new(NULL);
		struct catalog *catalog = NULL;
		char *why = NULL;
		char *json = document_with(faults[i].from, faults[i].to);
		int rc = catalog_parse(ctx, json, strlen(json), &catalog, &why);
		if (rc != faults[i].rc || !why || !strstr(why, faults[i].why))
			printf("\n%s: %d, %s\n", faults[i].to, rc, why ? why : "no reason");
		CU_ASSERT_EQUAL(rc, faults[i].rc);
		CU_ASSERT_PTR_NULL(catalog);
		CU_ASSERT_TRUE(why && strstr(why, faults[i].why));
		talloc_free(ctx);
	}
}

/* Every beginning of a good document is refused, and nothing is read behind its end. */
static void test_cut_short(void)
{
	ctx = talloc_new(NULL);
	char *json = document_with("", "");
	for (size_t size = 0; size < strlen(json); size++) {
		struct catalog *catalog = NULL;
		char *why = NULL;
		char *part = mem_must(talloc_memdup(ctx, json, size > 0 ? size : 1));
		CU_ASSERT_EQUAL(catalog_parse(ctx, part, size, &catalog, &why), ERR_SYNTAX);
		talloc_free(part);
		talloc_free(why);
	}
	static const char *const others[] = {"[]", "null", "17", "{}", "\"text\""};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct catalog *catalog = NULL;
		char *why = NULL;
		CU_ASSERT_EQUAL(catalog_parse(ctx, others[i], strlen(others[i]), &catalog, &why),
			ERR_SYNTAX);
		CU_ASSERT_PTR_NOT_NULL(why);
	}
	talloc_free(ctx);
}

static void test_kinds(void)
{
	size_t count = 0;
	for (const struct nas_kind *kind; (kind = nas_kind_at(count)); count++)
		CU_ASSERT_PTR_EQUAL(nas_kind_find(kind->name), kind);
	CU_ASSERT_TRUE(count > 5);
	CU_ASSERT_PTR_NULL(nas_kind_find(""));
}

/* The watch ----------------------------------------------------------------------------------- */

static struct timer_queue *timers;
static struct pgconn *conn;
static struct conf conf;
static char directory[64], copy_path[96];
static unsigned changes;
static int64_t version;

static void note_change(void *owner, struct catalog *catalog)
{
	(void)owner;
	changes++;
	version = catalog_version(catalog);
}

static void watch_start(unsigned worker)
{
	changes = 0;
	version = 0;
	timers = timer_queue_new(ctx);
	catalog_watch_new(timers, NULL, timers, &conf, worker, note_change, NULL);
	conn = fake_pgconn_with("catalog");
	CU_ASSERT_STRING_EQUAL(fake_pgconn_listens_to(conn), "poprad_catalog");
	CU_ASSERT_TRUE(fake_pgconn_is_opening(conn));
}

static void watch_stop(void)
{
	talloc_free(timers);
}

static void watch_begin(unsigned worker)
{
	fake_clock_reset();
	ctx = talloc_new(NULL);
	strcpy(directory, "/tmp/poprad-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(copy_path, sizeof copy_path, "%s/catalog.json", directory);
	conf = (struct conf){.database = "",
		.state_dir = directory,
		.catalog_poll_s = 30,
		.reconnect_min_ms = 100,
		.reconnect_max_ms = 1000};
	watch_start(worker);
}

static void watch_end(void)
{
	watch_stop();
	unlink(copy_path);
	CU_ASSERT_EQUAL(rmdir(directory), 0); /* no draft is left behind */
	talloc_free(ctx);
}

static bool is_asked(const char *statement)
{
	const struct fake_execution *asked = fake_pgconn_pending(conn);
	return asked && strcmp(asked->statement, statement) == 0;
}

static void answer_document(const char *document_version)
{
	CU_ASSERT_TRUE_FATAL(is_asked("catalog"));
	char *json = document_with("17", document_version);
	fake_pgconn_answer(conn, json);
}

static void write_copy(const char *text)
{
	FILE *file = fopen(copy_path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void test_watch_loads(void)
{
	watch_begin(0);
	CU_ASSERT_EQUAL(changes, 0);
	fake_pgconn_accept(conn);
	answer_document("17");
	CU_ASSERT_EQUAL(changes, 1);
	CU_ASSERT_EQUAL(version, 17);
	struct stat status;
	CU_ASSERT_EQUAL(stat(copy_path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
	/* the next start has it at once, and reloads all the same */
	watch_stop();
	watch_start(1);
	CU_ASSERT_EQUAL(changes, 1);
	CU_ASSERT_EQUAL(version, 17);
	fake_pgconn_accept(conn);
	answer_document("18");
	CU_ASSERT_EQUAL(version, 18);
	/* worker 1 does not write */
	watch_stop();
	watch_start(1);
	CU_ASSERT_EQUAL(version, 17);
	watch_end();
}

static void test_watch_polls(void)
{
	watch_begin(1);
	fake_pgconn_accept(conn);
	answer_document("17");
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	fake_clock_run_ms(timers, 30000);
	CU_ASSERT_TRUE_FATAL(is_asked("catalog_version"));
	fake_pgconn_answer(conn, "17");
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	fake_clock_run_ms(timers, 30000);
	CU_ASSERT_TRUE_FATAL(is_asked("catalog_version"));
	fake_pgconn_answer(conn, "3"); /* restored from a backup */
	answer_document("3");
	CU_ASSERT_EQUAL(version, 3);
	CU_ASSERT_PTR_NOT_NULL(conn);
	CU_ASSERT_NOT_EQUAL(access(copy_path, F_OK), 0);
	watch_end();
}

static void test_watch_is_notified(void)
{
	watch_begin(1);
	fake_pgconn_accept(conn);
	answer_document("17");
	fake_clock_run_ms(timers, 1000);
	fake_pgconn_notify(conn, "poprad_catalog");
	CU_ASSERT_TRUE(is_asked("catalog"));
	/* while that is under way, and soon after it: one more reload for all of them */
	for (int i = 0; i < 50; i++)
		fake_pgconn_notify(conn, "poprad_catalog");
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	answer_document("18");
	for (int i = 0; i < 50; i++)
		fake_pgconn_notify(conn, "poprad_catalog");
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	fake_clock_run_ms(timers, 100);
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 1);
	answer_document("19");
	CU_ASSERT_EQUAL(fake_pgconn_pending_count(conn), 0);
	CU_ASSERT_EQUAL(version, 19);
	CU_ASSERT_EQUAL(changes, 3);
	watch_end();
}

static void wait_for_open(void)
{
	for (int i = 0; i < 1000 && !fake_pgconn_is_opening(conn); i++)
		fake_clock_run_ms(timers, 10);
	CU_ASSERT_TRUE_FATAL(fake_pgconn_is_opening(conn));
}

static void test_watch_keeps_the_last_good_one(void)
{
	watch_begin(0);
	uint64_t failures = metric_get(METRIC_catalog_failures);
	fake_pgconn_refuse(conn, "connection refused");
	wait_for_open();
	fake_pgconn_accept(conn);
	answer_document("17");
	fake_pgconn_lose(conn, "gone");
	wait_for_open();
	fake_pgconn_accept(conn);
	CU_ASSERT_TRUE_FATAL(is_asked("catalog"));
	fake_pgconn_answer(conn, "{\"version\": 18}");
	CU_ASSERT_EQUAL(version, 17);
	CU_ASSERT_EQUAL(metric_get(METRIC_catalog_failures) - failures, 1);
	fake_clock_run_ms(timers, 30000);
	fake_pgconn_answer(conn, "18");
	CU_ASSERT_TRUE_FATAL(is_asked("catalog"));
	fake_pgconn_answer(conn, "\\N");
	CU_ASSERT_EQUAL(metric_get(METRIC_catalog_failures) - failures, 2);
	/* refused by the database: a new connection, after a pause */
	fake_clock_run_ms(timers, 30000);
	fake_pgconn_answer_error(conn, "42501", "permission denied");
	CU_ASSERT_FALSE(fake_pgconn_is_opening(conn));
	wait_for_open();
	fake_pgconn_accept(conn);
	answer_document("19");
	CU_ASSERT_EQUAL(version, 19);
	CU_ASSERT_EQUAL(changes, 2);
	watch_end();
}

static void test_watch_ignores_a_broken_copy(void)
{
	static const char *const broken[] = {"", "{", "{\"version\": 17}", "nonsense"};
	watch_begin(0);
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		watch_stop();
		write_copy(broken[i]);
		watch_start(0);
		CU_ASSERT_EQUAL(changes, 0);
	}
	watch_stop();
	unlink(copy_path);
	CU_ASSERT_EQUAL(symlink("/etc/passwd", copy_path), 0);
	watch_start(0);
	CU_ASSERT_EQUAL(changes, 0);
	/* and replaces it */
	fake_pgconn_accept(conn);
	answer_document("17");
	watch_stop();
	watch_start(0);
	CU_ASSERT_EQUAL(version, 17);
	watch_end();
}

/* A state directory that is gone costs the copy, nothing else. */
static void test_watch_without_directory(void)
{
	watch_begin(0);
	rmdir(directory);
	fake_pgconn_accept(conn);
	answer_document("17");
	CU_ASSERT_EQUAL(version, 17);
	CU_ASSERT_EQUAL(mkdir(directory, 0700), 0);
	watch_end();
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
		TEST(test_good),
		TEST(test_bad),
		TEST(test_cut_short),
		TEST(test_kinds),
		TEST(test_watch_loads),
		TEST(test_watch_polls),
		TEST(test_watch_is_notified),
		TEST(test_watch_keeps_the_last_good_one),
		TEST(test_watch_ignores_a_broken_copy),
		TEST(test_watch_without_directory),
		CU_TEST_INFO_NULL,
	};
	return suite_run("db/catalog", tests);
}
