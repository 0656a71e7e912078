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

#define ADMINISTRATOR "postgres"
#define START_TRIES 10 /* a second apart: backends of a killed server need a moment to notice */
#define START_TIMEOUT_S "120" /* recovery after a crash replays up to max_wal_size */
#define STOP_TIMEOUT_S "60"

static const char *path_of(const struct cluster *cluster, const char *directory, const char *name)
{
	return mem_must(talloc_asprintf(cluster->call->ctx, "%s/%s", directory, name));
}

/* The one line of a program's output that says why it failed. */
static const char *last_line(char *output)
{
	size_t size = strlen(output);
	char *start;

	while (size > 0 && (output[size - 1] == '\n' || output[size - 1] == ' '))
		output[--size] = '\0';
	start = strrchr(output, '\n');
	return start == NULL ? output : start + 1;
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
			why == NULL ? "out of memory" : last_line(why));
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
	if (size >= room)
		return call_fail(cluster->call, CTL_REFUSED,
			"the socket's path %s/.s.PGSQL.%s has %zu octets and the system allows "
			"%zu: name a shorter directory as host in operator_database and database",
			cluster->socket_dir, cluster->port, size, room - 1);
	return CTL_OK;
}

static int find_user(struct cluster *cluster, const char *name)
{
	if (geteuid() != 0)
		return CTL_OK;
	cluster->user = getpwnam(name);
	if (cluster->user == NULL)
		return call_fail(cluster->call, CTL_REFUSED,
			"there is no user %s to run the database as: create it (useradd --system "
			"%s) or "
			"set cluster_user",
			name, name);
	if (cluster->user->pw_uid == 0)
		return call_fail(cluster->call, CTL_REFUSED,
			"PostgreSQL does not run as root: set cluster_user to an unprivileged "
			"user");
	/* getpwnam's answer is overwritten by the next one */
	struct passwd *copy =
		mem_must(talloc_memdup(cluster->call->ctx, cluster->user, sizeof(*cluster->user)));
	copy->pw_name = mem_must(talloc_strdup(cluster->call->ctx, name));
	cluster->user = copy;
	return CTL_OK;
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
	cluster->data = path_of(cluster, cluster->dir, "data");
	cluster->log = path_of(cluster, cluster->dir, "log");
	code = check_socket_path(cluster);
	return code != CTL_OK ? code : find_user(cluster, call->conf->cluster_user);
}

bool cluster_exists(const struct cluster *cluster)
{
	return access(path_of(cluster, cluster->data, "PG_VERSION"), F_OK) == 0;
}

