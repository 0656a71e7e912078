/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Which filters apply to whom. Those of subscribers who are exempt from one, or in quarantine, or
 * of whose realm some are imposed, are made when somebody logs in for whom they are not there yet,
 * and kept as long as the catalog: few kinds of it occur. */
#include "base/log.h"
#include "base/mem.h"
#include "db/catalog_private.h"
#include <string.h>

/* What is past it is made anew at each login, and goes with it. */
#define COMBINATIONS_MAX 4096
#define BUCKETS 1024

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

/* False: it is not for there. One that is imposed already stays where it is. */
static bool add(
	struct filter_choice *choice, const struct filter *filter, const struct nas_view *view)
{
	if (filter == NULL || !filter_applies(filter, view))
		return false;
	for (size_t i = 0; i < choice->imposed_count; i++)
		if (choice->filters[i] == filter)
			return true;
	choice->filters[choice->count++] = filter;
	return true;
}

static void add_imposed(
	struct filter_choice *choice, const struct imposed *imposed, const struct nas_view *view)
{
	for (size_t i = 0; imposed != NULL && i < imposed->count; i++) {
		add(choice, imposed->filters[i], view);
		choice->imposed_count = choice->count;
	}
}

static bool is_exempt(const struct own_filters *own, const struct filter *filter)
{
	for (size_t i = 0; own != NULL && i < own->exempt_count; i++)
		if (own->exempt_filter_ids[i] == filter->filter_id)
			return true;
	return false;
}

/* False: he is in none, or in one that does not apply there, which must not leave the line opener
 * than it was. */
static bool add_quarantine(const struct catalog *catalog, const struct own_filters *own,
	const struct nas_view *view, struct filter_choice *choice)
{
	const struct filter_set *quarantine =
		own == NULL ? NULL : find_filter_set(catalog, own->quarantine_filter_set_id);
	if (quarantine == NULL)
		return false;
	bool has_in = add(choice, quarantine->in, view);
	bool has_out = add(choice, quarantine->out, view);
	return has_in || has_out;
}

void catalog_choose_filters(const struct catalog *catalog, const struct plan *plan,
	const struct imposed *by_realm, const struct own_filters *own, unsigned number,
	struct filter_choice *choice)
{
	const struct nas_view *view = &catalog->views[number];
	memset(choice, 0, sizeof *choice);
	add_imposed(choice, view->imposed, view);
	add_imposed(choice, by_realm, view);
	bool is_quarantined = add_quarantine(catalog, own, view, choice);
	choice->is_forced = is_quarantined || choice->imposed_count > 0;
	for (size_t i = 0; i < plan->filter_count && !is_quarantined; i++)
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
	       one->choice.imposed_count == other->choice.imposed_count &&
	       one->choice.count == other->choice.count &&
	       memcmp(one->choice.filters, other->choice.filters,
		       one->choice.count * sizeof *one->choice.filters) == 0;
}

/* What is wrong with it (*verdict, owned by ctx) is known of a new one only. */
static const struct rendered_filters *find_or_make(TALLOC_CTX *ctx, const struct catalog *catalog,
	const struct combination *wanted, struct render_verdict *verdict)
{
	struct combinations *all = catalog->combinations;
	struct combination **bucket = &all->buckets[bucket_of(wanted)];
	for (const struct combination *one = *bucket; one != NULL; one = one->next)
		if (is_same(one, wanted))
			return &one->rendered;
	bool is_kept = all->count < COMBINATIONS_MAX;
	struct combination *made =
		mem_must(talloc_memdup(is_kept ? (TALLOC_CTX *)all : ctx, wanted, sizeof *wanted));
	*verdict = catalog_render_choice(
		made, ctx, catalog, made->plan, &made->choice, made->view, &made->rendered);
	if (is_kept) {
		made->next = *bucket;
		*bucket = made;
		all->count++;
	}
	return &made->rendered;
}

/* "gold with filter set strict", "gold without no-smtp", "gold in realm isp.example" */
static const char *describe(TALLOC_CTX *ctx, const struct catalog *catalog, const struct plan *plan,
	const struct imposed *by_realm, const struct own_filters *own)
{
	const struct filter_set *quarantine =
		own == NULL ? NULL : find_filter_set(catalog, own->quarantine_filter_set_id);
	char *text = mem_must(talloc_strdup(ctx, plan->name));
	if (by_realm != NULL)
		text = mem_must(talloc_asprintf_append(text, " in %s", by_realm->by));
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

const struct rendered_filters *catalog_own_filters(TALLOC_CTX *ctx, const struct catalog *catalog,
	const struct plan *plan, const struct imposed *by_realm, const struct own_filters *own,
	unsigned view)
{
	static struct log_limit limit;
	struct combination wanted = {.plan = plan, .view = view};
	struct render_verdict verdict = {0};
	catalog_choose_filters(catalog, plan, by_realm, own, view, &wanted.choice);
	const struct rendered_filters *rendered = find_or_make(ctx, catalog, &wanted, &verdict);
	if (verdict.why != NULL)
		log_event_limited(&limit, LOG_LEVEL_ERROR, "filter_unfit",
			"plan=%s nas=%s login=%s reason=%s",
			log_quote_text(describe(ctx, catalog, plan, by_realm, own)),
			catalog->views[view].kind->name,
			rendered->is_refused ? "refused" : "accepted",
			log_quote_reason(verdict.why));
	return rendered;
}

static void check(struct catalog *catalog, const struct plan *plan, const struct imposed *by_realm,
	const struct own_filters *own)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(catalog));
	for (unsigned view = 0; view < catalog->view_count; view++) {
		struct combination wanted = {.plan = plan, .view = view};
		struct render_verdict verdict = {0};
		catalog_choose_filters(catalog, plan, by_realm, own, view, &wanted.choice);
		const struct rendered_filters *rendered =
			find_or_make(scratch, catalog, &wanted, &verdict);
		const char *whose = verdict.why == NULL && verdict.remark == NULL
					    ? NULL
					    : describe(catalog, catalog, plan, by_realm, own);
		if (verdict.why != NULL)
			catalog_refuse(catalog, whose, NULL, PLAN_FILTERS, &catalog->views[view],
				rendered->is_refused, verdict.why);
		if (verdict.remark != NULL)
			catalog_remark(catalog, whose, &catalog->views[view], verdict.remark);
	}
	talloc_free(scratch);
}

/* A row's realm; NULL = it imposes nothing. */
static const struct imposed *read_realm(struct reader *reader, const struct catalog *catalog)
{
	const char *name = json_string_value(reader_field(reader, "realm"));
	if (name == NULL)
		return NULL;
	char *login = mem_must(talloc_asprintf(reader->ctx, "@%s", name));
	const struct imposed *imposed = catalog_imposed_by_realm(catalog, login);
	talloc_free(login);
	return imposed;
}

void catalog_check_own_filters(
	struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "own_filters");
	for (size_t i = 0; reader_begin_row(reader, table, i); i++) {
		const struct plan *plan =
			catalog_find_plan(catalog, reader_id(reader, "plan_id", 1));
		const struct imposed *by_realm = read_realm(reader, catalog);
		struct own_filters own = {0};
		reader->object = reader_field(reader, "policy");
		own_filters_read(reader, &own);
		if (plan != NULL && reader->rc == 0)
			check(catalog, plan, by_realm, &own);
	}
}
