/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl filter: the packet filters that access servers and routers apply. */
#include "base/mem.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/filter_rules.h"
#include "ctl/output.h"
#include <jansson.h>
#include <stdlib.h>

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
		{.name = "rule",                                                                  \
			.type = VALUE_RULE,                                                       \
			.form = "'permit|deny PROTOCOL SOURCE [PORTS] DESTINATION [PORTS] "       \
				"[established]'",                                                 \
			.is_repeatable = true,                                                    \
			.sentence = "A rule, in order (see FILTER RULES in popradctl(1)); all "   \
				    "that are given replace the present ones."},                  \
	{                                                                                         \
		.name = "file", .type = VALUE_FILE, .form = "FILE",                               \
		.sentence = "A file with a rule a line, instead of --rule; - is standard input. " \
			    "Empty lines and those that begin with # or ! are passed over."       \
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
static const struct parameter rule_add_arguments[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The filter."},
	{.name = "RULE",
		.type = VALUE_RULE,
		.sentence = "The rule, as one word (see FILTER RULES in popradctl(1))."},
	{0},
};
static const struct parameter rule_add_options[] = {
	{.name = "before",
		.type = VALUE_NUMBER,
		.form = "N",
		.sentence = "Before the rule that is number N now, from 1; behind all by default."},
	{0},
};
static const struct parameter rule_remove_arguments[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The filter."},
	{.name = "N", .type = VALUE_NUMBER, .sentence = "Which of its rules, from 1."},
	{0},
};
static const struct parameter export_arguments[] = {
	{.name = "NAME",
		.type = VALUE_NAME,
		.is_optional = true,
		.is_repeatable = true,
		.sentence = "A filter; all by default."},
	{0},
};
static const struct parameter export_options[] = {
	{.name = "format",
		.type = VALUE_CHOICE,
		.form = "ios|mikrotik|nftables|cisco-avpair|ascend|radius",
		.is_required = true,
		.sentence = "ios: configuration of a Cisco router. mikrotik: a RouterOS script. "
			    "nftables: a file for nft -f. The others are attributes of a RADIUS "
			    "answer: cisco-avpair: Cisco-AVPair with per-user rules. ascend: "
			    "Ascend-Data-Filter. radius: NAS-Filter-Rule (RFC 4849)."},
	{.name = "interface",
		.type = VALUE_TEXT,
		.form = "IF",
		.sentence = "nftables: only what comes in there (a filter in), or leaves there "
			    "(out); ppp* means all that begin with ppp. Every interface but lo by "
			    "default."},
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};
static const struct parameter preview_arguments[] = {
	{.name = "LOGIN", .type = VALUE_LOGIN, .sentence = "The subscriber."}, {0}};
static const struct parameter preview_options[] = {
	{.name = "nas",
		.type = VALUE_NAME,
		.form = "NAME",
		.is_required = true,
		.sentence = "The access server."},
	OPTION_JSON,
	{0},
};

static int filter_write(struct call *call, const char *sql)
{
	struct params params = {0};
	const char *rules;
	struct pg *pg;
	int code = filter_rules_given(call, &rules);

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "direction"));
	params_add(&params, call_value(call, "scope"));
	params_add(&params, call_value(call, "purpose"));
	params_add(&params, rules);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	return code != CTL_OK ? code : catalog_change_run(pg, sql, &params);
}

static int filter_add(struct call *call)
{
	return filter_write(call, "select poprad.filter_add($1, $2, $3, $4, $5::jsonb)");
}

static int filter_set(struct call *call)
{
	return filter_write(call, "select poprad.filter_change($1, $2, $3, $4, $5::jsonb)");
}

static int rule_add(struct call *call)
{
	static const char sql[] = "select poprad.filter_rule_add($1, $2::jsonb, $3)";
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, filter_rules_single(call->ctx, call_value(call, "RULE")));
	params_add(&params, call_value(call, "before"));
	return code != CTL_OK ? code : catalog_change_run(pg, sql, &params);
}

static int rule_remove(struct call *call)
{
	static const char sql[] = "select poprad.filter_rule_remove($1, $2)";
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "N"));
	return code != CTL_OK ? code : catalog_change_run(pg, sql, &params);
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

