/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Filters of subscribers who are exempt from one, or in quarantine. They are made when somebody
 * logs in for whom they are not there yet, and kept as long as the catalog: few have anything of
 * their own, and few kinds of it occur. */
#include "base/mem.h"
#include "db/catalog_private.h"
#include <string.h>

/* What is past it is made anew at each login, and goes with it. */
#define COMBINATIONS_MAX 1024
#define BUCKETS 256

/* What one plan's filters, with what is the subscriber's own, are for one view. */
struct combination {
	struct combination *next;
	const struct plan *plan;
	unsigned view;
	struct filter_choice choice;
	struct rendered_filters rendered;
};

struct combinations {
	size_t count;
	struct combination *buckets[BUCKETS];
};

struct combinations *combinations_new(TALLOC_CTX *ctx)
{
	return mem_must(talloc_zero(ctx, struct combinations));
}

static const struct filter_set *find_filter_set(
	const struct catalog *catalog, int32_t filter_set_id)
{
	for (size_t i = 0; i < catalog->filter_set_count; i++)
		if (catalog->filter_sets[i].filter_set_id == filter_set_id)
			return &catalog->filter_sets[i];
	return NULL;
}

bool catalog_knows_own_filters(const struct catalog *catalog, const struct own_filters *own)
{
	return own == NULL || own->quarantine_filter_set_id == 0 ||
	       find_filter_set(catalog, own->quarantine_filter_set_id) != NULL;
}

static void add(
	struct filter_choice *choice, const struct filter *filter, const struct nas_view *view)
{
	if (filter != NULL && filter_applies(filter, view))
		choice->filters[choice->count++] = filter;
}

static bool is_exempt(const struct own_filters *own, const struct filter *filter)
{
	for (size_t i = 0; i < own->exempt_count; i++)
		if (own->exempt_filter_ids[i] == filter->filter_id)
			return true;
	return false;
}

static void choose(const struct catalog *catalog, const struct plan *plan,
	const struct own_filters *own, unsigned number, struct filter_choice *choice)
{
	const struct nas_view *view = &catalog->views[number];
	const struct filter_set *quarantine =
		find_filter_set(catalog, own->quarantine_filter_set_id);
	memset(choice, 0, sizeof *choice);
	if (quarantine != NULL) {
		add(choice, quarantine->in, view);
		add(choice, quarantine->out, view);
	}
	/* A set that does not apply there must not leave the line opener than it was. */
	choice->is_forced = choice->count > 0;
	for (size_t i = 0; i < plan->filter_count && !choice->is_forced; i++)
		if (!is_exempt(own, plan->filters[i]))
			add(choice, plan->filters[i], view);
}

static size_t bucket_of(const struct combination *wanted)
{
	uint32_t hash = (uint32_t)wanted->plan->plan_id * 31 + wanted->view;
	for (size_t i = 0; i < wanted->choice.count; i++)
		hash = hash * 31 + (uint32_t)wanted->choice.filters[i]->filter_id;
	return hash % BUCKETS;
}

static bool is_same(const struct combination *one, const struct combination *other)
{
	return one->plan == other->plan && one->view == other->view &&
	       one->choice.is_forced == other->choice.is_forced &&
	       one->choice.count == other->choice.count &&
	       memcmp(one->choice.filters, other->choice.filters,
		       one->choice.count * sizeof *one->choice.filters) == 0;
}

/* *why (owned by ctx, NULL = nothing) is known of a new one only. */
static const struct rendered_filters *find_or_make(TALLOC_CTX *ctx, const struct catalog *catalog,
	const struct combination *wanted, const char **why)
{
	struct combinations *all = catalog->combinations;
	struct combination **bucket = &all->buckets[bucket_of(wanted)];
	for (const struct combination *one = *bucket; one != NULL; one = one->next)
		if (is_same(one, wanted))
			return &one->rendered;
	bool is_kept = all->count < COMBINATIONS_MAX;
	struct combination *made =
		mem_must(talloc_memdup(is_kept ? (TALLOC_CTX *)all : ctx, wanted, sizeof *wanted));
	*why = catalog_render_choice(
		made, ctx, catalog, made->plan, &made->choice, made->view, &made->rendered);
	if (is_kept) {
		made->next = *bucket;
		*bucket = made;
		all->count++;
	}
	return &made->rendered;
}

const struct rendered_filters *catalog_own_filters(TALLOC_CTX *ctx, const struct catalog *catalog,
	const struct plan *plan, const struct own_filters *own, unsigned view)
{
	struct combination wanted = {.plan = plan, .view = view};
	const char *why = NULL;
	choose(catalog, plan, own, view, &wanted.choice);
	return find_or_make(ctx, catalog, &wanted, &why);
}

/* "gold with filter set strict", "gold without no-smtp" */
static const char *describe(TALLOC_CTX *ctx, const struct catalog *catalog, const struct plan *plan,
	const struct own_filters *own)
{
	const struct filter_set *quarantine =
		find_filter_set(catalog, own->quarantine_filter_set_id);
	char *text = mem_must(talloc_strdup(ctx, plan->name));
	if (quarantine != NULL)
		return mem_must(
			talloc_asprintf_append(text, " with filter set %s", quarantine->name));
	const char *separator = " without ";
	for (size_t i = 0; i < catalog->filter_count; i++)
		if (is_exempt(own, &catalog->filters[i])) {
			text = mem_must(talloc_asprintf_append(
				text, "%s%s", separator, catalog->filters[i].list.name));
			separator = ", ";
		}
	return text;
}

static void check(struct catalog *catalog, const struct plan *plan, const struct own_filters *own)
{
	for (unsigned view = 0; view < catalog->view_count; view++) {
		struct combination wanted = {.plan = plan, .view = view};
		const char *why = NULL;
		choose(catalog, plan, own, view, &wanted.choice);
		const struct rendered_filters *rendered =
			find_or_make(catalog, catalog, &wanted, &why);
		if (why != NULL)
			catalog_refuse(catalog, describe(catalog, catalog, plan, own), PLAN_FILTERS,
				&catalog->views[view], rendered->is_refused, why);
	}
}

void catalog_check_own_filters(
	struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "own_filters");
	for (size_t i = 0; reader_begin_row(reader, table, i); i++) {
		const struct plan *plan =
			catalog_find_plan(catalog, reader_id(reader, "plan_id", 1));
		struct own_filters own = {0};
		reader->object = reader_field(reader, "policy");
		own_filters_read(reader, &own);
		if (plan != NULL && reader->rc == 0)
			check(catalog, plan, &own);
	}
}
