/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/cluster.h"
#include "base/mem.h"
#include "ctl/process.h"
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define START_TRIES 10 /* a second apart: backends of a killed server need a moment to notice */
#define START_TIMEOUT_S "120" /* recovery after a crash replays up to max_wal_size */
#define STOP_TIMEOUT_S "60"

const char *cluster_path(const struct cluster *cluster, const char *directory, const char *name)
{
	return mem_must(talloc_asprintf(cluster->call->ctx, "%s/%s", directory, name));
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val == NULL ? "" : options->val;
	return "";
}

int cluster_location(struct call *call, struct cluster *cluster)
{
	PQconninfoOption *options;
	char *why = NULL;
	int code;

	*cluster = (struct cluster){.call = call};
	code = call_load_conf(call);
	if (code != CTL_OK)
		return code;
	options = PQconninfoParse(call->conf->operator_database, &why);
	if (options == NULL) {
		code = call_fail(call, CTL_USAGE, "operator_database is no connection string: %s",
			why == NULL ? "out of memory" : process_reason(why));
		PQfreemem(why);
		return code;
	}
	cluster->socket_dir = mem_must(talloc_strdup(call->ctx, option_value(options, "host")));
	cluster->port = mem_must(talloc_strdup(call->ctx, option_value(options, "port")));
	cluster->database = mem_must(talloc_strdup(call->ctx, option_value(options, "dbname")));
	PQconninfoFree(options);
	if (*cluster->port == '\0')
		cluster->port = "5432";
	if (*cluster->database == '\0')
		cluster->database = "poprad";
	return CTL_OK;
}

static int check_socket_path(const struct cluster *cluster)
{
	size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	/* PostgreSQL calls it .s.PGSQL.PORT */
	size_t size = strlen(cluster->socket_dir) + strlen("/.s.PGSQL.") + strlen(cluster->port);

	if (cluster->socket_dir[0] != '/' || strchr(cluster->socket_dir, ',') != NULL)
		return call_fail(cluster->call, CTL_REFUSED,
			"a private cluster listens on a Unix socket: write host=%s/socket into "
			"operator_database and database",
			cluster->dir);
	if (cluster->port[strspn(cluster->port, "0123456789")] != '\0')
		return call_fail(cluster->call, CTL_REFUSED,
			"a private cluster has one port: write a number into operator_database");
	if (size >= room)
		return call_fail(cluster->call, CTL_REFUSED,
			"the socket's path %s/.s.PGSQL.%s has %zu octets and the system allows "
			"%zu: name a shorter directory as host in operator_database and database",
			cluster->socket_dir, cluster->port, size, room - 1);
	return CTL_OK;
}

static int find_user(struct cluster *cluster, const char *name)
{
	const struct passwd *user;

	if (geteuid() != 0)
		return CTL_OK;
	user = getpwnam(name);
	if (user == NULL)
		return call_fail(cluster->call, CTL_REFUSED,
			"there is no user %s to run the database as: create it (useradd --system "
			"%s) or "
			"set cluster_user",
			name, name);
	if (user->pw_uid == 0)
		return call_fail(cluster->call, CTL_REFUSED,
			"PostgreSQL does not run as root: set cluster_user to an unprivileged "
			"user");
	/* getpwnam's answer is overwritten by the next one */
	cluster->user_copy = *user;
	cluster->user_copy.pw_name = mem_must(talloc_strdup(cluster->call->ctx, name));
	cluster->user = &cluster->user_copy;
	return CTL_OK;
}

/* Who may connect as any role: whoever runs the cluster, and whoever ran sudo, who wants popradctl
 * without it too. Only root is believed what SUDO_USER says. */
static void find_operators(struct cluster *cluster)
{
	const struct passwd *self = getpwuid(geteuid());
	const char *sudo_user = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	size_t count = 0;

	if (self != NULL)
		cluster->operators[count++] =
			mem_must(talloc_strdup(cluster->call->ctx, self->pw_name));
	if (cluster->user != NULL)
		cluster->operators[count++] = cluster->user->pw_name;
	if (sudo_user != NULL && getpwnam(sudo_user) != NULL)
		cluster->operators[count++] = sudo_user;
	cluster->operators[count] = NULL;
}

