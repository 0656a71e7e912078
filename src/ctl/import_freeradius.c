/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl import freeradius: what FreeRADIUS has in its SQL tables becomes ours. The rows are
 * copied as they are, and the database makes something of them (sql/functions/import*.sql): of all
 * but sessions in one transaction, of sessions in many. A dry run is one transaction that is not
 * committed. */
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
	{.name = "dump",
		.type = VALUE_FILE,
		.form = "FILE",
		.sentence = "A file that mysqldump or mariadb-dump wrote of FreeRADIUS's database; "
			    "- is standard input."},
	{.name = "time-zone",
		.type = VALUE_ZONE,
		.form = "ZONE",
		.sentence = "Of times that name none, such as those of Expiration and all in a "
			    "dump; UTC otherwise."},
	{.name = "dry-run", .sentence = "Only say what would become of every row."},
	{.name = "overwrite",
		.sentence = "Also write over what is here already, or has been changed here since "
			    "the last import."},
	{0},
};

static const char *time_zone(const struct call *call)
{
	const char *zone = call_value(call, "time-zone");

	return zone == NULL ? "UTC" : zone;
}

static int read_source(struct call *call, struct pg *pg)
{
	int code = pg_run(pg, "begin", NULL, NULL);

	if (code == CTL_OK)
		code = pg_run(pg, "select poprad.import_begin()", NULL, NULL);
	if (code != CTL_OK)
		return code;
	return call_has(call, "dsn") ? import_from_database(call, pg, call_value(call, "dsn"))
				     : import_from_dump(call, pg, call_value(call, "dump"));
}

static int write_settings(struct call *call, struct pg *pg)
{
	struct params params = {0};
	int code;

	params_add(&params, time_zone(call));
	params_add(&params, call_has(call, "overwrite") ? "true" : "false");
	code = pg_run(pg, "select poprad.import_settings($1, $2::boolean)", &params, NULL);
	if (code == CTL_OK)
		code = import_check_texts(pg);
	return code == CTL_OK ? import_print_settings(pg) : code;
}

static int try_all(struct call *call, struct pg *pg)
{
	int code = import_sessions(pg, time_zone(call));

	if (code == CTL_OK)
		code = pg_run(pg, "rollback", NULL, NULL);
	if (code == CTL_OK)
		fputs("this was a dry run: nothing has been written\n", call->out);
	return code;
}

static int write_all(struct call *call, struct pg *pg)
{
	int code = pg_run(pg, "commit", NULL, NULL);

	if (code == CTL_OK)
		code = import_sessions(pg, time_zone(call));
	return code == CTL_OK ? pg_run(pg, "select poprad.import_clear()", NULL, NULL) : code;
}

static int import_freeradius(struct call *call)
{
	struct pg *pg;
	int code;

	if (call_has(call, "dsn") == call_has(call, "dump"))
		return call_fail(call, CTL_USAGE,
			"say where FreeRADIUS's tables are: either --dsn or --dump");
	code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = attribute_load_dictionary(call);
	if (code == CTL_OK)
		code = read_source(call, pg);
	if (code == CTL_OK)
		code = write_settings(call, pg);
	if (code != CTL_OK)
		return code;
	return call_has(call, "dry-run") ? try_all(call, pg) : write_all(call, pg);
}

const struct command import_commands[] = {
	{
		.verb = "freeradius",
		.options = freeradius_options,
		.sentence = "Takes over users, groups, access servers, pools and sessions of "
			    "FreeRADIUS.",
		.details =
			"Says of every row that became something else, or nothing, why. It may be "
			"repeated: what has changed there since is changed here, unless it was "
			"changed here too, which is said.",
		.example = "popradctl import freeradius --dsn \"dbname=radius\" --dry-run",
		.run = import_freeradius,
	},
	{0},
};
