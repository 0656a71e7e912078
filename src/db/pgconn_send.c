/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What is put into the pipeline: the preparation of a new connection, and executions. Before
 * version 17 libpq writes at every Sync, so each execution is a write of its own. */
#include "db/pgconn_private.h"
#include "base/mem.h"
#include "db/pg_batch.h"
#include <stdio.h>
#include <string.h>

static bool send_prepare(TALLOC_CTX *ctx, PGconn *pg, const struct pg_statement *statement)
{
	Oid *types = mem_must(talloc_array(ctx, Oid, statement->column_count + 1));
	for (unsigned i = 0; i < statement->column_count; i++)
		types[i] = pg_batch_array_oid(statement->types[i]);
	int sent = PQsendPrepare(
		pg, statement->name, statement->sql, (int)statement->column_count, types);
	talloc_free(types);
	return sent;
}

/* Null for every array: no rows. */
static bool send_rehearsal(TALLOC_CTX *ctx, PGconn *pg, const struct pg_statement *statement)
{
	const char **nulls =
		mem_must(talloc_zero_array(ctx, const char *, statement->column_count + 1));
	int sent = PQsendQueryPrepared(
		pg, statement->name, (int)statement->column_count, nulls, NULL, NULL, 1);
	talloc_free(nulls);
	return sent;
}

static bool send_settings(PGconn *pg, const struct pgconn_settings *settings)
{
	char statement_ms[16], lock_ms[16];
	snprintf(statement_ms, sizeof statement_ms, "%u", settings->statement_timeout_ms);
	snprintf(lock_ms, sizeof lock_ms, "%u", settings->lock_timeout_ms);
	const char *const values[] = {statement_ms, lock_ms};
	return PQsendQueryParams(pg,
		"select set_config('statement_timeout', $1::text, false), "
		"set_config('lock_timeout', $2::text, false), "
		"set_config('plan_cache_mode', 'force_generic_plan', false), "
		"set_config('jit', 'off', false), "
		"set_config('client_min_messages', 'warning', false)",
		2, NULL, values, NULL, NULL, 0);
}

static bool send_listen(TALLOC_CTX *ctx, PGconn *pg, const char *listen_channel)
{
	if (!listen_channel)
		return true;
	char *channel = PQescapeIdentifier(pg, listen_channel, strlen(listen_channel));
	if (!channel)
		return false;
	char *sql = mem_must(talloc_asprintf(ctx, "listen %s", channel));
	PQfreemem(channel);
	int sent = PQsendQueryParams(pg, sql, 0, NULL, NULL, NULL, NULL, 0);
	talloc_free(sql);
	return sent;
}

bool pgconn_send_preparation(TALLOC_CTX *ctx, PGconn *pg, const struct pgconn_settings *settings)
{
	if (PQsetnonblocking(pg, 1) != 0 || !PQenterPipelineMode(pg) ||
		!send_settings(pg, settings))
		return false;
	const struct pg_statement *const *one = settings->statements;
	for (; one && *one; one++) {
		if (!send_prepare(ctx, pg, *one))
			return false;
	}
	for (one = settings->rehearsed; one && *one; one++) {
		if (!send_rehearsal(ctx, pg, *one))
			return false;
	}
	return send_listen(ctx, pg, settings->listen_channel) && PQpipelineSync(pg);
}

bool pgconn_send_execution(TALLOC_CTX *ctx, PGconn *pg, const struct pg_statement *statement,
	const struct pg_batch *batch)
{
	unsigned count = statement->column_count;
	const char **values = mem_must(talloc_array(ctx, const char *, count + 1));
	int *sizes = mem_must(talloc_array(values, int, count + 1));
	int *formats = mem_must(talloc_array(values, int, count + 1));
	for (unsigned i = 0; i < count; i++) {
		values[i] = pg_batch_column(batch, i, &sizes[i]);
		formats[i] = 1;
	}
	int sent = PQsendQueryPrepared(pg, statement->name, (int)count, values, sizes, formats, 1);
	talloc_free(values);
	return sent && PQpipelineSync(pg);
}
