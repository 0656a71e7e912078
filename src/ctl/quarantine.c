/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl quarantine: records that the database refused by themselves. Their senders have their
 * answer, so what becomes of them is decided here. */
#include "acct/event_form.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/field.h"
#include "ctl/output.h"
#include "ctl/quarantine_retry.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Held in memory at a time, and written together. */
#define PAGE_ROWS "500"

static const struct parameter list_options[] = {
	OPTION_JSON,
	{.name = "source",
		.type = VALUE_ADDRESS,
		.form = "A",
		.sentence = "Only records that came from this address."},
	{0},
};
static const struct parameter show_arguments[] = {
	{.name = "ID", .type = VALUE_NUMBER, .sentence = "As quarantine list shows it."}, {0}};
static const struct parameter json_options[] = {OPTION_JSON, {0}};
static const struct parameter id_arguments[] = {
	{.name = "ID",
		.type = VALUE_NUMBER,
		.sentence = "As quarantine list shows it.",
		.is_optional = true,
		.is_repeatable = true},
	{0},
};
static const struct parameter all_options[] = {
	{.name = "all", .sentence = "All that are in quarantine now."}, {0}};

static const struct listing quarantine_listing = {
	.select = "select quarantine_id, received_at, nas_address as source, reason "
		  "from poprad.accounting_quarantine",
	.key = "quarantine_id",
	.after = "coalesce($1::bigint, 0)",
	.brief = "quarantine_id received_at source reason",
};

static int quarantine_list(struct call *call)
{
	struct listing listing = quarantine_listing;
	struct pg *pg;
	int code = pg_open(call, &pg);

	listing_filter(call->ctx, &listing, "nas_address = $::inet", call_value(call, "source"));
	return code == CTL_OK ? output_list(pg, &listing) : code;
}

/* Show ------------------------------------------------------------------------------------- */

/* The record in the column "event"; false: none, or one that cannot be read. */
static bool read_event(TALLOC_CTX *ctx, const char *hex, struct record *record)
{
	size_t size = strlen(hex) / 2;
	uint8_t *octets = mem_must(talloc_size(ctx, size + 1));

	return text_from_hex(hex, octets, size) && event_decode(ctx, octets, size, record) == 0;
}

static void tell_json(void *owner, const char *name, const char *value)
{
	if (json_object_set_new(owner, name, mem_must(json_string(value))) != 0)
		abort();
}

static void tell_line(void *owner, const char *name, const char *value)
{
	FILE *out = owner;

	fprintf(out, "%s:%*s", name, 23 - (int)strlen(name), "");
	field_print(out, value);
	fputc('\n', out);
}

/* The row's first columns and what its event says, which has the others too. */
static void show_row(const struct call *call, const PGresult *rows)
{
	struct record record;
	bool has_event = read_event(call->ctx, PQgetvalue(rows, 0, 4), &record);
	json_t *object = mem_must(json_object());

	for (int column = 0; column < (has_event ? 2 : 4); column++) {
		const char *name = PQfname(rows, column);

		if (call_has(call, "json"))
			json_object_set_new(object, name, field_json(rows, 0, column));
		else
			tell_line(call->out, name, field_text(call->ctx, rows, 0, column));
	}
	if (has_event && call_has(call, "json"))
		event_describe(&record, tell_json, object);
	else if (has_event)
		event_describe(&record, tell_line, call->out);
	if (call_has(call, "json")) {
		json_dumpf(object, call->out, JSON_COMPACT);
		fputc('\n', call->out);
	}
	json_decref(object);
}

static int quarantine_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	PGresult *rows;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "ID"));
	if (code == CTL_OK)
		code = pg_run(pg,
			"select quarantine_id, reason, nas_address as source, packet, "
			"coalesce(event, '') from poprad.accounting_quarantine "
			"where quarantine_id = $1::bigint",
			&params, &rows);
	if (code != CTL_OK)
		return code;
	if (PQntuples(rows) == 0)
		code = call_fail(call, CTL_REFUSED, "there is no such record in quarantine");
	else
		show_row(call, rows);
	PQclear(rows);
	return code;
}

/* Retry and discard ------------------------------------------------------------------------ */

/* $1: of those IDs; null: all. $2: none later than this one, for what is refused again comes back
 * under another number. */
#define CHOSEN \
	"($1::bigint[] is null or quarantine_id = any ($1::bigint[])) and quarantine_id <= $2"

