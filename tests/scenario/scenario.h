/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A scenario: one worker, made of the real code, between a clock that the script moves, a network
 * that the script plays and a database that the script plays. The language is in README.md. */
#include "request/request.h"
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

/* One line of a script, with the indented lines below it. */
struct statement {
	unsigned line;
	char *text;
	char **block;
	size_t block_count;
};

/* Octets that went one way or the other. */
struct packet {
	struct packet *next;
	char *name; /* NULL = not named */
	struct endpoint endpoint;
	uint8_t octets[2 * RADIUS_MAX_PACKET];
	size_t size;
};

struct variable {
	struct variable *next;
	char *name, *value;
};

struct scenario {
	const char *path;
	const struct statement *statement; /* the one that runs, for messages */
	struct event_base *base;
	struct timer_queue *timers;
	struct conf conf;
	struct worker *worker;
	struct variable *variables;
	bool has_chores_of_script; /* the script answers tick and the like itself */
	/* network */
	struct packet *received; /* what the script sent in, by name */
	struct packet *sent;     /* what the worker sent and the script has not looked at yet */
	struct packet *seen;     /* what it has looked at and named */
	bool are_interims_barred;
	/* database */
	struct pgconn *conn;             /* that of the last query expected */
	uint64_t counters[METRIC_COUNT]; /* at the start */
};

/* Says script, line and what is wrong, and ends the program. */
_Noreturn void scenario_fail(const struct scenario *scenario, const char *format, ...)
	PRINTF_LIKE(2, 3);

/* Takes the next word (or "quoted text") off *rest; NULL at the end. The text is cut up in place.
 */
char *scenario_word(char **rest);
/* The same; the script ends if there is none. */
char *scenario_word_needed(struct scenario *scenario, char **rest, const char *what);
long long scenario_number(struct scenario *scenario, const char *text);

/* scenario_network.c */
void network_send(
	struct worker *worker, const struct endpoint *to, const uint8_t *octets, size_t size);
void network_bar_interims(struct worker *worker, bool is_barred);
void network_receive(struct scenario *scenario, char *rest);
void network_again(struct scenario *scenario, char *rest);
void network_expect_send(struct scenario *scenario, char *rest);
void network_expect_nothing(struct scenario *scenario);

/* scenario_database.c */
void database_set_state(struct scenario *scenario, char *rest);
void database_expect_query(struct scenario *scenario, char *rest);
void database_expect_no_query(struct scenario *scenario);
void database_answer(struct scenario *scenario, char *rest);
void database_refuse(struct scenario *scenario, char *rest);
/* The value of "$2" or "$2.3" (third row) of the query that was expected last; NULL = null. */
const char *database_value(struct scenario *scenario, const char *text);
/* Answers the chores that are due, unless the script does. */
void database_settle(struct scenario *scenario);
