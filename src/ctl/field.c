/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/field.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Types whose text is not simply a JSON string (pg_type.dat numbers them for good). */
enum pg_oid {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_JSON = 114,
	OID_JSONB = 3802,
	OID_TIMESTAMPTZ = 1184,
};

/* "2026-11-22 06:51:13+00" -> "2026-11-22T06:51:13Z"; infinity stays. */
static json_t *json_timestamp(const char *text)
{
	size_t size = strlen(text);
	char copy[64];

	if (size < 14 || size >= sizeof(copy) || text[10] != ' ')
		return json_string(text);
	memcpy(copy, text, size + 1);
	copy[10] = 'T';
	if (strcmp(copy + size - 3, "+00") == 0)
		memcpy(copy + size - 3, "Z", 2);
	return json_string(copy);
}

json_t *field_json(const PGresult *rows, int row, int column)
{
	const char *text = PQgetvalue(rows, row, column);

	if (PQgetisnull(rows, row, column))
		return mem_must(json_null());
	switch (PQftype(rows, column)) {
	case OID_BOOL:
		return mem_must(json_boolean(text[0] == 't'));
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		return mem_must(json_integer(strtoll(text, NULL, 10)));
	case OID_JSON:
	case OID_JSONB:
		return mem_must(json_loads(text, JSON_DECODE_ANY, NULL));
	case OID_TIMESTAMPTZ:
		return mem_must(json_timestamp(text));
	default:
		return mem_must(json_string(text));
	}
}

int field_print(FILE *out, const char *text)
{
	int width = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool is_c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;

		if (*c < 0x20 || *c == 0x7f || is_c1) {
			width += fprintf(out, "\\x%02x", is_c1 ? *++c : *c);
			continue;
		}
		fputc(*c, out);
		width += (*c & 0xc0) != 0x80;
	}
	return width;
}

int field_width(const char *text)
{
	int width = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		width += *c < 0x20 || *c == 0x7f ? 4 : (*c & 0xc0) != 0x80;
	return width;
}

/* Appends a JSON value for people: "a, b" for an array, "name=value name=value" for an object. */
static char *append_flat(char *text, const json_t *value)
{
	const char *key, *separator = "";
	const json_t *member;
	size_t index;

	if (json_is_string(value))
		return mem_must(talloc_strdup_append(text, json_string_value(value)));
	if (json_is_integer(value))
		return mem_must(talloc_asprintf_append(
			text, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	if (json_is_boolean(value))
		return mem_must(talloc_strdup_append(text, json_is_true(value) ? "yes" : "no"));
	json_array_foreach(value, index, member)
	{
		text = mem_must(talloc_strdup_append(text, separator));
		text = append_flat(text, member);
		separator = json_is_object(member) ? "; " : ", ";
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		if (json_is_null(member))
			continue;
		text = mem_must(talloc_asprintf_append(text, "%s%s=", separator, key));
		text = append_flat(text, member);
		separator = " ";
	}
	return text;
}

static const char *flat_json(TALLOC_CTX *ctx, const char *json)
{
	json_t *value = mem_must(json_loads(json, JSON_DECODE_ANY, NULL));
	char *text = append_flat(mem_must(talloc_strdup(ctx, "")), value);

	json_decref(value);
	return *text == '\0' ? "-" : text;
}

const char *field_text(TALLOC_CTX *ctx, const PGresult *rows, int row, int column)
{
	const char *text = PQgetvalue(rows, row, column);

	if (PQgetisnull(rows, row, column) || *text == '\0')
		return "-";
	switch (PQftype(rows, column)) {
	case OID_BOOL:
		return text[0] == 't' ? "yes" : "no";
	case OID_JSON:
	case OID_JSONB:
		return flat_json(ctx, text);
	default:
		return text;
	}
}
