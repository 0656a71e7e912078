/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Nearly every Interim-Update says what the one before it said, but for time and counters. For
 * these there is a short statement, poprad.account_interim, that compares one number instead of 24
 * columns. What it returns no row for goes to poprad.account. */
#include "acct/record.h"
#include "base/hash.h"

static uint64_t hash_prefix(const struct prefix *prefix, uint64_t seed)
{
	return addr_hash(&prefix->addr, hash_mix(seed ^ prefix->bits));
}

static uint64_t hash_line(const struct line *line, uint64_t seed)
{
	seed = hash_text(line->user_name, seed);
	seed = addr_hash(&line->nas_address, seed);
	seed = hash_text(line->nas_identifier, seed);
	seed = hash_mix(seed ^ (uint64_t)line->nas_port);
	seed = hash_text(line->nas_port_id, seed);
	seed = hash_text(line->nas_port_type, seed);
	seed = hash_text(line->calling_station_id, seed);
	seed = hash_text(line->called_station_id, seed);
	seed = hash_text(line->service_type, seed);
	return hash_text(line->framed_protocol, seed);
}

static uint64_t hash_addresses(const struct record *record, uint64_t seed)
{
	seed = addr_hash(&record->framed_address, seed);
	seed = addr_hash(&record->framed_ipv6_address, seed);
	seed = hash_prefix(&record->framed_ipv6_prefix, seed);
	seed = hash_text(record->framed_interface_id, seed);
	return hash_prefix(&record->delegated_ipv6_prefix, seed);
}

int64_t acct_fingerprint(const struct record *record)
{
	uint64_t hash = addr_hash(&record->source, (uint64_t)record->nas_id);
	hash = hash_text(record->acct_session_id, hash);
	hash = hash_text(record->acct_multi_session_id, hash);
	hash = hash_text(record->class, hash);
	hash = hash_line(&record->line, hash);
	hash = hash_addresses(record, hash);
	hash = hash_text(record->authentic, hash);
	return (int64_t)hash_text(record->connect_info, hash);
}

static void interim_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct record *record = record_of_item(item);
	pg_put_uuid(batch, record->has_class_key ? record->class_key : NULL);
	pg_put_int(batch, record->nas_id);
	acct_put_name(batch, record->acct_session_id);
	acct_put_name(batch, record->line.login);
	pg_put_int(batch, acct_fingerprint(record));
	acct_put_times(record, batch);
	acct_put_counter(batch, record->in_octets);
	acct_put_counter(batch, record->out_octets);
	acct_put_counter(batch, record->in_packets);
	acct_put_counter(batch, record->out_packets);
}

static const enum pg_type interim_types[] = {PG_UUID, PG_INT4, PG_TEXT, PG_TEXT, PG_INT8,
	PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8};

const struct lane_call acct_interim_call = {
	.statement = {.name = "account_interim",
		.sql = "select * from poprad.account_interim($1::uuid[], $2::int4[], $3::text[],"
		       " $4::text[], $5::int8[], $6::timestamptz[], $7::timestamptz[], $8::int8[],"
		       " $9::int8[], $10::int8[], $11::int8[], $12::int8[])",
		.column_count = sizeof interim_types / sizeof interim_types[0],
		.types = interim_types},
	.is_rehearsed = true,
	.put = interim_put,
	.take = acct_take_nothing,
	.done = acct_done,
};
