/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of acct_fingerprint (src/acct/record.h) and src/base/hash.h. */
#include "acct/record.h"
#include "base/hash.h"
#include "suite.h"
#include <string.h>

static struct record record_new(void)
{
	return (struct record){.nas_id = 1,
		.source = addr_from_v4(0x0a000301),
		.status = ACCT_INTERIM,
		.line = {.user_name = "Demo", .login = "demo", .nas_port = 7},
		.acct_session_id = "0001",
		.framed_address = addr_from_v4(0x0a000802),
		.session_time_s = 600,
		.in_octets = 5};
}

static void test_time_and_counters_do_not_count(void)
{
	struct record record = record_new();
	int64_t before = acct_fingerprint(&record);
	record.status = ACCT_START;
	record.event_us = 1;
	record.session_time_s = 1200;
	record.in_octets = record.out_octets = record.in_packets = record.out_packets = 9;
	record.has_gigawords = true;
	CU_ASSERT_EQUAL(acct_fingerprint(&record), before);
}

/* Sets one thing, and takes it back. */
#define CHANGES(what, value)                                            \
	do {                                                            \
		record = record_new();                                  \
		int64_t before = acct_fingerprint(&record);             \
		what = (value);                                         \
		CU_ASSERT_NOT_EQUAL(acct_fingerprint(&record), before); \
	} while (0)

static void test_all_else_counts(void)
{
	static const char empty[] = "";
	const struct prefix prefix = {.addr = {.family = 6, .bytes = {0x20, 1}}, .bits = 64};
	struct record record;
	CHANGES(record.nas_id, 2);
	CHANGES(record.source, addr_from_v4(0x0a000302));
	CHANGES(record.acct_session_id, "0002");
	CHANGES(record.acct_multi_session_id, empty);
	CHANGES(record.class, "x");
	CHANGES(record.line.user_name, "demo");
	CHANGES(record.line.nas_address, record.source);
	CHANGES(record.line.nas_identifier, "bank");
	CHANGES(record.line.nas_port, -1);
	CHANGES(record.line.nas_port_id, "7");
	CHANGES(record.line.nas_port_type, "Async");
	CHANGES(record.line.calling_station_id, "5550100");
	CHANGES(record.line.called_station_id, "5550100");
	CHANGES(record.line.service_type, "Framed-User");
	CHANGES(record.line.framed_protocol, "PPP");
	CHANGES(record.framed_address, (struct addr){0});
	CHANGES(record.framed_ipv6_address, prefix.addr);
	CHANGES(record.framed_ipv6_prefix, prefix);
	CHANGES(record.delegated_ipv6_prefix, prefix);
	CHANGES(record.framed_interface_id, talloc_strdup(NULL, "1:2:3:4"));
	TALLOC_FREE(record.framed_interface_id);
	CHANGES(record.authentic, "RADIUS");
	CHANGES(record.connect_info, "33600");
}

static void test_octets(void)
{
	char text[] = "what is hashed: more than eight octets";
	size_t size = strlen(text);
	uint64_t before = hash_octets(text, size, 1);
	CU_ASSERT_EQUAL(hash_octets(text, size, 1), before);
	CU_ASSERT_NOT_EQUAL(hash_octets(text, size, 2), before);
	CU_ASSERT_NOT_EQUAL(hash_octets(text, size - 1, 1), before);
	for (size_t i = 0; i < size; i++) {
		text[i] ^= 1;
		CU_ASSERT_NOT_EQUAL(hash_octets(text, size, 1), before);
		text[i] ^= 1;
	}
	CU_ASSERT_NOT_EQUAL(hash_text(NULL, 1), hash_text("", 1));
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"time and counters do not count", test_time_and_counters_do_not_count},
		{"all else counts", test_all_else_counts},
		{"octets", test_octets},
		CU_TEST_INFO_NULL,
	};
	return suite_run("acct_fingerprint", tests);
}
