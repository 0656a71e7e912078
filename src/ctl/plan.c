/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl plan: what a subscriber has bought. */
#include "base/mem.h"
#include "ctl/attribute.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/imposed.h"
#include "ctl/output.h"
#include "ctl/policy_option.h"

static const struct parameter plan_name[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The plan."}, {0}};

#define PLAN_COMMON_OPTIONS                                                                       \
	{.name = "pool",                                                                          \
		.type = VALUE_NAME,                                                               \
		.form = "P",                                                                      \
		.sentence = "Where its addresses come from; none if only static ones are used."}, \
		{.name = "framed-ipv6-pool",                                                      \
			.type = VALUE_NAME,                                                       \
			.form = "P",                                                              \
			.sentence = "Where a prefix for the line comes from "                     \
				    "(Framed-IPv6-Prefix): a pool that was added with "           \
				    "--prefix-length."},                                          \
		{.name = "delegated-ipv6-pool",                                                   \
			.type = VALUE_NAME,                                                       \
			.form = "P",                                                              \
			.sentence = "Where a prefix for what is behind the subscriber's router "  \
				    "comes from (Delegated-IPv6-Prefix), likewise."},             \
		{.name = "prefix-required",                                                       \
			.type = VALUE_CHOICE,                                                     \
			.form = "yes|no",                                                         \
			.sentence = "Whether a login is rejected when such a pool is exhausted "  \
				    "(yes, the default), or let in without a prefix."},           \
		POLICY_OPTIONS("", false),                                                        \
		{.name = "suspended",                                                             \
			.type = VALUE_NAME,                                                       \
			.form = "PLAN|reject",                                                    \
			.sentence =                                                               \
				"With which plan its suspended subscribers are let in (a walled " \
				"garden); reject, the default, is not at all."},                  \
		{.name = "expired",                                                               \
			.type = VALUE_NAME,                                                       \
			.form = "PLAN|reject",                                                    \
			.sentence = "The same for its expired subscribers."},                     \
		{.name = "exhausted",                                                             \
			.type = VALUE_NAME,                                                       \
			.form = "PLAN|reject",                                                    \
			.sentence = "The same for those who have used up a quota."},              \
		{.name = "netmask",                                                               \
			.type = VALUE_ADDRESS,                                                    \
			.form = "MASK",                                                           \
			.sentence = "Framed-IP-Netmask; 255.255.255.255 by default."},            \
		{.name = "allow-login",                                                           \
			.type = VALUE_CHOICE,                                                     \
			.form = "yes|no",                                                         \
			.sentence = "Whether its subscribers may log in to a NAS (Service-Type "  \
				    "Login, NAS-Prompt, Administrative); no by default."},        \
		{.name = "filter",                                                                \
			.type = VALUE_NAME,                                                       \
			.form = "F",                                                              \
			.is_repeatable = true,                                                    \
			.sentence = "A filter that the NAS applies; all that are given replace "  \
				    "the present ones."},                                         \
		OPTION_ATTRIBUTE

static const struct parameter plan_add_options[] = {
	PLAN_COMMON_OPTIONS,
	{.name = "no-framed-ipv6-pool", .sentence = "No prefix for the line (the default)."},
	{.name = "no-delegated-ipv6-pool", .sentence = "No delegated prefix (the default)."},
	{.name = "no-filters", .sentence = "No filter (the default)."},
	{.name = "no-attributes", .sentence = "No further attribute (the default)."},
	{0},
};
static const struct parameter plan_set_options[] = {
	PLAN_COMMON_OPTIONS,
	{.name = "no-pool", .sentence = "Take its pool away."},
	{.name = "no-framed-ipv6-pool", .sentence = "No prefix for the line any more."},
	{.name = "no-delegated-ipv6-pool", .sentence = "No delegated prefix any more."},
	{.name = "no-filters", .sentence = "Take its filters away."},
	{.name = "no-attributes", .sentence = "Take its further attributes away."},
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};
#define SINCE_OPTION                                                                     \
	{                                                                                \
		.name = "since", .type = VALUE_MONTH, .form = "YYYY-MM",                 \
		.sentence = "The first month that it is for; the present one (UTC) if "  \
			    "not given. It counts until a later one of the plan begins." \
	}
static const struct parameter tariff_options[] = {
	{.name = "currency",
		.type = VALUE_TEXT,
		.form = "CODE",
		.is_required = true,
		.sentence = "Three capital letters, such as EUR."},
	{.name = "included-time",
		.type = VALUE_SECONDS,
		.form = "D",
		.sentence = "How long all sessions of a month may last together at no cost: 20h."},
	{.name = "time-price",
		.type = VALUE_PRICE,
		.form = "PRICE",
		.sentence = "What each further unit of time costs that is begun: 0.02."},
	{.name = "time-unit",
		.type = VALUE_SECONDS,
		.form = "D",
		.sentence = "That unit; 1h by default."},
	{.name = "included-volume",
		.type = VALUE_VOLUME,
		.form = "V",
		.sentence = "How many octets, in and out together, a month has at no cost: 5G."},
	{.name = "volume-price",
		.type = VALUE_PRICE,
		.form = "PRICE",
		.sentence = "What each further unit of octets costs that is begun."},
	{.name = "volume-unit",
		.type = VALUE_VOLUME,
		.form = "V",
		.sentence = "That unit; 1G by default."},
	SINCE_OPTION,
	{0},
};
static const struct parameter untariff_options[] = {SINCE_OPTION, {0}};

#define PLAN_COLUMNS                                                                           \
	"p.name, p.plan_id, o.name as pool, "                                                  \
	"(select x.name from poprad.pool x where x.pool_id = p.framed_ipv6_pool_id) "          \
	"as framed_ipv6_pool, "                                                                \
	"(select x.name from poprad.pool x where x.pool_id = p.delegated_ipv6_pool_id) "       \
	"as delegated_ipv6_pool, p.prefix_required, p.session_limit, p.session_timeout_s, "    \
	"p.idle_timeout_s, p.interim_s, p.login_hours, p.time_zone, "                          \
	"coalesce((select g.name from poprad.plan g where g.plan_id = p.suspended_plan_id), "  \
	"'reject') "                                                                           \
	"as suspended, coalesce((select g.name from poprad.plan g where g.plan_id = "          \
	"p.expired_plan_id), "                                                                 \
	"'reject') as expired, coalesce((select g.name from poprad.plan g where g.plan_id = "  \
	"p.exhausted_plan_id), 'reject') as exhausted, p.quota_day_s, p.quota_day_octets, "    \
	"p.quota_month_s, p.quota_month_octets, p.quota_counts, p.prepaid, p.rate_in_kbit, "   \
	"p.rate_out_kbit, "                                                                    \
	"to_jsonb(p.dns_servers) as dns_servers, p.address_list, host(p.netmask) as netmask, " \
	"p.allows_login, "                                                                     \
	"coalesce((select jsonb_agg(f.name order by pf.position) from poprad.plan_filter pf "  \
	"join poprad.filter f using (filter_id) where pf.plan_id = p.plan_id), '[]') "         \
	"as filters, to_jsonb(p.calling_stations) as calling_stations, "                       \
	"p.learn_calling_station, to_jsonb(p.called_stations) as called_stations, "            \
	"to_jsonb(p.nas_port_types) as nas_port_types, to_jsonb(p.nas_groups) as nas_groups, " \
	"to_jsonb(p.tunnels) as tunnels, p.tunnel_address, "                                   \
	"coalesce((select jsonb_agg(jsonb_build_object('since', to_char(t.since, 'YYYY-MM'), " \
	"'currency', t.currency, 'included_s', t.included_s, 'time_unit_s', t.time_unit_s, "   \
	"'time_price', t.time_price::text, 'included_octets', t.included_octets, "             \
	"'volume_unit', t.volume_unit, 'volume_price', t.volume_price::text) order by "        \
	"t.since) from poprad.tariff t where t.plan_id = p.plan_id), '[]') as tariffs, "       \
	"to_jsonb(p.attributes) as attributes"

/* "": it is taken away; NULL: it stays. */
static int pool_option(
	struct call *call, const char *option, const char *no_option, const char **pool)
{
	*pool = call_value(call, option);
	if (!call_has(call, no_option))
		return CTL_OK;
	if (*pool != NULL)
		return call_fail(
			call, CTL_USAGE, "--%s and --%s exclude each other", option, no_option);
	*pool = "";
	return CTL_OK;
}

static int prefix_params(struct call *call, struct params *params)
{
	const char *framed, *delegated = NULL;
	int code = pool_option(call, "framed-ipv6-pool", "no-framed-ipv6-pool", &framed);

	if (code == CTL_OK)
		code = pool_option(
			call, "delegated-ipv6-pool", "no-delegated-ipv6-pool", &delegated);
	params_add(params, call_value(call, "NAME"));
	params_add(params, framed);
	params_add(params, delegated);
	params_add(params, call_value(call, "prefix-required"));
	return code;
}

static int change_plan(
	struct pg *pg, const char *sql, const struct params *params, const struct params *prefixes)
{
	struct catalog_change *change;
	int code = catalog_change_begin(pg, &change);

	if (code == CTL_OK)
		code = pg_run(pg, sql, params, NULL);
	if (code == CTL_OK)
		code = pg_run(pg, "select poprad.plan_prefixes_set($1, $2, $3, $4::boolean)",
			prefixes, NULL);
	return code != CTL_OK ? code : catalog_change_end(change);
}

static int plan_write(struct call *call, const char *pool, const char *sql)
{
	struct params params = {0}, prefixes = {0};
	struct pg *pg;
	int code;

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, pool);
	params_add(&params, call_value(call, "netmask"));
	params_add(&params, call_value(call, "allow-login"));
	code = filter_names_params(call, &params);
	if (code == CTL_OK)
		code = call_load_conf(call);
	if (code == CTL_OK)
		code = attribute_params(call, &params);
	if (code == CTL_OK)
		code = policy_params(call, false, &params);
	params_add(&params, call_value(call, "suspended"));
	params_add(&params, call_value(call, "expired"));
	params_add(&params, call_value(call, "exhausted"));
	if (code == CTL_OK)
		code = prefix_params(call, &prefixes);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = change_plan(pg, sql, &params, &prefixes);
	return code;
}

