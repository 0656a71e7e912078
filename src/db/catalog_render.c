/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Says the filters of every plan in the words of every kind of access server that there is, when a
 * catalog is taken, so that a login only copies octets. Plans with the same filters share them. */
#include "base/mem.h"
#include "db/filter_render.h"
#include <stdlib.h>
#include <string.h>

/* Views --------------------------------------------------------------------------------------- */

unsigned catalog_add_view(struct catalog *catalog, const struct nas_view *wanted)
{
	for (unsigned i = 0; i < catalog->view_count; i++) {
		const struct nas_view *view = &catalog->views[i];
		if (view->kind == wanted->kind && view->form == wanted->form &&
			view->is_own_network == wanted->is_own_network &&
			imposed_is_same(view->imposed, wanted->imposed))
			return i;
	}
	if (catalog->view_count == NAS_VIEWS_MAX)
		return NAS_VIEWS_MAX;
	catalog->views = mem_must(
		talloc_realloc(catalog, catalog->views, struct nas_view, catalog->view_count + 1));
	catalog->views[catalog->view_count] = *wanted;
	return catalog->view_count++;
}

/* NAS-Filter-Rule and Filter-Id exclude each other (RFC 4849 section 2), and equipment that takes
 * Cisco's rules rejects them beside a Filter-Id. */
static unsigned yields_to(enum filter_rendering rendering)
{
	switch (rendering) {
	case RENDER_NOTHING:
		break;
	case RENDER_FILTER_ID:
	case RENDER_FILTER_ID_BASE:
	case RENDER_NAS_RULES:
		return CARRIER_FILTER_ID | CARRIER_NAS_RULES;
	case RENDER_ERX_POLICY:
		return CARRIER_ERX_POLICY;
	case RENDER_CISCO_RULES:
		return CARRIER_CISCO_RULES | CARRIER_FILTER_ID;
	case RENDER_ASCEND:
	case RENDER_ASCEND_OLD:
		return CARRIER_ASCEND;
	}
	return 0;
}

bool filter_applies(const struct filter *filter, const struct nas_view *view)
{
	switch (filter->scope) {
	case FILTER_ANYWHERE:
		return true;
	case FILTER_OWN_NETWORK:
		return view->is_own_network;
	case FILTER_ROUTER:
		return false;
	}
	return false;
}

/* Answers ------------------------------------------------------------------------------------- */

/* What an answer keeps free beside a filter: its header, Message-Authenticator, Proxy-State. */
#define ANSWER_REST_OCTETS 512

static void render_answer(struct catalog *catalog, struct filter *filter)
{
	const struct nas_view view = {.kind = nas_kind_find("cisco"), .form = NAS_FORM_RULES};
	struct rendering rendering = {.ctx = mem_must(talloc_new(catalog)),
		.catalog = catalog,
		.view = &view,
		.choice = {.filters = {filter}, .count = 1}};
	uint8_t buffer[RADIUS_MAX_PACKET];
	reply_init_part(&rendering.part, buffer);
	filter_render(&rendering);
	if (rendering.packet_octets > RADIUS_MAX_PACKET - ANSWER_REST_OCTETS)
		filter_render_fail(&rendering, true,
			"%s takes %zu octets of an answer, in which it has %d", filter->list.name,
			rendering.packet_octets, RADIUS_MAX_PACKET - ANSWER_REST_OCTETS);
	if (rendering.why != NULL)
		filter->answer_fault = talloc_steal(catalog, rendering.why);
	else
		filter->answer = (struct filter_answer){
			mem_must(talloc_memdup(catalog, buffer, rendering.part.length)),
			rendering.part.length};
	talloc_free(rendering.ctx);
}

/* Each filter, for routers that ask for it by its name. */
static void render_answers(struct catalog *catalog)
{
	bool is_asked = false;
	for (unsigned view = 0; view < catalog->view_count; view++)
		is_asked = is_asked || catalog->views[view].form == NAS_FORM_FILTER_SERVER;
	for (size_t i = 0; i < catalog->filter_count && is_asked; i++)
		render_answer(catalog, &catalog->filters[i]);
}

/* Plans --------------------------------------------------------------------------------------- */

static bool gives_carrier(const struct plan *plan, unsigned carriers)
{
	for (size_t i = 0; i < plan->attribute_count; i++)
		if (filter_carrier_of(&plan->attributes[i]) & carriers)
			return true;
	return false;
}

/* What the rendered filters are for this plan, which has attributes of its own. What is wrong
 * (owned by the work's context), or NULL. */
static const char *give(const struct plan *plan, const struct rendering *rendering,
	const uint8_t *octets, struct rendered_filters *to)
{
	const struct filter_choice *choice = &rendering->choice;
	const struct nas_view *view = rendering->view;
	unsigned carriers = yields_to(nas_kind_rendering(view->kind, view->form));
	size_t left = catalog_octets_left(plan, (unsigned)(view - rendering->catalog->views));
	bool is_too_long = rendering->packet_octets > left;

	*to = (struct rendered_filters){.yields_to = choice->is_forced ? 0 : carriers,
		.displaces = choice->is_forced && carriers != 0 ? CARRIERS_ALL : 0};
	if (gives_carrier(plan, to->yields_to))
		return NULL;
	to->is_refused = rendering->is_refused || is_too_long;
	if (!to->is_refused) {
		to->octets = octets;
		to->size = rendering->packet_octets;
	}
	if (rendering->why || !is_too_long)
		return rendering->why;
	return mem_must(talloc_asprintf(rendering->ctx,
		"%s%s take %zu octets of an answer, in which they have %zu",
		choice->filters[0]->list.name, choice->count > 1 ? " and the others" : "",
		rendering->packet_octets, left));
}

