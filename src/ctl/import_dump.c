/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl import freeradius --dump: the source is a file that mysqldump wrote. */
#include "base/mem.h"
#include "ctl/import_staging.h"
#include "ctl/mysql_dump.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

struct load {
	struct call *call;
	struct pg *pg;
	const char *path;
	struct mysql_dump *dump;
	struct staging staging; /* of the table whose rows come now */
	bool is_open;           /* rows of it have been sent */
	char *line;             /* a row in COPY's text form */
};

static char *append_text(char *line, const char *text)
{
	/* Each octet may become two, and a few stand behind the value. */
	size_t size = talloc_get_size(line), length = strlen(line);
	size_t wanted = length + 2 * strlen(text) + 8;
	char *end;

	if (size < wanted)
		line = mem_must(talloc_realloc_size(NULL, line, 2 * wanted));
	end = line + length;
	for (; *text != '\0'; text++) {
		static const char plain[] = "\\\n\r\t", written[] = "\\nrt";
		const char *found = strchr(plain, *text);

		if (found != NULL)
			*end++ = '\\';
		*end++ = found != NULL ? written[found - plain] : *text;
	}
	*end = '\0';
	return line;
}

/* NULL: the table has no such column, or it is null. */
static const char *value_of(const struct mysql_dump *dump, const char *column)
{
	for (size_t i = 0; i < dump->count; i++)
		if (strcasecmp(dump->table->columns[i], column) == 0)
			return dump->values[i];
	return NULL;
}

static int send_row(struct load *load)
{
	const struct staging *staging = &load->staging;

	load->line[0] = '\0';
	for (size_t i = 0; i < staging->column_count; i++) {
		const char *value = value_of(load->dump, staging->columns[i]);
		size_t length;

		load->line = append_text(load->line, value == NULL ? "" : value);
		length = strlen(load->line);
		/* append_text leaves room for these. */
		snprintf(load->line + length, 4, "%s%c", value == NULL ? "\\N" : "",
			i + 1 < staging->column_count ? '\t' : '\n');
	}
	return staging_put(staging, load->line, strlen(load->line));
}

/* The rows of a table follow each other as a rule; each time that they do not, it begins anew. */
static int change_table(struct load *load)
{
	const char *table = load->dump->table->name;
	int code = CTL_OK;

	if (load->is_open && strcmp(load->staging.table, table) == 0)
		return CTL_OK;
	if (load->is_open)
		code = staging_end(&load->staging);
	load->is_open = false;
	for (size_t i = 0; code == CTL_OK && staging_tables[i] != NULL; i++)
		if (strcmp(staging_tables[i], table) == 0)
			code = staging_init(
				load->call->ctx, &load->staging, load->pg, staging_tables[i]);
	if (code == CTL_OK)
		code = staging_begin(&load->staging);
	load->is_open = code == CTL_OK;
	return code;
}

static int load_rows(struct load *load)
{
	int code = CTL_OK;

	while (code == CTL_OK && mysql_dump_next(load->dump)) {
		code = change_table(load);
		if (code == CTL_OK)
			code = send_row(load);
	}
	if (code == CTL_OK && load->dump->fault != NULL)
		return call_fail(load->call, CTL_REFUSED, "%s:%lu: the file %s", load->path,
			load->dump->line, load->dump->fault);
	if (code == CTL_OK && load->is_open)
		code = staging_end(&load->staging);
	return code;
}

int import_from_dump(struct call *call, struct pg *pg, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	struct load load = {.call = call, .pg = pg, .path = is_stdin ? "standard input" : path};
	int code;

	if (file == NULL)
		return call_fail(call, CTL_REFUSED, "cannot read %s: %s", path, strerror(errno));
	load.line = mem_must(talloc_zero_size(NULL, 4096));
	load.dump = mysql_dump_new(call->ctx, file, staging_tables);
	code = load_rows(&load);
	if (code == CTL_OK && ferror(file))
		code = call_fail(call, CTL_REFUSED, "cannot read %s: %s", path, strerror(errno));
	talloc_free(load.line);
	if (!is_stdin)
		fclose(file);
	return code == CTL_OK ? pg_run(pg, "select poprad.import_fold_case()", NULL, NULL) : code;
}
