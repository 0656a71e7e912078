/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/db/pgconn.h against a real PostgreSQL, whose connection string is in
 * POPRAD_TEST_DATABASE (tests/support/with_cluster.py starts one). The tests run in order: the
 * first makes the functions that the others call. */
#include "base/log.h"
#include "base/mem.h"
#include "db/pgconn.h"
#include "suite.h"
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define RESULTS_MAX 16
#define GUARD_SECONDS 60 /* a test that hangs is ended by this, never by a shorter wait */

static struct event_base *base;
static const char *database;

/* One connection and what happened to it. */
struct peer {
	struct pgconn *conn;
	unsigned ups, downs, notices, result_count;
	char why[512];
	enum pg_outcome outcomes[RESULTS_MAX];
	void *tags[RESULTS_MAX];
	char sqlstates[RESULTS_MAX][6];
	void (*read)(const struct pg_rows *rows);
	bool closes_in_result;
};

static void on_up(void *owner)
{
	((struct peer *)owner)->ups++;
}

static void on_down(void *owner, const char *why)
{
	struct peer *peer = owner;
	peer->downs++;
	snprintf(peer->why, sizeof peer->why, "%s", why);
}

static void on_result(void *owner, void *tag, const struct pg_result *result)
{
	struct peer *peer = owner;
	if (peer->result_count < RESULTS_MAX) {
		peer->outcomes[peer->result_count] = result->outcome;
		peer->tags[peer->result_count] = tag;
		snprintf(peer->sqlstates[peer->result_count], 6, "%s", result->sqlstate);
	}
	peer->result_count++;
	CU_ASSERT_EQUAL(peer->downs, 0);
	if (result->outcome == PG_DONE && peer->read)
		peer->read(result->rows);
	if (peer->closes_in_result)
		pgconn_close(peer->conn);
}

static void on_notified(void *owner, const char *channel)
{
	CU_ASSERT_STRING_EQUAL(channel, "poprad_catalog");
	((struct peer *)owner)->notices++;
}

static const struct pg_events events = {on_up, on_down, on_result, on_notified};

static bool is_guard_over;
static void guard_over(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	(void)owner;
	is_guard_over = true;
}

/* Runs the loop until *value reaches wanted. */
static bool wait_for(const unsigned *value, unsigned wanted)
{
	struct event *guard = evtimer_new(base, guard_over, NULL);
	const struct timeval patience = {GUARD_SECONDS, 0};
	is_guard_over = false;
	event_add(guard, &patience);
	while (*value < wanted && !is_guard_over)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(guard);
	return *value >= wanted;
}

static struct pgconn_settings default_settings(const struct pg_statement *const *statements)
{
	return (struct pgconn_settings){
		.conninfo = database,
		.connect_timeout_ms = 20000,
		.statement_timeout_ms = 20000,
		.lock_timeout_ms = 5000,
		.statements = statements,
	};
}

static void peer_open(struct peer *peer, const struct pgconn_settings *settings)
{
	memset(peer, 0, sizeof *peer);
	peer->conn = pgconn_new(NULL, base, settings, &events, peer);
	pgconn_open(peer->conn);
	CU_ASSERT_EQUAL(peer->ups + peer->downs, 0);
}

/* Opens a connection with these statements and waits until it is up. */
static void peer_begin(struct peer *peer, const struct pg_statement *const *statements)
{
	struct pgconn_settings settings = default_settings(statements);
	peer_open(peer, &settings);
	CU_ASSERT_TRUE_FATAL(wait_for(&peer->ups, 1));
}

static void peer_end(struct peer *peer)
{
	talloc_free(peer->conn);
}

/* Executes a statement without parameters. */
static void execute_plain(struct peer *peer, const struct pg_statement *statement)
{
	struct pg_batch *batch = pg_batch_new(NULL, statement);
	pgconn_execute(peer->conn, statement, batch, NULL);
	talloc_free(batch);
}

