/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The connection itself: connecting, preparing, executing, and what the server answers. It is
 * driven by libevent and never waits. A lane or the catalog watch owns it.
 *
 * Every execution is Bind, Execute and Sync. The server commits at the Sync, so an error or a
 * warning may still come between the rows and the Sync's own answer: only that answer decides. */
#include "db/pgconn_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "db/pg_batch.h"
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/time.h>

struct execution {
	STAILQ_ENTRY(execution) entry;
	void *tag;
};

enum pgconn_state { PGCONN_CLOSED, PGCONN_CONNECTING, PGCONN_PREPARING, PGCONN_UP };

struct pgconn {
	struct event_base *base;
	struct pgconn_settings settings;
	struct pg_events events;
	void *owner;
	enum pgconn_state state;
	unsigned generation; /* raised by pgconn_close: a loop sees that its callback closed */
	unsigned first_host;
	PGconn *pg;
	struct event *readable, *writable; /* of pg's socket; NULL while there is none */
	struct event *timeout;             /* nothing came for too long */
	struct event *failure;             /* reports why_failed from the event loop */
	char *why_failed;
	STAILQ_HEAD(, execution) open; /* oldest first */
	/* What has come for the oldest one, or while preparing. */
	struct answer {
		PGresult *rows;
		char sqlstate[6];
		char *message; /* NULL = no error */
		bool is_unreplicated;
	} answer;
};

static void fail(struct pgconn *conn, const char *why);

static void clear_answer(struct pgconn *conn)
{
	PQclear(conn->answer.rows);
	talloc_free(conn->answer.message);
	conn->answer = (struct answer){0};
}

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

static void disconnect(struct pgconn *conn)
{
	free_event(&conn->readable);
	free_event(&conn->writable);
	event_del(conn->timeout);
	event_del(conn->failure);
	TALLOC_FREE(conn->why_failed);
	clear_answer(conn);
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->state = PGCONN_CLOSED;
}

void pgconn_close(struct pgconn *conn)
{
	conn->generation++;
	disconnect(conn);
	struct execution *execution;
	while ((execution = STAILQ_FIRST(&conn->open))) {
		STAILQ_REMOVE_HEAD(&conn->open, entry);
		talloc_free(execution);
	}
}

static void set_timeout(struct pgconn *conn, unsigned ms)
{
	struct timeval wait = {ms / 1000, (ms % 1000) * 1000};
	event_add(conn->timeout, &wait);
}

/* Reports a failure from the event loop, for a caller that must not be called back from inside its
 * call. The first one counts. */
static void fail_later(struct pgconn *conn, const char *why)
{
	if (!conn->why_failed)
		conn->why_failed = mem_must(talloc_strdup(conn, why));
	event_active(conn->failure, EV_TIMEOUT, 0);
}

static void on_failure(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	struct pgconn *conn = owner;
	if (conn->why_failed)
		fail(conn, conn->why_failed);
}

/* Answers ------------------------------------------------------------------------------------- */

/* Hands the oldest execution its result; false if the callback closed the connection. */
static bool deliver(struct pgconn *conn, const struct pg_result *result)
{
	struct execution *execution = STAILQ_FIRST(&conn->open);
	void *tag = execution->tag;
	STAILQ_REMOVE_HEAD(&conn->open, entry);
	talloc_free(execution);
	unsigned generation = conn->generation;
	conn->events.result(conn->owner, tag, result);
	return generation == conn->generation;
}

/* A copy of libpq's or the server's message as one line. */
static char *one_line(TALLOC_CTX *ctx, const char *message)
{
	char *line = mem_must(talloc_strdup(ctx, message));
	size_t size = 0;
	for (const char *c = message; *c; c++) {
		bool is_space = *c == ' ' || *c == '\n' || *c == '\t';
		if (!is_space || (size > 0 && line[size - 1] != ' '))
			line[size++] = is_space ? ' ' : *c;
	}
	while (size > 0 && line[size - 1] == ' ')
		size--;
	line[size] = '\0';
	return line;
}

/* The connection is gone: what is open has an unknown outcome. */
static void fail(struct pgconn *conn, const char *why)
{
	char *reason = one_line(conn, why);
	disconnect(conn);
	metric_add(METRIC_database_failures, 1);

	const struct pg_result lost = {PG_LOST, "", reason, NULL};
	bool is_ours = true;
	while (is_ours && !STAILQ_EMPTY(&conn->open))
		is_ours = deliver(conn, &lost);
	if (is_ours)
		conn->events.down(conn->owner, reason);
	talloc_free(reason);
}

