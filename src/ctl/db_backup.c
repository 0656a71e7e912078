/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl db backup and db restore: both schemas in one file of pg_dump's own format. Roles are
 * not in it, because they belong to the cluster: restoring makes them as a migration does. */
#include "base/mem.h"
#include "ctl/cluster.h"
#include "ctl/db.h"
#include "ctl/migrate.h"
#include "ctl/process.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* PostgreSQL's programs run in "/". */
static const char *absolute_path(struct call *call, const char *path)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	const char *absolute = path;

	if (here != NULL)
		absolute = mem_must(talloc_asprintf(call->ctx, "%s/%s", here, path));
	free(here);
	return absolute;
}

/* Runs one of PostgreSQL's programs, as we are. */
static int run_program(struct call *call, const char *argv[])
{
	const char *name = argv[0];
	char *output = NULL;
	int status;

	argv[0] = mem_must(talloc_asprintf(call->ctx, "%s/%s", call->conf->cluster_bin, name));
	status = process_run(call->ctx, NULL, argv, &output);
	if (status < 0)
		return call_fail(call, CTL_DATABASE, "cannot run %s: %s", argv[0], strerror(errno));
	return status == 0 ? CTL_OK : call_fail(call, CTL_REFUSED, "%s", process_reason(output));
}

/* Backup ----------------------------------------------------------------------------------- */

/* The draft is the file, once all of it is on the disk. link does not write over a file that came
 * meanwhile. */
static int publish(struct call *call, const char *draft, const char *path, int64_t *size)
{
	char *folder = mem_must(talloc_strdup(call->ctx, path));
	int file = open(draft, O_RDONLY | O_CLOEXEC), directory;
	struct stat found;
	bool is_done;

	*strrchr(folder, '/') = '\0';
	directory = open(*folder != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_done = file >= 0 && directory >= 0 && fstat(file, &found) == 0 && fsync(file) == 0 &&
		  link(draft, path) == 0 && fsync(directory) == 0;
	if (is_done)
		*size = found.st_size;
	else
		call_fail(call, CTL_REFUSED, "%s: %s", path, strerror(errno));
	if (file >= 0)
		close(file);
	if (directory >= 0)
		close(directory);
	return is_done ? CTL_OK : CTL_REFUSED;
}

/* Empty; pg_dump truncates it again and keeps its mode. */
static int make_draft(struct call *call, const char *draft)
{
	int file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return call_fail(call, CTL_REFUSED, "%s: %s%s", draft, strerror(errno),
			errno == EEXIST ? " (another backup is being written, or broke off: then "
					  "remove it)"
					: "");
	close(file);
	return CTL_OK;
}

int db_backup(struct call *call)
{
	const char *path = absolute_path(call, call_value(call, "FILE"));
	const char *draft = mem_must(talloc_asprintf(call->ctx, "%s.part", path));
	const char *conninfo, *version;
	struct pg *pg;
	int64_t size = 0;
	int code = db_admin_conninfo(call, &conninfo);

	if (code == CTL_OK && access(path, F_OK) == 0)
		return call_fail(call, CTL_REFUSED, "%s is there already", path);
	if (code == CTL_OK)
		code = pg_open_conninfo(call, conninfo, &pg);
	if (code == CTL_OK)
		code = pg_value(
			pg, "select max(version) from poprad.schema_migration", NULL, &version);
	if (code == CTL_OK)
		code = make_draft(call, draft);
	if (code != CTL_OK)
		return code;
	code = run_program(
		call, (const char *[]){"pg_dump", "--format=custom", "--schema=poprad",
			      "--schema=radius", "--file", draft, "--dbname", conninfo, NULL});
	if (code == CTL_OK)
		code = publish(call, draft, path, &size);
	if (unlink(draft) != 0)
		return call_fail(call, CTL_REFUSED, "%s: %s", draft, strerror(errno));
	if (code == CTL_OK)
		fprintf(call->out, "%s: %" PRId64 " octets, schema version %s\n", path, size,
			version);
	return code;
}

/* Restore ---------------------------------------------------------------------------------- */

static int check_empty(struct pg *pg)
{
	const char *found;
	int code = pg_value(pg,
		"select string_agg(nspname, ' and ' order by nspname) from "
		"pg_namespace where nspname in ('poprad', 'radius')",
		NULL, &found);

	if (code == CTL_OK && found != NULL)
		code = call_fail(pg->call, CTL_REFUSED,
			"the database has the schema %s already: restore into one without (for a "
			"private cluster, move cluster_dir away first)",
			found);
	return code;
}

/* A file that is no backup is refused before anything is made. */
static int check_file(struct call *call, const char *path)
{
	const char *argv[] = {"pg_restore", "--list", path, NULL};

	return access(path, R_OK) == 0
		       ? run_program(call, argv)
		       : call_fail(call, CTL_REFUSED, "%s: %s", path, strerror(errno));
}

int db_restore(struct call *call)
{
	const char *path = absolute_path(call, call_value(call, "FILE")), *conninfo;
	struct pg *pg;
	int code = db_admin_conninfo(call, &conninfo);

	if (code == CTL_OK)
		code = check_file(call, path);
	if (code == CTL_OK)
		code = db_make_cluster(call);
	if (code == CTL_OK)
		code = pg_open_conninfo(call, conninfo, &pg);
	if (code == CTL_OK)
		code = check_empty(pg);
	if (code == CTL_OK)
		code = migrate_roles(pg);
	if (code == CTL_OK)
		code = run_program(
			call, (const char *[]){"pg_restore", "--single-transaction",
				      "--exit-on-error", "--dbname", conninfo, path, NULL});
	if (code == CTL_OK)
		code = migrate_run(pg);
	return code != CTL_OK ? code : pg_run(pg, "analyze", NULL, NULL);
}
