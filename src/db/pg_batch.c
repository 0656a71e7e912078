/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Builds the parameters of a statement: for each column a one-dimensional array in PostgreSQL's
 * binary form, written as the values come. All integers are in network byte order:
 *	dimensions, has-nulls flag, element type, element count, lower bound, then per element its
 *	size (-1 = null) and its octets.
 * A column without any value leaves as one null, which is cheaper to take than an array of them: of
 * what a record may hold the usual one lacks half. */
#include "db/pg_batch.h"
#include "base/log.h"
#include "base/mem.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define ARRAY_HEADER_SIZE 20
#define COLUMN_ROOM 512 /* octets that a column begins with: a lone request fits nearly always */

/* The longest text: far above anything that fits into a packet, far below the gigabyte where the
 * protocol ends. A longer one is our own bug. */
#define TEXT_MAX_SIZE (1u << 20)

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_US (INT64_C(946684800) * INT64_C(1000000))

/* inet's own numbers for the families (the server's PGSQL_AF_INET), not the system's. */
#define PG_FAMILY_V4 2
#define PG_FAMILY_V6 3

static const struct {
	unsigned element, array; /* fixed object identifiers, pg_type.dat */
} oids[] = {
	[PG_INT2] = {21, 1005},
	[PG_INT4] = {23, 1007},
	[PG_INT8] = {20, 1016},
	[PG_BOOL] = {16, 1000},
	[PG_TEXT] = {25, 1009},
	[PG_UUID] = {2950, 2951},
	[PG_INET] = {869, 1041},
	[PG_TIMESTAMPTZ] = {1184, 1185},
};

struct column {
	uint8_t *octets;
	size_t size, room;
	size_t nulls;
};

struct pg_batch {
	const struct pg_statement *statement;
	size_t rows;
	unsigned next; /* the column that the next value belongs to */
	struct column columns[];
};

struct pg_batch *pg_batch_new(TALLOC_CTX *ctx, const struct pg_statement *statement)
{
	struct pg_batch *batch = mem_must(talloc_zero_size(
		ctx, sizeof(struct pg_batch) + statement->column_count * sizeof(struct column)));
	talloc_set_name_const(batch, "struct pg_batch");
	batch->statement = statement;
	for (unsigned i = 0; i < statement->column_count; i++) {
		struct column *column = &batch->columns[i];
		column->octets = mem_must(talloc_array(batch, uint8_t, COLUMN_ROOM));
		column->room = COLUMN_ROOM;
	}
	pg_batch_clear(batch);
	return batch;
}

void pg_batch_clear(struct pg_batch *batch)
{
	batch->rows = batch->next = 0;
	for (unsigned i = 0; i < batch->statement->column_count; i++) {
		batch->columns[i].size = ARRAY_HEADER_SIZE;
		batch->columns[i].nulls = 0;
	}
}

static void write_u32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Room for an element of that size in the next column, its size written; size < 0 = null. */
static uint8_t *add_element(struct pg_batch *batch, int32_t size)
{
	struct column *column = &batch->columns[batch->next];
	size_t need = column->size + 4 + (size > 0 ? (size_t)size : 0);
	if (need > column->room) {
		column->room = 2 * need;
		column->octets = mem_must(talloc_realloc_size(batch, column->octets, column->room));
	}
	uint8_t *element = column->octets + column->size;
	write_u32(element, (uint32_t)size);
	column->size = need;
	column->nulls += size < 0;

	batch->next++;
	if (batch->next == batch->statement->column_count) {
		batch->next = 0;
		batch->rows++;
	}
	return element + 4;
}

static enum pg_type next_type(const struct pg_batch *batch)
{
	assert(batch->statement->column_count > 0);
	return batch->statement->types[batch->next];
}

static void put_big_endian(struct pg_batch *batch, int64_t value, unsigned size)
{
	uint8_t *to = add_element(batch, (int32_t)size);
	for (unsigned i = 0; i < size; i++)
		to[i] = (uint8_t)((uint64_t)value >> (8 * (size - 1 - i)));
}

void pg_put_null(struct pg_batch *batch)
{
	assert(batch->statement->column_count > 0);
	add_element(batch, -1);
}