static void keep_error(struct pgconn *conn, const PGresult *result)
{
	if (conn->answer.message)
		return; /* the first error is the cause */
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	snprintf(conn->answer.sqlstate, sizeof conn->answer.sqlstate, "%s",
		sqlstate ? sqlstate : "");
	/* libpq's own errors (out of memory, connection lost) have no fields. */
	conn->answer.message = mem_must(
		talloc_asprintf(conn, "%s%s%s", primary ? primary : PQresultErrorMessage(result),
			detail ? ": " : "", detail ? detail : ""));
}

/* The Sync of the oldest execution came back. False if the callback closed the connection. */
static bool finish_oldest(struct pgconn *conn)
{
	struct answer answer = conn->answer;
	conn->answer = (struct answer){0};
	struct pg_rows rows = {
		answer.rows, (size_t)PQntuples(answer.rows), (unsigned)PQnfields(answer.rows)};
	struct pg_result result = {PG_DONE, "", "", &rows};
	if (answer.message)
		result = (struct pg_result){
			pg_outcome_of(answer.sqlstate), answer.sqlstate, answer.message, NULL};
	else if (answer.is_unreplicated)
		result = (struct pg_result){
			PG_UNAVAILABLE, "01000", "the commit may not have been replicated", NULL};
	else if (!answer.rows)
		result = (struct pg_result){PG_UNAVAILABLE, "", "no result came", NULL};
	bool is_ours = deliver(conn, &result);
	PQclear(answer.rows);
	talloc_free(answer.message);
	return is_ours;
}

/* Everything is prepared, or something was refused. */
static void finish_preparing(struct pgconn *conn)
{
	if (conn->answer.message) {
		char *why = mem_must(talloc_asprintf(conn, "preparing: %s (SQLSTATE %s)",
			conn->answer.message, conn->answer.sqlstate));
		fail(conn, why);
		talloc_free(why);
		return;
	}
	clear_answer(conn);
	event_del(conn->timeout);
	conn->state = PGCONN_UP;
	metric_add(METRIC_database_connects, 1);
	conn->events.up(conn->owner);
}

/* Takes the result; false if the caller must stop, because the connection closed. */
static bool take_result(struct pgconn *conn, PGresult *result)
{
	unsigned generation = conn->generation;
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		PQclear(conn->answer.rows);
		conn->answer.rows = result;
		return true;
	case PGRES_PIPELINE_SYNC:
		PQclear(result);
		if (conn->state == PGCONN_UP)
			return finish_oldest(conn);
		finish_preparing(conn);
		return generation == conn->generation && conn->state == PGCONN_UP;
	default:
		keep_error(conn, result);
		PQclear(result);
		if (PQstatus(conn->pg) != CONNECTION_BAD)
			return true;
		fail(conn, conn->answer.message);
		return false;
	}
}

static bool expects_answers(const struct pgconn *conn)
{
	return conn->state == PGCONN_PREPARING || !STAILQ_EMPTY(&conn->open);
}

/* Takes all results that have come; false if the connection closed on the way. */
static bool take_results(struct pgconn *conn)
{
	/* libpq parts the results of two executions by one NULL; two in a row say that it has
	 * nothing open. */
	unsigned nulls = 0;
	while (expects_answers(conn) && nulls < 2 && !PQisBusy(conn->pg)) {
		PGresult *result = PQgetResult(conn->pg);
		if (!result) {
			nulls++;
			continue;
		}
		nulls = 0;
		if (!take_result(conn, result))
			return false;
	}
	return true;
}

static void take_notifies(struct pgconn *conn)
{
	unsigned generation = conn->generation;
	PGnotify *notify;
	while (generation == conn->generation && conn->state == PGCONN_UP &&
		(notify = PQnotifies(conn->pg))) {
		if (conn->events.notified)
			conn->events.notified(conn->owner, notify->relname);
		PQfreemem(notify);
	}
}

/* The server's own limit ends a statement; this one ends a connection over which not even that
 * answer comes (host gone, server stopped, commit waiting for a standby that is away). */
static void watch_silence(struct pgconn *conn)
{
	if (conn->state != PGCONN_UP)
		return;
	if (STAILQ_EMPTY(&conn->open))
		event_del(conn->timeout);
	else
		set_timeout(conn,
			conn->settings.statement_timeout_ms + conn->settings.connect_timeout_ms);
}

static void write_out(struct pgconn *conn)
{
	int rest = PQflush(conn->pg);
	if (rest < 0)
		fail_later(conn, PQerrorMessage(conn->pg));
	else if (rest > 0)
		event_add(conn->writable, NULL);
	else
		event_del(conn->writable);
}

/* The socket is readable or writable: libpq also reads when it finds that it cannot write, and what
 * it took then makes the socket readable no more. */
static void on_ready(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	struct pgconn *conn = owner;
	if (!PQconsumeInput(conn->pg)) {
		/* What the server said before it closed tells more than that it closed. */
		fail(conn, conn->answer.message ? conn->answer.message : PQerrorMessage(conn->pg));
		return;
	}
	unsigned generation = conn->generation;
	if (!take_results(conn))
		return;
	take_notifies(conn);
	if (generation != conn->generation || !conn->pg)
		return;
	watch_silence(conn);
	write_out(conn);
}