static void execute_text(struct peer *peer, const struct pg_statement *statement, const char *text)
{
	struct pg_batch *batch = pg_batch_new(NULL, statement);
	pg_put_text(batch, text);
	pgconn_execute(peer->conn, statement, batch, (void *)(uintptr_t)text);
	talloc_free(batch);
}

/* All that this connection is for. Frees the batch. */
static void execute_and_end(
	struct peer *peer, const struct pg_statement *statement, struct pg_batch *batch)
{
	pgconn_execute(peer->conn, statement, batch, NULL);
	talloc_free(batch);
	pgconn_flush(peer->conn);
	CU_ASSERT_TRUE(wait_for(&peer->result_count, 1));
	CU_ASSERT_EQUAL(peer->outcomes[0], PG_DONE);
	peer_end(peer);
}

static const enum pg_type text_type[] = {PG_TEXT};
static const struct pg_statement raise = {"raise", "select * from test_raise($1)", 1, text_type};

static void test_set_up(void)
{
	static const struct pg_statement make_raise = {"make_raise",
		"create function test_raise(state text[]) returns setof int language plpgsql as $$ "
		"begin "
		"if state[1] <> '' then raise exception 'as asked' using errcode = state[1]; end "
		"if; "
		"return query select 1; end $$",
		0, NULL};
	static const struct pg_statement make_parent = {
		"make_parent", "create table test_parent (id text primary key)", 0, NULL};
	static const struct pg_statement *const statements[] = {&make_raise, &make_parent, NULL};
	/* names what make_parent makes, hence a connection of its own */
	static const struct pg_statement make_child = {"make_child",
		"create table test_child (id text references test_parent deferrable initially "
		"deferred)",
		0, NULL};
	static const struct pg_statement *const later_statements[] = {&make_child, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	execute_plain(&peer, &make_raise);
	execute_plain(&peer, &make_parent);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 2));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_DONE);
	CU_ASSERT_EQUAL(peer.outcomes[1], PG_DONE);
	peer_end(&peer);
	peer_begin(&peer, later_statements);
	execute_plain(&peer, &make_child);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 1));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_DONE);
	peer_end(&peer);
}

/* Connecting ---------------------------------------------------------------------------------- */

static void expect_down(const char *conninfo, const char *expected)
{
	struct pgconn_settings settings = default_settings(NULL);
	settings.conninfo = conninfo;
	struct peer peer;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.downs, 1));
	CU_ASSERT_EQUAL(peer.ups, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.why, expected));
	peer_end(&peer);
}

static void test_refused(void)
{
	expect_down("this is no connection string", "the connection string is malformed");
	expect_down("password=not quoted", "the connection string is malformed");
	expect_down("host=/nonexistent dbname=postgres", "/nonexistent");
	char *other = mem_must(talloc_asprintf(NULL, "%s dbname=nosuch", database));
	expect_down(other, "nosuch");
	talloc_free(other);
}

static void test_unknown_function(void)
{
	static const struct pg_statement unknown = {
		"unknown", "select * from nosuch($1)", 1, text_type};
	static const struct pg_statement *const statements[] = {&raise, &unknown, &raise, NULL};
	struct pgconn_settings settings = default_settings(statements);
	struct peer peer;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.downs, 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.why, "42883"));
	peer_end(&peer);
}

/* A listening socket that never answers; its port. */
static int silent_socket(uint16_t *port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof here;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
	CU_ASSERT_EQUAL(listen(fd, 8), 0);
	CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&here, &size), 0);
	*port = ntohs(here.sin_port);
	return fd;
}

/* The cluster's own host and port out of POPRAD_TEST_DATABASE, behind another host. */
static char *behind_other_host(uint16_t other_port)
{
	char host[256], port[16];
	CU_ASSERT_EQUAL_FATAL(sscanf(database, "host=%255s port=%15s", host, port), 2);
	return mem_must(
		talloc_asprintf(NULL, "host=127.0.0.1,%s port=%u,%s dbname=postgres user=postgres",
			host, other_port, port));
}

