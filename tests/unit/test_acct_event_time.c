/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/acct/event_time.h. */
#include "acct/event_time.h"
#include "base/clock.h"
#include "suite.h"
#include <arpa/inet.h>
#include <string.h>

#define ARRIVAL_S INT64_C(1700000000)
#define ARRIVAL_US (ARRIVAL_S * US_PER_S + 250000)
#define DAY_S (24 * 3600)

static size_t put_u32(uint8_t *octets, uint8_t number, uint32_t value)
{
	value = htonl(value);
	octets[0] = number;
	octets[1] = 2 + sizeof value;
	memcpy(octets + 2, &value, sizeof value);
	return octets[1];
}

/* The event time of a packet with these attributes, in seconds before the arrival; a negative
 * argument leaves the attribute out. */
static double age(int64_t stamp_s, int64_t delay_s)
{
	uint8_t packet[RADIUS_HEADER_SIZE + 2 * 6];
	size_t size = RADIUS_HEADER_SIZE;
	struct attrs *attrs;
	if (stamp_s >= 0)
		size += put_u32(packet + size, ATTR_EVENT_TIMESTAMP, (uint32_t)stamp_s);
	if (delay_s >= 0)
		size += put_u32(packet + size, ATTR_ACCT_DELAY_TIME, (uint32_t)delay_s);
	CU_ASSERT_EQUAL_FATAL(attrs_decode(NULL, packet, size, &attrs), 0);
	int64_t event_us = event_time_us(attrs, ARRIVAL_US);
	talloc_free(attrs);
	return (double)(ARRIVAL_US - event_us) / US_PER_S;
}

static void test_stamp(void)
{
	CU_ASSERT_EQUAL(age(ARRIVAL_S - 10, -1), 10.25);
	CU_ASSERT_EQUAL(age(ARRIVAL_S + 10, -1), -9.75);
	/* A stamp is the time of the event: the delay is in it already. */
	CU_ASSERT_EQUAL(age(ARRIVAL_S - 10, 7), 10.25);
}

static void test_bad_stamp(void)
{
	CU_ASSERT_EQUAL(age(ARRIVAL_S - DAY_S + 1, -1), DAY_S - 0.75);
	CU_ASSERT_EQUAL(age(ARRIVAL_S - DAY_S, -1), 0);
	CU_ASSERT_EQUAL(age(ARRIVAL_S + DAY_S, -1), -DAY_S + 0.25);
	CU_ASSERT_EQUAL(age(ARRIVAL_S + DAY_S + 1, -1), 0);
	CU_ASSERT_EQUAL(age(0, 5), 5);
	CU_ASSERT_EQUAL(age(UINT32_MAX, 5), 5);
}

static void test_delay(void)
{
	CU_ASSERT_EQUAL(age(-1, -1), 0);
	CU_ASSERT_EQUAL(age(-1, 0), 0);
	CU_ASSERT_EQUAL(age(-1, 3600), 3600);
	CU_ASSERT_EQUAL(age(-1, 3 * DAY_S), 3 * DAY_S);
	CU_ASSERT_EQUAL(age(-1, UINT32_MAX), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"Event-Timestamp", test_stamp},
		{"a clock that is off", test_bad_stamp},
		{"Acct-Delay-Time", test_delay},
		CU_TEST_INFO_NULL,
	};
	return suite_run("acct/event_time", tests);
}
