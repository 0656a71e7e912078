/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Damaged packets against the real worker: whatever octets a NAS with the right secret sends, each
 * request ends, and each answer is a well-formed packet. The damage is the same in every run; an
 * argument is another seed. Meant to be run under the sanitizers too. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "fake_clock.h"
#include "fake_pgconn.h"
#include "path/service.h"
#include "radius/digest.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKETS 20000
#define SECRET "testing123"

/* What the packets are made of before they are damaged: attributes of logins and accounting,
 * among them the ones that have been trouble (libradius). */
static const char *const parts[] = {
	"010664656d6f",
	"0112404040404040404040404040404040404040",
	"02120123456789abcdef0123456789abcdef",
	"031307aabbccddeeff00112233445566778899",
	"3c1200112233445566778899aabbccddeeff",
	"1a10000001370b0a102db5df085d3041",
	"1a3a00000137013400010000000000000000000000000000000000000000000000004e9d3c8f9cfd385d5bf4d3"
	"246791956ca4c351ab409a3d61",
	"04060a000307",
	"050600000003",
	"060600000002",
	"060600000008",
	"080600000000",
	"280600000001",
	"280600000002",
	"280600000003",
	"280600000007",
	"28060000000f",
	"2c0630303031",
	"2c0a000102c328ffff",
	"2a06ffffffff",
	"3406ffffffff",
	"37060000000a",
	"2906ffffffff",
	"1932706f707261643a30303030303030303030303030303030303030303030303030303030303030303a656362"
	"3462353535",
	"4f0702000005",
	"21060a0b0c0d",
	"450600deadbe",
	"5c067065726d",
	"5c0300",
	"61120040fe80000000000000000000000001",
	"7b0400ff",
	"6009010203040506070",
	"f1050101aa",
	"f506010800aa",
	"1a0900ffffff0103aa",
	"1a0c0000013710deadbeef01",
	"f20622000000",
	"4e03ff",
};

static uint32_t state;

/* xorshift: the same numbers on every machine. */
static uint32_t random_below(uint32_t bound)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % bound;
}

static unsigned long answers;

static void check_answer(
	struct worker *worker, const struct endpoint *to, const uint8_t *octets, size_t size)
{
	struct packet_facts facts;
	(void)worker, (void)to;
	if (packet_check(octets, size, &facts) != DROP_none || facts.length != size) {
		fprintf(stderr, "an answer is malformed\n");
		exit(1);
	}
	answers++;
}

static void bar_nothing(struct worker *worker, bool is_barred)
{
	(void)worker, (void)is_barred;
}

static size_t build(uint8_t *octets, bool is_accounting)
{
	size_t size = RADIUS_HEADER_SIZE;
	octets[0] = is_accounting ? CODE_ACCOUNTING_REQUEST : CODE_ACCESS_REQUEST;
	octets[1] = (uint8_t)random_below(256);
	for (size_t n = 4; n < RADIUS_HEADER_SIZE; n++)
		octets[n] = (uint8_t)random_below(256);
	for (uint32_t n = 2 + random_below(14); n > 0; n--) {
		const char *hex = parts[random_below(sizeof parts / sizeof parts[0])];
		size_t length = strlen(hex) / 2;
		if (text_from_hex(hex, octets + size, length)) {
			/* Whole attributes, so that the walk gets past them. */
			octets[size + 1] = (uint8_t)length;
			size += length;
		}
	}
	return size;
}

static void damage(uint8_t *octets, size_t size)
{
	for (uint32_t n = random_below(4); n > 0 && size > RADIUS_HEADER_SIZE; n--) {
		size_t at =
			RADIUS_HEADER_SIZE + random_below((uint32_t)(size - RADIUS_HEADER_SIZE));
		octets[at] = (uint8_t)random_below(256);
	}
}

static void sign(uint8_t *octets, size_t size)
{
	const struct octets signed_parts[] = {{octets, size}, {SECRET, strlen(SECRET)}};
	octets[2] = (uint8_t)(size >> 8);
	octets[3] = (uint8_t)size;
	if (octets[0] != CODE_ACCOUNTING_REQUEST)
		return;
	memset(octets + 4, 0, 16);
	digest_md5(signed_parts, 2, octets + 4);
}

static void answer_query(struct pgconn *conn, const struct fake_execution *execution)
{
	const char *rows = "";
	if (strcmp(execution->statement, "find") == 0 ||
		strcmp(execution->statement, "find_metered") == 0)
		rows = random_below(2) == 0
			       ? "1|7|1|active|\\N|MyPw|\\N|\\N|Idle-Timeout = 60|\\N|\\N"
			       : "1|7|1|active|\\N|MyPw|\\N|\\N|\\N|2001:db8:0:1::/64|\\N";
	else if (strcmp(execution->statement, "admit") == 0)
		rows = "1|ok|\\N|10.0.8.9|0";
	else if (strcmp(execution->statement, "admit_whole") == 0)
		rows = "1|ok|\\N|10.0.8.9|0|2001:db8:0:1::/64|\\N";
	else if (strcmp(execution->statement, "account") == 0)
		rows = "1|recorded|f|10.0.8.9";
	else if (strcmp(execution->statement, "account_interim") == 0)
		rows = random_below(2) == 0 ? "1" : "";
	else if (strcmp(execution->statement, "account_device") == 0)
		rows = "1|0|\\N";
	else if (strcmp(execution->statement, "free_addresses") == 0)
		rows = "1|\\N|\\N|\\N";
	else if (strcmp(execution->statement, "tick") == 0)
		rows = "1|0|0";
	else if (strcmp(execution->statement, "move_closed") == 0 ||
		 strcmp(execution->statement, "history_months") == 0)
		rows = "1|0";
	else
		rows = "1";
	fake_pgconn_answer(conn, rows);
}