static void test_first_host_refuses(void)
{
	uint16_t port;
	close(silent_socket(&port));
	struct pgconn_settings settings = default_settings(NULL);
	char *conninfo = behind_other_host(port);
	settings.conninfo = conninfo;
	struct peer peer;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 1));
	CU_ASSERT_EQUAL(peer.downs, 0);
	peer_end(&peer);
	talloc_free(conninfo);
}

/* A host that accepts but says nothing costs one attempt; the next begins with the other host. */
static void test_first_host_is_silent(void)
{
	uint16_t port;
	int fd = silent_socket(&port);
	struct pgconn_settings settings = default_settings(NULL);
	char *conninfo = behind_other_host(port);
	settings.conninfo = conninfo;
	settings.connect_timeout_ms = 500;
	struct peer peer;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.downs, 1));
	CU_ASSERT_STRING_EQUAL(peer.why, "connect_timeout has passed");
	pgconn_open(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 1));
	peer_end(&peer);
	talloc_free(conninfo);
	close(fd);
}

static void read_settings(const struct pg_rows *rows)
{
	CU_ASSERT_EQUAL(pg_rows_count(rows), 1);
	CU_ASSERT_STRING_EQUAL(pg_read_text(rows, 0, 0), "force_generic_plan");
	CU_ASSERT_STRING_EQUAL(pg_read_text(rows, 0, 1), "20s");
	CU_ASSERT_STRING_EQUAL(pg_read_text(rows, 0, 2), "5s");
	CU_ASSERT_STRING_EQUAL(pg_read_text(rows, 0, 3), "off");
	CU_ASSERT_STRING_EQUAL(pg_read_text(rows, 0, 4), "UTF8");
	CU_ASSERT_STRING_EQUAL(pg_read_text(rows, 0, 5), "poprad");
}

static void test_settings(void)
{
	static const struct pg_statement show = {"show",
		"select current_setting('plan_cache_mode'), current_setting('statement_timeout'), "
		"current_setting('lock_timeout'), current_setting('jit'), "
		"current_setting('client_encoding'), current_setting('application_name')",
		0, NULL};
	static const struct pg_statement *const statements[] = {&show, NULL};
	setenv("PGCLIENTENCODING", "LATIN1", 1);
	struct peer peer;
	peer_begin(&peer, statements);
	unsetenv("PGCLIENTENCODING");
	peer.read = read_settings;
	execute_plain(&peer, &show);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 1));
	peer_end(&peer);
}

/* Values -------------------------------------------------------------------------------------- */

static const uint8_t a_key[SESSION_KEY_SIZE] = {
	0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, 0x7a, 0xbc, 0x80, 0, 0xff, 0xfe, 0x7f, 1, 2, 3};
static const char odd_text[] = "O'Brien \"x\" \\ {a,b} NULL \xc3\xa9\xe2\x82\xac \n\t$1";

static struct addr parse(const char *text)
{
	struct addr addr;
	CU_ASSERT_EQUAL_FATAL(addr_parse(text, &addr), 0);
	return addr;
}

/* Times in microseconds since 1970, and what PostgreSQL makes of them. */
static const struct {
	int64_t us;
	const char *text;
} times[] = {
	{0, "1970-01-01 00:00:00"},
	{-1, "1969-12-31 23:59:59.999999"},
	{INT64_C(-2208988800000000), "1900-01-01 00:00:00"},
	{INT64_C(946684800000000), "2000-01-01 00:00:00"},
	{INT64_C(1700000000123456), "2023-11-14 22:13:20.123456"},
	{INT64_C(253402300800000000), "10000-01-01 00:00:00"},
	{INT64_MAX, "infinity"},
	{INT64_MIN, "-infinity"},
};
#define TIME_COUNT (sizeof times / sizeof *times)

static void check_text(const struct pg_rows *rows, size_t row, unsigned column, const char *text)
{
	const char *found = pg_read_text(rows, row, column);
	CU_ASSERT_TRUE(found && strcmp(found, text) == 0);
}

