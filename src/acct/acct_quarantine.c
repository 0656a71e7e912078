/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A record that the database refuses by itself is kept as it came, for a person to look at. */
#include "acct/record.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>

/* Without its authenticator, from which the NAS's secret could be guessed. Accounting carries no
 * password. */
static char *packet_as_hex(const struct request *request)
{
	size_t size = request->facts.length;
	uint8_t *octets = mem_must(talloc_memdup(request->pool, request->packet, size));
	memset(octets + RADIUS_HEADER_SIZE - RADIUS_AUTHENTICATOR_SIZE, 0,
		RADIUS_AUTHENTICATOR_SIZE);
	char *hex = mem_must(talloc_size(request->pool, 2 * size + 1));
	text_to_hex(octets, size, hex);
	return hex;
}

static void quarantine_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct record *record = record_of_item(item);
	pg_put_time(batch, record->request->arrival_us);
	pg_put_addr(batch, &record->request->endpoint.remote);
	pg_put_text(batch, record->refusal);
	pg_put_text(batch, packet_as_hex(record->request));
}

static const enum pg_type quarantine_types[] = {PG_TIMESTAMPTZ, PG_INET, PG_TEXT, PG_TEXT};

const struct lane_call acct_quarantine_call = {
	.statement = {.name = "quarantine",
		.sql = "select * from poprad.quarantine($1::timestamptz[], $2::inet[],"
		       " $3::text[], $4::text[])",
		.column_count = sizeof quarantine_types / sizeof quarantine_types[0],
		.types = quarantine_types},
	.put = quarantine_put,
	.take = acct_take_nothing,
	.done = acct_done,
};
