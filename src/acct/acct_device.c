/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Accounting-On and Accounting-Off: the device has no sessions from before this event. They are
 * closed a part at a time, so that a device with many of them holds no lock for long. */
#include "acct/record.h"

/* Closed by one call; acct_record repeats it until the walk is at its end. */
#define DEVICE_SESSIONS_MAX 500

enum device_column { DEVICE_ORD, DEVICE_CLOSED, DEVICE_REACHED };

static void device_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct record *record = record_of_item(item);
	pg_put_int(batch, record->status);
	pg_put_int(batch, record->nas_id);
	pg_put_addr(batch, &record->source);
	pg_put_addr(batch, &record->line.nas_address);
	pg_put_text(batch, record->line.nas_identifier);
	pg_put_time(batch, record->event_us);
	pg_put_time(batch, record->arrival_us);
	pg_put_int(batch, DEVICE_SESSIONS_MAX);
	pg_put_uuid(batch, record->device_reached);
}

static void device_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct record *record = record_of_item(item);
	record->has_more = pg_read_uuid(rows, row, DEVICE_REACHED, record->device_reached);
}

static const enum pg_type device_types[] = {PG_INT2, PG_INT4, PG_INET, PG_INET, PG_TEXT,
	PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_INT4, PG_UUID};

const struct lane_call acct_device_call = {
	.statement = {.name = "account_device",
		.sql = "select * from poprad.account_device($1::int2[], $2::int4[], $3::inet[],"
		       " $4::inet[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::int4[],"
		       " $9::uuid[])",
		.column_count = sizeof device_types / sizeof device_types[0],
		.types = device_types},
	.put = device_put,
	.take = device_take,
	.done = acct_done,
};
