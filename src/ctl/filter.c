/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl filter: the packet filters that access servers and routers apply. */
#include "base/addr.h"
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/filter_rule.h"
#include "ctl/output.h"

static const struct parameter filter_name[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The filter, as the NAS knows it."}, {0}};

#define FILTER_COMMON_OPTIONS                                                                     \
	{.name = "scope",                                                                         \
		.type = VALUE_CHOICE,                                                             \
		.form = "anywhere|own-network|router",                                            \
		.sentence = "Where it is used: on every NAS (the default), not at virtual POPs, " \
			    "or on our routers alone."},                                          \
		{.name = "purpose",                                                               \
			.type = VALUE_TEXT,                                                       \
			.form = "TEXT",                                                           \
			.sentence = "Why it exists, in a sentence."},                             \
	{                                                                                         \
		.name = "rule", .type = VALUE_TEXT,                                               \
		.form = "'permit|deny PROTOCOL from SOURCE to DESTINATION [port N[,N]]'",         \
		.is_repeatable = true,                                                            \
		.sentence = "A rule, in order; all that are given replace the present "           \
			    "ones. A source or destination is any, a network, or "                \
			    "pool:NAME."                                                          \
	}

static const struct parameter filter_add_options[] = {
	{.name = "direction",
		.type = VALUE_CHOICE,
		.form = "in|out",
		.is_required = true,
		.sentence = "in: from the subscriber into the NAS; out: towards the subscriber."},
	FILTER_COMMON_OPTIONS,
	{0},
};
static const struct parameter filter_set_options[] = {
	{.name = "direction",
		.type = VALUE_CHOICE,
		.form = "in|out",
		.sentence = "in: from the subscriber into the NAS; out: towards the subscriber."},
	FILTER_COMMON_OPTIONS,
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};

static int rules_params(struct call *call, struct params *params)
{
	size_t count;
	const char *const *texts = call_values(call, "rule", &count);
	json_t *rules;
	char *dump;

	if (count == 0) {
		params_add(params, NULL);
		return CTL_OK;
	}
	rules = mem_must(json_array());
	for (size_t i = 0; i < count; i++) {
		const char *why = NULL;
		json_t *rule = filter_rule_parse(call->ctx, texts[i], &why);

		if (rule == NULL) {
			json_decref(rules);
			return call_fail(call, CTL_USAGE, "--rule '%s': %s", texts[i], why);
		}
		json_array_append_new(rules, rule);
	}
	dump = mem_must(json_dumps(rules, JSON_COMPACT));
	params_add(params, mem_must(talloc_strdup(call->ctx, dump)));
	free(dump);
	json_decref(rules);
	return CTL_OK;
}

static int filter_write(struct call *call, const char *sql)
{
	struct params params = {0};
	struct pg *pg;
	int code;

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "direction"));
	params_add(&params, call_value(call, "scope"));
	params_add(&params, call_value(call, "purpose"));
	code = rules_params(call, &params);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	return code != CTL_OK ? code : pg_run(pg, sql, &params, NULL);
}

static int filter_add(struct call *call)
{
	return filter_write(call, "select poprad.filter_add($1, $2, $3, $4, $5::jsonb)");
}

static int filter_set(struct call *call)
{
	return filter_write(call, "select poprad.filter_set($1, $2, $3, $4, $5::jsonb)");
}

static int filter_list(struct call *call)
{
	static const struct listing listing = {
		.select = "select f.name, f.filter_id, f.direction, f.scope, f.purpose, (select "
			  "count(*) "
			  "from poprad.filter_rule r where r.filter_id = f.filter_id) as rules "
			  "from poprad.filter f",
		.key = "f.name",
		.after = "coalesce($1, '')",
		.brief = "name direction scope rules purpose",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int filter_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	return code != CTL_OK
		       ? code
		       : output_show(pg,
				 "select f.name, f.filter_id, f.direction, f.scope, f.purpose, "
				 "coalesce((select jsonb_agg(concat_ws(' ', r.action, r.protocol, "
				 "'from', "
				 "r.source, 'to', r.destination, case when r.ports <> '{}' then "
				 "'port ' || "
				 "array_to_string(r.ports, ',') end) order by r.position) "
				 "from poprad.filter_rule r where r.filter_id = f.filter_id), "
				 "'[]') "
				 "as rules, coalesce((select jsonb_agg(p.name order by p.name) "
				 "from poprad.plan_filter pf join poprad.plan p using (plan_id) "
				 "where pf.filter_id = f.filter_id), '[]') as plans "
				 "from poprad.filter f where f.name = $1",
				 &params, "filter of that name (see popradctl filter list)");
}

static int filter_remove(struct call *call)
{
	return pg_remove_named(call, "delete from poprad.filter where name = $1", "NAME");
}

const struct command filter_commands[] = {
	{
		.verb = "add",
		.arguments = filter_name,
		.options = filter_add_options,
		.sentence = "Adds a filter that plans can name.",
		.details = "The NAS must know a filter of that name; poprad sends the name.",
		.example =
			"popradctl filter add no-smtp --direction in --rule 'deny tcp from any to "
			"any port 25' --rule 'permit ip from any to any'",
		.run = filter_add,
	},
	{
		.verb = "set",
		.arguments = filter_name,
		.options = filter_set_options,
		.sentence = "Changes what is given, and leaves the rest.",
		.example = "popradctl filter set no-smtp --scope own-network",
		.run = filter_set,
	},
	{
		.verb = "show",
		.arguments = filter_name,
		.options = json_options,
		.sentence = "Shows a filter with its rules and the plans that use it.",
		.example = "popradctl filter show no-smtp --json",
		.run = filter_show,
	},
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the filters.",
		.example = "popradctl filter list",
		.run = filter_list,
	},
	{
		.verb = "remove",
		.arguments = filter_name,
		.sentence = "Removes a filter that no plan uses.",
		.example = "popradctl filter remove no-smtp",
		.run = filter_remove,
	},
	{0},
};
