/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/output.h"
#include "base/mem.h"
#include "ctl/field.h"
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS "1000" /* rows held at a time; enough to make the round trip cheap */
#define COLUMNS_MAX 64   /* the widest table, session, has 47 */
#define WIDTH_MAX 48     /* a longer value shifts the rest of its line */

void output_json_row(FILE *out, const PGresult *rows, int row)
{
	json_t *object = mem_must(json_object());

	for (int column = 0; column < PQnfields(rows); column++)
		if (PQfname(rows, column)[0] != '_') /* a key of a listing alone */
			json_object_set_new(
				object, PQfname(rows, column), field_json(rows, row, column));
	json_dumpf(object, out, JSON_COMPACT);
	json_decref(object);
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
static void table_fit(TALLOC_CTX *ctx, struct table *table, const PGresult *rows)
{
	for (int i = 0; i < table->count; i++)
		for (int row = 0; row < PQntuples(rows); row++) {
			int width = field_width(field_text(ctx, rows, row, table->columns[i]));

			if (width > table->widths[i])
				table->widths[i] = width < WIDTH_MAX ? width : WIDTH_MAX;
		}
}

static void table_print_field(FILE *out, const struct table *table, int i, const char *text)
{
	int width = field_print(out, text);

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
	TALLOC_CTX *page = mem_must(talloc_new(pages->pg->call->ctx));

	if (!pages->is_json) {
		if (pages->printed == 0)
			table_init(&pages->table, pages->listing, rows);
		table_fit(page, &pages->table, rows);
		if (pages->printed == 0 && PQntuples(rows) > 0)
			table_print_header(out, &pages->table, rows);
	}
	for (int row = 0; row < PQntuples(rows); row++, pages->printed++) {
		if (pages->is_json) {
			fputs(pages->printed == 0 ? "\n" : ",\n", out);
			output_json_row(out, rows, row);
			continue;
		}
		for (int i = 0; i < pages->table.count; i++)
			table_print_field(out, &pages->table, i,
				field_text(page, rows, row, pages->table.columns[i]));
	}
	talloc_free(page);
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

static void print_row_lines(TALLOC_CTX *ctx, FILE *out, const PGresult *rows)
{
	int width = 0;

	for (int column = 0; column < PQnfields(rows); column++)
		if ((int)strlen(PQfname(rows, column)) > width)
			width = (int)strlen(PQfname(rows, column));
	for (int column = 0; column < PQnfields(rows); column++) {
		const char *name = PQfname(rows, column);

		fprintf(out, "%s:%*s", name, width - (int)strlen(name) + 2, "");
		field_print(out, field_text(ctx, rows, 0, column));
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
		output_json_row(pg->call->out, rows, 0);
		fputc('\n', pg->call->out);
	} else {
		print_row_lines(pg->call->ctx, pg->call->out, rows);
	}
	PQclear(rows);
	return code;
}