/* Rules in their canonical text, as an array. */
static int rules_text(struct pg *pg, const char *name, const char **json)
{
	struct filter_list *lists;
	json_t *texts = mem_must(json_array());
	size_t count;
	int code = filter_lists_load(pg, name, &lists, &count);
	char *dump;

	for (size_t i = 0; code == CTL_OK && i < lists[0].count; i++)
		json_array_append_new(
			texts, json_string(filter_rule_format(pg->call->ctx, &lists[0].rules[i])));
	dump = mem_must(json_dumps(texts, JSON_COMPACT));
	*json = mem_must(talloc_strdup(pg->call->ctx, dump));
	free(dump);
	json_decref(texts);
	return code;
}

static int filter_show(struct call *call)
{
	static const char sql[] =
		"select f.name, f.filter_id, f.direction, f.scope, f.purpose, $2::jsonb as rules, "
		"coalesce((select jsonb_agg(p.name order by p.name) from poprad.plan_filter pf "
		"join poprad.plan p using (plan_id) where pf.filter_id = f.filter_id), '[]') as "
		"plans, "
		"coalesce((select jsonb_agg(s.name order by s.name) from poprad.filter_set s "
		"where f.filter_id in (s.in_filter_id, s.out_filter_id)), '[]') as filter_sets, "
		"coalesce((select jsonb_agg(i.name order by i.name) from (select 'realm ' || "
		"r.name "
		"as name from poprad.realm_filter t join poprad.realm r using (realm_id) where "
		"t.filter_id = f.filter_id union all select 'group ' || g.name from "
		"poprad.nas_group_filter t join poprad.nas_group g using (nas_group_id) where "
		"t.filter_id = f.filter_id) i), '[]') as imposed_by "
		"from poprad.filter f where f.name = $1";
	const char *name = call_value(call, "NAME"), *rules;
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code == CTL_OK)
		code = rules_text(pg, name, &rules);
	if (code != CTL_OK)
		return code;
	params_add(&params, name);
	params_add(&params, rules);
	return output_show(pg, sql, &params, "filter of that name (see popradctl filter list)");
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
		.example =
			"popradctl filter add no-smtp --direction in --rule 'deny tcp any any eq "
			"smtp' --rule 'permit ip any any'",
		.run = filter_add,
	},
	{
		.verb = "set",
		.arguments = filter_name,
		.options = filter_set_options,
		.sentence = "Changes what is given, and leaves the rest.",
		.example = "popradctl filter set no-smtp --scope own-network --file no-smtp.rules",
		.run = filter_set,
	},
	{
		.verb = "rule-add",
		.arguments = rule_add_arguments,
		.options = rule_add_options,
		.sentence = "Adds one rule.",
		.example =
			"popradctl filter rule-add no-smtp 'permit tcp any host 10.0.1.2 eq smtp' "
			"--before 1",
		.run = rule_add,
	},
	{
		.verb = "rule-remove",
		.arguments = rule_remove_arguments,
		.sentence = "Removes one rule; those behind it move up.",
		.example = "popradctl filter rule-remove no-smtp 1",
		.run = rule_remove,
	},
	{
		.verb = "export",
		.arguments = export_arguments,
		.options = export_options,
		.sentence = "Writes filters in the words of a router or an access server.",
		.details = "Pools are written out as they are now.",
		.example = "popradctl filter export from-internet --format ios",
		.run = filter_export,
	},
	{
		.verb = "preview",
		.arguments = preview_arguments,
		.options = preview_options,
		.sentence = "Shows what a subscriber would be sent at an access server.",
		.details = "Address, filters, times, what his plan provides and what is given with "
			   "--attribute, by the server's own code. Not shown is what differs "
			   "from login to login: Class, and by how much, up to a tenth, the "
			   "interim interval does.",
		.example = "popradctl filter preview line-7@isp.example --nas bank-7",
		.run = filter_preview,
	},
	{
		.verb = "show",
		.arguments = filter_name,
		.options = json_options,
		.sentence = "Shows a filter with its rules, the plans and filter sets that use it, "
			    "and who "
			    "imposes it.",
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
		.sentence = "Removes a filter that no plan and no filter set uses.",
		.example = "popradctl filter remove no-smtp",
		.run = filter_remove,
	},
	{0},
};
