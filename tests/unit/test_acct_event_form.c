/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/acct/event_form.h: a record comes back as it was, and nothing else is taken for one.
 */
#include "acct/event_form.h"
#include "base/mem.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

static const uint8_t packet[] = {4, 7, 0, 28, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	40, 6, 0, 0, 0, 2, 80, 2};
static uint8_t octets[SPOOL_RECORD_MAX], again[SPOOL_RECORD_MAX];
static char told[8192];

static struct record full_record(void)
{
	static char interface_id[] = "1:2:3:4";
	return (struct record){.status = 2,
		.status_name = "Stop",
		.arrival_us = INT64_C(1700000000000001),
		.event_us = INT64_C(1699999999000000),
		.nas_id = 12,
		.source = addr_from_v4(0x0a000307),
		.new_key = {1, 2, 3},
		.has_class_key = true,
		.class_key = {4, 5, 6},
		.acct_session_id = "0001",
		.acct_multi_session_id = "m",
		.class = "poprad:...",
		.line = {.user_name = "demo@ISP.example",
			.login = "demo@isp.example",
			.nas_address = {.family = 6, .bytes = {0x20, 1}},
			.nas_identifier = "bank",
			.nas_port = 0,
			.nas_port_id = "slot 1",
			.nas_port_type = "Async",
			.calling_station_id = "0255501234",
			.called_station_id = "",
			.service_type = "Framed-User",
			.framed_protocol = "PPP"},
		.framed_address = addr_from_v4(0x0a00040a),
		.framed_ipv6_address = {.family = 6, .bytes = {0x20, 2}},
		.framed_ipv6_prefix = {{.family = 6, .bytes = {0x20, 3}}, 64},
		.delegated_ipv6_prefix = {{.family = 6, .bytes = {0x20, 4}}, 56},
		.framed_interface_id = interface_id,
		.authentic = "RADIUS",
		.connect_info = "52000 V90",
		.terminate_cause = "User-Request",
		.session_time_s = 3600,
		.in_octets = INT64_C(5000000000),
		.out_octets = 0,
		.in_packets = 1,
		.out_packets = 2,
		.has_gigawords = true,
		.packet = packet,
		.packet_size = sizeof packet};
}

static struct record bare_record(void)
{
	return (struct record){.status = 7,
		.nas_id = 1,
		.source = addr_from_v4(0x0a000307),
		.acct_session_id = "",
		.line = {.nas_port = -1},
		.session_time_s = -1,
		.in_octets = -1,
		.out_octets = -1,
		.in_packets = -1,
		.out_packets = -1,
		.packet = packet,
		.packet_size = sizeof packet};
}

static void tell(void *owner, const char *name, const char *value)
{
	(void)owner;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%s=%s\n", name, value);
}

static void check_round_trip(const struct record *record)
{
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	struct record read;
	size_t size = event_encode(record, octets, sizeof octets);
	CU_ASSERT_EQUAL_FATAL(event_decode(ctx, octets, size, &read), 0);
	CU_ASSERT_EQUAL(event_encode(&read, again, sizeof again), size);
	CU_ASSERT_EQUAL(memcmp(octets, again, size), 0);
	CU_ASSERT_EQUAL(acct_fingerprint(&read), acct_fingerprint(record));
	CU_ASSERT_EQUAL(read.in_octets, record->in_octets);
	CU_ASSERT_EQUAL(read.line.nas_port, record->line.nas_port);
	CU_ASSERT_EQUAL(read.arrival_us, record->arrival_us);
	CU_ASSERT_EQUAL(read.event_us, record->event_us);
	talloc_free(ctx);
}

static void test_round_trip(void)
{
	const struct record full = full_record(), bare = bare_record();
	check_round_trip(&full);
	check_round_trip(&bare);
}

/* From a packet with them the NAS's secret could be guessed. */
static void test_no_authenticator(void)
{
	struct record record = full_record(), read;
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	size_t size = event_encode(&record, octets, sizeof octets);
	CU_ASSERT_EQUAL_FATAL(event_decode(ctx, octets, size, &read), 0);
	static const uint8_t zero[RADIUS_AUTHENTICATOR_SIZE];
	CU_ASSERT_EQUAL(memcmp(read.packet + RADIUS_AUTHENTICATOR_OFFSET, zero, sizeof zero), 0);
	CU_ASSERT_EQUAL(read.packet_size, sizeof packet);
	CU_ASSERT_EQUAL(
		memcmp(read.packet + RADIUS_HEADER_SIZE, packet + RADIUS_HEADER_SIZE, 8), 0);
	talloc_free(ctx);

	uint8_t sealed[] = {4, 7, 0, 44, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 40,
		6, 0, 0, 0, 2, 80, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	acct_blank_packet(sealed, sizeof sealed);
	CU_ASSERT_EQUAL(memcmp(sealed + 28, zero, sizeof zero), 0);
	CU_ASSERT_EQUAL(sealed[25], 2);
}

/* Cut anywhere, or of another version, it is refused. */
static void test_broken(void)
{
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	const struct record record = full_record();
	struct record read;
	size_t size = event_encode(&record, octets, sizeof octets);
	for (size_t cut = 0; cut < size; cut++)
		CU_ASSERT_EQUAL(event_decode(ctx, octets, cut, &read), ERR_SYNTAX);
	for (size_t at = 0; at < size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			octets[at] ^= (uint8_t)(1 << bit);
			if (event_decode(ctx, octets, size, &read) == 0)
				event_describe(&read, tell, NULL);
			told[0] = '\0';
			octets[at] ^= (uint8_t)(1 << bit);
		}
	octets[0]++;
	CU_ASSERT_EQUAL(event_decode(ctx, octets, size, &read), ERR_SYNTAX);
	talloc_free(ctx);
}

static void test_description(void)
{
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	struct record record = full_record();
	record.pool = ctx;
	told[0] = '\0';
	event_describe(&record, tell, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "received_at=2023-11-14T22:13:20.000001Z\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "source=10.0.3.7\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "login=demo@isp.example\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "delegated_ipv6_prefix=2004::/56\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "in_octets=5000000000\n"));
	CU_ASSERT_PTR_NULL(strstr(told, "=\n-1"));
	talloc_free(ctx);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a record comes back as it was", test_round_trip},
		{"without authenticators", test_no_authenticator},
		{"broken ones", test_broken},
		{"for people", test_description},
		CU_TEST_INFO_NULL,
	};
	return suite_run("acct/event_form", tests);
}
