/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "db/catalog_fields.h"
#include "base/log.h"
#include "base/mem.h"
#include <stdarg.h>
#include <string.h>

#define ROWS_MAX 1000000 /* per table; far above a provider's, bounds the work */

void reader_refuse(struct reader *reader, int rc, const char *field, const char *format, ...)
{
	if (reader->rc != 0)
		return;
	reader->rc = rc;
	va_list arguments;
	va_start(arguments, format);
	char *what = mem_must(talloc_vasprintf(reader->ctx, format, arguments));
	va_end(arguments);
	if (reader->row > 0)
		reader->why = mem_must(talloc_asprintf(reader->ctx, "%s row %zu: %s: %s",
			reader->table, reader->row, field, what));
	else
		reader->why = mem_must(talloc_asprintf(reader->ctx, "%s: %s", field, what));
	talloc_free(what);
}

const json_t *reader_field(struct reader *reader, const char *name)
{
	const json_t *value = json_object_get(reader->object, name);
	if (!value)
		reader_refuse(reader, ERR_SYNTAX, name, "is missing");
	return value;
}

int64_t reader_int(struct reader *reader, const char *name, int64_t min, int64_t max)
{
	const json_t *value = reader_field(reader, name);
	if (!value)
		return min;
	if (!json_is_integer(value)) {
		reader_refuse(reader, ERR_SYNTAX, name, "is no integer");
		return min;
	}
	int64_t number = json_integer_value(value);
	if (number < min || number > max) {
		reader_refuse(reader, ERR_RANGE, name, "%lld is not within %lld..%lld",
			(long long)number, (long long)min, (long long)max);
		return min;
	}
	return number;
}

int32_t reader_id(struct reader *reader, const char *name, int32_t min)
{
	return (int32_t)reader_int(reader, name, min, INT32_MAX);
}

uint32_t reader_count(struct reader *reader, const char *name, int32_t max)
{
	return (uint32_t)reader_int(reader, name, 0, max);
}

bool reader_bool(struct reader *reader, const char *name)
{
	const json_t *value = reader_field(reader, name);
	if (value && !json_is_boolean(value))
		reader_refuse(reader, ERR_SYNTAX, name, "is neither true nor false");
	return json_is_true(value);
}

const char *reader_check_text(
	struct reader *reader, const char *name, const json_t *value, size_t max)
{
	if (!json_is_string(value)) {
		if (value)
			reader_refuse(reader, ERR_SYNTAX, name, "is no string");
		return "";
	}
	size_t size = json_string_length(value);
	if (size < 1 || size > max) {
		reader_refuse(reader, ERR_RANGE, name, "has %zu octets, not 1..%zu", size, max);
		return "";
	}
	return json_string_value(value);
}

const char *reader_text(struct reader *reader, const char *name, size_t max)
{
	const char *text = reader_check_text(reader, name, reader_field(reader, name), max);
	return mem_must(talloc_strdup(reader->ctx, text));
}

unsigned reader_choice(struct reader *reader, const char *name, const char *const choices[])
{
	const char *text =
		reader_check_text(reader, name, reader_field(reader, name), NAME_MAX_SIZE);
	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0)
			return i;
	}
	reader_refuse(reader, ERR_RANGE, name, "%s is unknown", log_quote_text(text));
	return 0;
}

struct addr reader_to_addr(struct reader *reader, const char *name, const json_t *value)
{
	struct addr addr = {0};
	const char *text = reader_check_text(reader, name, value, ADDR_TEXT_MAX);
	if (addr_parse(text, &addr) != 0)
		reader_refuse(reader, ERR_SYNTAX, name, "%s is no address", log_quote_text(text));
	return addr;
}

struct addr reader_addr(struct reader *reader, const char *name)
{
	return reader_to_addr(reader, name, reader_field(reader, name));
}

struct prefix reader_to_prefix(struct reader *reader, const char *name, const json_t *value)
{
	struct prefix prefix = {0};
	const char *text = reader_check_text(reader, name, value, ADDR_TEXT_MAX);
	int rc = prefix_parse(text, &prefix);
	if (rc != 0)
		reader_refuse(reader, rc, name, "%s is no prefix%s", log_quote_text(text),
			rc == ERR_RANGE ? " (bits are set behind its length)" : "");
	return prefix;
}

struct prefix reader_prefix(struct reader *reader, const char *name)
{
	return reader_to_prefix(reader, name, reader_field(reader, name));
}

const json_t *reader_list(struct reader *reader, const char *name, size_t max)
{
	const json_t *list = reader_field(reader, name);
	if (!list)
		return NULL;
	if (!json_is_array(list)) {
		reader_refuse(reader, ERR_SYNTAX, name, "is no list");
		return NULL;
	}
	if (json_array_size(list) > max) {
		reader_refuse(reader, ERR_RANGE, name, "has %zu elements, more than %zu",
			json_array_size(list), max);
		return NULL;
	}
	return list;
}

const json_t *reader_begin_table(struct reader *reader, const json_t *document, const char *name)
{
	reader->object = document;
	reader->table = name;
	reader->row = 0;
	return reader_list(reader, name, ROWS_MAX);
}

bool reader_begin_row(struct reader *reader, const json_t *table, size_t index)
{
	if (reader->rc != 0 || index >= json_array_size(table))
		return false;
	reader->row = index + 1;
	reader->object = json_array_get(table, index);
	if (!json_is_object(reader->object))
		reader_refuse(reader, ERR_SYNTAX, "row", "is no object");
	return reader->rc == 0;
}
