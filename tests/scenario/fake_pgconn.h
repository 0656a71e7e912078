/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A scripted database connection: the functions of db/pgconn.h without libpq. Name fake_pgconn.c
 * among a test's sources and its object takes the place of pgconn.o in the archive. Nothing happens
 * by itself: the code under test connects and executes, the test looks at what came and answers.
 *
 *	struct pgconn *conn = fake_pgconn_with("find");     after lane_start
 *	fake_pgconn_accept(conn);                           the lane is up
 *	... something submits ...
 *	const struct fake_execution *find = fake_pgconn_pending(conn);
 *	CU_ASSERT_STRING_EQUAL(find->statement, "find");
 *	CU_ASSERT_STRING_EQUAL(fake_value(find, 0, 0), "demo@isp.example");
 *	fake_pgconn_answer(conn, "1|7|3|active|\\N|dial-up|\\N|\\N|\\N");
 *
 * Answers go to the oldest unanswered execution that has been flushed, as on the real connection.
 * Callbacks run inside the fake_pgconn_ function that causes them. */
#include "db/pgconn.h"

/* One execution. Values are text: integers in decimal, booleans t and f, keys as 32 hex digits,
 * addresses and prefixes as addr_format and prefix_format write them, times in decimal
 * microseconds since 1970, text as it is. */
struct fake_execution {
	const char *statement;
	size_t row_count;
	unsigned column_count;
	char **values; /* row by row; a NULL is a null */
	bool is_flushed;
};
/* Row and column count from 0; NULL = null, and also outside the rows. */
const char *fake_value(const struct fake_execution *execution, size_t row, unsigned column);

/* Connections that exist, in the order of their pgconn_new. */
size_t fake_pgconn_count(void);
struct pgconn *fake_pgconn_at(size_t index);
/* The first connection whose settings name that statement, or NULL. */
struct pgconn *fake_pgconn_with(const char *statement);

/* True between pgconn_open and the test's accept or refuse. */
bool fake_pgconn_is_opening(const struct pgconn *conn);
bool fake_pgconn_is_up(const struct pgconn *conn);
const char *fake_pgconn_listens_to(const struct pgconn *conn); /* NULL = to nothing */
unsigned fake_pgconn_opens(const struct pgconn *conn);         /* calls of pgconn_open so far */

/* Ends an opening connection's wait: up, or down with that reason. */
void fake_pgconn_accept(struct pgconn *conn);
void fake_pgconn_refuse(struct pgconn *conn, const char *why);

/* The oldest execution that is flushed and unanswered, or NULL. Gone once it is answered. */
const struct fake_execution *fake_pgconn_pending(const struct pgconn *conn);
/* How many of those there are, and the one at that index. */
size_t fake_pgconn_pending_count(const struct pgconn *conn);
const struct fake_execution *fake_pgconn_pending_at(const struct pgconn *conn, size_t index);
/* Executions since the connection was made, answered ones included. */
size_t fake_pgconn_executions(const struct pgconn *conn);

/* PG_DONE with rows: one a line, columns parted by |. \N alone is null; \n, \| and \\ stand for
 * those characters. Values are written as in struct fake_execution. "" = no row. */
void fake_pgconn_answer(struct pgconn *conn, const char *rows);
/* An error with that SQLSTATE; the outcome follows from it by the same rule as in pgconn.c. */
void fake_pgconn_answer_error(struct pgconn *conn, const char *sqlstate, const char *message);
/* The server said that the commit might not have been replicated. */
void fake_pgconn_answer_unreplicated(struct pgconn *conn);
/* The connection goes away: PG_LOST for everything unanswered, then down. */
void fake_pgconn_lose(struct pgconn *conn, const char *why);
void fake_pgconn_notify(struct pgconn *conn, const char *channel);
