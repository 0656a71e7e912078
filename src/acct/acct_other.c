/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Any other Acct-Status-Type (tunnels, links, failures): stored and answered, and no session is
 * touched. */
#include "acct/record.h"

static void other_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct record *record = record_of_item(item);
	pg_put_uuid(batch, record->new_key);
	pg_put_text(batch, record->status_name);
	pg_put_int(batch, record->nas_id);
	pg_put_addr(batch, &record->source);
	pg_put_text(batch, record->line.user_name);
	pg_put_text(batch, record->acct_session_id);
	pg_put_time(batch, record->arrival_us);
}

void acct_take_nothing(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	(void)item, (void)rows, (void)row;
}

static const enum pg_type other_types[] = {
	PG_UUID, PG_TEXT, PG_INT4, PG_INET, PG_TEXT, PG_TEXT, PG_TIMESTAMPTZ};

const struct lane_call acct_other_call = {
	.statement = {.name = "account_other",
		.sql = "select * from poprad.account_other($1::uuid[], $2::text[], $3::int4[],"
		       " $4::inet[], $5::text[], $6::text[], $7::timestamptz[])",
		.column_count = sizeof other_types / sizeof other_types[0],
		.types = other_types},
	.put = other_put,
	.take = acct_take_nothing,
	.done = acct_done,
};