int cluster_open(struct call *call, struct cluster *cluster)
{
	int code = cluster_location(call, cluster);

	if (code != CTL_OK)
		return code;
	if (call->conf->cluster_dir == NULL || *call->conf->cluster_dir == '\0')
		return call_fail(call, CTL_REFUSED,
			"no private cluster is configured: set cluster_dir, or manage the database "
			"of operator_database with its own tools");
	if (*call->conf->cluster_dir != '/')
		return call_fail(call, CTL_USAGE, "cluster_dir must be an absolute path");
	cluster->dir = call->conf->cluster_dir;
	cluster->bin = call->conf->cluster_bin;
	cluster->data = cluster_path(cluster, cluster->dir, "data");
	cluster->log = cluster_path(cluster, cluster->dir, "log");
	code = check_socket_path(cluster);
	if (code == CTL_OK)
		code = find_user(cluster, call->conf->cluster_user);
	if (code == CTL_OK)
		find_operators(cluster);
	return code;
}

bool cluster_exists(const struct cluster *cluster)
{
	return access(cluster_path(cluster, cluster->data, "PG_VERSION"), F_OK) == 0;
}

const char *cluster_conninfo(const struct cluster *cluster, const char *database)
{
	return mem_must(talloc_asprintf(cluster->call->ctx, "host='%s' port=%s dbname='%s' user=%s",
		cluster->socket_dir, cluster->port, database, CLUSTER_ADMINISTRATOR));
}

/* Gives a directory that we have just made to the cluster's user. Through a descriptor: the
 * directory above may be that user's, who could put a link in its place. */
static bool give_directory(const struct cluster *cluster, const char *path, mode_t mode)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool is_given;

	if (fd < 0)
		return false;
	is_given = fchmod(fd, mode) == 0 &&
		   (cluster->user == NULL ||
			   fchown(fd, cluster->user->pw_uid, cluster->user->pw_gid) == 0);
	close(fd);
	return is_given;
}

/* A directory of the cluster's user; one that is there already stays as it is. */
static int make_directory(const struct cluster *cluster, const char *path, mode_t mode)
{
	const char *blocked;
	bool is_new = mkdir(path, mode) == 0;

	if (!is_new && errno != EEXIST)
		return call_fail(cluster->call, CTL_REFUSED, "cannot create the directory %s: %s%s",
			path, strerror(errno),
			errno == ENOENT ? " (create the directory above it first)" : "");
	if (is_new && !give_directory(cluster, path, mode))
		return call_fail(
			cluster->call, CTL_REFUSED, "cannot prepare %s: %s", path, strerror(errno));
	blocked = process_blocked_directory(cluster->call->ctx, cluster->user, path);
	if (blocked != NULL)
		return call_fail(cluster->call, CTL_REFUSED,
			"user %s cannot enter %s: allow it (chmod o+x %s) or choose another "
			"cluster_dir",
			cluster->user == NULL ? "(you)" : cluster->user->pw_name, blocked, blocked);
	return CTL_OK;
}

static int make_directories(const struct cluster *cluster)
{
	int code = make_directory(cluster, cluster->dir, 0755);

	if (code == CTL_OK)
		code = make_directory(cluster, cluster->log, 0750);
	if (code == CTL_OK)
		code = make_directory(cluster, cluster->socket_dir, 0755);
	return code;
}

static int run_program(
	const struct cluster *cluster, const char *name, const char *const argv[], char **output)
{
	int status = process_run(cluster->call->ctx, cluster->user, argv, output);

	if (status < 0)
		return call_fail(cluster->call, CTL_DATABASE, "cannot run %s/%s: %s", cluster->bin,
			name, strerror(errno));
	return status == 0 ? CTL_OK : CTL_DATABASE;
}

