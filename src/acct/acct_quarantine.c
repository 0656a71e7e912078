/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A record that the database refuses by itself is kept as it came, for a person to look at. */
#include "acct/event_form.h"
#include "acct/record.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>

void acct_blank_packet(uint8_t *packet, size_t size)
{
	memset(packet + RADIUS_AUTHENTICATOR_OFFSET, 0, RADIUS_AUTHENTICATOR_SIZE);
	for (size_t at = RADIUS_HEADER_SIZE; at + 2 <= size;) {
		size_t length = packet[at + 1];
		if (length < 2 || length > size - at)
			return;
		if (packet[at] == ATTR_MESSAGE_AUTHENTICATOR)
			memset(packet + at + 2, 0, length - 2);
		at += length;
	}
}

static char *packet_as_hex(const struct record *record)
{
	size_t size = record->packet_size;
	uint8_t *octets = mem_must(talloc_memdup(record->pool, record->packet, size));
	acct_blank_packet(octets, size);
	char *hex = mem_must(talloc_size(record->pool, 2 * size + 1));
	text_to_hex(octets, size, hex);
	return hex;
}

static char *event_as_hex(const struct record *record)
{
	static uint8_t octets[SPOOL_RECORD_MAX];
	size_t size = event_encode(record, octets, sizeof octets);
	char *hex = mem_must(talloc_size(record->pool, 2 * size + 1));
	text_to_hex(octets, size, hex);
	return hex;
}

static void quarantine_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct record *record = record_of_item(item);
	pg_put_time(batch, record->arrival_us);
	pg_put_addr(batch, &record->source);
	pg_put_text(batch, record->refusal);
	pg_put_text(batch, packet_as_hex(record));
	pg_put_text(batch, event_as_hex(record));
}

static const enum pg_type quarantine_types[] = {PG_TIMESTAMPTZ, PG_INET, PG_TEXT, PG_TEXT, PG_TEXT};

const struct lane_call acct_quarantine_call = {
	.statement = {.name = "quarantine",
		.sql = "select * from poprad.quarantine($1::timestamptz[], $2::inet[],"
		       " $3::text[], $4::text[], $5::text[])",
		.column_count = sizeof quarantine_types / sizeof quarantine_types[0],
		.types = quarantine_types},
	.put = quarantine_put,
	.take = acct_take_nothing,
	.done = acct_done,
};
