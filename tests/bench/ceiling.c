/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The database ceiling: the server's own statements with the server's own parameters, called as
 * fast as one thread can, without RADIUS. What the server reaches is measured against this.
 *
 * Each connection has two batches: while the database works on one, the other waits in the
 * connection, and the next is made meanwhile. When everything is ready it prints "ready" and
 * begins; the end is one JSON object. */
#include "ceiling.h"
#include "base/clock.h"
#include "base/mem.h"
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 2 /* batches of each connection */
#define CONNECTIONS_MAX 64

enum phase { PHASE_CONNECT, PHASE_PREPARE, PHASE_RUN, PHASE_END };

/* A batch on its way. */
struct work {
	struct connection *connection;
	const struct lane_call *call;
	struct rows *rows;
};

struct connection {
	struct ceiling *ceiling;
	struct pgconn *conn;
	struct share *share;
	struct work works[DEPTH];
};

struct ceiling {
	struct ceiling_settings settings;
	struct event_base *base;
	enum phase phase;
	unsigned connected, in_flight;
	uint64_t operations, batches, failed;
	int64_t begun_ns, last_ns;
	struct connection connections[CONNECTIONS_MAX];
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "ceiling: %s: %s\n", what, why);
	exit(1);
}

static void work_send(struct work *work, const struct lane_call *call)
{
	struct ceiling *ceiling = work->connection->ceiling;
	struct pg_batch *batch = pg_batch_new(work->rows, &call->statement);
	for (unsigned row = 0; row < work->rows->count; row++)
		call->put(rows_item(work->rows, call, row), batch);
	work->call = call;
	pgconn_execute(work->connection->conn, &call->statement, batch, work);
	pgconn_flush(work->connection->conn);
	talloc_free(batch);
	ceiling->in_flight++;
}

static bool is_over(const struct ceiling *ceiling)
{
	return clock_mono_ns() - ceiling->begun_ns >= ceiling->settings.seconds * NS_PER_S;
}

/* The work's next batch, if there is more to do in this phase. */
static void work_next(struct work *work)
{
	struct ceiling *ceiling = work->connection->ceiling;
	bool is_accounting = ceiling->settings.mode == CEILING_ACCOUNT;
	if (ceiling->phase == PHASE_PREPARE) {
		if (is_accounting && rows_fill_starts(work->rows))
			work_send(work, &acct_session_call);
		return;
	}
	if (ceiling->phase != PHASE_RUN || is_over(ceiling))
		return;
	if (is_accounting) {
		work_send(work, rows_fill_records(work->rows));
	} else if (rows_fill_logins(work->rows)) {
		work_send(work, &auth_find_call);
	}
}

static void next_everywhere(struct ceiling *ceiling)
{
	for (unsigned i = 0; i < ceiling->settings.connections; i++)
		for (unsigned j = 0; j < DEPTH; j++)
			work_next(&ceiling->connections[i].works[j]);
}

/* Nothing is in flight: what comes next? */
static void advance(struct ceiling *ceiling)
{
	ceiling->phase++;
	if (ceiling->phase == PHASE_RUN) {
		puts("ready");
		fflush(stdout);
		ceiling->begun_ns = clock_mono_ns();
	}
	if (ceiling->phase == PHASE_END)
		event_base_loopbreak(ceiling->base);
	else
		next_everywhere(ceiling);
	if (ceiling->phase == PHASE_PREPARE && ceiling->in_flight == 0)
		advance(ceiling);
}

static void take_rows(const struct work *work, const struct pg_rows *rows)
{
	for (size_t row = 0; row < pg_rows_count(rows); row++) {
		int64_t ord;
		if (!pg_read_int(rows, row, 0, &ord) || ord < 1 || ord > work->rows->count)
			die(work->call->statement.name, "a row that answers nothing");
		work->call->take(rows_item(work->rows, work->call, (unsigned)ord - 1), rows, row);
	}
}

static void count(struct ceiling *ceiling, const struct rows *rows)
{
	if (ceiling->phase == PHASE_RUN) {
		ceiling->operations += rows->count;
		ceiling->batches++;
		ceiling->last_ns = clock_mono_ns();
	}
}

