/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl realm: the part of a login behind its last @. */
#include "ctl/commands.h"
#include "ctl/output.h"

static const struct parameter realm_name[] = {
	{.name = "REALM",
		.type = VALUE_REALM,
		.sentence = "The realm, such as isp.example; upper and lower case are the same."},
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};

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
		.select = "select name, realm_id from poprad.realm",
		.key = "name",
		.after = "coalesce($1, '')",
		.brief = "name",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
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
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the realms.",
		.example = "popradctl realm list",
		.run = realm_list,
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
