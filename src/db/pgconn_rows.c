/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads the values of a result. They come in binary form; type and size are checked before a value
 * is read, so that a function of another version cannot make us misread one. */
#include "db/pgconn_private.h"
#include "base/log.h"
#include <string.h>

#define PG_EPOCH_US (INT64_C(946684800) * INT64_C(1000000)) /* 2000-01-01, PostgreSQL's zero */
#define PG_FAMILY_V4 2
#define PG_FAMILY_V6 3
#define INET_HEADER_SIZE 4 /* family, bits, is_cidr, size */

enum { OID_BOOL = 16, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_CIDR = 650 };
enum { OID_INET = 869, OID_VARCHAR = 1043, OID_TIMESTAMPTZ = 1184, OID_UUID = 2950 };

struct value {
	Oid oid;
	const uint8_t *octets;
	int size;
};

static void log_mismatch(const struct pg_rows *rows, unsigned column, const char *expected)
{
	static struct log_limit limit;
	log_event_limited(&limit, LOG_LEVEL_ERROR, "result_mismatch",
		"column=%u expected=%s oid=%u columns=%d", column + 1, expected,
		PQftype(rows->result, (int)column), PQnfields(rows->result));
}

static bool find_value(const struct pg_rows *rows, size_t row, unsigned column,
	const char *expected, struct value *value)
{
	if (row >= rows->count)
		return false;
	if (column >= rows->column_count) {
		log_mismatch(rows, column, expected);
		return false;
	}
	if (PQgetisnull(rows->result, (int)row, (int)column))
		return false;
	value->oid = PQftype(rows->result, (int)column);
	value->octets = (const uint8_t *)PQgetvalue(rows->result, (int)row, (int)column);
	value->size = PQgetlength(rows->result, (int)row, (int)column);
	return true;
}

size_t pg_rows_count(const struct pg_rows *rows)
{
	return rows->count;
}

static int64_t big_endian(const uint8_t *octets, int size)
{
	uint64_t value = octets[0] & 0x80 ? UINT64_MAX : 0;
	for (int i = 0; i < size; i++)
		value = (value << 8) | octets[i];
	return (int64_t)value;
}

bool pg_read_int(const struct pg_rows *rows, size_t row, unsigned column, int64_t *value)
{
	struct value found;
	if (!find_value(rows, row, column, "integer", &found))
		return false;
	if (!(found.oid == OID_INT2 && found.size == 2) &&
		!(found.oid == OID_INT4 && found.size == 4) &&
		!(found.oid == OID_INT8 && found.size == 8)) {
		log_mismatch(rows, column, "integer");
		return false;
	}
	*value = big_endian(found.octets, found.size);
	return true;
}

bool pg_read_bool(const struct pg_rows *rows, size_t row, unsigned column, bool *value)
{
	struct value found;
	if (!find_value(rows, row, column, "boolean", &found))
		return false;
	if (found.oid != OID_BOOL || found.size != 1) {
		log_mismatch(rows, column, "boolean");
		return false;
	}
	*value = found.octets[0] != 0;
	return true;
}

bool pg_read_uuid(
	const struct pg_rows *rows, size_t row, unsigned column, uint8_t key[SESSION_KEY_SIZE])
{
	struct value found;
	if (!find_value(rows, row, column, "uuid", &found))
		return false;
	if (found.oid != OID_UUID || found.size != SESSION_KEY_SIZE) {
		log_mismatch(rows, column, "uuid");
		return false;
	}
	memcpy(key, found.octets, SESSION_KEY_SIZE);
	return true;
}

static bool find_inet(const struct pg_rows *rows, size_t row, unsigned column, struct value *found,
	struct addr *addr)
{
	if (!find_value(rows, row, column, "inet", found))
		return false;
	bool is_v4 = found->size == INET_HEADER_SIZE + 4 && found->octets[0] == PG_FAMILY_V4;
	bool is_v6 = found->size == INET_HEADER_SIZE + 16 && found->octets[0] == PG_FAMILY_V6;
	if ((found->oid != OID_INET && found->oid != OID_CIDR) || (!is_v4 && !is_v6)) {
		log_mismatch(rows, column, "inet");
		return false;
	}
	*addr = addr_from_bytes(is_v4 ? 4 : 6, found->octets + INET_HEADER_SIZE);
	return true;
}

bool pg_read_prefix(const struct pg_rows *rows, size_t row, unsigned column, struct prefix *prefix)
{
	struct value found;
	struct addr addr;
	if (!find_inet(rows, row, column, &found, &addr))
		return false;
	*prefix = prefix_of(&addr, found.octets[1]);
	return true;
}

bool pg_read_addr(const struct pg_rows *rows, size_t row, unsigned column, struct addr *addr)
{
	struct value found;
	return find_inet(rows, row, column, &found, addr);
}

bool pg_read_time(const struct pg_rows *rows, size_t row, unsigned column, int64_t *wall_us)
{
	struct value found;
	if (!find_value(rows, row, column, "timestamptz", &found))
		return false;
	if (found.oid != OID_TIMESTAMPTZ || found.size != 8) {
		log_mismatch(rows, column, "timestamptz");
		return false;
	}
	int64_t pg_us = big_endian(found.octets, 8);
	if (pg_us == INT64_MIN || __builtin_add_overflow(pg_us, PG_EPOCH_US, wall_us))
		*wall_us = pg_us; /* -infinity and infinity */
	return true;
}

const char *pg_read_text(const struct pg_rows *rows, size_t row, unsigned column)
{
	struct value found;
	if (!find_value(rows, row, column, "text", &found))
		return NULL;
	if (found.oid != OID_TEXT && found.oid != OID_VARCHAR) {
		log_mismatch(rows, column, "text");
		return NULL;
	}
	return (const char *)found.octets; /* libpq puts a NUL behind every value */
}
