/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl import freeradius --dsn: the source is PostgreSQL. Its rows go from one COPY into
 * another unseen. A column that it lacks is null, a table that it lacks is empty: versions differ.
 */
#include "base/mem.h"
#include "ctl/import_staging.h"
#include <string.h>

/* What to read of the table there; NULL: there is no such table. */
static int source_select(struct pg *source, const struct staging *staging, const char **select)
{
	struct params params = {0};
	PGresult *rows;
	int code;

	*select = NULL;
	params_add_array(source->call->ctx, &params, staging->columns, staging->column_count);
	params_add(&params, staging->table);
	code = pg_run(source,
		"select string_agg(case when c.column_name is null then 'null' else "
		"format('%I::text', n.name) end, ', ' order by n.place), "
		"coalesce(' order by t.' || min(c.column_name) filter (where n.place = 1), ''), "
		"count(c.column_name) "
		"from unnest($1::text[]) with ordinality n (name, place) "
		"left join information_schema.columns c on c.table_name = $2 and "
		"c.column_name = n.name and c.table_schema = any (current_schemas(false))",
		&params, &rows);
	if (code != CTL_OK)
		return code;
	if (strcmp(PQgetvalue(rows, 0, 2), "0") != 0)
		*select = mem_must(
			talloc_asprintf(source->call->ctx, "copy (select %s from %s t%s) to stdout",
				PQgetvalue(rows, 0, 0), staging->table, PQgetvalue(rows, 0, 1)));
	PQclear(rows);
	return CTL_OK;
}

static int begin_read(struct pg *source, const char *sql)
{
	PGresult *result = PQexec(source->connection, sql);
	int code = PQresultStatus(result) == PGRES_COPY_OUT ? CTL_OK : pg_fail(source, result);

	PQclear(result);
	return code;
}

/* Behind the last row. */
static int end_read(struct pg *source)
{
	PGresult *result;
	int code = CTL_OK;

	while ((result = PQgetResult(source->connection)) != NULL) {
		if (code == CTL_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
			code = pg_fail(source, result);
		PQclear(result);
	}
	return code;
}

static int copy_rows(struct pg *source, const struct staging *staging)
{
	char *row = NULL;
	int size, code = CTL_OK;

	while (code == CTL_OK && (size = PQgetCopyData(source->connection, &row, 0)) > 0) {
		code = staging_put(staging, row, (size_t)size);
		PQfreemem(row);
	}
	if (code == CTL_OK)
		code = end_read(source);
	return code == CTL_OK ? staging_end(staging) : code;
}

static int copy_table(struct pg *source, struct pg *pg, const char *table)
{
	struct staging staging;
	const char *select = NULL;
	int code = staging_init(pg->call->ctx, &staging, pg, table);

	if (code == CTL_OK)
		code = source_select(source, &staging, &select);
	if (code != CTL_OK)
		return code;
	if (select == NULL) {
		fprintf(pg->call->out, "there is no table %s\n", table);
		return CTL_OK;
	}
	code = begin_read(source, select);
	if (code == CTL_OK)
		code = staging_begin(&staging);
	return code == CTL_OK ? copy_rows(source, &staging) : code;
}

int import_from_database(struct call *call, struct pg *pg, const char *conninfo)
{
	struct pg *source;
	int code = pg_open_conninfo(call, conninfo, &source);

	if (code == CTL_OK)
		code = pg_run(
			source, "begin isolation level repeatable read read only", NULL, NULL);
	for (size_t i = 0; code == CTL_OK && staging_tables[i] != NULL; i++)
		code = copy_table(source, pg, staging_tables[i]);
	if (code == CTL_OK)
		talloc_free(source);
	return code;
}