void pg_put_int(struct pg_batch *batch, int64_t value)
{
	static struct log_limit limit;
	enum pg_type type = next_type(batch);
	assert(type == PG_INT2 || type == PG_INT4 || type == PG_INT8);
	if ((type == PG_INT2 && (value < INT16_MIN || value > INT16_MAX)) ||
		(type == PG_INT4 && (value < INT32_MIN || value > INT32_MAX))) {
		log_event_limited(&limit, LOG_LEVEL_ERROR, "number_out_of_range",
			"statement=%s column=%u value=%" PRId64, batch->statement->name,
			batch->next + 1, value);
		pg_put_null(batch);
		return;
	}
	put_big_endian(batch, value, type == PG_INT2 ? 2 : type == PG_INT4 ? 4 : 8);
}

void pg_put_bool(struct pg_batch *batch, bool value)
{
	assert(next_type(batch) == PG_BOOL);
	*add_element(batch, 1) = value;
}

void pg_put_text(struct pg_batch *batch, const char *text)
{
	assert(next_type(batch) == PG_TEXT);
	if (!text) {
		pg_put_null(batch);
		return;
	}
	size_t size = strlen(text);
	assert(size <= TEXT_MAX_SIZE);
	memcpy(add_element(batch, (int32_t)size), text, size);
}

void pg_put_uuid(struct pg_batch *batch, const uint8_t key[SESSION_KEY_SIZE])
{
	assert(next_type(batch) == PG_UUID);
	if (key)
		memcpy(add_element(batch, SESSION_KEY_SIZE), key, SESSION_KEY_SIZE);
	else
		pg_put_null(batch);
}

/* An inet, also where the column is compared with or cast to cidr. */
static void put_inet(struct pg_batch *batch, const struct addr *addr, uint8_t bits)
{
	uint8_t size = addr->family == 4 ? 4 : 16;
	uint8_t *to = add_element(batch, 4 + size);
	to[0] = addr->family == 4 ? PG_FAMILY_V4 : PG_FAMILY_V6;
	to[1] = bits;
	to[2] = 0; /* no cidr */
	to[3] = size;
	memcpy(to + 4, addr->bytes, size);
}

void pg_put_addr(struct pg_batch *batch, const struct addr *addr)
{
	assert(next_type(batch) == PG_INET);
	if (addr && addr_is_set(addr))
		put_inet(batch, addr, addr->family == 4 ? 32 : 128);
	else
		pg_put_null(batch);
}

void pg_put_prefix(struct pg_batch *batch, const struct prefix *prefix)
{
	assert(next_type(batch) == PG_INET);
	if (prefix && addr_is_set(&prefix->addr))
		put_inet(batch, &prefix->addr, prefix->bits);
	else
		pg_put_null(batch);
}

void pg_put_time(struct pg_batch *batch, int64_t wall_us)
{
	assert(next_type(batch) == PG_TIMESTAMPTZ);
	int64_t pg_us;
	if (wall_us == INT64_MAX || __builtin_sub_overflow(wall_us, PG_EPOCH_US, &pg_us))
		pg_us = wall_us; /* infinity and -infinity are the same numbers there */
	put_big_endian(batch, pg_us, 8);
}

size_t pg_batch_rows(const struct pg_batch *batch)
{
	return batch->rows;
}

bool pg_batch_is_complete(const struct pg_batch *batch)
{
	return batch->next == 0 && (batch->rows > 0 || batch->statement->column_count == 0);
}

unsigned pg_batch_array_oid(enum pg_type type)
{
	return oids[type].array;
}

const char *pg_batch_column(const struct pg_batch *batch, unsigned column_index, int *size)
{
	const struct column *column = &batch->columns[column_index];
	if (column->nulls == batch->rows) {
		*size = 0;
		return NULL;
	}
	/* batch_max times the longest text stays far below this; the server refuses a gigabyte. */
	assert(column->size <= INT32_MAX && batch->rows <= INT32_MAX);
	write_u32(column->octets, 1);
	write_u32(column->octets + 4, column->nulls > 0);
	write_u32(column->octets + 8, oids[batch->statement->types[column_index]].element);
	write_u32(column->octets + 12, (uint32_t)batch->rows);
	write_u32(column->octets + 16, 1);
	*size = (int)column->size;
	return (const char *)column->octets;
}
