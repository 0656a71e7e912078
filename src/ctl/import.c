/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber import: CSV -> COPY into a temporary table -> checks over the whole file ->
 * one insert, all in one transaction. Checks of a single row are made here, checks against other
 * rows and the database there. */
#include "base/addr.h"
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/csv.h"
#include "ctl/pg.h"
#include "ctl/value.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ERRORS_SHOWN 20     /* as many as fit a screen; the rest is counted */
#define PROGRESS_ROWS 10000 /* a few times a second */

enum column { LOGIN, PASSWORD, PLAN, STATIC_ADDRESS, COLUMNS };
static const char *const column_names[COLUMNS] = {"login", "password", "plan", "static_address"};

struct import {
	struct call *call;
	struct pg *pg;
	struct csv *csv;
	const char *path;
	size_t positions[COLUMNS]; /* of each column in a row, from 1; 0 = not in the file */
	size_t column_count;
	unsigned long rows, errors, shown;
	bool has_progress;
};

static void end_progress(struct import *import)
{
	if (import->has_progress)
		fputs("\r\033[K", import->call->errors);
	import->has_progress = false;
}

static void PRINTF_LIKE(3, 4)
	line_error(struct import *import, unsigned long line, const char *format, ...)
{
	va_list list;

	import->errors++;
	if (import->shown == ERRORS_SHOWN)
		return;
	import->shown++;
	end_progress(import);
	fprintf(import->call->errors, "popradctl: %s:%lu: ", import->path, line);
	va_start(list, format);
	vfprintf(import->call->errors, format, list);
	va_end(list);
	fputc('\n', import->call->errors);
}

static void show_progress(struct import *import)
{
	if (import->rows % PROGRESS_ROWS != 0 || !isatty(fileno(import->call->errors)))
		return;
	import->has_progress = true;
	fprintf(import->call->errors, "\r%lu rows read", import->rows);
	fflush(import->call->errors);
}

static int read_header(struct import *import)
{
	struct csv *csv = import->csv;

	if (!csv_next(csv))
		return call_fail(import->call, CTL_REFUSED,
			"%s is empty: its first line must be login,password,plan or "
			"login,password,plan,static_address",
			import->path);
	for (size_t i = 0; csv->fault == NULL && i < csv->count; i++) {
		size_t column = 0;

		while (column < COLUMNS && strcmp(csv->fields[i], column_names[column]) != 0)
			column++;
		if (column == COLUMNS)
			csv->fault = "names a column other than login, password, plan and "
				     "static_address";
		else if (import->positions[column] != 0)
			csv->fault = "names a column twice";
		else
			import->positions[column] = i + 1;
	}
	import->column_count = csv->count;
	if (csv->fault == NULL &&
		(import->positions[LOGIN] == 0 || import->positions[PASSWORD] == 0 ||
			import->positions[PLAN] == 0))
		csv->fault = "lacks one of the columns login, password and plan";
	if (csv->fault != NULL)
		return call_fail(import->call, CTL_REFUSED, "%s:%lu: the header %s", import->path,
			csv->line, csv->fault);
	return CTL_OK;
}

static char *field(struct import *import, enum column column)
{
	size_t position = import->positions[column];

	return position == 0 ? NULL : import->csv->fields[position - 1];
}

static bool check_static_address(struct import *import, const char *text, char *shown)
{
	struct addr addr;

	*shown = '\0';
	if (text == NULL || *text == '\0')
		return true;
	if (addr_parse(text, &addr) != 0) {
		line_error(import, import->csv->line, "static_address is no address");
		return false;
	}
	addr_format(&addr, shown);
	return true;
}

static bool check_column(struct import *import, enum column column, const char *fault)
{
	if (fault != NULL)
		line_error(import, import->csv->line, "%s %s", column_names[column], fault);
	return fault == NULL;
}

static bool check_row(struct import *import, char *address)
{
	struct csv *csv = import->csv;

	if (csv->fault != NULL) {
		line_error(import, csv->line, "the row %s", csv->fault);
		return false;
	}
	if (csv->count != import->column_count) {
		line_error(import, csv->line, "the row has %zu fields, the header %zu", csv->count,
			import->column_count);
		return false;
	}
	return check_column(import, LOGIN, login_normalise(field(import, LOGIN))) &&
	       check_column(import, PASSWORD, password_fault(field(import, PASSWORD))) &&
	       check_column(import, PLAN, text_fault(field(import, PLAN), VALUE_NAME_MAX)) &&
	       check_static_address(import, field(import, STATIC_ADDRESS), address);
}

/* COPY's text form: a backslash is doubled; control characters have been refused. */
static char *put_text(char *end, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			*end++ = '\\';
		*end++ = *text;
	}
	*end++ = '\t';
	return end;
}

static int send_row(struct import *import, const char *address)
{
	char line[2 * CSV_ROW_MAX + 128], *end = line;

	end += snprintf(line, sizeof(line), "%lu\t", import->csv->line);
	end = put_text(end, field(import, LOGIN));
	end = put_text(end, field(import, PASSWORD));
	end = put_text(end, field(import, PLAN));
	end += snprintf(end, ADDR_TEXT_MAX + 2, "%s\n", *address ? address : "\\N");
	if (PQputCopyData(import->pg->connection, line, (int)(end - line)) != 1)
		return pg_fail(import->pg, NULL);
	return CTL_OK;
}

static int send_rows(struct import *import)
{
	char address[ADDR_TEXT_MAX];
	int code = CTL_OK;

	while (code == CTL_OK && csv_next(import->csv)) {
		import->rows++;
		show_progress(import);
		if (check_row(import, address))
			code = send_row(import, address);
	}
	end_progress(import);
	if (code == CTL_OK && ferror(import->csv->file))
		return call_fail(import->call, CTL_REFUSED, "cannot read %s: %s", import->path,
			strerror(errno));
	return code;
}

