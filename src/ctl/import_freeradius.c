/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl import freeradius: what FreeRADIUS has in its SQL tables becomes ours. The rows are
 * copied as they are, and the database makes something of them (sql/functions/import*.sql), all of
 * it in one transaction: a dry run is one that is not committed. */
#include "ctl/attribute.h"
#include "ctl/commands.h"
#include "ctl/import_report.h"
#include "ctl/import_staging.h"

static const struct parameter freeradius_options[] = {
	{.name = "dsn",
		.type = VALUE_TEXT,
		.form = "DSN",
		.sentence = "The PostgreSQL database that FreeRADIUS uses, as libpq takes it: "
			    "\"host=10.0.0.5 dbname=radius user=radius\". It is only read. The "
			    "password is better kept in ~/.pgpass."},
	{.name = "time-zone",
		.type = VALUE_ZONE,
		.form = "ZONE",
		.sentence = "Of times that name none, such as those of Expiration; UTC otherwise."},
	{.name = "dry-run", .sentence = "Only say what would become of every row."},
	{.name = "overwrite",
		.sentence = "Also write over what is here already, or has been changed here since "
			    "the last import."},
	{0},
};

static int write_settings(struct call *call, struct pg *pg)
{
	const char *zone = call_value(call, "time-zone");
	struct params params = {0};
	int code;

	params_add(&params, zone == NULL ? "UTC" : zone);
	params_add(&params, call_has(call, "overwrite") ? "true" : "false");
	code = pg_run(pg, "select poprad.import_settings($1, $2::boolean)", &params, NULL);
	if (code == CTL_OK)
		code = import_check_texts(pg);
	return code == CTL_OK ? import_print_report(pg) : code;
}

static int end_import(struct call *call, struct pg *pg)
{
	if (call_has(call, "dry-run")) {
		fputs("this was a dry run: nothing has been written\n", call->out);
		return pg_run(pg, "rollback", NULL, NULL);
	}
	return pg_run(pg, "select poprad.import_clear()", NULL, NULL) == CTL_OK
		       ? pg_run(pg, "commit", NULL, NULL)
		       : CTL_DATABASE;
}

static int import_freeradius(struct call *call)
{
	const char *dsn = call_value(call, "dsn");
	struct pg *pg;
	int code;

	if (dsn == NULL)
		return call_fail(call, CTL_USAGE, "say where FreeRADIUS's tables are: --dsn");
	code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = attribute_load_dictionary(call);
	if (code == CTL_OK)
		code = pg_run(pg, "begin", NULL, NULL);
	if (code == CTL_OK)
		code = pg_run(pg, "select poprad.import_begin()", NULL, NULL);
	if (code == CTL_OK)
		code = import_from_database(call, pg, dsn);
	if (code == CTL_OK)
		code = write_settings(call, pg);
	return code == CTL_OK ? end_import(call, pg) : code;
}

const struct command import_commands[] = {
	{
		.verb = "freeradius",
		.options = freeradius_options,
		.sentence = "Takes over users, groups, access servers and pools of FreeRADIUS.",
		.details =
			"Says of every row that became something else, or nothing, why. It may be "
			"repeated: what has changed there since is changed here, unless it was "
			"changed here too, which is said.",
		.example = "popradctl import freeradius --dsn \"dbname=radius\" --dry-run",
		.run = import_freeradius,
	},
	{0},
};
