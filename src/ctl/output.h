/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Rows of the database as a table, as "name: value" lines, or as JSON. Field names are column
 * names. Text from the network is escaped, so that it cannot move a terminal's cursor. */
#include "ctl/pg.h"

/* What is listed, in pages that each begin behind the key of the one before, so that millions of
 * rows pass through without being held, here or in a long transaction there. */
struct listing {
	const char *select; /* "select ... from ..."; the key is the first column */
	const char *key;    /* its expression; unique */
	const char *after;  /* the key to go on behind, from $1, which is null at first */
	const char *brief;  /* the columns of the table for people, separated by spaces */
	/* conditions that were asked for; empty at first */
	char *conditions;
	struct params params;
};

/* Adds a condition in which $ stands for value, unless value is NULL. Only what was asked for is in
 * the statement, so that the planner sees that the key's index serves it. */
void listing_filter(
	TALLOC_CTX *ctx, struct listing *listing, const char *condition, const char *value);

/* Lists all rows. JSON: an array of objects. */
int output_list(struct pg *pg, const struct listing *listing) MUST_CHECK;

/* A row as an object, without a line end. */
void output_json_row(FILE *out, const PGresult *rows, int row);

/* One row, as an object in JSON; CTL_REFUSED with "there is no WHAT" if there is none. */
int output_show(
	struct pg *pg, const char *sql, const struct params *params, const char *what) MUST_CHECK;
