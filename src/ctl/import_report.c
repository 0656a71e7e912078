/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/import_report.h"
#include "base/mem.h"
#include "ctl/field.h"
#include "ctl/value.h"
#include "radius/dictionary.h"
#include <stdlib.h>
#include <string.h>

enum { SOURCE, ID, OWNER, ATTRIBUTE, LINE, PASSWORD };

/* What is wrong with a row of import_texts; NULL: nothing. */
static const char *text_problem(TALLOC_CTX *ctx, const PGresult *rows, int row)
{
	struct encoded_attr attr;
	const char *fault;
	char *why = NULL;

	if (!PQgetisnull(rows, row, LINE)) {
		if (attr_from_text(ctx, PQgetvalue(rows, row, LINE), &attr, &why) == 0)
			return NULL;
		return mem_must(talloc_asprintf(ctx, "kept, and not sent: %s", why));
	}
	fault = password_fault(PQgetvalue(rows, row, PASSWORD));
	return fault == NULL
		       ? NULL
		       : mem_must(talloc_asprintf(ctx,
				 "kept, and nobody can log in with it: the password %s", fault));
}

struct problems {
	const char **texts[4]; /* the parameters of import_tell */
	unsigned count;
};

static void add_problem(TALLOC_CTX *ctx, struct problems *problems, const char *const texts[4])
{
	for (size_t i = 0; i < 4; i++) {
		problems->texts[i] = mem_must(
			talloc_realloc(ctx, problems->texts[i], const char *, problems->count + 1));
		problems->texts[i][problems->count] = texts[i];
	}
	problems->count++;
}

static int tell_problems(struct pg *pg, TALLOC_CTX *ctx, const struct problems *problems)
{
	struct params params = {0};

	for (size_t i = 0; i < 4; i++)
		params_add_array(ctx, &params, problems->texts[i], problems->count);
	return pg_run(pg,
		"select poprad.import_tell($1::text[], $2::text[], $3::text[], $4::text[])",
		&params, NULL);
}

int import_check_texts(struct pg *pg)
{
	TALLOC_CTX *ctx = mem_must(talloc_new(pg->call->ctx));
	struct problems problems = {0};
	PGresult *rows;
	int code = pg_run(pg, "select * from poprad.import_texts()", NULL, &rows);

	if (code != CTL_OK)
		return code;
	for (int row = 0; row < PQntuples(rows); row++) {
		const char *why = text_problem(ctx, rows, row);

		if (why != NULL)
			add_problem(ctx, &problems,
				(const char *[]){PQgetvalue(rows, row, SOURCE),
					PQgetvalue(rows, row, ID), PQgetvalue(rows, row, OWNER),
					why});
	}
	code = tell_problems(pg, ctx, &problems);
	PQclear(rows);
	talloc_free(ctx);
	return code;
}

/* One line each. Text of the source is escaped. */
static int print_lines(struct pg *pg, const char *sql)
{
	TALLOC_CTX *ctx = mem_must(talloc_new(pg->call->ctx));
	PGresult *rows;
	int code = pg_run(pg, sql, NULL, &rows);

	if (code != CTL_OK)
		return code;
	for (int row = 0; row < PQntuples(rows); row++) {
		field_print(pg->call->out, field_text(ctx, rows, row, 0));
		fputc('\n', pg->call->out);
		talloc_free_children(ctx);
	}
	PQclear(rows);
	talloc_free(ctx);
	return CTL_OK;
}

/* Of one part of the import: a condition for poprad.import_report. */
static int print_told(struct pg *pg, const char *condition)
{
	return print_lines(pg,
		mem_must(talloc_asprintf(pg->call->ctx,
			"select case r.fate when 'change' then 'with a change: ' "
			"when 'lost' then 'not: ' else 'left as it is: ' end || r.source || "
			"coalesce(' ' || nullif(r.id, ''), '') || ' of ' || r.subject || ': ' || "
			"r.message from poprad.import_report r "
			"where r.fate in ('change', 'lost', 'left') and %s order by r.place",
			condition)));
}

int import_print_settings(struct pg *pg)
{
	int code = print_told(pg, "r.source <> 'radacct'");

	if (code == CTL_OK)
		code = print_lines(pg,
			"select format('%s: %s new, %s changed, %s as before, %s left as they "
			"are', "
			"k.plural, count(*) filter (where r.fate = 'new'), "
			"count(*) filter (where r.fate = 'changed'), "
			"count(*) filter (where r.fate = 'same'), "
			"count(*) filter (where r.fate = 'left')) "
			"from (values (1, 'nas', 'access servers'), "
			"(2, 'pool', 'runs of addresses'), (3, 'plan', 'plans'), "
			"(4, 'subscriber', 'subscribers')) k (place, source, plural) "
			"left join poprad.import_report r on r.source = k.source "
			"group by k.place, k.plural order by k.place");
	if (code == CTL_OK)
		code = print_lines(pg,
			"select format('%s with a change, %s not imported', "
			"count(*) filter (where fate = 'change'), "
			"count(*) filter (where fate = 'lost')) from poprad.import_report");
	return code;
}

enum { REACHED, SESSIONS_NEW, SESSIONS_CHANGED, SESSIONS_SAME, SESSIONS_LOST };

int import_sessions(struct pg *pg, const char *zone)
{
	char place[24] = "0";
	unsigned long counts[SESSIONS_LOST + 1] = {0};
	struct params params = {0};
	bool is_done = false;
	int code = CTL_OK;

	params_add(&params, place);
	params_add(&params, zone);
	while (code == CTL_OK && !is_done) {
		PGresult *rows;

		code = pg_run(pg, "select * from poprad.import_sessions($1, $2)", &params, &rows);
		if (code != CTL_OK)
			break;
		is_done = PQntuples(rows) == 0;
		for (int i = SESSIONS_NEW; !is_done && i <= SESSIONS_LOST; i++)
			counts[i] += strtoul(PQgetvalue(rows, 0, i), NULL, 10);
		if (!is_done)
			snprintf(place, sizeof(place), "%s", PQgetvalue(rows, 0, REACHED));
		PQclear(rows);
	}
	if (code == CTL_OK)
		code = print_told(pg, "r.source = 'radacct'");
	if (code == CTL_OK)
		fprintf(pg->call->out,
			"sessions: %lu new, %lu changed, %lu as before, %lu not imported\n",
			counts[SESSIONS_NEW], counts[SESSIONS_CHANGED], counts[SESSIONS_SAME],
			counts[SESSIONS_LOST]);
	return code;
}