static void answer_queries(void)
{
	for (size_t n = 0; n < fake_pgconn_count(); n++) {
		struct pgconn *conn = fake_pgconn_at(n);
		const struct fake_execution *execution;
		while (fake_pgconn_is_up(conn) && (execution = fake_pgconn_pending(conn)) != NULL)
			answer_query(conn, execution);
	}
}

static void load_catalog(struct worker *worker)
{
	static const char json[] =
		"{\"version\":1,\"nas\":[{\"nas_id\":1,\"name\":\"n\",\"prefix\":\"10.0.3.0/24\","
		"\"secret\":\"" SECRET "\",\"kind\":\"cisco\",\"nas_group_id\":0,"
		"\"is_own_network\":true,\"require_message_authenticator\":\"no\","
		"\"limit_proxy_state\":false,\"no_accounting\":false,\"timeout_ms\":0,"
		"\"filter_form\":\"usual\"}],"
		"\"learned\":[],\"pool_ranges\":[],"
		"\"pools\":[],\"filters\":[],\"filter_sets\":[],\"realms\": [], \"nas_groups\": "
		"[], \"plans\":[{\"plan_id\":1,"
		"\"name\":\"p\",\"pool_id\":0,\"session_limit\":0,\"session_timeout_s\":0,"
		"\"idle_timeout_s\":0,\"interim_s\":600,\"netmask\":\"255.255.255.255\","
		"\"rate_in_kbit\":0,\"rate_out_kbit\":0,\"dns_servers\":[],"
		"\"login_hours\":\"always\",\"time_zone\":\"UTC\",\"address_list\":\"\","
		"\"suspended_plan_id\":0,"
		"\"expired_plan_id\":0,"
		"\"allows_login\":true,\"filters\":[],\"attributes\":[]}]}";
	struct catalog *catalog;
	char *why = NULL;
	if (catalog_parse(NULL, json, strlen(json), &catalog, &why) != 0) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	service_use_catalog(worker, catalog);
	catalog_release(catalog);
}

static void receive_one(struct worker *worker)
{
	uint8_t octets[RADIUS_MAX_PACKET];
	bool is_accounting = random_below(2) == 0;
	size_t size = build(octets, is_accounting);
	damage(octets, size);
	sign(octets, size);
	const struct datagram datagram = {
		.endpoint = {.role = is_accounting ? PORT_ACCT : PORT_AUTH,
			.remote = addr_from_v4(0x0a000307),
			.remote_port = (uint16_t)random_below(65536),
			.local = addr_from_v4(0x0a000101),
			.local_port = 1812},
		.arrival_ns = clock_mono_ns(),
		.arrival_us = clock_wall_us(),
		.octets = octets,
		.size = size,
	};
	request_receive(worker, &datagram);
	answer_queries();
}

int main(int argc, char **argv)
{
	char *why = NULL, folder[] = "/tmp/fuzz_packets.XXXXXX";
	struct conf conf = {.workers = 1,
		.database = "",
		.reconnect_min_ms = 100,
		.reconnect_max_ms = 200,
		.batch_max = 256,
		.request_deadline_ms = 5000,
		.requests_max = 1000,
		.dupcache_s = 10,
		.dupcache_max = 1000,
		.reject_delay_ms = 1000,
		.hash_threads = 1,
		.hash_queue = 1,
		.spool_directory = mkdtemp(folder)}; /* spool_limit 0: it stays empty */
	const char *directory = getenv("POPRAD_DICTIONARY_DIR");
	state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
	state = state != 0 ? state : 1;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "fuzz");
	fake_clock_reset();
	if (directory == NULL || digest_init() != 0 ||
		dictionary_load(NULL, directory, &why) != 0) {
		fprintf(stderr, "no dictionary: %s\n", why != NULL ? why : "not named");
		return 1;
	}
	struct event_base *base = event_base_new();
	struct timer_queue *timers = timer_queue_new(NULL);
	struct worker *worker = mem_must(service_new(NULL, base, timers, &conf, 0));
	worker->send = check_answer;
	worker->bar_interims = bar_nothing;
	lane_start(worker->login_lane);
	lane_start(worker->accounting_lane);
	fake_pgconn_accept(fake_pgconn_with("find"));
	fake_pgconn_accept(fake_pgconn_with("account"));
	load_catalog(worker);
	for (unsigned n = 0; n < PACKETS; n++) {
		receive_one(worker);
		fake_clock_run_ms(timers, 2);
		answer_queries();
	}
	fake_clock_run_ms(timers, 5000);
	printf("%u packets, %lu answers, %zu requests open\n", PACKETS, answers,
		worker->open_count);
	bool is_sound = worker->open_count == 0 && answers > PACKETS / 20;
	talloc_free(worker);
	talloc_free(timers);
	event_base_free(base);
	is_sound = rmdir(folder) == 0 && is_sound;
	return is_sound ? 0 : 1;
}
