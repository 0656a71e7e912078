/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The catalog's tunnels, and those of each plan as attributes. */
#include "base/mem.h"
#include "db/catalog_private.h"
#include <stdlib.h>
#include <string.h>

static int compare(const void *one, const void *other)
{
	const struct tunnel *left = one, *right = other;
	return strcmp(left->name, right->name);
}

void catalog_read_tunnels(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	/* A copy that an earlier version has left does not have them. */
	if (json_object_get(document, "tunnels") == NULL)
		return;
	const json_t *table = reader_begin_table(reader, document, "tunnels");
	catalog->tunnels = mem_must(
		talloc_zero_array(catalog, struct tunnel, (unsigned)json_array_size(table) + 1));
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		tunnel_read(reader, &catalog->tunnels[catalog->tunnel_count++]);
	qsort(catalog->tunnels, catalog->tunnel_count, sizeof *catalog->tunnels, compare);
}

static const struct tunnel *find(const struct catalog *catalog, const char *name)
{
	const struct tunnel wanted = {.name = name};
	return catalog->tunnel_count == 0
		       ? NULL
		       : bsearch(&wanted, catalog->tunnels, catalog->tunnel_count,
				 sizeof *catalog->tunnels, compare);
}

bool catalog_knows_tunnels(const struct catalog *catalog, const struct tunnel_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (find(catalog, names->names[i]) == NULL)
			return false;
	return true;
}

struct rendered_tunnels catalog_render_tunnels(
	TALLOC_CTX *ctx, const struct catalog *catalog, const struct tunnel_names *names)
{
	const struct tunnel *tunnels[TUNNELS_MAX];
	for (size_t i = 0; i < names->count; i++)
		tunnels[i] = find(catalog, names->names[i]);
	return tunnels_render(ctx, tunnels, names->count);
}

/* The database keeps each tunnel that somebody names; a document that has lost one costs that plan
 * its logins, and nobody else anything. */
static void render_plan(struct catalog *catalog, struct plan *plan)
{
	const struct tunnel_names *names = plan->policy.tunnels;
	if (names == NULL)
		return;
	if (catalog_knows_tunnels(catalog, names)) {
		plan->tunnels = catalog_render_tunnels(catalog, catalog, names);
		return;
	}
	plan->has_unknown_tunnel = true;
	for (unsigned view = 0; view < catalog->view_count; view++)
		catalog_refuse(catalog, plan->name, plan->name, PLAN_TUNNELS, &catalog->views[view],
			true, "one of them is not there");
}

void catalog_render_all_tunnels(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->plan_count; i++)
		render_plan(catalog, &catalog->plans[i]);
}
