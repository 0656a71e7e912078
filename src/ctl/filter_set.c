/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl filterset: a filter of each direction, which some equipment knows by one name. */
#include "base/mem.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include "ctl/value.h"
#include "db/catalog.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct parameter set_name[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The filter set."}, {0}};

#define SET_COMMON_OPTIONS                                                                         \
	{.name = "name",                                                                           \
		.type = VALUE_TEXT,                                                                \
		.form = "KIND=SHORT",                                                              \
		.is_repeatable = true,                                                             \
		.sentence =                                                                        \
			"What the pair is called on that kind of NAS, as the name that Filter-Id " \
			"gives. KIND= takes that away."},                                          \
	{                                                                                          \
		.name = "purpose", .type = VALUE_TEXT, .form = "TEXT",                             \
		.sentence = "Why it exists, in a sentence."                                        \
	}

static const struct parameter set_add_options[] = {
	{.name = "in",
		.type = VALUE_NAME,
		.form = "FILTER",
		.sentence = "The filter for what comes from the subscriber."},
	{.name = "out",
		.type = VALUE_NAME,
		.form = "FILTER",
		.sentence = "The filter for what goes to the subscriber."},
	SET_COMMON_OPTIONS,
	{0},
};
static const struct parameter set_set_options[] = {
	{.name = "in",
		.type = VALUE_NAME,
		.form = "FILTER",
		.sentence = "Another filter for what comes from the subscriber."},
	{.name = "no-in", .sentence = "No filter for that direction."},
	{.name = "out",
		.type = VALUE_NAME,
		.form = "FILTER",
		.sentence = "Another filter for what goes to the subscriber."},
	{.name = "no-out", .sentence = "No filter for that direction."},
	SET_COMMON_OPTIONS,
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};

/* KIND=SHORT into the object; a short name must be one that this equipment takes. */
static int put_name(struct call *call, json_t *names, const char *text)
{
	static const struct parameter name = {.name = "name", .type = VALUE_NAME};
	const char *equals = strchr(text, '='), *normal, *why;
	const struct nas_kind *kind;
	size_t size;

	if (equals == NULL)
		return call_fail(
			call, CTL_USAGE, "--name '%s' is not of the form KIND=SHORT", text);
	kind = nas_kind_find(mem_must(talloc_strndup(call->ctx, text, (size_t)(equals - text))));
	if (kind == NULL)
		return call_fail(call, CTL_USAGE,
			"--name '%s' begins with no kind of NAS (see popradctl nas add --help)",
			text);
	if (kind->names != RENDER_FILTER_ID && kind->names != RENDER_FILTER_ID_BASE)
		return call_fail(call, CTL_USAGE,
			"--name '%s': a NAS of that kind is not sent a set's name", text);
	size = strlen(equals + 1);
	if (size > 0 && value_check(call->ctx, &name, equals + 1, &normal, &why) != CTL_OK)
		return call_fail(call, CTL_USAGE, "--name '%s': the name %s", text, why);
	if (kind->filter_name_max > 0 && size > kind->filter_name_max)
		return call_fail(call, CTL_USAGE,
			"--name '%s': a name has at most %u characters there", text,
			kind->filter_name_max);
	json_object_set_new(names, kind->name, mem_must(json_string(equals + 1)));
	return CTL_OK;
}

static int names_param(struct call *call, struct params *params)
{
	size_t count;
	const char *const *texts = call_values(call, "name", &count);
	json_t *names = mem_must(json_object());
	int code = CTL_OK;
	char *dump;

	for (size_t i = 0; code == CTL_OK && i < count; i++)
		code = put_name(call, names, texts[i]);
	dump = mem_must(json_dumps(names, JSON_COMPACT));
	params_add(params, mem_must(talloc_strdup(call->ctx, dump)));
	free(dump);
	json_decref(names);
	return code;
}

static int set_write(struct call *call, const char *in, const char *out, const char *sql)
{
	struct params params = {0};
	struct pg *pg;
	int code;

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, in);
	params_add(&params, out);
	params_add(&params, call_value(call, "purpose"));
	code = names_param(call, &params);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = catalog_change_run(pg, sql, &params);
	return code;
}

static int set_add(struct call *call)
{
	return set_write(call, call_value(call, "in"), call_value(call, "out"),
		"select poprad.filter_set_add($1, $2, $3, $4, $5::jsonb)");
}

static int set_set(struct call *call)
{
	const char *in = call_value(call, "in"), *out = call_value(call, "out");

	if ((in != NULL && call_has(call, "no-in")) || (out != NULL && call_has(call, "no-out")))
		return call_fail(call, CTL_USAGE,
			"--in and --no-in, and --out and --no-out, exclude each other");
	return set_write(call, call_has(call, "no-in") ? "" : in,
		call_has(call, "no-out") ? "" : out,
		"select poprad.filter_set_change($1, $2, $3, $4, $5::jsonb)");
}

#define SET_SELECT                                                                                \
	"select s.name, s.filter_set_id, i.name as in_filter, o.name as out_filter, "             \
	"s.purpose, coalesce((select jsonb_object_agg(n.kind, n.name order by n.kind) "           \
	"from poprad.filter_set_name n where n.filter_set_id = s.filter_set_id), '{}') as names " \
	"from poprad.filter_set s left join poprad.filter i on i.filter_id = s.in_filter_id "     \
	"left join poprad.filter o on o.filter_id = s.out_filter_id"

static int set_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	return code != CTL_OK ? code
			      : output_show(pg, SET_SELECT " where s.name = $1", &params,
					"filter set of that name (see popradctl filterset list)");
}

static int set_list(struct call *call)
{
	static const struct listing listing = {
		.select = SET_SELECT,
		.key = "s.name",
		.after = "coalesce($1, '')",
		.brief = "name in_filter out_filter names purpose",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int set_remove(struct call *call)
{
	return catalog_change_remove(call, "delete from poprad.filter_set where name = $1", "NAME");
}

const struct command filter_set_commands[] = {
	{
		.verb = "add",
		.arguments = set_name,
		.options = set_add_options,
		.sentence = "Adds a pair of filters.",
		.details = "Some equipment is sent one name and looks for a filter of each "
			   "direction under it.",
		.example = "popradctl filterset add residential --in no-smtp --out no-servers "
			   "--name usr=resid",
		.run = set_add,
	},
	{
		.verb = "set",
		.arguments = set_name,
		.options = set_set_options,
		.sentence = "Changes what is given, and leaves the rest.",
		.example = "popradctl filterset set residential --name portmaster=resid",
		.run = set_set,
	},
	{
		.verb = "show",
		.arguments = set_name,
		.options = json_options,
		.sentence = "Shows a filter set.",
		.example = "popradctl filterset show residential --json",
		.run = set_show,
	},
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the filter sets.",
		.example = "popradctl filterset list",
		.run = set_list,
	},
	{
		.verb = "remove",
		.arguments = set_name,
		.sentence = "Removes a filter set with which nobody is in quarantine; its "
			    "filters stay.",
		.example = "popradctl filterset remove residential",
		.run = set_remove,
	},
	{0},
};
