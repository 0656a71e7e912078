/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl db: the private cluster, the schema, the sample provider. */
#include "base/mem.h"
#include "ctl/cluster.h"
#include "ctl/commands.h"
#include "ctl/db.h"
#include "ctl/migrate.h"
#include "ctl/pg.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool is_private(const struct call *call)
{
	return call->conf->cluster_dir != NULL && *call->conf->cluster_dir != '\0';
}

int db_admin_conninfo(struct call *call, const char **conninfo)
{
	struct cluster cluster;
	int code = call_load_conf(call);

	*conninfo = call_value(call, "admin");
	if (code != CTL_OK || *conninfo != NULL)
		return code;
	if (!is_private(call))
		return call_fail(call, CTL_USAGE,
			"an existing database is changed by its administrator: add --admin "
			"'host=... dbname=... user=...'");
	code = cluster_open(call, &cluster);
	if (code == CTL_OK)
		*conninfo = cluster_conninfo(&cluster, cluster.database);
	return code;
}

static int open_admin(struct call *call, struct pg **pg)
{
	const char *conninfo;
	int code = db_admin_conninfo(call, &conninfo);

	return code != CTL_OK ? code : pg_open_conninfo(call, conninfo, pg);
}

static int create_database(struct call *call, const struct cluster *cluster)
{
	struct params params = {0};
	const char *found = NULL;
	char *name = NULL, *statement;
	struct pg *pg;
	int code = pg_open_conninfo(call, cluster_conninfo(cluster, "postgres"), &pg);

	params_add(&params, cluster->database);
	if (code == CTL_OK)
		code = pg_value(
			pg, "select datname from pg_database where datname = $1", &params, &found);
	if (code != CTL_OK || found != NULL)
		return code;
	name = mem_must(
		PQescapeIdentifier(pg->connection, cluster->database, strlen(cluster->database)));
	statement = mem_must(talloc_asprintf(call->ctx, "create database %s", name));
	PQfreemem(name);
	code = pg_run(pg, statement, NULL, NULL);
	talloc_free(pg);
	return code;
}

int db_make_cluster(struct call *call)
{
	struct cluster cluster;
	int code = call_load_conf(call);

	if (code != CTL_OK || !is_private(call) || call_has(call, "admin"))
		return code;
	code = cluster_open(call, &cluster);
	if (code == CTL_OK && !cluster_exists(&cluster))
		code = cluster_create(&cluster);
	if (code == CTL_OK)
		code = cluster_start(&cluster);
	return code != CTL_OK ? code : create_database(call, &cluster);
}

static int db_migrate(struct call *call)
{
	struct pg *pg;
	int code = open_admin(call, &pg);

	return code != CTL_OK ? code : migrate_run(pg);
}

static int db_init(struct call *call)
{
	int code = db_make_cluster(call);

	return code != CTL_OK ? code : db_migrate(call);
}

static int db_start(struct call *call)
{
	struct cluster cluster;
	int code = cluster_open(call, &cluster);

	if (code == CTL_OK)
		code = cluster_start(&cluster);
	if (code == CTL_OK)
		fprintf(call->out, "PostgreSQL runs, process %ld\n", (long)cluster_pid(&cluster));
	return code;
}

static int db_stop(struct call *call)
{
	struct cluster cluster;
	int code = cluster_open(call, &cluster);

	if (code == CTL_OK)
		code = cluster_stop(&cluster);
	if (code == CTL_OK)
		fprintf(call->out, "PostgreSQL is stopped\n");
	return code;
}

/* The schema's version as text, NULL if the database does not answer or has no schema. Not an error
 * here: it is what status is asked for. */
static const char *schema_version(struct call *call, bool *is_running)
{
	PGconn *connection = PQconnectdb(call->conf->operator_database);
	const char *version = NULL;
	PGresult *result;

	*is_running = PQstatus(connection) == CONNECTION_OK;
	result = PQexec(connection, "select max(version) from poprad.schema_migration");
	if (PQresultStatus(result) == PGRES_TUPLES_OK && !PQgetisnull(result, 0, 0))
		version = mem_must(talloc_strdup(call->ctx, PQgetvalue(result, 0, 0)));
	PQclear(result);
	PQfinish(connection);
	return version;
}

static json_t *json_number_or_null(long number)
{
	return number == 0 ? json_null() : json_integer(number);
}