/* The octets belong to owner; NULL if there are none. */
static const uint8_t *render_choice(
	TALLOC_CTX *owner, struct rendering *rendering, const struct filter_choice *choice)
{
	uint8_t buffer[RADIUS_MAX_PACKET];
	reply_init_part(&rendering->part, buffer);
	rendering->choice = *choice;
	if (choice->count > 0)
		filter_render(rendering);
	return rendering->part.length > 0
		       ? mem_must(talloc_memdup(owner, buffer, rendering->part.length))
		       : NULL;
}

struct render_verdict catalog_render_choice(TALLOC_CTX *owner, TALLOC_CTX *ctx,
	const struct catalog *catalog, const struct plan *plan, const struct filter_choice *choice,
	unsigned view, struct rendered_filters *to)
{
	struct rendering rendering = {
		.ctx = ctx, .catalog = catalog, .view = &catalog->views[view]};
	const uint8_t *octets = render_choice(owner, &rendering, choice);
	const char *why = give(plan, &rendering, octets, to);
	return (struct render_verdict){.why = why, .remark = rendering.remark};
}

/* "gold", "gold in realm isp.example" */
static const char *name_plan(
	TALLOC_CTX *ctx, const struct plan *plan, const struct imposed *by_realm)
{
	return by_realm ? mem_must(talloc_asprintf(ctx, "%s in %s", plan->name, by_realm->by))
			: plan->name;
}

/* Renders what plans[0..count), which have the same filters, are for one view; for a realm that
 * imposes something only to see what is wrong. */
static void render_view(struct catalog *catalog, struct plan *const *plans, size_t count,
	const struct imposed *by_realm, unsigned view)
{
	struct rendering rendering = {.ctx = mem_must(talloc_new(catalog)),
		.catalog = catalog,
		.view = &catalog->views[view]};
	struct filter_choice choice;

	catalog_choose_filters(catalog, plans[0], by_realm, NULL, view, &choice);
	const uint8_t *octets =
		render_choice(by_realm ? rendering.ctx : catalog, &rendering, &choice);
	for (size_t i = 0; i < count; i++) {
		struct rendered_filters scratch;
		struct rendered_filters *to = by_realm ? &scratch : &plans[i]->rendered[view];
		const char *why = give(plans[i], &rendering, octets, to);
		const char *whose =
			why || rendering.remark ? name_plan(catalog, plans[i], by_realm) : NULL;
		if (why)
			catalog_refuse(catalog, whose, plans[i]->name, PLAN_FILTERS, rendering.view,
				to->is_refused, why);
		if (rendering.remark)
			catalog_remark(catalog, whose, rendering.view, rendering.remark);
	}
	talloc_free(rendering.ctx);
}

static int compare_filter_lists(const void *one, const void *other)
{
	const struct plan *left = *(struct plan *const *)one, *right = *(struct plan *const *)other;
	if (left->filter_count != right->filter_count)
		return left->filter_count < right->filter_count ? -1 : 1;
	for (size_t i = 0; i < left->filter_count; i++)
		if (left->filters[i] != right->filters[i])
			return left->filters[i]->filter_id < right->filters[i]->filter_id ? -1 : 1;
	return 0;
}

/* So that the same document is always rendered in the same order. */
static int compare_plans(const void *one, const void *other)
{
	const struct plan *left = *(struct plan *const *)one, *right = *(struct plan *const *)other;
	int order = compare_filter_lists(one, other);
	return order != 0 ? order : catalog_compare_plans(left, right);
}

static void render_plans(
	struct catalog *catalog, struct plan *const *sorted, const struct imposed *by_realm)
{
	for (size_t i = 0, next; i < catalog->plan_count; i = next) {
		next = i + 1;
		while (next < catalog->plan_count &&
			compare_filter_lists(&sorted[i], &sorted[next]) == 0)
			next++;
		for (unsigned view = 0; view < catalog->view_count; view++)
			render_view(catalog, &sorted[i], next - i, by_realm, view);
	}
}

/* The caller's. */
static struct plan **sort_plans(struct catalog *catalog)
{
	struct plan **plans =
		mem_must(talloc_array(catalog, struct plan *, (unsigned)catalog->plan_count + 1));
	for (size_t i = 0; i < catalog->plan_count; i++)
		plans[i] = &catalog->plans[i];
	qsort(plans, catalog->plan_count, sizeof(struct plan *), compare_plans);
	return plans;
}

void catalog_render_filters(struct catalog *catalog)
{
	struct plan **sorted = sort_plans(catalog);
	catalog->combinations = combinations_new(catalog);
	render_answers(catalog);
	for (size_t i = 0; i < catalog->plan_count; i++)
		catalog->plans[i].rendered = mem_must(talloc_zero_array(
			catalog, struct rendered_filters, catalog->view_count + 1));
	render_plans(catalog, sorted, NULL);
	talloc_free(sorted);
}

/* Another before it imposes the same. */
static bool is_known(const struct catalog *catalog, size_t realm)
{
	for (size_t i = 0; i < realm; i++)
		if (imposed_is_same(&catalog->realms[i].imposed, &catalog->realms[realm].imposed))
			return true;
	return false;
}

void catalog_check_realms(struct catalog *catalog)
{
	struct plan **sorted = sort_plans(catalog);
	for (size_t i = 0; i < catalog->realm_count; i++)
		if (!is_known(catalog, i))
			render_plans(catalog, sorted, &catalog->realms[i].imposed);
	talloc_free(sorted);
}
