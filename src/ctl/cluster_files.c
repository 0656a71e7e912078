/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The private cluster's configuration: settings, and who may connect. Written anew at each start,
 * so that it follows poprad.conf. */
#include "base/mem.h"
#include "ctl/cluster.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A quarter of the memory, but neither so little that everything is read anew nor more than a
 * database beside its server on a small machine should take. */
static unsigned long shared_buffers_mib(void)
{
	unsigned long page_kib = (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
	unsigned long quarter = (unsigned long)sysconf(_SC_PHYS_PAGES) / 4 * page_kib / 1024;

	return quarter < 128 ? 128 : quarter > 4096 ? 4096 : quarter;
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
	static const char *const roles[] = {CLUSTER_ADMINISTRATOR, "poprad_operator",
		"poprad_server", "poprad_billing", "poprad_tools"};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		fprintf(file, "poprad %s %s\n", quoted(cluster, '"', user), roles[i]);
}

static void write_ident(const struct cluster *cluster, FILE *file)
{
	const char *server = cluster->call->conf->user;

	fprintf(file, "# Written by popradctl db start: system user, role.\n");
	write_all_roles(cluster, file, "root");
	for (const char *const *name = cluster->operators; *name != NULL; name++)
		write_all_roles(cluster, file, *name);
	if (server != NULL && *server != '\0')
		fprintf(file, "poprad %s poprad_server\n", quoted(cluster, '"', server));
}

/* Written beside and renamed, so that a crash leaves the old file. */
static int write_file(const struct cluster *cluster, const char *name,
	void (*write)(const struct cluster *cluster, FILE *file))
{
	const char *path = cluster_path(cluster, cluster->data, name);
	const char *fresh = mem_must(talloc_asprintf(cluster->call->ctx, "%s.new", path));
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool is_written;

	if (file == NULL)
		return call_fail(
			cluster->call, CTL_REFUSED, "cannot write %s: %s", fresh, strerror(errno));
	write(cluster, file);
	is_written = fflush(file) == 0 && fsync(fd) == 0;
	if (fclose(file) != 0 || !is_written || rename(fresh, path) != 0)
		return call_fail(
			cluster->call, CTL_REFUSED, "cannot write %s: %s", path, strerror(errno));
	return CTL_OK;
}

int cluster_write_files(const void *owner)
{
	const struct cluster *cluster = owner;
	int code = write_file(cluster, "postgresql.conf", write_settings);

	if (code == CTL_OK)
		code = write_file(cluster, "pg_hba.conf", write_hba);
	if (code == CTL_OK)
		code = write_file(cluster, "pg_ident.conf", write_ident);
	return code;
}