/* The one warning that matters. It is told by the function in the server that raises it, because
 * its text is translated. */
static void on_notice(void *owner, const PGresult *notice)
{
	struct pgconn *conn = owner;
	if (!expects_answers(conn))
		return;
	const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
	const char *detail = PQresultErrorField(notice, PG_DIAG_MESSAGE_DETAIL);
	if ((function && strcmp(function, "SyncRepWaitForLSN") == 0) ||
		(detail && strstr(detail, "might not have been replicated")))
		conn->answer.is_unreplicated = true;
}

/* Connecting ---------------------------------------------------------------------------------- */

static void watch_socket(struct pgconn *conn, event_callback_fn callback)
{
	int fd = PQsocket(conn->pg);
	conn->readable = mem_must(event_new(conn->base, fd, EV_READ | EV_PERSIST, callback, conn));
	conn->writable = mem_must(event_new(conn->base, fd, EV_WRITE | EV_PERSIST, callback, conn));
}

static void prepare(struct pgconn *conn)
{
	conn->state = PGCONN_PREPARING;
	watch_socket(conn, on_ready);
	event_add(conn->readable, NULL);
	if (pgconn_send_preparation(conn, conn->pg, &conn->settings))
		write_out(conn);
	else
		fail_later(conn, PQerrorMessage(conn->pg));
}

static void on_connecting(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	struct pgconn *conn = owner;
	/* The poll may close this socket and open one to the next host, so it is not watched
	 * meanwhile. */
	free_event(&conn->readable);
	free_event(&conn->writable);
	switch (PQconnectPoll(conn->pg)) {
	case PGRES_POLLING_OK:
		prepare(conn);
		break;
	case PGRES_POLLING_READING:
		watch_socket(conn, on_connecting);
		event_add(conn->readable, NULL);
		break;
	case PGRES_POLLING_WRITING:
		watch_socket(conn, on_connecting);
		event_add(conn->writable, NULL);
		break;
	default:
		fail(conn, PQerrorMessage(conn->pg));
	}
}

static void on_timeout(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	struct pgconn *conn = owner;
	/* Whatever answers so badly: the next attempt begins with another host, if there is one. */
	conn->first_host++;
	fail(conn, conn->state == PGCONN_UP ? "the server has stopped answering"
					    : "connect_timeout has passed");
}

void pgconn_open(struct pgconn *conn)
{
	assert(conn->state == PGCONN_CLOSED);
	conn->state = PGCONN_CONNECTING;
	char *why = NULL;
	conn->pg = pgconn_start(conn, conn->settings.conninfo, conn->first_host, &why);
	if (!conn->pg || PQstatus(conn->pg) == CONNECTION_BAD) {
		fail_later(conn, why ? why : PQerrorMessage(conn->pg));
		talloc_free(why);
		return;
	}
	PQsetNoticeReceiver(conn->pg, on_notice, conn);
	set_timeout(conn, conn->settings.connect_timeout_ms);
	/* libpq's rule: wait first until the socket is writable. */
	watch_socket(conn, on_connecting);
	event_add(conn->writable, NULL);
}

/* Executing ----------------------------------------------------------------------------------- */

void pgconn_execute(struct pgconn *conn, const struct pg_statement *statement,
	const struct pg_batch *batch, void *tag)
{
	assert(conn->state == PGCONN_UP);
	assert(pg_batch_is_complete(batch));
	struct execution *execution = mem_must(talloc(conn, struct execution));
	execution->tag = tag;
	STAILQ_INSERT_TAIL(&conn->open, execution, entry);
	if (!pgconn_send_execution(conn, conn->pg, statement, batch))
		fail_later(conn, PQerrorMessage(conn->pg));
}

void pgconn_flush(struct pgconn *conn)
{
	assert(conn->state == PGCONN_UP);
	watch_silence(conn);
	write_out(conn);
}

static int pgconn_destroy(struct pgconn *conn)
{
	pgconn_close(conn);
	free_event(&conn->timeout);
	free_event(&conn->failure);
	return 0;
}

struct pgconn *pgconn_new(TALLOC_CTX *ctx, struct event_base *base,
	const struct pgconn_settings *settings, const struct pg_events *events, void *owner)
{
	struct pgconn *conn = mem_must(talloc_zero(ctx, struct pgconn));
	conn->base = base;
	conn->settings = *settings;
	conn->events = *events;
	conn->owner = owner;
	STAILQ_INIT(&conn->open);
	conn->timeout = mem_must(evtimer_new(base, on_timeout, conn));
	conn->failure = mem_must(evtimer_new(base, on_failure, conn));
	talloc_set_destructor(conn, pgconn_destroy);
	return conn;
}
