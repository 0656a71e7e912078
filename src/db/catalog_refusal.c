/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What of a plan cannot be sent as it ought to be, kept with the catalog for whoever reports it. */
#include "base/mem.h"
#include "db/catalog_private.h"
#include <string.h>

const char *const plan_part_names[PLAN_PARTS] = {[PLAN_FILTERS] = "filters",
	[PLAN_RATES] = "rates",
	[PLAN_ATTRIBUTES] = "attributes",
	[PLAN_TUNNELS] = "tunnels"};

char *plan_refusal_place(TALLOC_CTX *ctx, const struct plan_refusal *refusal)
{
	bool is_usual = refusal->form == NAS_FORM_USUAL;
	return mem_must(talloc_asprintf(ctx, "kind %s%s%s%s%s%s", refusal->kind->name,
		is_usual ? "" : ", filter form ", is_usual ? "" : nas_form_names[refusal->form],
		refusal->is_own_network ? "" : ", virtual POP", refusal->group != NULL ? ", " : "",
		refusal->group != NULL ? refusal->group : ""));
}

static void keep(struct catalog *catalog, struct plan_refusal **list, size_t *count,
	const struct plan_refusal *kept, const struct nas_view *view)
{
	*list = mem_must(talloc_realloc(catalog, *list, struct plan_refusal, (unsigned)*count + 1));
	struct plan_refusal *to = &(*list)[(*count)++];
	*to = *kept;
	to->kind = view->kind;
	to->form = view->form;
	to->is_own_network = view->is_own_network;
	to->group = view->imposed != NULL ? view->imposed->by : NULL;
	to->why = mem_must(talloc_strdup(catalog, kept->why));
}

void catalog_refuse(struct catalog *catalog, const char *plan, const char *base,
	enum plan_part part, const struct nas_view *view, bool is_login_refused, const char *why)
{
	if (catalog->refusal_count == REFUSALS_MAX)
		return;
	const struct plan_refusal refusal = {.plan = plan,
		.base = base,
		.part = part,
		.is_login_refused = is_login_refused,
		.why = why};
	keep(catalog, &catalog->refusals, &catalog->refusal_count, &refusal, view);
}

/* One for each plan and group: what is remarked does not differ much from kind to kind. */
static bool has_remark(const struct catalog *catalog, const char *plan, const struct nas_view *view)
{
	const char *group = view->imposed != NULL ? view->imposed->by : NULL;
	for (size_t i = 0; i < catalog->remark_count; i++)
		if (strcmp(catalog->remarks[i].plan, plan) == 0 &&
			catalog->remarks[i].group == group)
			return true;
	return false;
}

void catalog_remark(
	struct catalog *catalog, const char *plan, const struct nas_view *view, const char *remark)
{
	if (catalog->remark_count == REMARKS_MAX || has_remark(catalog, plan, view))
		return;
	const struct plan_refusal remarked = {.plan = plan, .part = PLAN_FILTERS, .why = remark};
	keep(catalog, &catalog->remarks, &catalog->remark_count, &remarked, view);
}
