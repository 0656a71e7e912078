/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* One PostgreSQL connection: non-blocking, pipeline mode, prepared statements, binary values, one
 * Sync per statement. Only the files pgconn*.c include libpq; scenario tests link a scripted fake
 * in their place.
 *
 *   closed --pgconn_open--> connecting --> preparing --up--> up --pgconn_execute, result--> up
 *     ^                         |              |              |
 *     +---------------------- down ----------- down --------- down (each open execution PG_LOST
 * first)
 *
 * A conninfo with several hosts is tried in order within one pgconn_open, the first that accepts
 * writes is taken (target_session_attrs=read-write unless it says otherwise). Host names in it are
 * resolved by libpq, which blocks: a server gives addresses or socket directories. */
#include "base/addr.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct event_base;
struct pgconn;
struct pg_rows;

#define SESSION_KEY_SIZE 16

/* Parameter types, all as one-dimensional arrays except the scalars. Timestamps are microseconds
 * since 1970 UTC here. */
enum pg_type { PG_INT2, PG_INT4, PG_INT8, PG_BOOL, PG_TEXT, PG_UUID, PG_INET, PG_TIMESTAMPTZ };

struct pg_statement {
	const char *name;
	const char
		*sql; /* $1.. are arrays of types[0].., or null if none of the rows has a value */
	unsigned column_count;
	const enum pg_type *types;
};

/* The parameters of one execution, a row at a time: put exactly column_count values per row, in
 * column order. An integer that its column's type cannot hold is logged and becomes null, so that
 * it harms its own row at most. A statement without columns takes one empty batch. */
struct pg_batch;
struct pg_batch *pg_batch_new(TALLOC_CTX *ctx, const struct pg_statement *statement);
/* Takes all rows out again and keeps the memory for the next ones. */
void pg_batch_clear(struct pg_batch *batch);
void pg_put_int(struct pg_batch *batch, int64_t value); /* int2, int4, int8 by the column's type */
void pg_put_bool(struct pg_batch *batch, bool value);
void pg_put_text(struct pg_batch *batch, const char *text);                    /* NULL = null */
void pg_put_uuid(struct pg_batch *batch, const uint8_t key[SESSION_KEY_SIZE]); /* NULL = null */
void pg_put_addr(struct pg_batch *batch, const struct addr *addr);             /* none = null */
void pg_put_prefix(struct pg_batch *batch, const struct prefix *prefix);       /* NULL = null */
void pg_put_time(struct pg_batch *batch, int64_t wall_us);
void pg_put_null(struct pg_batch *batch);
size_t pg_batch_rows(const struct pg_batch *batch);

/* What became of an execution (decision 19). */
enum pg_outcome {
	PG_DONE,        /* the Sync came back without error: durable */
	PG_BAD_ROW,     /* SQLSTATE 22, 23: a value in it is at fault; halve the batch */
	PG_RETRY,       /* SQLSTATE 40: send it again whole */
	PG_UNAVAILABLE, /* any other error, or a 'not replicated' WARNING: nothing can be concluded
			   about the rows */
	PG_LOST,        /* the connection went away: outcome unknown, repeat with the same keys */
};

/* The outcome of an error with that SQLSTATE; "" = an error that carries none. */
enum pg_outcome pg_outcome_of(const char *sqlstate);

struct pg_result {
	enum pg_outcome outcome;
	const char *sqlstate;       /* "" unless the server said one */
	const char *message;        /* "" with PG_DONE */
	const struct pg_rows *rows; /* with PG_DONE; gone when the callback returns */
};

/* Reads of one value; false if it is null. A value whose type or size does not fit is our bug in
 * SQL: logged, read as null. */
size_t pg_rows_count(const struct pg_rows *rows);
bool pg_read_int(const struct pg_rows *rows, size_t row, unsigned column, int64_t *value);
bool pg_read_bool(const struct pg_rows *rows, size_t row, unsigned column, bool *value);
bool pg_read_uuid(
	const struct pg_rows *rows, size_t row, unsigned column, uint8_t key[SESSION_KEY_SIZE]);
bool pg_read_addr(const struct pg_rows *rows, size_t row, unsigned column, struct addr *addr);
bool pg_read_prefix(const struct pg_rows *rows, size_t row, unsigned column, struct prefix *prefix);
/* infinity and -infinity are INT64_MAX and INT64_MIN, here and in pg_put_time. */
bool pg_read_time(const struct pg_rows *rows, size_t row, unsigned column, int64_t *wall_us);
/* NUL-terminated, gone with rows; NULL if null. */
const char *pg_read_text(const struct pg_rows *rows, size_t row, unsigned column);

struct pg_events {
	void (*up)(void *owner); /* connected, statements prepared */
	void (*down)(void *owner,
		const char *
			why); /* refused or lost; every open execution has had its PG_LOST before */
	void (*result)(void *owner, void *tag,
		const struct pg_result *result);            /* once per pgconn_execute, in order */
	void (*notified)(void *owner, const char *channel); /* may be NULL */
};

struct pgconn_settings {
	const char *conninfo;
	unsigned connect_timeout_ms, statement_timeout_ms, lock_timeout_ms;
	const char *listen_channel; /* NULL = none */
	const struct pg_statement *const
		*statements; /* prepared after connecting; NULL at the end */
	/* Those of them that a new connection executes once without any row, so that PostgreSQL has
	 * compiled their functions and planned what it can when the first rows come. They must
	 * write nothing then. NULL at the end, or NULL. */
	const struct pg_statement *const *rehearsed;
};

struct pgconn *pgconn_new(TALLOC_CTX *ctx, struct event_base *base,
	const struct pgconn_settings *settings, const struct pg_events *events, void *owner);
/* Begins to connect; up or down follows, never from inside the call. Only while closed. */
void pgconn_open(struct pgconn *conn);
/* Only while up. batch stays the caller's and may be freed after the call. tag comes back with the
 * result, never from inside the call. */
void pgconn_execute(struct pgconn *conn, const struct pg_statement *statement,
	const struct pg_batch *batch, void *tag);
/* What was executed since leaves in one write. */
void pgconn_flush(struct pgconn *conn);
/* No callbacks follow. Allowed inside a callback, unlike talloc_free. */
void pgconn_close(struct pgconn *conn);
