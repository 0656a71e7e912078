/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Start, Interim-Update and Stop: one row of poprad.account each. */
#include "acct/record.h"
#include <string.h>

enum account_column { ACCOUNT_ORD, ACCOUNT_VERDICT, ACCOUNT_CLASS_MATCHED, ACCOUNT_RELEASED };

void acct_put_counter(struct pg_batch *batch, int64_t value)
{
	if (value >= 0)
		pg_put_int(batch, value);
	else
		pg_put_null(batch);
}

static void put_prefix(struct pg_batch *batch, const struct prefix *prefix)
{
	pg_put_prefix(batch, addr_is_set(&prefix->addr) ? prefix : NULL);
}

void acct_put_name(struct pg_batch *batch, const char *name)
{
	pg_put_text(batch, name != NULL ? name : "");
}

void acct_put_times(const struct record *record, struct pg_batch *batch)
{
	pg_put_time(batch, record->event_us);
	pg_put_time(batch, record->arrival_us);
	acct_put_counter(batch, record->session_time_s);
}

static void put_identity(const struct record *record, struct pg_batch *batch)
{
	const struct line *line = &record->line;
	pg_put_uuid(batch, record->new_key);
	pg_put_uuid(batch, record->has_class_key ? record->class_key : NULL);
	pg_put_int(batch, record->status);
	pg_put_int(batch, record->nas_id);
	pg_put_addr(batch, &record->source);
	pg_put_addr(batch, &line->nas_address);
	pg_put_text(batch, line->nas_identifier);
	acct_put_name(batch, record->acct_session_id);
	pg_put_text(batch, record->acct_multi_session_id);
	acct_put_name(batch, line->login);
	acct_put_name(batch, line->user_name);
	pg_put_text(batch, record->class);
}

static void put_line(const struct record *record, struct pg_batch *batch)
{
	const struct line *line = &record->line;
	pg_put_addr(batch, &record->framed_address);
	pg_put_addr(batch, &record->framed_ipv6_address);
	put_prefix(batch, &record->framed_ipv6_prefix);
	pg_put_text(batch, record->framed_interface_id);
	put_prefix(batch, &record->delegated_ipv6_prefix);
	acct_put_counter(batch, line->nas_port);
	pg_put_text(batch, line->nas_port_id);
	pg_put_text(batch, line->nas_port_type);
	pg_put_text(batch, line->calling_station_id);
	pg_put_text(batch, line->called_station_id);
	pg_put_text(batch, line->service_type);
	pg_put_text(batch, line->framed_protocol);
}

static void session_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct record *record = record_of_item(item);
	put_identity(record, batch);
	put_line(record, batch);
	pg_put_text(batch, record->authentic);
	pg_put_text(batch, record->connect_info);
	acct_put_times(record, batch);
	acct_put_counter(batch, record->in_octets);
	acct_put_counter(batch, record->out_octets);
	pg_put_bool(batch, record->has_gigawords);
	acct_put_counter(batch, record->in_packets);
	acct_put_counter(batch, record->out_packets);
	pg_put_text(batch, record->terminate_cause);
	pg_put_int(batch, acct_fingerprint(record));
}

static void session_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct record *record = record_of_item(item);
	bool is_matched = true;
	record->is_class_ignored =
		pg_read_bool(rows, row, ACCOUNT_CLASS_MATCHED, &is_matched) && !is_matched;
	const char *verdict = pg_read_text(rows, row, ACCOUNT_VERDICT);
	record->is_over_quota = verdict != NULL && strstr(verdict, "over_quota") != NULL;
	record->is_flagged = verdict != NULL && strstr(verdict, "flagged") != NULL;
	if (!pg_read_addr(rows, row, ACCOUNT_RELEASED, &record->released))
		record->released = (struct addr){0};
}

static const enum pg_type session_types[] = {
	PG_UUID, PG_UUID, PG_INT2, PG_INT4, PG_INET, PG_INET, PG_TEXT, /* new_key .. identifier */
	PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT,                   /* session id .. class */
	PG_INET, PG_INET, PG_INET, PG_TEXT, PG_INET,                   /* framed .. delegated */
	PG_INT8, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT,                   /* port .. called */
	PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT,                            /* service .. connect_info */
	PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_INT8,                       /* times */
	PG_INT8, PG_INT8, PG_BOOL, PG_INT8, PG_INT8, PG_TEXT,          /* octets .. cause */
	PG_INT8,                                                       /* fingerprint */
};

const struct lane_call acct_session_call = {
	.statement = {.name = "account",
		.sql = "select * from poprad.account($1::uuid[], $2::uuid[], $3::int2[],"
		       " $4::int4[], $5::inet[], $6::inet[], $7::text[], $8::text[], $9::text[],"
		       " $10::text[], $11::text[], $12::text[], $13::inet[], $14::inet[],"
		       " $15::inet[], $16::text[], $17::inet[], $18::int8[], $19::text[],"
		       " $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],"
		       " $25::text[], $26::text[], $27::timestamptz[], $28::timestamptz[],"
		       " $29::int8[], $30::int8[], $31::int8[], $32::bool[], $33::int8[],"
		       " $34::int8[], $35::text[], $36::int8[])",
		.column_count = sizeof session_types / sizeof session_types[0],
		.types = session_types},
	.is_rehearsed = true,
	.put = session_put,
	.take = session_take,
	.done = acct_done,
};
