/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl group: groups of access servers (POPs), whose traffic may not cross our network, and
 * what they impose. */
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/imposed.h"
#include "ctl/output.h"

static const struct parameter json_options[] = {OPTION_JSON, {0}};

static const struct parameter group_name[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The group."}, {0}};

static const struct parameter group_set_options[] = {
	{.name = "own-network",
		.type = VALUE_CHOICE,
		.form = "yes|no",
		.sentence = "no: a virtual POP, whose traffic does not cross our network; filters "
			    "of scope own-network are not sent there."},
	IMPOSED_OPTIONS("group"),
	{0},
};

#define GROUP_SELECT                                                                               \
	"select g.name, g.nas_group_id, g.is_own_network, "                                        \
	"poprad.nas_group_filters(g.nas_group_id) as filters, (select count(*) from poprad.nas n " \
	"where n.nas_group_id = g.nas_group_id) as nas_count from poprad.nas_group g"

static int group_list(struct call *call)
{
	static const struct listing listing = {
		.select = GROUP_SELECT,
		.key = "g.name",
		.after = "coalesce($1, '')",
		.brief = "name is_own_network filters nas_count",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int group_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	return code != CTL_OK ? code
			      : output_show(pg, GROUP_SELECT " where g.name = $1", &params,
					"group of that name (see popradctl group list)");
}

static int group_set(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code;

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "own-network"));
	code = filter_names_params(call, &params);
	if (code == CTL_OK && params.values[1] == NULL && params.values[2] == NULL)
		return call_fail(call, CTL_USAGE,
			"what is to change? --own-network, --filter F, or --no-filters");
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = catalog_change_run(
			pg, "select poprad.nas_group_set($1, $2::boolean, $3::text[])", &params);
	if (code == CTL_OK)
		code = imposed_note(pg, NULL, params.values[0]);
	return code;
}

static int group_remove(struct call *call)
{
	return catalog_change_remove(call, "delete from poprad.nas_group where name = $1", "NAME");
}

const struct command group_commands[] = {
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the groups of access servers.",
		.example = "popradctl group list",
		.run = group_list,
	},
	{
		.verb = "set",
		.arguments = group_name,
		.options = group_set_options,
		.sentence = "Says whether a group's traffic crosses our own network, and which "
			    "filters it imposes.",
		.details = "Filters that it imposes apply to whoever logs in there, whatever a "
			   "plan, an exemption, a quarantine or an attribute says. Counts from the "
			   "next login on.",
		.example = "popradctl group set west --own-network no --filter no-smtp",
		.run = group_set,
	},
	{
		.verb = "show",
		.arguments = group_name,
		.options = json_options,
		.sentence = "Shows a group and the filters that it imposes.",
		.example = "popradctl group show west --json",
		.run = group_show,
	},
	{
		.verb = "remove",
		.arguments = group_name,
		.sentence = "Removes a group that no NAS and no pool range uses.",
		.example = "popradctl group remove west",
		.run = group_remove,
	},
	{0},
};