static int begin_copy(struct import *import)
{
	PGresult *result;
	int code = pg_run(import->pg, "begin", NULL, NULL);

	if (code == CTL_OK)
		code = pg_run(import->pg,
			"create temporary table import_line (line bigint not null, "
			"login text collate \"C\" not null, password text not null, "
			"plan text collate \"C\" not null, static_address inet) on commit drop",
			NULL, NULL);
	if (code != CTL_OK)
		return code;
	result = PQexec(import->pg->connection, "copy import_line from stdin");
	if (PQresultStatus(result) != PGRES_COPY_IN)
		code = pg_fail(import->pg, result);
	PQclear(result);
	return code;
}

static int end_copy(struct import *import)
{
	PGresult *result;
	int code = CTL_OK;

	if (PQputCopyEnd(import->pg->connection, NULL) != 1)
		return pg_fail(import->pg, NULL);
	while ((result = PQgetResult(import->pg->connection)) != NULL) {
		if (code == CTL_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
			code = pg_fail(import->pg, result);
		PQclear(result);
	}
	return code == CTL_OK ? pg_run(import->pg, "analyze import_line", NULL, NULL) : code;
}

/* What is wrong between rows, and between rows and the database. */
static const char checks[] =
	"with realms as (select line, login, substring(login from '@([^@]*)$') as realm "
	"from import_line), bad (line, message) as ("
	"select line, 'login ' || login || ' stands in line ' || first_line || ' already' from "
	"(select line, login, min(line) over (partition by login) as first_line "
	"from import_line) d where line <> first_line "
	"union all select i.line, 'a subscriber ' || login || ' exists already' "
	"from import_line i join poprad.subscriber using (login) "
	"union all select line, 'there is no plan ' || plan || ' (see popradctl plan list)' "
	"from import_line where plan not in (select name from poprad.plan) "
	"union all select line, 'there is no realm ' || realm || ' (popradctl realm add ' || "
	"realm || ')' from realms where realm not in (select name from poprad.realm) "
	"union all select line, 'static address ' || host(static_address) || ' stands in line ' "
	"|| first_line || ' already' from (select line, static_address, min(line) over "
	"(partition by static_address) as first_line from import_line "
	"where static_address is not null) d where line <> first_line "
	"union all select i.line, 'subscriber ' || s.login || ' has the static address ' || "
	"host(s.static_address) from import_line i "
	"join poprad.subscriber s using (static_address) "
	"union all select i.line, 'the address ' || host(a.address) || "
	"' is leased now (see popradctl address show)' from import_line i "
	"join poprad.address a on a.address = i.static_address "
	"where a.session_key is not null) "
	"select line, message, count(*) over () from bad order by line, message limit $1::int";

static int check_rows(struct import *import)
{
	char limit[16];
	struct params params = {0};
	PGresult *rows;
	int code;

	snprintf(limit, sizeof(limit), "%d", ERRORS_SHOWN);
	params_add(&params, limit);
	code = pg_run(import->pg, checks, &params, &rows);
	if (code != CTL_OK)
		return code;
	for (int row = 0; row < PQntuples(rows); row++)
		line_error(import, strtoul(PQgetvalue(rows, row, 0), NULL, 10), "%s",
			PQgetvalue(rows, row, 1));
	if (PQntuples(rows) > 0)
		import->errors +=
			strtoul(PQgetvalue(rows, 0, 2), NULL, 10) - (unsigned long)PQntuples(rows);
	PQclear(rows);
	if (import->errors > import->shown)
		fprintf(import->call->errors, "popradctl: %s: and %lu further errors\n",
			import->path, import->errors - import->shown);
	if (import->errors > 0)
		return call_fail(import->call, CTL_REFUSED,
			"nothing was imported: correct the lines above and try again");
	return CTL_OK;
}

static int insert_rows(struct import *import)
{
	long inserted = 0;
	int code = pg_change(import->pg,
		"insert into poprad.subscriber (login, realm_id, plan_id, password, "
		"static_address) "
		"select i.login, r.realm_id, p.plan_id, i.password, i.static_address "
		"from import_line i join poprad.plan p on p.name = i.plan left join poprad.realm r "
		"on r.name = substring(i.login from '@([^@]*)$') order by i.line",
		NULL, &inserted);

	if (code == CTL_OK)
		code = pg_run(import->pg, "commit", NULL, NULL);
	if (code == CTL_OK)
		fprintf(import->call->out, "%ld subscribers imported\n", inserted);
	return code;
}

static int import_file(struct import *import)
{
	int code = read_header(import);

	if (code == CTL_OK)
		code = pg_open(import->call, &import->pg);
	if (code == CTL_OK)
		code = begin_copy(import);
	if (code == CTL_OK)
		code = send_rows(import);
	if (code == CTL_OK)
		code = end_copy(import);
	if (code == CTL_OK)
		code = check_rows(import);
	return code == CTL_OK ? insert_rows(import) : code;
}

int subscriber_import(struct call *call)
{
	const char *path = call_value(call, "FILE");
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	struct import import = {.call = call, .path = is_stdin ? "standard input" : path};
	int code;

	if (file == NULL)
		return call_fail(call, CTL_REFUSED, "cannot read %s: %s", path, strerror(errno));
	import.csv = csv_new(call->ctx, file);
	code = import_file(&import);
	if (!is_stdin)
		fclose(file);
	return code;
}