#define PLAN_TYPES "($1, $2, $3::inet, $4::boolean, $5::text[], $6::text[], $7::jsonb, $8, $9, $10)"

static int plan_add(struct call *call)
{
	return plan_write(call, call_value(call, "pool"), "select poprad.plan_add" PLAN_TYPES);
}

static int plan_set(struct call *call)
{
	const char *pool;
	int code = pool_option(call, "pool", "no-pool", &pool);

	return code != CTL_OK ? code : plan_write(call, pool, "select poprad.plan_set" PLAN_TYPES);
}

static int plan_list(struct call *call)
{
	static const struct listing listing = {
		.select = "select " PLAN_COLUMNS " from poprad.plan p left join poprad.pool o "
			  "using (pool_id)",
		.key = "p.name",
		.after = "coalesce($1, '')",
		.brief = "name pool session_limit session_timeout_s idle_timeout_s interim_s "
			 "filters",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int plan_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	return code != CTL_OK ? code
			      : output_show(pg,
					"select " PLAN_COLUMNS
					" from poprad.plan p left join poprad.pool o "
					"using (pool_id) where p.name = $1",
					&params, "plan of that name (see popradctl plan list)");
}

static int plan_remove(struct call *call)
{
	return pg_remove_named(call, "delete from poprad.plan where name = $1", "NAME");
}

const struct command plan_commands[] = {
	{
		.verb = "add",
		.arguments = plan_name,
		.options = plan_add_options,
		.sentence = "Adds a plan.",
		.example = "popradctl plan add gold --pool west-dynamic --sessions 1 "
			   "--session-timeout 8h --idle-timeout 15m --interim 10m --filter "
			   "to-general-customer-equipment",
		.run = plan_add,
	},
	{
		.verb = "set",
		.arguments = plan_name,
		.options = plan_set_options,
		.sentence =
			"Changes what is given, and leaves the rest; counts from the next login "
			"on.",
		.example = "popradctl plan set gold --sessions 2 --attribute 'Port-Limit = 2'",
		.run = plan_set,
	},
	{
		.verb = "show",
		.arguments = plan_name,
		.options = json_options,
		.sentence = "Shows a plan.",
		.example = "popradctl plan show gold --json",
		.run = plan_show,
	},
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the plans.",
		.example = "popradctl plan list",
		.run = plan_list,
	},
	{
		.verb = "tariff",
		.arguments = plan_name,
		.options = tariff_options,
		.sentence = "Says what a plan costs, for popradctl billing rate.",
		.details = "Replaces the plan's tariff of the same --since.",
		.example = "popradctl plan tariff gold --currency EUR --included-time 20h "
			   "--time-price 0.02 --time-unit 1m --since 2026-10",
		.run = plan_tariff,
	},
	{
		.verb = "untariff",
		.arguments = plan_name,
		.options = untariff_options,
		.sentence = "Takes a tariff away again.",
		.example = "popradctl plan untariff gold --since 2026-10",
		.run = plan_untariff,
	},
	{
		.verb = "remove",
		.arguments = plan_name,
		.sentence = "Removes a plan that no subscriber has.",
		.example = "popradctl plan remove gold",
		.run = plan_remove,
	},
	{0},
};
