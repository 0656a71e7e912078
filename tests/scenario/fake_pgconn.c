/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The fake behind db/pgconn.h (see fake_pgconn.h). */
#include "fake_pgconn.h"
#include "base/mem.h"
#include "base/text.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct pg_batch {
	const struct pg_statement *statement;
	char **values;
	size_t value_count, value_room;
};

struct pg_rows {
	size_t row_count;
	unsigned column_count;
	char **values;
};

struct open_execution {
	TAILQ_ENTRY(open_execution) entry;
	struct fake_execution seen;
	void *tag;
};

enum fake_state { FAKE_CLOSED, FAKE_OPENING, FAKE_UP };

struct pgconn {
	TAILQ_ENTRY(pgconn) entry;
	enum fake_state state;
	struct pgconn_settings settings;
	struct pg_events events;
	void *owner;
	TAILQ_HEAD(, open_execution) open;
	size_t executions;
	unsigned opens;
};

static TAILQ_HEAD(, pgconn) connections = TAILQ_HEAD_INITIALIZER(connections);

/* Batches ---------------------------------------------------------------------------------- */

struct pg_batch *pg_batch_new(TALLOC_CTX *ctx, const struct pg_statement *statement)
{
	struct pg_batch *batch = mem_must(talloc_zero(ctx, struct pg_batch));
	batch->statement = statement;
	return batch;
}

void pg_batch_clear(struct pg_batch *batch)
{
	for (size_t i = 0; i < batch->value_count; i++)
		talloc_free(batch->values[i]);
	batch->value_count = 0;
}

static void put(struct pg_batch *batch, char *value)
{
	if (batch->value_count == batch->value_room) {
		batch->value_room = batch->value_room ? 2 * batch->value_room : 64;
		batch->values = mem_must(talloc_realloc_size(
			batch, batch->values, batch->value_room * sizeof(char *)));
	}
	batch->values[batch->value_count++] = value ? talloc_steal(batch, value) : NULL;
}

static enum pg_type next_type(const struct pg_batch *batch)
{
	return batch->statement->types[batch->value_count % batch->statement->column_count];
}

void pg_put_int(struct pg_batch *batch, int64_t value)
{
	enum pg_type type = next_type(batch);
	assert(type == PG_INT2 || type == PG_INT4 || type == PG_INT8);
	put(batch, mem_must(talloc_asprintf(batch, "%" PRId64, value)));
}

void pg_put_bool(struct pg_batch *batch, bool value)
{
	assert(next_type(batch) == PG_BOOL);
	put(batch, mem_must(talloc_strdup(batch, value ? "t" : "f")));
}

void pg_put_text(struct pg_batch *batch, const char *text)
{
	assert(next_type(batch) == PG_TEXT);
	put(batch, text ? mem_must(talloc_strdup(batch, text)) : NULL);
}

void pg_put_uuid(struct pg_batch *batch, const uint8_t key[SESSION_KEY_SIZE])
{
	assert(next_type(batch) == PG_UUID);
	char *hex = NULL;
	if (key) {
		hex = mem_must(talloc_array(batch, char, 2 * SESSION_KEY_SIZE + 1));
		text_to_hex(key, SESSION_KEY_SIZE, hex);
	}
	put(batch, hex);
}

void pg_put_addr(struct pg_batch *batch, const struct addr *addr)
{
	assert(next_type(batch) == PG_INET);
	char text[ADDR_TEXT_MAX];
	put(batch, addr && addr_is_set(addr)
			   ? mem_must(talloc_strdup(batch, addr_format(addr, text)))
			   : NULL);
}

void pg_put_prefix(struct pg_batch *batch, const struct prefix *prefix)
{
	assert(next_type(batch) == PG_INET);
	char text[ADDR_TEXT_MAX];
	put(batch, prefix ? mem_must(talloc_strdup(batch, prefix_format(prefix, text))) : NULL);
}

void pg_put_time(struct pg_batch *batch, int64_t wall_us)
{
	assert(next_type(batch) == PG_TIMESTAMPTZ);
	put(batch, mem_must(talloc_asprintf(batch, "%" PRId64, wall_us)));
}

void pg_put_null(struct pg_batch *batch)
{
	put(batch, NULL);
}

size_t pg_batch_rows(const struct pg_batch *batch)
{
	unsigned columns = batch->statement->column_count;
	return columns ? batch->value_count / columns : 0;
}

/* Rows ------------------------------------------------------------------------------------- */

size_t pg_rows_count(const struct pg_rows *rows)
{
	return rows->row_count;
}

const char *pg_read_text(const struct pg_rows *rows, size_t row, unsigned column)
{
	assert(row < rows->row_count && column < rows->column_count);
	return rows->values[row * rows->column_count + column];
}

bool pg_read_int(const struct pg_rows *rows, size_t row, unsigned column, int64_t *value)
{
	const char *text = pg_read_text(rows, row, column);
	if (!text)
		return false;
	char *end;
	*value = strtoll(text, &end, 10);
	assert(end != text && *end == '\0');
	return true;
}