static void check_addr(const struct pg_rows *rows, size_t row, unsigned column, const char *text)
{
	struct addr addr;
	char found[ADDR_TEXT_MAX];
	CU_ASSERT_TRUE_FATAL(pg_read_addr(rows, row, column, &addr));
	CU_ASSERT_STRING_EQUAL(addr_format(&addr, found), text);
}

static void check_int(const struct pg_rows *rows, size_t row, unsigned column, int64_t expected)
{
	int64_t value;
	CU_ASSERT_TRUE(pg_read_int(rows, row, column, &value) && value == expected);
}

static void read_values(const struct pg_rows *rows)
{
	CU_ASSERT_EQUAL_FATAL(pg_rows_count(rows), 3 + TIME_COUNT);
	bool flag;
	uint8_t key[SESSION_KEY_SIZE];
	int64_t number;
	struct addr addr;
	check_int(rows, 0, 1, INT16_MIN);
	check_int(rows, 0, 2, INT32_MIN);
	check_int(rows, 0, 3, INT64_MIN);
	CU_ASSERT_TRUE(pg_read_bool(rows, 0, 4, &flag) && flag);
	check_text(rows, 0, 5, odd_text);
	CU_ASSERT_TRUE(pg_read_uuid(rows, 0, 6, key) && memcmp(key, a_key, sizeof key) == 0);
	check_addr(rows, 0, 7, "192.0.2.1");
	check_text(rows, 0, 9, "192.0.2.1");
	check_text(rows, 0, 10, "018bcfe5-6800-7abc-8000-fffe7f010203");

	check_int(rows, 1, 0, 2);
	check_int(rows, 1, 1, INT16_MAX);
	check_int(rows, 1, 2, INT32_MAX);
	check_int(rows, 1, 3, INT64_MAX);
	CU_ASSERT_TRUE(pg_read_bool(rows, 1, 4, &flag) && !flag);
	check_text(rows, 1, 5, "");
	check_addr(rows, 1, 7, "2001:db8::ff");
	check_text(rows, 1, 9, "2001:db8::ff");

	/* all null, among them a number that is too large for its column */
	CU_ASSERT_FALSE(pg_read_int(rows, 2, 1, &number));
	CU_ASSERT_FALSE(pg_read_int(rows, 2, 2, &number));
	CU_ASSERT_FALSE(pg_read_int(rows, 2, 3, &number));
	CU_ASSERT_FALSE(pg_read_bool(rows, 2, 4, &flag));
	CU_ASSERT_PTR_NULL(pg_read_text(rows, 2, 5));
	CU_ASSERT_FALSE(pg_read_uuid(rows, 2, 6, key));
	CU_ASSERT_FALSE(pg_read_addr(rows, 2, 7, &addr));
	CU_ASSERT_FALSE(pg_read_time(rows, 2, 8, &number));

	for (size_t i = 0; i < TIME_COUNT; i++) {
		CU_ASSERT_TRUE(pg_read_time(rows, 3 + i, 8, &number));
		CU_ASSERT_EQUAL(number, times[i].us);
		check_text(rows, 3 + i, 11, times[i].text);
	}
	check_text(rows, 3, 9, "10.0.0.0/8");
	check_text(rows, 4, 9, "2001:db8::/32");

	/* of another type, or not there at all */
	CU_ASSERT_FALSE(pg_read_int(rows, 0, 5, &number));
	CU_ASSERT_FALSE(pg_read_bool(rows, 0, 1, &flag));
	CU_ASSERT_PTR_NULL(pg_read_text(rows, 0, 1));
	CU_ASSERT_FALSE(pg_read_uuid(rows, 0, 7, key));
	CU_ASSERT_FALSE(pg_read_addr(rows, 0, 6, &addr));
	CU_ASSERT_FALSE(pg_read_time(rows, 0, 3, &number));
	CU_ASSERT_FALSE(pg_read_int(rows, 0, 99, &number));
	CU_ASSERT_FALSE(pg_read_int(rows, 999, 0, &number));
}

