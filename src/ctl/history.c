/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl history: the months of poprad.session_history. */
#include "ctl/commands.h"
#include "ctl/output.h"

static const struct parameter json_options[] = {OPTION_JSON, {0}};

static const struct parameter month_argument[] = {
	{.name = "MONTH", .type = VALUE_MONTH, .sentence = "The month, as 2026-10."}, {0}};

/* A month that was detached may be there anew. */
#define HISTORY_KEY "m.month || m.is_attached"

static int history_list(struct call *call)
{
	static const struct listing listing = {
		.select = "select " HISTORY_KEY " as _key, m.month, m.is_attached, "
			  "m.sessions_about, m.octets from poprad.history_list() m",
		.key = HISTORY_KEY,
		.after = "coalesce($1, '')",
		.brief = "month is_attached sessions_about octets",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int change_month(struct call *call, const char *sql)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "MONTH"));
	return code != CTL_OK ? code : pg_run(pg, sql, &params, NULL);
}

static int history_detach(struct call *call)
{
	return change_month(call, "select poprad.history_detach($1::date)");
}

static int history_attach(struct call *call)
{
	return change_month(call, "select poprad.history_attach($1::date)");
}

static int history_drop(struct call *call)
{
	return change_month(call, "select poprad.history_drop($1::date)");
}

const struct command history_commands[] = {
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the months of which there is history.",
		.details = "A session belongs to the month (UTC) in which it began. Those that are "
			   "not attached are out of everybody's sight.",
		.example = "popradctl history list",
		.run = history_list,
	},
	{
		.verb = "detach",
		.arguments = month_argument,
		.sentence = "Takes a month out of history, for an archive.",
		.details =
			"It becomes the table poprad.session_archive_YYYYMM, which pg_dump can "
			"write to a file, and which sessions_keep does not touch. Sessions of that "
			"month that end later, and records that come late, open it anew.",
		.example = "popradctl history detach 2026-10",
		.run = history_detach,
	},
	{
		.verb = "attach",
		.arguments = month_argument,
		.sentence = "Puts a detached month back.",
		.example = "popradctl history attach 2026-10",
		.run = history_attach,
	},
	{
		.verb = "drop",
		.arguments = month_argument,
		.sentence = "Deletes a detached month for ever.",
		.example = "popradctl history drop 2026-10",
		.run = history_drop,
	},
	{0},
};