bool pg_read_bool(const struct pg_rows *rows, size_t row, unsigned column, bool *value)
{
	const char *text = pg_read_text(rows, row, column);
	if (!text)
		return false;
	assert(strcmp(text, "t") == 0 || strcmp(text, "f") == 0);
	*value = *text == 't';
	return true;
}

bool pg_read_uuid(
	const struct pg_rows *rows, size_t row, unsigned column, uint8_t key[SESSION_KEY_SIZE])
{
	const char *text = pg_read_text(rows, row, column);
	if (!text)
		return false;
	bool is_hex = text_from_hex(text, key, SESSION_KEY_SIZE);
	assert(is_hex);
	return is_hex;
}

bool pg_read_addr(const struct pg_rows *rows, size_t row, unsigned column, struct addr *addr)
{
	const char *text = pg_read_text(rows, row, column);
	if (!text)
		return false;
	int rc = addr_parse(text, addr);
	assert(rc == 0);
	return rc == 0;
}

bool pg_read_prefix(const struct pg_rows *rows, size_t row, unsigned column, struct prefix *prefix)
{
	const char *text = pg_read_text(rows, row, column);
	if (!text)
		return false;
	int rc = prefix_parse(text, prefix);
	assert(rc == 0);
	return rc == 0;
}

bool pg_read_time(const struct pg_rows *rows, size_t row, unsigned column, int64_t *wall_us)
{
	return pg_read_int(rows, row, column, wall_us);
}

/* Takes one value off *text, up to the next | or line end, and leaves *text there. */
static char *parse_value(TALLOC_CTX *ctx, const char **text)
{
	const char *from = *text;
	char *value = mem_must(talloc_size(ctx, strlen(from) + 1));
	size_t size = 0;
	bool is_null = false;
	while (*from && *from != '|' && *from != '\n') {
		char c = *from++;
		if (c == '\\') {
			assert(*from);
			c = *from++;
			is_null |= c == 'N';
			c = c == 'n' ? '\n' : c;
		}
		value[size++] = c;
	}
	value[size] = '\0';
	*text = from;
	return is_null ? NULL : value;
}

static struct pg_rows *parse_rows(TALLOC_CTX *ctx, const char *text)
{
	struct pg_rows *rows = mem_must(talloc_zero(ctx, struct pg_rows));
	size_t count = 0;
	rows->values = mem_must(talloc_size(rows, (strlen(text) + 1) * sizeof(char *)));
	while (*text) {
		unsigned columns = 0;
		for (;;) {
			rows->values[count++] = parse_value(rows, &text);
			columns++;
			if (*text != '|')
				break;
			text++;
		}
		if (*text == '\n')
			text++;
		assert(rows->row_count == 0 || columns == rows->column_count);
		rows->column_count = columns;
		rows->row_count++;
	}
	return rows;
}

/* The connection as the code under test sees it -------------------------------------------- */

static int connection_destroy(struct pgconn *conn)
{
	TAILQ_REMOVE(&connections, conn, entry);
	return 0;
}

struct pgconn *pgconn_new(TALLOC_CTX *ctx, struct event_base *base,
	const struct pgconn_settings *settings, const struct pg_events *events, void *owner)
{
	(void)base;
	struct pgconn *conn = mem_must(talloc_zero(ctx, struct pgconn));
	conn->settings = *settings;
	conn->events = *events;
	conn->owner = owner;
	TAILQ_INIT(&conn->open);
	TAILQ_INSERT_TAIL(&connections, conn, entry);
	talloc_set_destructor(conn, connection_destroy);
	return conn;
}

void pgconn_open(struct pgconn *conn)
{
	assert(conn->state == FAKE_CLOSED);
	conn->state = FAKE_OPENING;
	conn->opens++;
}

void pgconn_execute(struct pgconn *conn, const struct pg_statement *statement,
	const struct pg_batch *batch, void *tag)
{
	assert(conn->state == FAKE_UP);
	assert(batch->statement == statement);
	assert(statement->column_count == 0 || batch->value_count % statement->column_count == 0);
	struct open_execution *execution = mem_must(talloc_zero(conn, struct open_execution));
	execution->tag = tag;
	execution->seen.statement = statement->name;
	execution->seen.column_count = statement->column_count;
	execution->seen.row_count = pg_batch_rows(batch);
	execution->seen.values =
		mem_must(talloc_size(execution, (batch->value_count + 1) * sizeof(char *)));
	for (size_t i = 0; i < batch->value_count; i++)
		execution->seen.values[i] =
			batch->values[i] ? mem_must(talloc_strdup(execution, batch->values[i]))
					 : NULL;
	TAILQ_INSERT_TAIL(&conn->open, execution, entry);
	conn->executions++;
}

void pgconn_flush(struct pgconn *conn)
{
	assert(conn->state == FAKE_UP);
	struct open_execution *execution;
	TAILQ_FOREACH (execution, &conn->open, entry)
		execution->seen.is_flushed = true;
}

