/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl billing: sessions and rated months for a billing system, as CSV or as lines of JSON.
 * They are read in parts, each in a transaction of its own, so that millions of rows pass through
 * without being held, here or there; a part ends where the database says, and the next one begins
 * behind it. */
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/csv.h"
#include "ctl/output.h"
#include <string.h>

#define PART_SESSIONS "5000" /* some megabytes here, and some ten milliseconds there */
#define PART_SUBSCRIBERS "2000"

#define FORMAT_OPTION                                                                        \
	{.name = "format",                                                                   \
		.type = VALUE_CHOICE,                                                        \
		.form = "csv|jsonl",                                                         \
		.sentence = "Comma-separated values (RFC 4180), the default, or one JSON "   \
			    "object a line."},                                               \
	{                                                                                    \
		.name = "no-header",                                                         \
		.sentence = "Leave the line with the names of the columns out, to go on in " \
			    "a file that has it."                                            \
	}

static const struct parameter export_options[] = {
	{.name = "month",
		.type = VALUE_MONTH,
		.form = "YYYY-MM",
		.sentence = "Only sessions that ended in this month, by the subscriber's clock."},
	{.name = "after",
		.type = VALUE_CURSOR,
		.form = "NUMBER",
		.sentence = "Only those whose change_number is higher: the newest that was "
			    "read before."},
	FORMAT_OPTION,
	{0},
};
static const struct parameter rate_options[] = {
	{.name = "month",
		.type = VALUE_MONTH,
		.form = "YYYY-MM",
		.is_required = true,
		.sentence = "The month."},
	FORMAT_OPTION,
	{0},
};

struct export
{
	const char *after; /* where the next part begins */
	/* $1: after; $2: end. The last key of the next part; null: there is none */
	const char *part_sql;
	/* $1: after; $2: that key; $3: the month, or null. The rows between them */
	const char *rows_sql;
	const char *end, *month;
	bool is_csv, has_header;
};

static void put_csv_row(FILE *out, const PGresult *rows, int row)
{
	for (int column = 0; column < PQnfields(rows); column++)
		csv_put(out, column == 0,
			PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column));
	csv_end(out);
}

static void put_header(FILE *out, const PGresult *rows)
{
	for (int column = 0; column < PQnfields(rows); column++)
		csv_put(out, column == 0, PQfname(rows, column));
	csv_end(out);
}

static void put_rows(struct export *export, FILE *out, const PGresult *rows)
{
	if (export->is_csv && export->has_header)
		put_header(out, rows);
	export->has_header = false;
	for (int row = 0; row < PQntuples(rows); row++)
		if (export->is_csv) {
			put_csv_row(out, rows, row);
		} else {
			output_json_row(out, rows, row);
			fputc('\n', out);
		}
}

/* Whoever reads a file that is cut off finds whole parts, but for the last line. */
static int put_part(struct pg *pg, struct export *export, const char *last)
{
	struct params params = {.values = {export->after, last, export->month}, .count = 3};
	FILE *out = pg->call->out;
	PGresult *rows;
	int code = pg_run(pg, export->rows_sql, &params, &rows);

	if (code != CTL_OK)
		return code;
	put_rows(export, out, rows);
	PQclear(rows);
	fflush(out);
	return CTL_OK;
}

static int put_parts(struct pg *pg, struct export *export)
{
	const char *last;
	int code;

	do {
		struct params params = {.values = {export->after, export->end}, .count = 2};

		code = pg_value(pg, export->part_sql, &params, &last);
		/* behind the last part an empty one, which has the header of an empty file */
		if (code == CTL_OK && (last != NULL || export->has_header))
			code = put_part(pg, export, last == NULL ? export->after : last);
		if (last != NULL)
			export->after = last;
		/* A reader that has gone away wants no more. */
	} while (code == CTL_OK && last != NULL && !ferror(pg->call->out));
	return code;
}

static void read_format(struct call *call, struct export *export)
{
	const char *format = call_value(call, "format");

	export->month = call_value(call, "month");
	export->is_csv = format == NULL || strcmp(format, "csv") == 0;
	export->has_header = export->is_csv && !call_has(call, "no-header");
}

/* What changes while it is being read comes next time: so a session is never in one file twice. */
static int export_bounds(struct pg *pg, struct export *export)
{
	struct params params = {0};
	int code = pg_value(pg, "select poprad.billing_newest()::text", NULL, &export->end);

	params_add(&params, export->month);
	params_add(&params, call_value(pg->call, "after"));
	if (code == CTL_OK)
		code = pg_value(pg,
			"select greatest(poprad.billing_first($1::date), $2::bigint, 0)::text",
			&params, &export->after);
	return code;
}

static int billing_export(struct call *call)
{
	struct export export = {
		.part_sql =
			"select poprad.billing_changes_part($1::bigint, $2::bigint, " PART_SESSIONS
			")::text",
		.rows_sql = "select b.* from poprad.billing_session b where b.change_number > "
			    "$1::bigint and b.change_number <= $2::bigint and ($3::date is null or "
			    "b.month = $3::date) order by b.change_number",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code != CTL_OK)
		return code;
	read_format(call, &export);
	code = export_bounds(pg, &export);
	return code != CTL_OK ? code : put_parts(pg, &export);
}

static int billing_rate(struct call *call)
{
	struct export export = {
		.after = "0",
		.part_sql = "select poprad.billing_rate_part($2::date, $1::int, " PART_SUBSCRIBERS
			    ")::text",
		.rows_sql = "select * from poprad.billing_rate($3::date, $1::int, $2::int)",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code != CTL_OK)
		return code;
	read_format(call, &export);
	export.end = export.month;
	return put_parts(pg, &export);
}

const struct command billing_commands[] = {
	{
		.verb = "export",
		.options = export_options,
		.sentence = "Writes sessions that are over, in the order in which they changed.",
		.details = "A session is written about an hour after it ended, and again, with a "
			   "higher change_number and revision, when a record that came late has "
			   "changed it. Never twice in one run, and never again by a run that is "
			   "told the newest number of the run before. If it is killed, it goes on "
			   "behind the last whole line.",
		.example = "popradctl billing export --month 2026-10 --format csv",
		.run = billing_export,
	},
	{
		.verb = "rate",
		.options = rate_options,
		.sentence = "Works a month out by the tariffs of the plans.",
		.details = "For each subscriber and plan a line for time and one for volume. Of "
			   "what goes beyond what is included every unit begun counts. There is "
			   "no amount where the plan has no price.",
		.example = "popradctl billing rate --month 2026-10",
		.run = billing_rate,
	},
	{0},
};
