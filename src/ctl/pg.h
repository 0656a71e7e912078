/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* popradctl's connection to the database: one statement at a time, waiting for each, values only as
 * parameters. Failures become one line and an exit code: what the database refused for what was
 * asked (a constraint, a value, a function's own exception) is CTL_REFUSED, everything else
 * CTL_DATABASE. */
#include "ctl/ctl.h"
#include <libpq-fe.h>

struct pg {
	const struct call *call;
	PGconn *connection;
};

/* Parameters of a statement, in text form; a NULL value is null. Borrowed until the call. */
#define PARAMS_MAX 24 /* more than the widest function takes */
struct params {
	const char *values[PARAMS_MAX];
	int count;
};
void params_add(struct params *params, const char *value);
/* A text[]; count 0 gives the empty array. */
void params_add_array(
	TALLOC_CTX *ctx, struct params *params, const char *const *values, size_t count);

/* Connects as the operator (operator_database). *pg belongs to call->ctx, its destructor closes the
 * connection. */
int pg_open(struct call *call, struct pg **pg) MUST_CHECK;
int pg_open_conninfo(struct call *call, const char *conninfo, struct pg **pg) MUST_CHECK;

/* Runs a statement; params may be NULL. *result (may be NULL) is freed with PQclear by the caller.
 */
int pg_run(
	struct pg *pg, const char *sql, const struct params *params, PGresult **result) MUST_CHECK;
/* The same for a statement that changes rows; *changed says how many. */
int pg_change(
	struct pg *pg, const char *sql, const struct params *params, long *changed) MUST_CHECK;
/* Removes the row of the command's noun that its argument names ($1); CTL_REFUSED if there is none.
 */
int pg_remove_row(struct pg *pg, const char *sql, const char *argument) MUST_CHECK;
/* The whole of a remove command whose noun is one row, named by that argument ($1). */
int pg_remove_named(struct call *call, const char *sql, const char *argument) MUST_CHECK;
/* The first column of the first row, owned by the call; NULL if there is no row or it is null. */
int pg_value(
	struct pg *pg, const char *sql, const struct params *params, const char **value) MUST_CHECK;
/* A whole file of statements, without parameters. */
int pg_script(struct pg *pg, const char *sql, const char *name) MUST_CHECK;

/* Says what went wrong on the connection or in result, and gives its exit code. */
int pg_fail(struct pg *pg, const PGresult *result);
