/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The same code that renders filters for the workers looks at the catalog before and after. No
 * other change comes in between: the first statement that changes the catalog locks its version. */
#include "ctl/catalog_change.h"
#include "base/mem.h"
#include "ctl/attribute.h"
#include "db/catalog.h"
#include <string.h>

struct catalog_change {
	struct pg *pg;
	struct catalog *before;
};

static int load(struct pg *pg, struct catalog **catalog)
{
	const char *json = NULL;
	char *why = NULL;
	int code = pg_value(pg, "select poprad.catalog_for_filters()::text", NULL, &json);

	if (code != CTL_OK)
		return code;
	if (catalog_parse(pg->call->ctx, json, strlen(json), catalog, &why) != 0)
		return call_fail(pg->call, CTL_REFUSED,
			"no worker can read the catalog as it would be: %s", why);
	return CTL_OK;
}

int catalog_change_begin(struct pg *pg, struct catalog_change **change)
{
	/* For the plans' attributes, which share the answer with the filters. */
	int code = attribute_load_dictionary(pg->call);

	*change = mem_must(talloc_zero(pg->call->ctx, struct catalog_change));
	(*change)->pg = pg;
	if (code == CTL_OK)
		code = pg_run(pg, "begin", NULL, NULL);
	if (code == CTL_OK)
		code = load(pg, &(*change)->before);
	return code;
}

static bool is_same(const struct plan_refusal *one, const struct plan_refusal *other)
{
	return strcmp(one->plan, other->plan) == 0 && one->part == other->part &&
	       one->kind == other->kind && one->form == other->form &&
	       one->is_own_network == other->is_own_network;
}

static bool was_there(const struct catalog *before, const struct plan_refusal *refusal)
{
	size_t count;
	const struct plan_refusal *old = catalog_refusals(before, &count);

	for (size_t i = 0; i < count; i++)
		if (is_same(&old[i], refusal))
			return true;
	return false;
}

int catalog_change_end(struct catalog_change *change)
{
	struct pg *pg = change->pg;
	const struct plan_refusal *refusals;
	struct catalog *after;
	size_t count;
	int code = load(pg, &after);

	if (code != CTL_OK)
		return code;
	refusals = catalog_refusals(after, &count);
	for (size_t i = 0; i < count; i++)
		if (!was_there(change->before, &refusals[i]))
			return call_fail(pg->call, CTL_REFUSED,
				"the %s of plan %s do not do for a NAS of %s: %s",
				plan_part_names[refusals[i].part], refusals[i].plan,
				plan_refusal_place(pg->call->ctx, &refusals[i]), refusals[i].why);
	return pg_run(pg, "commit", NULL, NULL);
}

int catalog_change_run(struct pg *pg, const char *sql, const struct params *params)
{
	struct catalog_change *change;
	int code = catalog_change_begin(pg, &change);

	if (code == CTL_OK)
		code = pg_run(pg, sql, params, NULL);
	return code != CTL_OK ? code : catalog_change_end(change);
}
