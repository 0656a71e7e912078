/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/import_staging.h"
#include "base/mem.h"
#include <limits.h>
#include <string.h>

const char *const staging_tables[] = {"radcheck", "radreply", "radgroupcheck", "radgroupreply",
	"radusergroup", "nas", "radippool", "radacct", NULL};

int staging_init(TALLOC_CTX *ctx, struct staging *staging, struct pg *pg, const char *table)
{
	struct params params = {0};
	PGresult *rows;
	int code;

	*staging = (struct staging){.pg = pg, .table = table};
	params_add(&params, mem_must(talloc_asprintf(ctx, "poprad.import_%s", table)));
	/* The first column is the place of the row in its source. */
	code = pg_run(pg,
		"select attname from pg_attribute where attrelid = $1::regclass and attnum > 1 "
		"order by attnum",
		&params, &rows);
	if (code != CTL_OK)
		return code;
	for (int row = 0; row < PQntuples(rows) && row < STAGING_COLUMNS_MAX; row++)
		staging->columns[staging->column_count++] =
			mem_must(talloc_strdup(ctx, PQgetvalue(rows, row, 0)));
	PQclear(rows);
	return CTL_OK;
}

int staging_begin(const struct staging *staging)
{
	char *sql = mem_must(talloc_asprintf(
		NULL, "copy poprad.import_%s (%s", staging->table, staging->columns[0]));
	PGresult *result;
	int code = CTL_OK;

	for (size_t i = 1; i < staging->column_count; i++)
		sql = mem_must(talloc_asprintf_append(sql, ", %s", staging->columns[i]));
	sql = mem_must(talloc_strdup_append(sql, ") from stdin"));
	result = PQexec(staging->pg->connection, sql);
	if (PQresultStatus(result) != PGRES_COPY_IN)
		code = pg_fail(staging->pg, result);
	PQclear(result);
	talloc_free(sql);
	return code;
}

int staging_put(const struct staging *staging, const char *octets, size_t size)
{
	if (size > INT_MAX || PQputCopyData(staging->pg->connection, octets, (int)size) != 1)
		return pg_fail(staging->pg, NULL);
	return CTL_OK;
}

int staging_end(const struct staging *staging)
{
	PGresult *result;
	int code = CTL_OK;

	if (PQputCopyEnd(staging->pg->connection, NULL) != 1)
		return pg_fail(staging->pg, NULL);
	while ((result = PQgetResult(staging->pg->connection)) != NULL) {
		if (code == CTL_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
			code = pg_fail(staging->pg, result);
		PQclear(result);
	}
	return code;
}
