/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/migrate.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_MAX (4 << 20) /* octets; our largest file has some 40 kB */
#define CHECKSUM_SIZE (2 * EVP_MAX_MD_SIZE + 1)

struct script {
	const char *path, *name; /* name: without directory and .sql */
	char *text;
	char checksum[CHECKSUM_SIZE];
};

struct scripts {
	struct script *list;
	size_t count;
};

static const char *sql_dir(void)
{
	const char *named = getenv("POPRAD_SQL_DIR");

	return named != NULL && *named != '\0' ? named : PKGDATADIR "/sql";
}

static int checksum(const char *text, size_t size, char hex[CHECKSUM_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_size = 0;

	if (EVP_Digest(text, size, digest, &digest_size, EVP_sha256(), NULL) != 1)
		return ERR_LIBRARY;
	for (unsigned int i = 0; i < digest_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

static int script_read(struct pg *pg, struct script *script)
{
	FILE *file = fopen(script->path, "re");
	char *text = mem_must(talloc_size(pg->call->ctx, SCRIPT_MAX + 1));
	size_t size;
	int is_failed;

	if (file == NULL)
		return call_fail(
			pg->call, CTL_REFUSED, "cannot read %s: %s", script->path, strerror(errno));
	size = fread(text, 1, SCRIPT_MAX + 1, file);
	is_failed = ferror(file);
	fclose(file);
	if (is_failed || size > SCRIPT_MAX || memchr(text, '\0', size) != NULL)
		return call_fail(pg->call, CTL_REFUSED,
			"%s is not a readable SQL file of at most %d MiB", script->path,
			SCRIPT_MAX >> 20);
	text[size] = '\0';
	script->text = mem_must(talloc_realloc_size(pg->call->ctx, text, size + 1));
	if (checksum(script->text, size, script->checksum) != 0)
		return call_fail(pg->call, CTL_REFUSED, "OpenSSL has no SHA-256");
	return CTL_OK;
}

static int is_sql_file(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return size > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + size - 4, ".sql") == 0;
}

static int by_name(const struct dirent **one, const struct dirent **other)
{
	return strcmp((*one)->d_name, (*other)->d_name);
}

/* Appends the .sql files of a folder, in name order. A folder that is not there has none. */
static int scripts_add(struct pg *pg, struct scripts *scripts, const char *folder)
{
	const char *path = mem_must(talloc_asprintf(pg->call->ctx, "%s/%s", sql_dir(), folder));
	struct dirent **entries;
	int count = scandir(path, &entries, is_sql_file, by_name), code = CTL_OK;

	if (count < 0 && errno == ENOENT)
		return CTL_OK;
	if (count < 0)
		return call_fail(
			pg->call, CTL_REFUSED, "cannot read %s: %s", path, strerror(errno));
	scripts->list = mem_must(talloc_realloc_size(pg->call->ctx, scripts->list,
		(scripts->count + (size_t)count + 1) * sizeof(struct script)));
	for (int i = 0; i < count; i++) {
		struct script *script = &scripts->list[scripts->count];
		size_t size = strlen(entries[i]->d_name);

		*script = (struct script){
			.path = mem_must(
				talloc_asprintf(pg->call->ctx, "%s/%s", path, entries[i]->d_name)),
			.name = mem_must(
				talloc_strndup(pg->call->ctx, entries[i]->d_name, size - 4)),
		};
		if (code == CTL_OK)
			code = script_read(pg, script);
		scripts->count++;
		free(entries[i]);
	}
	free(entries);
	return code;
}

static int script_apply(struct pg *pg, const struct script *script)
{
	return pg_script(pg, script->text, script->path);
}

static long script_version(const struct script *script)
{
	return strtol(script->name, NULL, 10);
}

static int begin_as_owner(struct pg *pg)
{
	int code = pg_run(pg, "begin", NULL, NULL);

	return code != CTL_OK ? code : pg_run(pg, "set local role poprad_owner", NULL, NULL);
}

static const char *number_text(struct pg *pg, long number)
{
	return mem_must(talloc_asprintf(pg->call->ctx, "%ld", number));
}

/* What is recorded of a migration: *recorded is NULL if it was not applied. */
static int recorded_checksum(
	struct pg *pg, bool has_table, const struct script *script, const char **recorded)
{
	struct params params = {0};

	*recorded = NULL;
	params_add(&params, number_text(pg, script_version(script)));
	return !has_table ? CTL_OK
			  : pg_value(pg,
				    "select checksum from poprad.schema_migration where version = "
				    "$1::int",
				    &params, recorded);
}

/* Before anything is changed: is the database older than our files, and of the same history? */
static int check_history(struct pg *pg, bool has_table, const struct scripts *migrations)
{
	long newest = migrations->count == 0
			      ? 0
			      : script_version(&migrations->list[migrations->count - 1]);
	const char *found = NULL;
	int code = !has_table
			   ? CTL_OK
			   : pg_value(pg, "select max(version)::text from poprad.schema_migration",
				     NULL, &found);

	if (code == CTL_OK && found != NULL && strtol(found, NULL, 10) > newest)
		return call_fail(pg->call, CTL_REFUSED,
			"the database has schema version %s and this poprad knows %ld: use the "
			"newer poprad",
			found, newest);
	for (size_t i = 0; code == CTL_OK && i < migrations->count; i++) {
		const struct script *script = &migrations->list[i];

		code = recorded_checksum(pg, has_table, script, &found);
		if (code == CTL_OK && found != NULL && *found != '\0' &&
			strcmp(found, script->checksum) != 0)
			return call_fail(pg->call, CTL_REFUSED,
				"%s is not what was applied to this database: restore that file, "
				"changes go into a new one",
				script->path);
	}
	return code;
}

int migrate_roles(struct pg *pg)
{
	struct script roles = {
		.path = mem_must(talloc_asprintf(pg->call->ctx, "%s/roles.sql", sql_dir())),
		.name = "roles"};
	int code = script_read(pg, &roles);

	if (code == CTL_OK)
		code = pg_run(pg, "begin", NULL, NULL);
	if (code == CTL_OK)
		code = script_apply(pg, &roles);
	return code != CTL_OK ? code : pg_run(pg, "commit", NULL, NULL);
}

static int apply_migration(struct pg *pg, const struct script *script)
{
	struct params params = {0};
	int code = begin_as_owner(pg);

	if (code == CTL_OK)
		code = script_apply(pg, script);
	params_add(&params, number_text(pg, script_version(script)));
	params_add(&params, script->name);
	params_add(&params, script->checksum);
	if (code == CTL_OK)
		code = pg_run(pg,
			"insert into poprad.schema_migration (version, name, checksum) "
			"values ($1::int, $2, $3)",
			&params, NULL);
	return code != CTL_OK ? code : pg_run(pg, "commit", NULL, NULL);
}

static int apply_migrations(
	struct pg *pg, bool has_table, const struct scripts *migrations, size_t *applied)
{
	const char *recorded;
	int code = CTL_OK;

	*applied = 0;
	for (size_t i = 0; code == CTL_OK && i < migrations->count; i++) {
		code = recorded_checksum(pg, has_table, &migrations->list[i], &recorded);
		if (code != CTL_OK || recorded != NULL)
			continue;
		code = apply_migration(pg, &migrations->list[i]);
		has_table = true;
		++*applied;
	}
	return code;
}

/* One checksum over the files' own. */
static int scripts_checksum(struct pg *pg, const struct scripts *scripts, char hex[CHECKSUM_SIZE])
{
	char *all = mem_must(talloc_strdup(pg->call->ctx, ""));

	for (size_t i = 0; i < scripts->count; i++)
		all = mem_must(talloc_asprintf_append(
			all, "%s %s\n", scripts->list[i].name, scripts->list[i].checksum));
	return checksum(all, strlen(all), hex) == 0
		       ? CTL_OK
		       : call_fail(pg->call, CTL_REFUSED, "OpenSSL has no SHA-256");
}

static int apply_scripts(struct pg *pg, const struct scripts *scripts)
{
	int code = begin_as_owner(pg);

	for (size_t i = 0; code == CTL_OK && i < scripts->count; i++)
		code = script_apply(pg, &scripts->list[i]);
	return code;
}

static int apply_code(struct pg *pg, bool is_forced, bool *is_applied)
{
	struct scripts scripts = {0};
	struct params params = {0};
	char fresh[CHECKSUM_SIZE];
	const char *recorded = NULL;
	int code = scripts_add(pg, &scripts, "functions");

	if (code == CTL_OK)
		code = scripts_add(pg, &scripts, "views");
	if (code == CTL_OK)
		code = scripts_add(pg, &scripts, "grants");
	if (code == CTL_OK)
		code = scripts_checksum(pg, &scripts, fresh);
	if (code == CTL_OK)
		code = pg_value(pg, "select checksum from poprad.schema_code", NULL, &recorded);
	if (code != CTL_OK)
		return code;
	*is_applied = is_forced || recorded == NULL || strcmp(recorded, fresh) != 0;
	if (!*is_applied)
		return CTL_OK;
	params_add(&params, fresh);
	code = apply_scripts(pg, &scripts);
	if (code == CTL_OK)
		code = pg_run(pg,
			"insert into poprad.schema_code (checksum) values ($1) "
			"on conflict (one) do update set checksum = $1, applied_at = now()",
			&params, NULL);
	return code != CTL_OK ? code : pg_run(pg, "commit", NULL, NULL);
}

int migrate_run(struct pg *pg)
{
	struct scripts migrations = {0};
	const char *table = NULL;
	size_t applied = 0;
	bool is_code_applied = false;
	/* Two runs at a time would meet in the middle; the lock ends with the connection. */
	int code = pg_run(pg, "select pg_advisory_lock(hashtext('poprad migrate'))", NULL, NULL);

	if (code == CTL_OK)
		code = scripts_add(pg, &migrations, "migrations");
	if (code == CTL_OK && migrations.count == 0)
		return call_fail(pg->call, CTL_REFUSED,
			"there are no migrations in %s: is poprad installed completely?",
			sql_dir());
	if (code == CTL_OK)
		code = pg_value(
			pg, "select to_regclass('poprad.schema_migration')::text", NULL, &table);
	if (code == CTL_OK)
		code = check_history(pg, table != NULL, &migrations);
	if (code == CTL_OK)
		code = migrate_roles(pg);
	if (code == CTL_OK)
		code = apply_migrations(pg, table != NULL, &migrations, &applied);
	if (code == CTL_OK)
		code = apply_code(pg, applied > 0, &is_code_applied);
	if (code == CTL_OK)
		fprintf(pg->call->out,
			"schema version %ld: %zu migration(s) applied, functions %s\n",
			script_version(&migrations.list[migrations.count - 1]), applied,
			is_code_applied ? "applied" : "unchanged");
	return code;
}

int migrate_load_sample(struct pg *pg)
{
	struct scripts scripts = {0};
	int code = scripts_add(pg, &scripts, "sample");

	if (code == CTL_OK && scripts.count == 0)
		return call_fail(
			pg->call, CTL_REFUSED, "there is no sample data in %s/sample", sql_dir());
	if (code == CTL_OK)
		code = apply_scripts(pg, &scripts);
	return code != CTL_OK ? code : pg_run(pg, "commit", NULL, NULL);
}