const char *cluster_conninfo(const struct cluster *cluster, const char *database)
{
	return mem_must(talloc_asprintf(cluster->call->ctx, "host='%s' port=%s dbname='%s' user=%s",
		cluster->socket_dir, cluster->port, database, ADMINISTRATOR));
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
	const char *initdb = path_of(cluster, cluster->bin, "initdb");
	const char *const argv[] = {initdb, "-D", cluster->data, "-U", ADMINISTRATOR,
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
		call_fail(cluster->call, code, "initdb failed: %s", last_line(output));
	return code;
}

/* A quarter of the memory, but neither so little that everything is read anew nor more than a
 * database beside its server on a small machine should take. */
static unsigned long shared_buffers_mib(void)
{
	unsigned long page_kib = (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
	unsigned long quarter = (unsigned long)sysconf(_SC_PHYS_PAGES) / 4 * page_kib / 1024;

	return quarter < 128 ? 128 : quarter > 1024 ? 1024 : quarter;
}

/* In postgresql.conf and pg_ident.conf alike a quote is doubled inside quotes. */
static const char *quoted(const struct cluster *cluster, char quote, const char *text)
{
	char *result = mem_must(talloc_asprintf(cluster->call->ctx, "%c", quote));

	for (; *text; text++)
		result = mem_must(talloc_asprintf_append(
			result, *text == quote ? "%c%c" : "%c", *text, quote));
	return mem_must(talloc_asprintf_append(result, "%c", quote));
}

static void write_settings(const struct cluster *cluster, FILE *file)
{
	fprintf(file,
		"# Written by popradctl db start; your own settings go into local.conf beside it.\n"
		"listen_addresses = ''\n"
		"unix_socket_directories = %s\n"
		"unix_socket_permissions = 0777 # pg_ident.conf decides who may connect\n"
		"port = %s\n"
		"max_connections = 100\n"
		"shared_buffers = %luMB\n"
		"wal_level = replica\n"
		"max_wal_size = 4GB # rare checkpoints: each is followed by full page images\n"
		"checkpoint_timeout = 15min\n"
		"fsync = on\n"
		"full_page_writes = on\n"
		"synchronous_commit = on\n"
		"jit = off\n"
		"autovacuum_naptime = 15s\n"
		"idle_in_transaction_session_timeout = 5min # an old snapshot keeps dead rows\n"
		"timezone = 'UTC'\n"
		"logging_collector = on\n"
		"log_directory = %s\n"
		"log_filename = 'postgresql-%%a.log'\n"
		"log_truncate_on_rotation = on\n"
		"log_rotation_size = 0\n"
		"log_line_prefix = '%%m [%%p] %%u '\n"
		"# Details and statements repeat rows, and rows have passwords.\n"
		"log_error_verbosity = terse\n"
		"log_min_error_statement = panic\n"
		"include_if_exists = 'local.conf'\n",
		quoted(cluster, '\'', cluster->socket_dir), cluster->port, shared_buffers_mib(),
		quoted(cluster, '\'', cluster->log));
}

static void write_hba(const struct cluster *cluster, FILE *file)
{
	(void)cluster;
	fprintf(file, "# Written by popradctl db start. By the operating system's user alone, see "
		      "pg_ident.conf.\n"
		      "local all all peer map=poprad\n");
}

static void write_all_roles(const struct cluster *cluster, FILE *file, const char *user)
{
	static const char *const roles[] = {
		ADMINISTRATOR, "poprad_operator", "poprad_server", "poprad_billing"};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		fprintf(file, "poprad %s %s\n", quoted(cluster, '"', user), roles[i]);
}

/* Whoever ran sudo wants popradctl without it too. Only root reads this variable. */
static const char *sudo_user(void)
{
	const char *name = geteuid() == 0 ? getenv("SUDO_USER") : NULL;

	return name == NULL || getpwnam(name) == NULL ? NULL : name;
}

static void write_ident(const struct cluster *cluster, FILE *file)
{
	struct passwd *self = getpwuid(geteuid());
	const char *server = cluster->call->conf->user;

	fprintf(file, "# Written by popradctl db start: system user, role.\n");
	write_all_roles(cluster, file, "root");
	if (cluster->user != NULL)
		write_all_roles(cluster, file, cluster->user->pw_name);
	else if (self != NULL)
		write_all_roles(cluster, file, self->pw_name);
	if (sudo_user() != NULL)
		write_all_roles(cluster, file, sudo_user());
	if (server != NULL && *server != '\0')
		fprintf(file, "poprad %s poprad_server\n", quoted(cluster, '"', server));
}

/* Written beside and renamed, so that a crash leaves the old file. */
static int write_file(const struct cluster *cluster, const char *name,
	void (*write)(const struct cluster *cluster, FILE *file))
{
	const char *path = path_of(cluster, cluster->data, name);
	const char *fresh = mem_must(talloc_asprintf(cluster->call->ctx, "%s.new", path));
	/* The directory is the cluster user's: never follow a link from there as root. */
	int fd = (unlink(fresh),
		open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool is_written;

	if (file == NULL)
		return call_fail(
			cluster->call, CTL_REFUSED, "cannot write %s: %s", fresh, strerror(errno));
	write(cluster, file);
	is_written = cluster->user == NULL ||
		     fchown(fd, cluster->user->pw_uid, cluster->user->pw_gid) == 0;
	is_written = fflush(file) == 0 && fsync(fd) == 0 && is_written;
	if (fclose(file) != 0 || !is_written || rename(fresh, path) != 0)
		return call_fail(
			cluster->call, CTL_REFUSED, "cannot write %s: %s", path, strerror(errno));
	return CTL_OK;
}

static int write_files(const struct cluster *cluster)
{
	int code = write_file(cluster, "postgresql.conf", write_settings);

	if (code == CTL_OK)
		code = write_file(cluster, "pg_hba.conf", write_hba);
	if (code == CTL_OK)
		code = write_file(cluster, "pg_ident.conf", write_ident);
	return code;
}

pid_t cluster_pid(const struct cluster *cluster)
{
	FILE *file = fopen(path_of(cluster, cluster->data, "postmaster.pid"), "re");
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
		path_of(cluster, cluster->bin, "pg_ctl"), "-D", cluster->data, "status", NULL};
	char *output;

	return process_run(cluster->call->ctx, cluster->user, argv, &output) == 0 &&
	       PQping(cluster_conninfo(cluster, "postgres")) != PQPING_NO_RESPONSE;
}

int cluster_start(const struct cluster *cluster)
{
	const char *pg_ctl = path_of(cluster, cluster->bin, "pg_ctl");
	const char *log = path_of(cluster, cluster->log, "start.log");
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
		code = write_files(cluster);
	if (code != CTL_OK)
		return code;
	for (int attempt = 1;; attempt++) {
		int status = process_run(cluster->call->ctx, cluster->user, argv, &output);

		if (status == 0 || is_running(cluster))
			return CTL_OK;
		if (attempt == START_TRIES)
			return call_fail(cluster->call, CTL_DATABASE,
				"PostgreSQL does not start: %s (its log: %s and beside it)",
				last_line(output), log);
		sleep(1);
	}
}

int cluster_stop(const struct cluster *cluster)
{
	/* fast: open connections are ended; the server's clients reconnect by themselves */
	const char *const argv[] = {path_of(cluster, cluster->bin, "pg_ctl"), "-D", cluster->data,
		"-w", "-t", STOP_TIMEOUT_S, "-s", "-m", "fast", "stop", NULL};
	char *output = NULL;
	int code;

	if (!is_running(cluster))
		return CTL_OK;
	code = run_program(cluster, "pg_ctl", argv, &output);
	if (code == CTL_DATABASE && output != NULL)
		call_fail(cluster->call, code, "PostgreSQL does not stop: %s", last_line(output));
	return code;
}