static void print_status(struct call *call, const struct cluster *cluster, pid_t pid,
	bool is_running, const char *version)
{
	json_t *status;

	if (!call_has(call, "json")) {
		fprintf(call->out,
			"running:         %s\nsocket_dir:      %s\nport:            %s\n"
			"database:        %s\nschema_version:  %s\n",
			is_running ? "yes" : "no", *cluster->socket_dir ? cluster->socket_dir : "-",
			cluster->port, cluster->database, version == NULL ? "-" : version);
		if (pid != 0)
			fprintf(call->out, "pid:             %ld\n", (long)pid);
		return;
	}
	status = mem_must(json_pack("{s:b, s:s, s:i, s:s, s:o, s:o}", "running", is_running,
		"socket_dir", cluster->socket_dir, "port", atoi(cluster->port), "database",
		cluster->database, "pid", json_number_or_null(pid), "schema_version",
		json_number_or_null(version == NULL ? 0 : atol(version))));
	json_dumpf(status, call->out, JSON_COMPACT);
	fputc('\n', call->out);
	json_decref(status);
}

static int db_status(struct call *call)
{
	struct cluster cluster;
	const char *version;
	bool is_running;
	pid_t pid = 0;
	int code = cluster_location(call, &cluster);

	if (code == CTL_OK && is_private(call)) {
		code = cluster_open(call, &cluster);
	}
	if (code != CTL_OK)
		return code;
	version = schema_version(call, &is_running);
	if (is_running && is_private(call))
		pid = cluster_pid(&cluster);
	print_status(call, &cluster, pid, is_running, version);
	if (!is_running)
		return call_fail(call, CTL_REFUSED, "the database does not run (%s)",
			is_private(call) ? "popradctl db start" : "see operator_database");
	return CTL_OK;
}

static int db_sample(struct call *call)
{
	struct pg *pg;
	int code = open_admin(call, &pg);

	if (code == CTL_OK)
		code = migrate_load_sample(pg);
	if (code == CTL_OK)
		fprintf(call->out, "the sample provider is loaded\n");
	return code;
}

static const struct parameter admin_options[] = {
	{.name = "admin",
		.type = VALUE_TEXT,
		.form = "CONNINFO",
		.sentence = "Connection string of a role that may create roles and schemas; needed "
			    "for an existing database."},
	{0},
};

static const struct parameter status_options[] = {OPTION_JSON, {0}};

static const struct parameter file_argument[] = {
	{.name = "FILE", .type = VALUE_FILE, .sentence = "The backup."}, {0}};

const struct command db_commands[] = {
	{
		.verb = "init",
		.options = admin_options,
		.sentence = "Makes the private cluster, or the schema in an existing database.",
		.details = "With cluster_dir set, creates a PostgreSQL cluster there that listens "
			   "on a "
			   "Unix socket only, starts it, and applies the schema. "
			   "Without, applies the schema to the database that --admin names. "
			   "What is there already stays.",
		.example = "popradctl db init",
		.run = db_init,
	},
	{
		.verb = "start",
		.sentence = "Starts the private cluster.",
		.details =
			"Also after a crash, and while poprad runs: its connections come back by "
			"themselves.",
		.example = "popradctl db start",
		.run = db_start,
	},
	{
		.verb = "stop",
		.sentence = "Stops the private cluster.",
		.details = "poprad may go on running: it waits for the database.",
		.example = "popradctl db stop",
		.run = db_stop,
	},
	{
		.verb = "status",
		.options = status_options,
		.sentence = "Says whether the database runs, where, and with which schema.",
		.details = "Exits with 1 if it does not run.",
		.example = "popradctl db status --json",
		.run = db_status,
	},
	{
		.verb = "migrate",
		.options = admin_options,
		.sentence = "Brings the schema up to this version of poprad.",
		.details = "Applies what is missing, each step in a transaction; may be repeated. "
			   "Refuses a database that a newer poprad has used.",
		.example = "popradctl db migrate",
		.run = db_migrate,
	},
	{
		.verb = "sample",
		.options = admin_options,
		.sentence = "Loads the sample provider: its pools, filters, plans and two "
			    "subscribers.",
		.example = "popradctl db sample",
		.run = db_sample,
	},
	{
		.verb = "backup",
		.arguments = file_argument,
		.options = admin_options,
		.sentence = "Writes everything that poprad keeps in the database into one file.",
		.details = "The state of one moment; the server goes on meanwhile. A file that is "
			   "there already is not written over. Only its owner may read it: it has "
			   "passwords and secrets.",
		.example = "popradctl db backup /var/backups/poprad-2026-11-23",
		.run = db_backup,
	},
	{
		.verb = "restore",
		.arguments = file_argument,
		.options = admin_options,
		.sentence = "Fills a database with what a backup holds, with all of it or nothing.",
		.details = "With cluster_dir set, makes the private cluster, unless it is there. A "
			   "database that has the schema already is refused. A backup of an older "
			   "poprad is brought up to this version.",
		.example = "popradctl db restore /var/backups/poprad-2026-11-23",
		.run = db_restore,
	},
	{0},
};