int cluster_create(const struct cluster *cluster)
{
	const char *initdb = cluster_path(cluster, cluster->bin, "initdb");
	const char *const argv[] = {initdb, "-D", cluster->data, "-U", CLUSTER_ADMINISTRATOR,
		"--auth=reject", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", NULL};
	char *output = NULL;
	int code;

	if (access(initdb, X_OK) != 0)
		return call_fail(cluster->call, CTL_REFUSED,
			"%s is not there: install PostgreSQL (Debian: postgresql) or set "
			"cluster_bin",
			initdb);
	code = make_directories(cluster);
	if (code != CTL_OK)
		return code;
	code = run_program(cluster, "initdb", argv, &output);
	if (code == CTL_DATABASE && output != NULL)
		call_fail(cluster->call, code, "initdb failed: %s", process_reason(output));
	return code;
}

pid_t cluster_pid(const struct cluster *cluster)
{
	FILE *file = fopen(cluster_path(cluster, cluster->data, "postmaster.pid"), "re");
	char line[32] = "", *end;
	long pid;

	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	pid = strtol(line, &end, 10);
	if (end == line || pid <= 1 || pid > INT32_MAX)
		return 0;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM ? (pid_t)pid : 0;
}

/* pg_ctl takes a process that was killed a moment ago, or one that has its number after a reboot,
 * for the server: only what answers on the socket runs. */
static bool is_running(const struct cluster *cluster)
{
	const char *const argv[] = {
		cluster_path(cluster, cluster->bin, "pg_ctl"), "-D", cluster->data, "status", NULL};
	char *output;

	return process_run(cluster->call->ctx, cluster->user, argv, &output) == 0 &&
	       PQping(cluster_conninfo(cluster, "postgres")) != PQPING_NO_RESPONSE;
}

int cluster_start(const struct cluster *cluster)
{
	const char *pg_ctl = cluster_path(cluster, cluster->bin, "pg_ctl");
	const char *log = cluster_path(cluster, cluster->log, "start.log");
	const char *const argv[] = {pg_ctl, "-D", cluster->data, "-w", "-t", START_TIMEOUT_S, "-s",
		"-l", log, "start", NULL};
	char *output;
	int code;

	if (!cluster_exists(cluster))
		return call_fail(cluster->call, CTL_REFUSED,
			"there is no cluster in %s: popradctl db init makes one", cluster->dir);
	if (is_running(cluster))
		return CTL_OK;
	code = make_directories(cluster);
	if (code == CTL_OK)
		code = process_do_as(cluster->user, cluster_write_files, cluster);
	if (code < 0)
		return call_fail(
			cluster->call, CTL_REFUSED, "cannot start a process: %s", strerror(errno));
	if (code != CTL_OK)
		return code;
	for (int attempt = 1;; attempt++) {
		int status = process_run(cluster->call->ctx, cluster->user, argv, &output);

		if (status == 0 || is_running(cluster))
			return CTL_OK;
		if (attempt == START_TRIES)
			return call_fail(cluster->call, CTL_DATABASE,
				"PostgreSQL does not start: %s (its log: %s and beside it)",
				process_reason(output), log);
		sleep(1);
	}
}

int cluster_stop(const struct cluster *cluster)
{
	/* fast: open connections are ended; the server's clients reconnect by themselves */
	const char *const argv[] = {cluster_path(cluster, cluster->bin, "pg_ctl"), "-D",
		cluster->data, "-w", "-t", STOP_TIMEOUT_S, "-s", "-m", "fast", "stop", NULL};
	char *output = NULL;
	int code;

	if (!is_running(cluster))
		return CTL_OK;
	code = run_program(cluster, "pg_ctl", argv, &output);
	if (code == CTL_DATABASE && output != NULL)
		call_fail(cluster->call, code, "PostgreSQL does not stop: %s",
			process_reason(output));
	return code;
}