static void on_result(void *owner, void *tag, const struct pg_result *result)
{
	struct work *work = tag;
	struct ceiling *ceiling = ((struct connection *)owner)->ceiling;
	ceiling->in_flight--;
	if (result->outcome != PG_DONE)
		die(work->call->statement.name, result->message);
	take_rows(work, result->rows);
	if (work->call == &auth_find_call && ceiling->settings.mode == CEILING_LOGIN) {
		rows_propose(work->rows);
		work_send(work, &auth_admit_call);
		return;
	}
	if (work->call == &auth_admit_call)
		ceiling->failed += rows_settle(work->rows);
	else
		ceiling->failed += work->rows->count - pg_rows_count(result->rows);
	count(ceiling, work->rows);
	work_next(work);
	if (ceiling->in_flight == 0)
		advance(ceiling);
}

static void on_up(void *owner)
{
	struct ceiling *ceiling = ((struct connection *)owner)->ceiling;
	if (++ceiling->connected == ceiling->settings.connections)
		advance(ceiling);
}

static void on_down(void *owner, const char *why)
{
	(void)owner;
	die("database", why);
}

static void connection_open(struct ceiling *ceiling, struct connection *connection, unsigned number)
{
	static const struct pg_statement *const statements[] = {&auth_find_call.statement,
		&auth_admit_call.statement, &acct_session_call.statement,
		&acct_interim_call.statement, NULL};
	static const struct pg_events events = {on_up, on_down, on_result, NULL};
	const struct pgconn_settings settings = {.conninfo = ceiling->settings.conninfo,
		.connect_timeout_ms = 10000,
		.statement_timeout_ms = 60000,
		.lock_timeout_ms = 60000,
		.statements = statements};
	connection->ceiling = ceiling;
	connection->share = share_new(ceiling, &ceiling->settings, number);
	for (unsigned i = 0; i < DEPTH; i++)
		connection->works[i] = (struct work){.connection = connection,
			.rows = rows_new(connection->share, connection->share)};
	connection->conn = pgconn_new(ceiling, ceiling->base, &settings, &events, connection);
	pgconn_open(connection->conn);
}

static void report(const struct ceiling *ceiling)
{
	double seconds = (double)(ceiling->last_ns - ceiling->begun_ns) / (double)NS_PER_S;
	json_t *object = json_pack("{s:I, s:I, s:I, s:f, s:f}", "operations",
		(json_int_t)ceiling->operations, "batches", (json_int_t)ceiling->batches, "failed",
		(json_int_t)ceiling->failed, "seconds", seconds, "per_second",
		seconds > 0 ? (double)ceiling->operations / seconds : 0.0);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static unsigned number_read(const char *text, unsigned most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > most)
		die(text, "not a number that is expected here");
	return (unsigned)number;
}

static struct ceiling_settings settings_read(char **words)
{
	static const char *const modes[] = {"find", "login", "account"};
	struct ceiling_settings settings = {.conninfo = words[2]};
	while (strcmp(words[1], modes[settings.mode]) != 0)
		if (++settings.mode > CEILING_ACCOUNT)
			die(words[1], "not find, login or account");
	settings.connections = number_read(words[3], CONNECTIONS_MAX);
	settings.batch = number_read(words[4], 4096);
	settings.subscribers = number_read(words[5], 10000000);
	settings.seconds = number_read(words[6], 3600);
	return settings;
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fputs("usage: ceiling find|login|account CONNINFO CONNECTIONS BATCH SUBSCRIBERS "
		      "SECONDS\n",
			stderr);
		return 2;
	}
	struct ceiling *ceiling = mem_must(talloc_zero(NULL, struct ceiling));
	ceiling->settings = settings_read(argv);
	ceiling->base = mem_must(event_base_new());
	for (unsigned i = 0; i < ceiling->settings.connections; i++)
		connection_open(ceiling, &ceiling->connections[i], i);
	event_base_dispatch(ceiling->base);
	report(ceiling);
	for (unsigned i = 0; i < ceiling->settings.connections; i++)
		pgconn_close(ceiling->connections[i].conn);
	event_base_free(ceiling->base);
	talloc_free(ceiling);
	return 0;
}
