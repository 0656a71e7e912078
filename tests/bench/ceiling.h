/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Rows for the database ceiling: logins and accounting records as the server has them in hand when
 * it calls the database, made without a network. Each connection serves its own share of the lines:
 * those whose number is its own, modulo the number of connections. */
#include "acct/record.h"
#include "auth/auth.h"
#include "auth/login.h"

enum ceiling_mode { CEILING_FIND, CEILING_LOGIN, CEILING_ACCOUNT };

struct ceiling_settings {
	enum ceiling_mode mode;
	const char *conninfo;
	unsigned connections, batch, subscribers, seconds;
};

struct share; /* of the lines */

struct share *share_new(
	TALLOC_CTX *ctx, const struct ceiling_settings *settings, unsigned connection);

/* A batch and what its rows point to; used again and again. */
struct rows {
	struct share *share;
	unsigned count; /* in use */
	struct request *requests;
	struct login *logins;
	struct record *records;
	uint32_t *lines;
};

struct rows *rows_new(TALLOC_CTX *ctx, struct share *share);

/* The next lines log in. False: every line has. */
bool rows_fill_logins(struct rows *rows);
/* poprad.find has answered: the addresses that are proposed to poprad.admit. */
void rows_propose(struct rows *rows);
/* poprad.admit has answered: unused proposals are free again. Returns the rows without a session.
 */
unsigned rows_settle(struct rows *rows);

/* Starts of the sessions that are online when the measurement begins. False: all are. */
bool rows_fill_starts(struct rows *rows);
/* A batch of Starts and Stops, four of Interim-Updates, and again, each of the session that was
 * silent longest. Returns what a worker calls for them. */
const struct lane_call *rows_fill_records(struct rows *rows);

/* The item of that row. */
struct lane_item *rows_item(const struct rows *rows, const struct lane_call *call, unsigned row);