static void put_nulls(struct pg_batch *batch)
{
	pg_put_int(batch, 40000); /* over an int2: logged, null */
	pg_put_null(batch);
	pg_put_null(batch);
	pg_put_null(batch);
	pg_put_text(batch, NULL);
	pg_put_uuid(batch, NULL);
	pg_put_addr(batch, &(struct addr){0});
	pg_put_null(batch);
}

static void put_values(struct pg_batch *batch)
{
	pg_put_int(batch, INT16_MIN);
	pg_put_int(batch, INT32_MIN);
	pg_put_int(batch, INT64_MIN);
	pg_put_bool(batch, true);
	pg_put_text(batch, odd_text);
	pg_put_uuid(batch, a_key);
	struct addr addr = parse("192.0.2.1");
	pg_put_addr(batch, &addr);
	pg_put_time(batch, 0);

	pg_put_int(batch, INT16_MAX);
	pg_put_int(batch, INT32_MAX);
	pg_put_int(batch, INT64_MAX);
	pg_put_bool(batch, false);
	pg_put_text(batch, "");
	pg_put_uuid(batch, a_key);
	addr = parse("2001:db8::ff");
	pg_put_addr(batch, &addr);
	pg_put_time(batch, 0);

	put_nulls(batch);
	for (size_t i = 0; i < TIME_COUNT; i++) {
		struct prefix prefix;
		CU_ASSERT_EQUAL(prefix_parse(i == 0 ? "10.0.0.0/8" : "2001:db8::/32", &prefix), 0);
		for (unsigned column = 0; column < 6; column++)
			pg_put_null(batch);
		pg_put_prefix(batch, i < 2 ? &prefix : NULL);
		pg_put_time(batch, times[i].us);
	}
}

static void test_values(void)
{
	static const enum pg_type types[] = {
		PG_INT2, PG_INT4, PG_INT8, PG_BOOL, PG_TEXT, PG_UUID, PG_INET, PG_TIMESTAMPTZ};
	static const struct pg_statement statement = {"values",
		"select ord::int4, a, b, c, d, e, f, g, h, "
		"case when masklen(g) = case family(g) when 4 then 32 else 128 end then host(g) "
		"else g::text end, f::text, (h at time zone 'UTC')::text "
		"from unnest($1::int2[], $2::int4[], $3::int8[], $4::bool[], $5::text[], "
		"$6::uuid[], $7::inet[], $8::timestamptz[]) "
		"with ordinality as t(a, b, c, d, e, f, g, h, ord) order by ord",
		8, types};
	static const struct pg_statement *const statements[] = {&statement, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	peer.read = read_values;
	struct pg_batch *batch = pg_batch_new(NULL, &statement);
	put_values(batch);
	CU_ASSERT_EQUAL(pg_batch_rows(batch), 3 + TIME_COUNT);
	execute_and_end(&peer, &statement, batch);
}

static void read_absent(const struct pg_rows *rows)
{
	CU_ASSERT_EQUAL(pg_rows_count(rows), 1);
	check_text(rows, 0, 0, "{NULL,one}");
	CU_ASSERT_PTR_NULL(pg_read_text(rows, 0, 1));
	check_text(rows, 0, 2, "{two,NULL}");
}

/* A column in which no row has a value is one null; the next batch may have some. */
static void test_absent(void)
{
	static const enum pg_type types[] = {PG_TEXT, PG_TEXT, PG_TEXT};
	static const struct pg_statement statement = {
		"absent", "select $1::text[]::text, $2::text[]::text, $3::text[]::text", 3, types};
	static const struct pg_statement *const statements[] = {&statement, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	peer.read = read_absent;
	struct pg_batch *batch = pg_batch_new(NULL, &statement);
	const char *const texts[] = {"gone", "gone", "gone", NULL, NULL, "two", "one", NULL, NULL};
	for (size_t i = 0; i < 3; i++)
		pg_put_text(batch, texts[i]);
	pg_batch_clear(batch);
	for (size_t i = 3; i < 9; i++)
		pg_put_text(batch, texts[i]);
	execute_and_end(&peer, &statement, batch);
}

#define LARGE_ROWS 256
#define LARGE_SIZE 20000
static char large_text[LARGE_SIZE + 1];

static void read_large(const struct pg_rows *rows)
{
	CU_ASSERT_EQUAL(pg_rows_count(rows), LARGE_ROWS);
	for (size_t i = 0; i < pg_rows_count(rows); i++)
		check_text(rows, i, 0, large_text);
}

/* More than any socket buffer holds, both ways and twice, so that writes and reads interleave. */
static void test_large(void)
{
	static const struct pg_statement echo = {
		"echo", "select * from unnest($1::text[])", 1, text_type};
	static const struct pg_statement *const statements[] = {&echo, NULL};
	memset(large_text, 'x', LARGE_SIZE);
	struct peer peer;
	peer_begin(&peer, statements);
	peer.read = read_large;
	struct pg_batch *batch = pg_batch_new(NULL, &echo);
	for (int i = 0; i < LARGE_ROWS; i++)
		pg_put_text(batch, large_text);
	pgconn_execute(peer.conn, &echo, batch, NULL);
	pgconn_execute(peer.conn, &echo, batch, NULL);
	talloc_free(batch);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 2));
	CU_ASSERT_EQUAL(peer.outcomes[1], PG_DONE);
	peer_end(&peer);
}