void pgconn_close(struct pgconn *conn)
{
	struct open_execution *execution;
	while ((execution = TAILQ_FIRST(&conn->open))) {
		TAILQ_REMOVE(&conn->open, execution, entry);
		talloc_free(execution);
	}
	conn->state = FAKE_CLOSED;
}

/* The connection as the test plays it ------------------------------------------------------ */

const char *fake_value(const struct fake_execution *execution, size_t row, unsigned column)
{
	if (row >= execution->row_count || column >= execution->column_count)
		return NULL;
	return execution->values[row * execution->column_count + column];
}

size_t fake_pgconn_count(void)
{
	size_t count = 0;
	struct pgconn *conn;
	TAILQ_FOREACH (conn, &connections, entry)
		count++;
	return count;
}

struct pgconn *fake_pgconn_at(size_t index)
{
	struct pgconn *conn;
	TAILQ_FOREACH (conn, &connections, entry) {
		if (index-- == 0)
			return conn;
	}
	return NULL;
}

struct pgconn *fake_pgconn_with(const char *statement)
{
	struct pgconn *conn;
	TAILQ_FOREACH (conn, &connections, entry) {
		const struct pg_statement *const *one = conn->settings.statements;
		for (; one && *one; one++) {
			if (strcmp((*one)->name, statement) == 0)
				return conn;
		}
	}
	return NULL;
}

bool fake_pgconn_is_opening(const struct pgconn *conn)
{
	return conn->state == FAKE_OPENING;
}

bool fake_pgconn_is_up(const struct pgconn *conn)
{
	return conn->state == FAKE_UP;
}

const char *fake_pgconn_listens_to(const struct pgconn *conn)
{
	return conn->settings.listen_channel;
}

unsigned fake_pgconn_opens(const struct pgconn *conn)
{
	return conn->opens;
}

void fake_pgconn_accept(struct pgconn *conn)
{
	assert(conn->state == FAKE_OPENING);
	conn->state = FAKE_UP;
	conn->events.up(conn->owner);
}

void fake_pgconn_refuse(struct pgconn *conn, const char *why)
{
	assert(conn->state == FAKE_OPENING);
	conn->state = FAKE_CLOSED;
	conn->events.down(conn->owner, why);
}

size_t fake_pgconn_pending_count(const struct pgconn *conn)
{
	size_t count = 0;
	const struct open_execution *execution;
	TAILQ_FOREACH (execution, &conn->open, entry)
		count += execution->seen.is_flushed;
	return count;
}

const struct fake_execution *fake_pgconn_pending_at(const struct pgconn *conn, size_t index)
{
	const struct open_execution *execution;
	TAILQ_FOREACH (execution, &conn->open, entry) {
		if (execution->seen.is_flushed && index-- == 0)
			return &execution->seen;
	}
	return NULL;
}

const struct fake_execution *fake_pgconn_pending(const struct pgconn *conn)
{
	return fake_pgconn_pending_at(conn, 0);
}

size_t fake_pgconn_executions(const struct pgconn *conn)
{
	return conn->executions;
}

static void deliver(struct pgconn *conn, const struct pg_result *result)
{
	struct open_execution *execution = TAILQ_FIRST(&conn->open);
	assert(execution);
	TAILQ_REMOVE(&conn->open, execution, entry);
	void *tag = execution->tag;
	talloc_free(execution);
	conn->events.result(conn->owner, tag, result);
}

void fake_pgconn_answer(struct pgconn *conn, const char *rows)
{
	assert(conn->state == FAKE_UP && fake_pgconn_pending(conn));
	struct pg_rows *parsed = parse_rows(NULL, rows);
	const struct pg_result result = {PG_DONE, "", "", parsed};
	deliver(conn, &result);
	talloc_free(parsed);
}

void fake_pgconn_answer_error(struct pgconn *conn, const char *sqlstate, const char *message)
{
	assert(conn->state == FAKE_UP && fake_pgconn_pending(conn));
	const struct pg_result result = {pg_outcome_of(sqlstate), sqlstate, message, NULL};
	deliver(conn, &result);
}

void fake_pgconn_answer_unreplicated(struct pgconn *conn)
{
	assert(conn->state == FAKE_UP && fake_pgconn_pending(conn));
	const struct pg_result result = {PG_UNAVAILABLE, "01000", "might not be replicated", NULL};
	deliver(conn, &result);
}

void fake_pgconn_lose(struct pgconn *conn, const char *why)
{
	assert(conn->state == FAKE_UP);
	const struct pg_result lost = {PG_LOST, "", why, NULL};
	conn->state = FAKE_CLOSED;
	while (!TAILQ_EMPTY(&conn->open))
		deliver(conn, &lost);
	conn->events.down(conn->owner, why);
}

void fake_pgconn_notify(struct pgconn *conn, const char *channel)
{
	assert(conn->state == FAKE_UP && conn->events.notified);
	conn->events.notified(conn->owner, channel);
}
