/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl realm: the part of a login behind its last @, and what is imposed on it. */
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/imposed.h"
#include "ctl/output.h"
#include <string.h>

static const struct parameter realm_name[] = {
	{.name = "REALM",
		.type = VALUE_REALM,
		.sentence = "The realm, such as isp.example; upper and lower case are the same."},
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};
static const struct parameter realm_set_options[] = {
	IMPOSED_OPTIONS("realm"),
	{.name = "reseller",
		.type = VALUE_TEXT,
		.form = "WHO",
		.takes_none = true,
		.sentence = "Whose customers its subscribers are, for billing; none: the "
			    "provider's own."},
	{0},
};

static int realm_add(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "REALM"));
	return code != CTL_OK
		       ? code
		       : pg_run(pg, "insert into poprad.realm (name) values ($1)", &params, NULL);
}

static int realm_list(struct call *call)
{
	static const struct listing listing = {
		.select = "select name, realm_id, reseller, poprad.realm_filters(realm_id) as "
			  "filters from poprad.realm",
		.key = "name",
		.after = "coalesce($1, '')",
		.brief = "name reseller filters",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int realm_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "REALM"));
	return code != CTL_OK ? code
			      : output_show(pg,
					"select r.name, r.realm_id, r.reseller, "
					"poprad.realm_filters(r.realm_id) as filters, (select "
					"count(*) from poprad.subscriber s where s.realm_id = "
					"r.realm_id) as subscriber_count from poprad.realm r "
					"where r.name = $1",
					&params, "realm of that name (see popradctl realm list)");
}

static int set_reseller(struct pg *pg, const char *realm)
{
	const char *reseller = call_value(pg->call, "reseller");
	struct params params = {0};
	long changed = 0;
	int code;

	if (reseller == NULL)
		return CTL_OK;
	params_add(&params, realm);
	params_add(&params, strcmp(reseller, "none") == 0 ? NULL : reseller);
	code = pg_change(
		pg, "update poprad.realm set reseller = $2 where name = $1", &params, &changed);
	if (code == CTL_OK && changed == 0)
		return call_fail(pg->call, CTL_REFUSED,
			"there is no realm %s (see popradctl realm list)", realm);
	return code;
}

/* $1: the realm; $2: filters that take the place of the present ones, or null. */
static int change_realm(struct pg *pg, const struct params *params)
{
	struct catalog_change *change;
	int code = catalog_change_begin(pg, &change);

	if (code == CTL_OK && params->values[1] != NULL)
		code = pg_run(pg, "select poprad.realm_set($1, $2::text[])", params, NULL);
	if (code == CTL_OK)
		code = set_reseller(pg, params->values[0]);
	return code != CTL_OK ? code : catalog_change_end(change);
}

static int realm_set(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code;

	params_add(&params, call_value(call, "REALM"));
	code = filter_names_params(call, &params);
	if (code == CTL_OK && params.values[1] == NULL && call_value(call, "reseller") == NULL)
		return call_fail(call, CTL_USAGE,
			"what is to change? --filter F, --no-filters or --reseller WHO");
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = change_realm(pg, &params);
	return code != CTL_OK ? code : imposed_note(pg, params.values[0], NULL);
}

static int realm_remove(struct call *call)
{
	return pg_remove_named(call, "delete from poprad.realm where name = $1", "REALM");
}

const struct command realm_commands[] = {
	{
		.verb = "add",
		.arguments = realm_name,
		.sentence = "Adds a realm.",
		.details = "The same user name may exist in several realms.",
		.example = "popradctl realm add isp-b.example",
		.run = realm_add,
	},
	{
		.verb = "set",
		.arguments = realm_name,
		.options = realm_set_options,
		.sentence = "Says which filters the realm imposes on its subscribers, and whose "
			    "customers they are.",
		.details =
			"Filters apply whatever a plan, an exemption, a quarantine or an attribute "
			"says. Counts from the next login on.",
		.example = "popradctl realm set isp-b.example --filter no-smtp",
		.run = realm_set,
	},
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the realms.",
		.example = "popradctl realm list",
		.run = realm_list,
	},
	{
		.verb = "show",
		.arguments = realm_name,
		.options = json_options,
		.sentence = "Shows a realm and the filters that it imposes.",
		.example = "popradctl realm show isp-b.example --json",
		.run = realm_show,
	},
	{
		.verb = "remove",
		.arguments = realm_name,
		.sentence = "Removes a realm without subscribers.",
		.example = "popradctl realm remove isp-b.example",
		.run = realm_remove,
	},
	{0},
};
