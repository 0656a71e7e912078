/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The database of a scenario: looks at the queries that the worker's lanes sent, and answers them.
 */
#include "scenario.h"
#include "base/mem.h"
#include "fake_pgconn.h"
#include <string.h>

/* How a database with nothing to report answers each chore. */
static const struct {
	const char *statement, *rows;
} chores[] = {
	{"tick", "1|0|0"},
	{"history_months", "1|0"},
	{"free_addresses", "1|\\N|\\N|\\N"},
	{"move_closed", "1|0"},
	{"auth_attempt_days", "1|0"},
};

static struct pgconn *lane_connection(struct scenario *scenario, const char *lane)
{
	if (strcmp(lane, "login") == 0)
		return fake_pgconn_with("find");
	if (strcmp(lane, "accounting") == 0)
		return fake_pgconn_with("account");
	if (strcmp(lane, "attempts") == 0)
		return fake_pgconn_with("auth_attempt_store");
	scenario_fail(scenario, "%s is no lane", lane);
}

static void set_state(struct scenario *scenario, struct pgconn *conn, bool is_up)
{
	if (is_up && !fake_pgconn_is_opening(conn))
		scenario_fail(scenario, "the lane is not connecting");
	if (is_up)
		fake_pgconn_accept(conn);
	else if (fake_pgconn_is_up(conn))
		fake_pgconn_lose(conn, "terminated by the script");
	else if (fake_pgconn_is_opening(conn))
		fake_pgconn_refuse(conn, "refused by the script");
}

void database_set_state(struct scenario *scenario, char *rest)
{
	bool is_up = strcmp(scenario_word_needed(scenario, &rest, "up or away"), "up") == 0;
	const char *lane = scenario_word(&rest);
	if (lane == NULL || strcmp(lane, "login") == 0)
		set_state(scenario, lane_connection(scenario, "login"), is_up);
	if (lane == NULL || strcmp(lane, "accounting") == 0)
		set_state(scenario, lane_connection(scenario, "accounting"), is_up);
	if (lane != NULL && strcmp(lane, "attempts") == 0)
		set_state(scenario, lane_connection(scenario, "attempts"), is_up);
}

static const struct fake_execution *pending(struct scenario *scenario)
{
	const struct fake_execution *execution =
		scenario->conn != NULL ? fake_pgconn_pending(scenario->conn) : NULL;
	if (execution == NULL)
		scenario_fail(scenario, "no query waits for an answer");
	return execution;
}

const char *database_value(struct scenario *scenario, const char *text)
{
	const struct fake_execution *execution = pending(scenario);
	char *column = mem_must(talloc_strdup(scenario, text + 1));
	char *dot = strchr(column, '.');
	if (dot != NULL)
		*dot = '\0';
	long long column_number = scenario_number(scenario, column);
	long long row_number = dot != NULL ? scenario_number(scenario, dot + 1) : 1;
	if (column_number < 1 || column_number > execution->column_count || row_number < 1 ||
		row_number > (long long)execution->row_count)
		scenario_fail(scenario, "%s has no %s", execution->statement, text);
	return fake_value(execution, (size_t)row_number - 1, (unsigned)column_number - 1);
}

static void check_value(struct scenario *scenario, char *line)
{
	char *rest = mem_must(talloc_strdup(scenario, line));
	const char *name = scenario_word_needed(scenario, &rest, "the parameter");
	const char *expected = scenario_word_needed(scenario, &rest, "its value");
	const char *value = database_value(scenario, name);
	if (value == NULL)
		value = "null";
	if (strcmp(value, expected) != 0)
		scenario_fail(scenario, "%s is %s, not %s", name, value, expected);
}

void database_expect_query(struct scenario *scenario, char *rest)
{
	const char *name = scenario_word_needed(scenario, &rest, "the statement");
	const char *word = scenario_word(&rest);
	scenario->conn = fake_pgconn_with(name);
	if (scenario->conn == NULL)
		scenario_fail(scenario, "no lane knows %s", name);
	const struct fake_execution *execution = pending(scenario);
	if (strcmp(execution->statement, name) != 0)
		scenario_fail(scenario, "the query is %s", execution->statement);
	if (word != NULL && strcmp(word, "rows") == 0) {
		long long rows = scenario_number(
			scenario, scenario_word_needed(scenario, &rest, "the number of rows"));
		if (rows != (long long)execution->row_count)
			scenario_fail(scenario, "it has %zu rows", execution->row_count);
	}
	for (size_t n = 0; n < scenario->statement->block_count; n++)
		check_value(scenario, scenario->statement->block[n]);
}

void database_expect_no_query(struct scenario *scenario)
{
	static const char *const lanes[] = {"login", "accounting", "attempts"};
	for (size_t n = 0; n < sizeof lanes / sizeof lanes[0]; n++) {
		const struct pgconn *conn = lane_connection(scenario, lanes[n]);
		if (fake_pgconn_is_up(conn) && fake_pgconn_pending(conn) != NULL)
			scenario_fail(
				scenario, "%s was sent", fake_pgconn_pending(conn)->statement);
	}
}

void database_answer(struct scenario *scenario, char *rest)
{
	char *rows = mem_must(talloc_strdup(scenario, rest));
	pending(scenario);
	for (size_t n = 0; n < scenario->statement->block_count; n++)
		rows = mem_must(talloc_asprintf_append(
			rows, "%s%s", *rows != '\0' ? "\n" : "", scenario->statement->block[n]));
	fake_pgconn_answer(scenario->conn, rows);
}

void database_refuse(struct scenario *scenario, char *rest)
{
	const char *sqlstate = scenario_word_needed(scenario, &rest, "the SQLSTATE");
	pending(scenario);
	fake_pgconn_answer_error(scenario->conn, sqlstate, rest);
}

static const char *chore_answer(const char *statement)
{
	for (size_t n = 0; n < sizeof chores / sizeof chores[0]; n++)
		if (strcmp(chores[n].statement, statement) == 0)
			return chores[n].rows;
	return NULL;
}

static void settle(struct pgconn *conn)
{
	const struct fake_execution *execution;
	while (fake_pgconn_is_up(conn) && (execution = fake_pgconn_pending(conn)) != NULL) {
		const char *rows = chore_answer(execution->statement);
		if (rows == NULL)
			return;
		fake_pgconn_answer(conn, rows);
	}
}

void database_settle(struct scenario *scenario)
{
	if (scenario->has_chores_of_script)
		return;
	settle(fake_pgconn_with("tick"));
	settle(fake_pgconn_with("auth_attempt_days"));
}
