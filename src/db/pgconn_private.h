/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What the files pgconn*.c share; the only header that shows libpq. */
#include "db/pgconn.h"
#include <libpq-fe.h>

/* With what every read of a value asks for. */
struct pg_rows {
	PGresult *result;
	size_t count;
	unsigned column_count;
};

/* Begins to connect with our defaults added to conninfo. Of its hosts, the one at index first_host
 * (counted round) is tried first, so that a caller that gave up on one can begin with the next:
 * libpq alone would wait for the first one again. NULL: *why (owned by ctx). */
PGconn *pgconn_start(TALLOC_CTX *ctx, const char *conninfo, unsigned first_host, char **why);

/* Settings, statements and LISTEN of a connection just made, behind one Sync. False: PQerrorMessage
 * says why. ctx only for scratch memory, here and below. */
bool pgconn_send_preparation(
	TALLOC_CTX *ctx, PGconn *pg, const struct pgconn_settings *settings) MUST_CHECK;

/* One execution and its Sync. */
bool pgconn_send_execution(TALLOC_CTX *ctx, PGconn *pg, const struct pg_statement *statement,
	const struct pg_batch *batch) MUST_CHECK;