/* Outcomes ------------------------------------------------------------------------------------ */

static void test_error_classes(void)
{
	static const struct {
		const char *sqlstate;
		enum pg_outcome outcome;
	} cases[] = {{"", PG_DONE}, {"22P05", PG_BAD_ROW}, {"23505", PG_BAD_ROW},
		{"40001", PG_RETRY}, {"40P01", PG_RETRY}, {"57014", PG_UNAVAILABLE}, {"", PG_DONE},
		{"53100", PG_UNAVAILABLE}, {"25006", PG_UNAVAILABLE}, {"P0001", PG_UNAVAILABLE},
		{"XX000", PG_UNAVAILABLE}, {"42501", PG_UNAVAILABLE}, {"", PG_DONE}};
	static const struct pg_statement *const statements[] = {&raise, NULL};
	const unsigned count = sizeof cases / sizeof *cases;
	struct peer peer;
	peer_begin(&peer, statements);
	for (unsigned i = 0; i < count; i++)
		execute_text(&peer, &raise, cases[i].sqlstate);
	CU_ASSERT_EQUAL(peer.result_count, 0);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, count));
	for (unsigned i = 0; i < count; i++) {
		CU_ASSERT_EQUAL(peer.outcomes[i], cases[i].outcome);
		CU_ASSERT_STRING_EQUAL(peer.sqlstates[i], cases[i].sqlstate);
		CU_ASSERT_PTR_EQUAL(peer.tags[i], cases[i].sqlstate);
	}
	CU_ASSERT_EQUAL(peer.downs, 0);
	peer_end(&peer);
}

static const struct pg_statement insert_parent = {"insert_parent",
	"insert into test_parent select * from unnest($1::text[]) returning 1", 1, text_type};

/* The rows have come, and then the commit fails. */
static void test_error_at_commit(void)
{
	static const struct pg_statement insert_child = {"insert_child",
		"insert into test_child select * from unnest($1::text[]) returning 1", 1,
		text_type};
	static const struct pg_statement *const statements[] = {
		&insert_child, &insert_parent, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	execute_text(&peer, &insert_child, "orphan");
	execute_text(&peer, &insert_parent, "parent");
	execute_text(&peer, &insert_child, "parent");
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 3));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_BAD_ROW);
	CU_ASSERT_STRING_EQUAL(peer.sqlstates[0], "23503");
	CU_ASSERT_EQUAL(peer.outcomes[1], PG_DONE);
	CU_ASSERT_EQUAL(peer.outcomes[2], PG_DONE);
	peer_end(&peer);
}

