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

#define LINES_MAX 5 /* lines; the rest are counted */

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

/* The plan did not do there before either, without what is imposed now. */
static bool is_of_base(const struct plan_refusal *old, const struct plan_refusal *refusal)
{
	return refusal->base != NULL && strcmp(old->plan, refusal->base) == 0 &&
	       old->part == refusal->part && old->kind == refusal->kind &&
	       old->form == refusal->form && old->is_own_network == refusal->is_own_network;
}

static bool is_same(const struct plan_refusal *one, const struct plan_refusal *other)
{
	return strcmp(one->plan, other->plan) == 0 && one->part == other->part &&
	       one->kind == other->kind && one->form == other->form &&
	       one->is_own_network == other->is_own_network &&
	       (one->group == NULL ? other->group == NULL
				   : other->group != NULL && strcmp(one->group, other->group) == 0);
}

static bool is_among(
	const struct plan_refusal *old, size_t count, const struct plan_refusal *refusal)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(&old[i], refusal) || is_of_base(&old[i], refusal))
			return true;
	return false;
}

/* What can be sent from now on, but not as it was meant. */
static void remark(struct catalog_change *change, const struct catalog *after)
{
	const struct call *call = change->pg->call;
	size_t count, before_count, said = 0;
	const struct plan_refusal *remarks = catalog_remarks(after, &count),
				  *before = catalog_remarks(change->before, &before_count);

	for (size_t i = 0; i < count; i++) {
		if (is_among(before, before_count, &remarks[i]))
			continue;
		if (said++ < LINES_MAX)
			fprintf(call->errors, "popradctl: note: plan %s, NAS of %s: %s\n",
				remarks[i].plan, plan_refusal_place(call->ctx, &remarks[i]),
				remarks[i].why);
	}
	if (said > LINES_MAX)
		fprintf(call->errors, "popradctl: note: and %zu more of the kind\n",
			said - LINES_MAX);
}

int catalog_change_end(struct catalog_change *change)
{
	struct pg *pg = change->pg;
	const struct plan_refusal *refusals, *before;
	struct catalog *after;
	size_t count, before_count;
	int code = load(pg, &after);

	if (code != CTL_OK)
		return code;
	refusals = catalog_refusals(after, &count);
	before = catalog_refusals(change->before, &before_count);
	for (size_t i = 0; i < count; i++)
		if (!is_among(before, before_count, &refusals[i]))
			return call_fail(pg->call, CTL_REFUSED,
				"the %s of plan %s do not do for a NAS of %s: %s",
				plan_part_names[refusals[i].part], refusals[i].plan,
				plan_refusal_place(pg->call->ctx, &refusals[i]), refusals[i].why);
	code = pg_run(pg, "commit", NULL, NULL);
	if (code == CTL_OK)
		remark(change, after);
	return code;
}

int catalog_change_run(struct pg *pg, const char *sql, const struct params *params)
{
	struct catalog_change *change;
	int code = catalog_change_begin(pg, &change);

	if (code == CTL_OK)
		code = pg_run(pg, sql, params, NULL);
	return code != CTL_OK ? code : catalog_change_end(change);
}

int catalog_change_remove(struct call *call, const char *sql, const char *argument)
{
	struct catalog_change *change;
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code == CTL_OK)
		code = catalog_change_begin(pg, &change);
	if (code == CTL_OK)
		code = pg_remove_row(pg, sql, argument);
	return code != CTL_OK ? code : catalog_change_end(change);
}