static int choose(struct call *call, struct params *params, struct pg **pg)
{
	size_t count;
	const char *const *ids = call_values(call, "ID", &count);
	const char *last;
	int code;

	if ((count > 0) == call_has(call, "all"))
		return call_fail(call, CTL_USAGE, "name records, or --all");
	if (count > 0)
		params_add_array(call->ctx, params, ids, count);
	else
		params_add(params, NULL);
	code = pg_open(call, pg);
	if (code == CTL_OK)
		code = pg_value(*pg,
			"select coalesce(max(quarantine_id), 0) from poprad.accounting_quarantine",
			NULL, &last);
	if (code == CTL_OK)
		params_add(params, last);
	return code;
}

static int report(struct call *call, long count, const char *what)
{
	if (count == 0 && !call_has(call, "all"))
		return call_fail(call, CTL_REFUSED, "there are no such records in quarantine");
	fprintf(call->out, "%ld records %s\n", count, what);
	return CTL_OK;
}

static int quarantine_discard(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	long count = 0;
	int code = choose(call, &params, &pg);

	if (code == CTL_OK)
		code = pg_change(pg, "delete from poprad.accounting_quarantine where " CHOSEN,
			&params, &count);
	return code == CTL_OK ? report(call, count, "are discarded") : code;
}

static int write_rows(struct call *call, const PGresult *rows)
{
	struct retry *retry;
	int code = retry_new(call, &retry);

	for (int row = 0; code == CTL_OK && row < PQntuples(rows); row++)
		if (retry_add(retry, PQgetvalue(rows, row, 1)) != 0)
			code = call_fail(call, CTL_REFUSED,
				"record %s was kept by a version that did not keep what is needed "
				"to store it",
				PQgetvalue(rows, row, 0));
	return code == CTL_OK ? retry_write(retry) : code;
}

/* In the spool first, then out of quarantine: whatever happens in between, it is in one of them. */
static int retry_rows(struct pg *pg, struct call *call, const PGresult *rows)
{
	size_t count = (size_t)PQntuples(rows);
	const char **ids = mem_must(talloc_array(call->ctx, const char *, (unsigned)count + 1));
	struct params gone = {0};
	long deleted;
	int code = write_rows(call, rows);

	for (size_t row = 0; row < count; row++)
		ids[row] = PQgetvalue(rows, (int)row, 0);
	params_add_array(call->ctx, &gone, ids, count);
	if (code == CTL_OK)
		code = pg_change(pg,
			"delete from poprad.accounting_quarantine "
			"where quarantine_id = any ($1::bigint[])",
			&gone, &deleted);
	return code;
}

static int quarantine_retry(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	long count = 0;
	int in_page = 1, code = choose(call, &params, &pg);

	while (code == CTL_OK && in_page > 0) {
		PGresult *rows;

		code = pg_run(pg,
			"select quarantine_id, coalesce(event, '') from "
			"poprad.accounting_quarantine "
			"where " CHOSEN " and ($1 is not null or event is not null) "
			"order by 1 limit " PAGE_ROWS,
			&params, &rows);
		if (code != CTL_OK)
			break;
		in_page = PQntuples(rows);
		if (in_page > 0)
			code = retry_rows(pg, call, rows);
		count += in_page;
		PQclear(rows);
	}
	return code == CTL_OK ? report(call, count, "go to the database again") : code;
}

const struct command quarantine_commands[] = {
	{
		.verb = "list",
		.options = list_options,
		.sentence = "Lists accounting records that the database refused, with its reason.",
		.example = "popradctl quarantine list",
		.run = quarantine_list,
	},
	{
		.verb = "show",
		.arguments = show_arguments,
		.options = json_options,
		.sentence = "Shows one: why it was refused, what it says, and the packet's octets.",
		.example = "popradctl quarantine show 17",
		.run = quarantine_show,
	},
	{
		.verb = "retry",
		.arguments = id_arguments,
		.options = all_options,
		.sentence = "Lets records be stored once more, when their cause is gone.",
		.details = "They go into the spool, with the times at which they came, and from "
			   "there into the database: on the machine where the server runs. What "
			   "it refuses again is in quarantine again, with a new number.",
		.example = "popradctl quarantine retry --all",
		.run = quarantine_retry,
	},
	{
		.verb = "discard",
		.arguments = id_arguments,
		.options = all_options,
		.sentence = "Deletes records. They will be in no bill.",
		.example = "popradctl quarantine discard 17",
		.run = quarantine_discard,
	},
	{0},
};
