/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/output.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS "1000" /* rows held at a time; enough to make the round trip cheap */
#define COLUMNS_MAX 64   /* the widest table, session, has 47 */
#define WIDTH_MAX 48     /* a longer value shifts the rest of its line */

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

static json_t *json_field(const PGresult *rows, int row, int column)
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

static void print_json_row(FILE *out, const PGresult *rows, int row)
{
	json_t *object = mem_must(json_object());

	for (int column = 0; column < PQnfields(rows); column++)
		if (PQfname(rows, column)[0] != '_') /* a key of a listing alone */
			json_object_set_new(
				object, PQfname(rows, column), json_field(rows, row, column));
	json_dumpf(object, out, JSON_COMPACT);
	json_decref(object);
}

/* Printable form: C0, DEL and C1 controls as \xHH. Returns the columns printed, taking a UTF-8
 * character for one. */
static int print_clean(FILE *out, const char *text)
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

static int clean_width(const char *text)
{
	int width = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		width += *c < 0x20 || *c == 0x7f ? 4 : (*c & 0xc0) != 0x80;
	return width;
}

static const char *field_text(const PGresult *rows, int row, int column)
{
	if (PQgetisnull(rows, row, column))
		return "-";
	if (PQftype(rows, column) == OID_BOOL)
		return PQgetvalue(rows, row, column)[0] == 't' ? "yes" : "no";
	return PQgetvalue(rows, row, column);
}

/* The columns of the brief table, in its order. */
struct table {
	int columns[COLUMNS_MAX], widths[COLUMNS_MAX];
	int count;
};

static void table_init(struct table *table, const struct listing *listing, const PGresult *rows)
{
	char *names = mem_must(talloc_strdup(NULL, listing->brief)), *rest = NULL;

	table->count = 0;
	for (char *name = strtok_r(names, " ", &rest); name != NULL && table->count < COLUMNS_MAX;
		name = strtok_r(NULL, " ", &rest)) {
		int column = PQfnumber(rows, name);

		if (column < 0)
			abort(); /* the listing names a column that its statement does not have */
		table->columns[table->count] = column;
		table->widths[table->count++] = (int)strlen(name);
	}
	talloc_free(names);
}

/* A later page may widen a column: the table is then out of line from there on, but complete. */
static void table_fit(struct table *table, const PGresult *rows)
{
	for (int i = 0; i < table->count; i++)
		for (int row = 0; row < PQntuples(rows); row++) {
			int width = clean_width(field_text(rows, row, table->columns[i]));

			if (width > table->widths[i])
				table->widths[i] = width < WIDTH_MAX ? width : WIDTH_MAX;
		}
}

static void table_print_field(FILE *out, const struct table *table, int i, const char *text)
{
	int width = print_clean(out, text);

	if (i + 1 < table->count)
		fprintf(out, "%*s", table->widths[i] > width ? table->widths[i] - width + 2 : 2,
			"");
	else
		fputc('\n', out);
}

static void table_print_header(FILE *out, const struct table *table, const PGresult *rows)
{
	for (int i = 0; i < table->count; i++)
		table_print_field(out, table, i, PQfname(rows, table->columns[i]));
}

/* State of a listing between its pages. */
struct pages {
	struct pg *pg;
	const struct listing *listing;
	struct table table;
	unsigned long printed;
	bool is_json;
};

static void print_page(struct pages *pages, const PGresult *rows)
{
	FILE *out = pages->pg->call->out;

	if (!pages->is_json) {
		if (pages->printed == 0)
			table_init(&pages->table, pages->listing, rows);
		table_fit(&pages->table, rows);
		if (pages->printed == 0 && PQntuples(rows) > 0)
			table_print_header(out, &pages->table, rows);
	}
	for (int row = 0; row < PQntuples(rows); row++, pages->printed++) {
		if (pages->is_json) {
			fputs(pages->printed == 0 ? "\n" : ",\n", out);
			print_json_row(out, rows, row);
			continue;
		}
		for (int i = 0; i < pages->table.count; i++)
			table_print_field(out, &pages->table, i,
				field_text(rows, row, pages->table.columns[i]));
	}
}

void listing_filter(
	TALLOC_CTX *ctx, struct listing *listing, const char *condition, const char *value)
{
	if (value == NULL)
		return;
	params_add(&listing->params, value);
	if (listing->conditions == NULL)
		listing->conditions = mem_must(talloc_strdup(ctx, ""));
	listing->conditions = mem_must(talloc_strdup_append(listing->conditions, " and "));
	for (; *condition; condition++)
		/* $1 and $2 are the page's key and size */
		listing->conditions = mem_must(
			*condition == '$'
				? talloc_asprintf_append(
					  listing->conditions, "$%d", listing->params.count + 2)
				: talloc_asprintf_append(listing->conditions, "%c", *condition));
}

static const char *page_sql(TALLOC_CTX *ctx, const struct listing *listing)
{
	return mem_must(talloc_asprintf(ctx, "%s where %s > %s%s order by %s limit $2::int",
		listing->select, listing->key, listing->after,
		listing->conditions == NULL ? "" : listing->conditions, listing->key));
}

int output_list(struct pg *pg, const struct listing *listing)
{
	struct pages pages = {.pg = pg, .listing = listing, .is_json = call_has(pg->call, "json")};
	struct params params = {.values = {NULL, PAGE_ROWS}, .count = 2};
	const char *sql = page_sql(pg->call->ctx, listing);
	FILE *out = pg->call->out;
	char *last = NULL;
	int rows_in_page, code;

	for (int i = 0; i < listing->params.count; i++)
		params_add(&params, listing->params.values[i]);
	do {
		PGresult *rows;

		params.values[0] = last;
		code = pg_run(pg, sql, &params, &rows);
		if (code != CTL_OK)
			break;
		if (pages.is_json && pages.printed == 0)
			fputc('[', out);
		print_page(&pages, rows);
		rows_in_page = PQntuples(rows);
		if (rows_in_page > 0) {
			talloc_free(last);
			last = mem_must(talloc_strdup(
				pg->call->ctx, PQgetvalue(rows, rows_in_page - 1, 0)));
		}
		PQclear(rows);
		/* A reader that has gone away (head, a closed pager) wants no more. */
	} while (rows_in_page == atoi(PAGE_ROWS) && !ferror(out));
	if (code == CTL_OK && pages.is_json)
		fputs(pages.printed == 0 ? "]\n" : "\n]\n", out);
	return code;
}

static void print_row_lines(FILE *out, const PGresult *rows)
{
	int width = 0;

	for (int column = 0; column < PQnfields(rows); column++)
		if ((int)strlen(PQfname(rows, column)) > width)
			width = (int)strlen(PQfname(rows, column));
	for (int column = 0; column < PQnfields(rows); column++) {
		const char *name = PQfname(rows, column);

		fprintf(out, "%s:%*s", name, width - (int)strlen(name) + 2, "");
		print_clean(out, field_text(rows, 0, column));
		fputc('\n', out);
	}
}

int output_show(struct pg *pg, const char *sql, const struct params *params, const char *what)
{
	PGresult *rows;
	int code = pg_run(pg, sql, params, &rows);

	if (code != CTL_OK)
		return code;
	if (PQntuples(rows) == 0) {
		code = call_fail(pg->call, CTL_REFUSED, "there is no %s", what);
	} else if (call_has(pg->call, "json")) {
		print_json_row(pg->call->out, rows, 0);
		fputc('\n', pg->call->out);
	} else {
		print_row_lines(pg->call->out, rows);
	}
	PQclear(rows);
	return code;
}
