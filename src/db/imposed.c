/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Filters that realms and groups of access servers impose. The catalog's document names those
 * alone that impose some, so that nobody else's login looks for anything. */
#include "base/mem.h"
#include "db/catalog_private.h"
#include <stdlib.h>
#include <string.h>

static void read_filters(
	struct reader *reader, const struct catalog *catalog, struct imposed *imposed)
{
	const json_t *list = reader_list(reader, "filters", IMPOSED_FILTERS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct filter *filter = catalog_find_filter(catalog, json_array_get(list, i));
		if (filter == NULL)
			reader_refuse(
				reader, ERR_RANGE, "filters", "element %zu names no filter", i + 1);
		else
			imposed->filters[imposed->count++] = filter;
	}
}

static void read_row(
	struct reader *reader, const struct catalog *catalog, const char *kind, struct imposer *row)
{
	row->name = reader_text(reader, "name", NAME_MAX_SIZE);
	row->imposed.by = mem_must(talloc_asprintf(reader->ctx, "%s %s", kind, row->name));
	read_filters(reader, catalog, &row->imposed);
}

static int compare_names(const void *one, const void *other)
{
	const struct imposer *left = one, *right = other;
	return strcmp(left->name, right->name);
}

static int compare_ids(const void *one, const void *other)
{
	const struct imposer *left = one, *right = other;
	return (left->nas_group_id > right->nas_group_id) -
	       (left->nas_group_id < right->nas_group_id);
}

static struct imposer *new_rows(struct catalog *catalog, const json_t *table)
{
	return mem_must(
		talloc_zero_array(catalog, struct imposer, (unsigned)json_array_size(table) + 1));
}

void catalog_read_imposed(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "realms");
	catalog->realms = new_rows(catalog, table);
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		read_row(reader, catalog, "realm", &catalog->realms[catalog->realm_count++]);
	qsort(catalog->realms, catalog->realm_count, sizeof *catalog->realms, compare_names);

	table = reader_begin_table(reader, document, "nas_groups");
	catalog->nas_groups = new_rows(catalog, table);
	for (size_t i = 0; reader_begin_row(reader, table, i); i++) {
		struct imposer *row = &catalog->nas_groups[catalog->nas_group_count++];
		row->nas_group_id = reader_id(reader, "nas_group_id", 1);
		read_row(reader, catalog, "group", row);
	}
	qsort(catalog->nas_groups, catalog->nas_group_count, sizeof *catalog->nas_groups,
		compare_ids);
}

const struct imposed *catalog_imposed_by_group(const struct catalog *catalog, int32_t nas_group_id)
{
	const struct imposer wanted = {.nas_group_id = nas_group_id};
	const struct imposer *found = bsearch(&wanted, catalog->nas_groups,
		catalog->nas_group_count, sizeof *catalog->nas_groups, compare_ids);
	return found != NULL ? &found->imposed : NULL;
}

const struct imposed *catalog_imposed_by_realm(const struct catalog *catalog, const char *login)
{
	const char *at = catalog->realm_count > 0 ? strrchr(login, '@') : NULL;
	if (at == NULL)
		return NULL;
	const struct imposer wanted = {.name = at + 1};
	const struct imposer *found = bsearch(&wanted, catalog->realms, catalog->realm_count,
		sizeof *catalog->realms, compare_names);
	return found != NULL ? &found->imposed : NULL;
}

bool imposed_is_same(const struct imposed *one, const struct imposed *other)
{
	if (one == NULL || other == NULL)
		return one == other;
	return one->count == other->count &&
	       memcmp(one->filters, other->filters, one->count * sizeof *one->filters) == 0;
}