static const struct pg_statement sleep_long = {"sleep_long", "select pg_sleep(300)", 0, NULL};

static void test_statement_timeout(void)
{
	static const struct pg_statement *const statements[] = {&sleep_long, NULL};
	struct pgconn_settings settings = default_settings(statements);
	settings.statement_timeout_ms = 100;
	struct peer peer;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 1));
	execute_plain(&peer, &sleep_long);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 1));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_UNAVAILABLE);
	CU_ASSERT_STRING_EQUAL(peer.sqlstates[0], "57014");
	peer_end(&peer);
}

static int64_t backend_pid;
static void read_pid(const struct pg_rows *rows)
{
	CU_ASSERT_TRUE(pg_read_int(rows, 0, 0, &backend_pid));
}

static const enum pg_type int4_type[] = {PG_INT4};
static const struct pg_statement get_pid = {"get_pid", "select pg_backend_pid()", 0, NULL};
static const struct pg_statement terminate = {
	"terminate", "select pg_terminate_backend(p) from unnest($1::int4[]) p", 1, int4_type};
static const struct pg_statement cancel = {
	"cancel", "select pg_cancel_backend(p) from unnest($1::int4[]) p", 1, int4_type};

static void signal_backend(const struct pg_statement *statement, int64_t pid)
{
	static const struct pg_statement *const statements[] = {&terminate, &cancel, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	struct pg_batch *batch = pg_batch_new(NULL, statement);
	pg_put_int(batch, pid);
	execute_and_end(&peer, statement, batch);
}

static void learn_pid(struct peer *peer)
{
	peer->read = read_pid;
	execute_plain(peer, &get_pid);
	pgconn_flush(peer->conn);
	CU_ASSERT_TRUE_FATAL(wait_for(&peer->result_count, 1));
	peer->read = NULL;
	peer->result_count = 0;
}

static void test_backend_killed(void)
{
	static const struct pg_statement *const statements[] = {&sleep_long, &get_pid, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	learn_pid(&peer);
	execute_plain(&peer, &sleep_long);
	execute_plain(&peer, &get_pid);
	pgconn_flush(peer.conn);
	signal_backend(&terminate, backend_pid);
	CU_ASSERT_TRUE(wait_for(&peer.downs, 1));
	CU_ASSERT_EQUAL(peer.result_count, 2);
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_LOST);
	CU_ASSERT_EQUAL(peer.outcomes[1], PG_LOST);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.why, "terminating connection"));
	peer.downs = 0;
	/* idle, too, it is noticed; and it can be opened again each time */
	pgconn_open(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 2));
	peer.result_count = 0;
	learn_pid(&peer);
	signal_backend(&terminate, backend_pid);
	CU_ASSERT_TRUE(wait_for(&peer.downs, 1));
	peer_end(&peer);
}

static void test_close_in_result(void)
{
	static const struct pg_statement *const statements[] = {&raise, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	peer.closes_in_result = true;
	for (int i = 0; i < 3; i++)
		execute_text(&peer, &raise, "");
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 1));
	pgconn_open(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 2));
	CU_ASSERT_EQUAL(peer.result_count, 1);
	CU_ASSERT_EQUAL(peer.downs, 0);
	peer_end(&peer);
}

static void test_notify(void)
{
	static const struct pg_statement notify = {"notify", "notify poprad_catalog", 0, NULL};
	static const struct pg_statement *const statements[] = {&notify, NULL};
	struct pgconn_settings settings = default_settings(NULL);
	settings.listen_channel = "poprad_catalog";
	struct peer listener, sender;
	peer_open(&listener, &settings);
	CU_ASSERT_TRUE(wait_for(&listener.ups, 1));
	peer_begin(&sender, statements);
	execute_plain(&sender, &notify);
	pgconn_flush(sender.conn);
	CU_ASSERT_TRUE(wait_for(&listener.notices, 1));
	peer_end(&sender);
	peer_end(&listener);
}

