/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Look-ups in a snapshot, and its holders. A snapshot never changes once it is read. */
#include "db/catalog_private.h"
#include <assert.h>
#include <stdlib.h>

int catalog_compare_addrs(const void *one, const void *other)
{
	return addr_compare(one, other);
}

int catalog_compare_plans(const void *one, const void *other)
{
	const struct plan *left = one, *right = other;
	return (left->plan_id > right->plan_id) - (left->plan_id < right->plan_id);
}

bool catalog_has_quotas(const struct catalog *catalog)
{
	return catalog->has_quotas;
}

int64_t catalog_version(const struct catalog *catalog)
{
	return catalog->version;
}

const struct nas *catalog_find_nas(const struct catalog *catalog, const struct addr *source)
{
	return prefix_map_find(catalog->nas_by_prefix, source);
}

const struct plan *catalog_find_plan(const struct catalog *catalog, int32_t plan_id)
{
	const struct plan wanted = {.plan_id = plan_id};
	return bsearch(&wanted, catalog->plans, catalog->plan_count, sizeof *catalog->plans,
		catalog_compare_plans);
}

enum filter_rendering catalog_rendering(const struct catalog *catalog, const struct nas *nas)
{
	const struct nas_view *view = &catalog->views[nas->filter_view];
	return nas_kind_rendering(view->kind, view->form);
}

const struct filter *catalog_filters(const struct catalog *catalog, size_t *count)
{
	*count = catalog->filter_count;
	return catalog->filters;
}

const struct pool_range *catalog_ranges(const struct catalog *catalog, size_t *count)
{
	*count = catalog->range_count;
	return catalog->ranges;
}

const struct plan_refusal *catalog_refusals(const struct catalog *catalog, size_t *count)
{
	*count = catalog->refusal_count;
	return catalog->refusals;
}

const struct plan_refusal *catalog_remarks(const struct catalog *catalog, size_t *count)
{
	*count = catalog->remark_count;
	return catalog->remarks;
}

bool catalog_has_learned(const struct catalog *catalog, const struct addr *source)
{
	return bsearch(source, catalog->learned, catalog->learned_count, sizeof *catalog->learned,
		       catalog_compare_addrs) != NULL;
}

struct catalog *catalog_hold(struct catalog *catalog)
{
	catalog->holders++;
	return catalog;
}

void catalog_release(struct catalog *catalog)
{
	assert(catalog->holders > 0);
	if (--catalog->holders == 0)
		talloc_free(catalog);
}
