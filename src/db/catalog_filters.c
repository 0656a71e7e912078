/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads the catalog's filters, filter sets and the pools that rules name. */
#include "base/log.h"
#include "base/mem.h"
#include "db/catalog_private.h"
#include <stdlib.h>
#include <string.h>

#define FILTER_ID_NAME_MAX 249 /* a Filter-Id's 253 octets, less ".out" */
#define SHORT_NAME_MAX 253
#define ELEMENTS_MAX 1000000 /* of a pool or a filter, before they are looked at */

static void *new_rows(struct catalog *catalog, const json_t *table, size_t size)
{
	return mem_must(talloc_zero_size(catalog, (json_array_size(table) + 1) * size));
}

static void read_pools(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "pools");
	struct filter_pool *pools = new_rows(catalog, table, sizeof *pools);
	size_t count = 0;
	for (; reader_begin_row(reader, table, count); count++) {
		pools[count].name = reader_text(reader, "name", NAME_MAX_SIZE);
		const json_t *list = reader_list(reader, "networks", ELEMENTS_MAX);
		struct prefix *networks = new_rows(catalog, list, sizeof *networks);
		for (size_t i = 0; i < json_array_size(list); i++)
			networks[i] = reader_to_prefix(reader, "networks", json_array_get(list, i));
		pools[count].networks = networks;
		pools[count].count = json_array_size(list);
	}
	catalog->filter_pools = (struct filter_pools){pools, count};
}

/* The database holds a rule's parts, and somebody may have put them together so that they are no
 * rule. Then the filter alone is unfit, and whoever is sent names is none the worse for it. */
static void read_rules(struct reader *reader, struct filter *filter)
{
	const json_t *list = reader_list(reader, "rules", ELEMENTS_MAX);
	size_t count = json_array_size(list);
	struct filter_rule *rules =
		mem_must(talloc_zero_array(reader->ctx, struct filter_rule, (unsigned)count + 1));
	struct filter_fault fault;

	for (size_t i = 0; i < count && filter->fault == NULL; i++) {
		const char *text = reader_check_text(
			reader, "rules", json_array_get(list, i), NAME_MAX_SIZE * 4);
		if (reader->rc == 0 && filter_rule_parse(text, &rules[i], &fault) != 0)
			filter->fault =
				mem_must(talloc_asprintf(reader->ctx, "%s, rule %zu: column %u: %s",
					filter->list.name, i + 1, fault.column, fault.text));
	}
	filter->list.rules = rules;
	filter->list.count = filter->fault == NULL ? count : 0;
}

static void read_filter(struct reader *reader, struct filter *filter)
{
	static const char *const directions[] = {[FILTER_IN] = "in", [FILTER_OUT] = "out", NULL};
	static const char *const scopes[] = {[FILTER_ANYWHERE] = "anywhere",
		[FILTER_OWN_NETWORK] = "own-network",
		[FILTER_ROUTER] = "router",
		NULL};
	filter->filter_id = reader_id(reader, "filter_id", 1);
	filter->list.name = reader_text(reader, "name", FILTER_ID_NAME_MAX);
	filter->list.direction = reader_choice(reader, "direction", directions);
	filter->scope = reader_choice(reader, "scope", scopes);
	read_rules(reader, filter);
}

static int compare_filters(const void *one, const void *other)
{
	const struct filter *left = one, *right = other;
	return (left->filter_id > right->filter_id) - (left->filter_id < right->filter_id);
}

const struct filter *catalog_find_filter(const struct catalog *catalog, const json_t *number)
{
	int64_t id = json_is_integer(number) ? json_integer_value(number) : 0;
	const struct filter wanted = {.filter_id = id > 0 && id <= INT32_MAX ? (int32_t)id : 0};
	return bsearch(&wanted, catalog->filters, catalog->filter_count, sizeof *catalog->filters,
		compare_filters);
}

static void read_filters(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "filters");
	catalog->filters = new_rows(catalog, table, sizeof *catalog->filters);
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		read_filter(reader, &catalog->filters[catalog->filter_count++]);
	qsort(catalog->filters, catalog->filter_count, sizeof *catalog->filters, compare_filters);
	for (size_t i = 1; i < catalog->filter_count; i++) {
		if (catalog->filters[i].filter_id == catalog->filters[i - 1].filter_id)
			reader_refuse(reader, ERR_RANGE, "filter_id", "is there twice");
	}
}

/* 0 stands for none. */
static const struct filter *read_member(
	struct reader *reader, const struct catalog *catalog, const char *name)
{
	const json_t *number = reader_field(reader, name);
	const struct filter *filter = catalog_find_filter(catalog, number);
	bool is_none = json_is_integer(number) && json_integer_value(number) == 0;
	if (!filter && !is_none)
		reader_refuse(reader, ERR_RANGE, name, "names no filter");
	return filter;
}

static void read_filter_set(
	struct reader *reader, const struct catalog *catalog, struct filter_set *set)
{
	set->filter_set_id = reader_id(reader, "filter_set_id", 1);
	set->name = reader_text(reader, "name", NAME_MAX_SIZE);
	set->in = read_member(reader, catalog, "in_filter_id");
	set->out = read_member(reader, catalog, "out_filter_id");
	const json_t *names = reader_field(reader, "names");
	if (names && !json_is_object(names))
		reader_refuse(reader, ERR_SYNTAX, "names", "is no object");
	size_t kinds = 0;
	while (nas_kind_at(kinds))
		kinds++;
	set->kind_names =
		mem_must(talloc_zero_array(reader->ctx, const char *, (unsigned)kinds + 1));
	/* What is said of other kinds, another version may know. */
	for (size_t i = 0; i < kinds; i++) {
		const json_t *name = json_object_get(names, nas_kind_at(i)->name);
		if (name)
			set->kind_names[i] = mem_must(talloc_strdup(reader->ctx,
				reader_check_text(reader, "names", name, SHORT_NAME_MAX)));
	}
}

void catalog_read_filters(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	read_pools(reader, document, catalog);
	read_filters(reader, document, catalog);
	const json_t *table = reader_begin_table(reader, document, "filter_sets");
	catalog->filter_sets = new_rows(catalog, table, sizeof *catalog->filter_sets);
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		read_filter_set(
			reader, catalog, &catalog->filter_sets[catalog->filter_set_count++]);
}