/* A synchronous standby that is not there: the commit waits. Cancelled, the server says that it
 * committed only locally; left alone, our own patience ends. */
static void set_standby(const struct pg_statement *statement)
{
	static const struct pg_statement reload = {"reload", "select pg_reload_conf()", 0, NULL};
	const struct pg_statement *const statements[] = {statement, &reload, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	execute_plain(&peer, statement);
	execute_plain(&peer, &reload);
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 2));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_DONE);
	CU_ASSERT_EQUAL(peer.outcomes[1], PG_DONE);
	peer_end(&peer);
}

static void read_waiting(const struct pg_rows *rows)
{
	backend_pid = 0;
	pg_read_int(rows, 0, 0, &backend_pid);
}

/* The process whose commit waits for the standby. */
static void find_waiting(void)
{
	static const struct pg_statement find = {"find_waiting",
		"select max(pid) from pg_stat_activity where wait_event = 'SyncRep'", 0, NULL};
	static const struct pg_statement *const statements[] = {&find, NULL};
	struct peer peer;
	peer_begin(&peer, statements);
	peer.read = read_waiting;
	backend_pid = 0;
	for (unsigned tries = 1; backend_pid == 0 && tries < 100000; tries++) {
		execute_plain(&peer, &find);
		pgconn_flush(peer.conn);
		CU_ASSERT_TRUE_FATAL(wait_for(&peer.result_count, tries));
	}
	peer_end(&peer);
}

static void test_not_replicated(void)
{
	static const struct pg_statement demand = {
		"demand", "alter system set synchronous_standby_names = 'nosuch'", 0, NULL};
	static const struct pg_statement release = {
		"release", "alter system reset synchronous_standby_names", 0, NULL};
	static const struct pg_statement *const statements[] = {&insert_parent, NULL};
	set_standby(&demand);
	struct pgconn_settings settings = default_settings(statements);
	char *conninfo =
		mem_must(talloc_asprintf(NULL, "%s options='-c synchronous_commit=on'", database));
	settings.conninfo = conninfo;
	struct peer peer;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 1));
	execute_text(&peer, &insert_parent, "unsure");
	pgconn_flush(peer.conn);
	find_waiting();
	signal_backend(&cancel, backend_pid);
	CU_ASSERT_TRUE(wait_for(&peer.result_count, 1));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_UNAVAILABLE);
	CU_ASSERT_EQUAL(peer.downs, 0);
	peer_end(&peer);

	settings.connect_timeout_ms = settings.statement_timeout_ms = 500;
	peer_open(&peer, &settings);
	CU_ASSERT_TRUE(wait_for(&peer.ups, 1));
	execute_text(&peer, &insert_parent, "unknown");
	pgconn_flush(peer.conn);
	CU_ASSERT_TRUE(wait_for(&peer.downs, 1));
	CU_ASSERT_EQUAL(peer.outcomes[0], PG_LOST);
	CU_ASSERT_STRING_EQUAL(peer.why, "the server has stopped answering");
	peer_end(&peer);
	talloc_free(conninfo);
	set_standby(&release);
}

int main(void)
{
	database = getenv("POPRAD_TEST_DATABASE");
	if (!database)
		return 77;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "test");
	base = event_base_new();
	if (!base)
		return 2;
	CU_TestInfo tests[] = {
		TEST(test_set_up),
		TEST(test_refused),
		TEST(test_unknown_function),
		TEST(test_first_host_refuses),
		TEST(test_first_host_is_silent),
		TEST(test_settings),
		TEST(test_values),
		TEST(test_absent),
		TEST(test_large),
		TEST(test_error_classes),
		TEST(test_error_at_commit),
		TEST(test_statement_timeout),
		TEST(test_backend_killed),
		TEST(test_close_in_result),
		TEST(test_notify),
		TEST(test_not_replicated),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("db/pgconn", tests);
	event_base_free(base);
	return failed;
}
