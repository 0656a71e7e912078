/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Says the filters of every plan in the words of every kind of access server that there is, when a
 * catalog is taken, so that a login only copies octets. Plans with the same filters share them. */
#include "base/mem.h"
#include "db/catalog_private.h"
#include "radius/encode.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VENDOR_VALUE_MAX 247

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

const char *const plan_part_names[PLAN_PARTS] = {
	[PLAN_FILTERS] = "filters", [PLAN_RATES] = "rates", [PLAN_ATTRIBUTES] = "attributes"};

char *plan_refusal_place(TALLOC_CTX *ctx, const struct plan_refusal *refusal)
{
	bool is_usual = refusal->form == NAS_FORM_USUAL;
	return mem_must(talloc_asprintf(ctx, "kind %s%s%s%s%s%s", refusal->kind->name,
		is_usual ? "" : ", filter form ", is_usual ? "" : nas_form_names[refusal->form],
		refusal->is_own_network ? "" : ", virtual POP", refusal->group != NULL ? ", " : "",
		refusal->group != NULL ? refusal->group : ""));
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

/* Rendering ----------------------------------------------------------------------------------- */

/* A plan's filters for one view, while they are rendered. */
struct rendering {
	TALLOC_CTX *ctx; /* of the work alone */
	const struct catalog *catalog;
	const struct nas_view *view;
	struct filter_choice choice;
	struct reply part;
	size_t packet_octets; /* what they take; more than the part has if that is too small */
	size_t rules;         /* NAS-Filter-Rule's, if they are too many; else 0 */
	char *why;            /* NULL = nothing is wrong */
	char *remark;         /* NULL = nothing else is to be said */
	bool is_refused;
};

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

PRINTF_LIKE(3, 4)
static void complain(struct rendering *rendering, bool is_refused, const char *format, ...)
{
	if (rendering->why)
		return;
	va_list arguments;
	va_start(arguments, format);
	rendering->why = mem_must(talloc_vasprintf(rendering->ctx, format, arguments));
	va_end(arguments);
	rendering->is_refused = is_refused;
}

/* The later filter of two of one direction, among the first so many; NULL = there are none. */
static const struct filter *find_second(
	const struct filter_choice *choice, size_t count, const struct filter **first)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (choice->filters[k]->list.direction ==
				choice->filters[i]->list.direction) {
				*first = choice->filters[k];
				return choice->filters[i];
			}
	return NULL;
}

/* Keeps the filters that are imposed, and of the others those of the directions wanted. */
static void keep_imposed(struct rendering *rendering, const bool wanted[2])
{
	struct filter_choice *choice = &rendering->choice;
	size_t kept = choice->imposed_count;
	for (size_t i = kept; i < choice->count; i++) {
		const struct filter *filter = choice->filters[i];
		if (wanted[filter->list.direction])
			choice->filters[kept++] = filter;
		else if (rendering->remark == NULL)
			rendering->remark = mem_must(talloc_asprintf(rendering->ctx,
				"%s is imposed there, and where names are sent, %s gives way to it",
				choice->filters[0]->list.name, filter->list.name));
	}
	choice->count = kept;
}

/* Equipment takes one name for each direction: that of a filter that is imposed goes alone. */
static void displace(struct rendering *rendering)
{
	struct filter_choice *choice = &rendering->choice;
	const struct filter *first, *second;
	bool is_free[2] = {true, true};
	for (size_t i = 0; i < choice->imposed_count; i++)
		is_free[choice->filters[i]->list.direction] = false;
	if (choice->imposed_count > 0)
		keep_imposed(rendering, is_free);
	second = find_second(choice, choice->imposed_count, &first);
	if (second != NULL)
		complain(rendering, false,
			"%s and %s are both imposed there, and one name is sent for a direction",
			first->list.name, second->list.name);
}

/* What the NAS makes of a name is its own affair: a name that does not do is sent all the same. */
static void put_name(struct rendering *rendering, const char *name, const char *suffix)
{
	unsigned max = rendering->view->kind->filter_name_max;
	if (max > 0 && strlen(name) > max)
		complain(rendering, false,
			"the name %s has more than %u characters; give it a shorter one there with "
			"popradctl filterset",
			name, max);
	char *text = mem_must(talloc_asprintf(rendering->ctx, "%s%s", name, suffix));
	reply_add_text(&rendering->part, ATTR_FILTER_ID, text);
}

/* The set that has exactly these filters, before others one that has a name for this kind. */
static const char *find_set_name(const struct rendering *rendering)
{
	const struct catalog *catalog = rendering->catalog;
	const struct filter_choice *choice = &rendering->choice;
	const struct filter *in = NULL, *out = NULL;
	const char *found = NULL;
	size_t kind = 0;

	if (choice->count < 1 || find_second(choice, choice->count, &in) != NULL)
		return NULL;
	for (size_t i = 0; i < choice->count; i++)
		*(choice->filters[i]->list.direction == FILTER_IN ? &in : &out) =
			choice->filters[i];
	while (nas_kind_at(kind) != rendering->view->kind)
		kind++;
	for (size_t i = 0; i < catalog->filter_set_count; i++) {
		const struct filter_set *set = &catalog->filter_sets[i];
		if (set->in != in || set->out != out)
			continue;
		if (set->kind_names[kind])
			return set->kind_names[kind];
		if (!found && rendering->view->kind->names == RENDER_FILTER_ID_BASE)
			found = set->name;
	}
	return found;
}

static const char *suffix_of(const struct filter *filter)
{
	return filter->list.direction == FILTER_IN ? ".in" : ".out";
}

/* A NAS that asks for the rules knows a filter by no other name, and must get them. */
static void check_answer(struct rendering *rendering, const struct filter *filter)
{
	if (filter->answer_fault != NULL)
		complain(rendering, true, "%s", filter->answer_fault);
}

static void render_filter_ids(struct rendering *rendering)
{
	bool is_asked_for = rendering->view->form == NAS_FORM_FILTER_SERVER;
	displace(rendering);
	const char *set_name = is_asked_for ? NULL : find_set_name(rendering);
	for (size_t i = 0; i < rendering->choice.count; i++) {
		const struct filter *filter = rendering->choice.filters[i];
		if (is_asked_for)
			check_answer(rendering, filter);
		put_name(rendering, set_name ? set_name : filter->list.name, suffix_of(filter));
	}
}

/* The one name is for both directions: what is imposed goes alone unless a set has all. */
static void render_base(struct rendering *rendering)
{
	const struct filter_choice *choice = &rendering->choice;
	static const bool none[2];
	displace(rendering);
	const char *set_name = find_set_name(rendering);
	if (set_name == NULL && choice->imposed_count > 0 &&
		choice->count > choice->imposed_count) {
		keep_imposed(rendering, none);
		set_name = find_set_name(rendering);
	}
	if (set_name != NULL) {
		put_name(rendering, set_name, "");
		return;
	}
	if (choice->count > 1)
		complain(rendering, false,
			"%s and %s must have one name there: popradctl filterset add NAME --in F "
			"--out F",
			choice->filters[0]->list.name, choice->filters[1]->list.name);
	for (size_t i = 0; i < choice->count; i++)
		put_name(rendering, choice->filters[i]->list.name, "");
}

static void render_erx_policies(struct rendering *rendering)
{
	const struct filter_choice *choice = &rendering->choice;
	const struct filter *first, *second;
	displace(rendering);
	second = find_second(choice, choice->count, &first);
	if (second != NULL)
		complain(rendering, false, "%s and %s are of one direction, which has one policy",
			first->list.name, second->list.name);
	for (size_t i = 0; i < choice->count; i++) {
		const struct filter_list *list = &choice->filters[i]->list;
		uint8_t number = list->direction == FILTER_IN ? ERX_INGRESS_POLICY_NAME
							      : ERX_EGRESS_POLICY_NAME;
		if (strlen(list->name) > VENDOR_VALUE_MAX)
			complain(rendering, true, "the name %s is longer than an attribute",
				list->name);
		reply_add_vendor(
			&rendering->part, VENDOR_ERX, number, list->name, strlen(list->name));
	}
}

static int make_values(struct rendering *rendering, const struct filter_list *lists, size_t count,
	struct filter_values *values, struct filter_fault *fault)
{
	const struct nas_kind *kind = rendering->view->kind;
	const struct filter_pools *pools = &rendering->catalog->filter_pools;
	size_t rules = 0;
	int err;

	switch (nas_kind_rendering(kind, rendering->view->form)) {
	case RENDER_CISCO_RULES:
		return filter_cisco_avpairs(rendering->ctx, lists, count, pools, values, fault);
	case RENDER_NAS_RULES:
		err = filter_nas_rules(rendering->ctx, lists, count, pools, kind->filter_ports_max,
			values, &rules, fault);
		if (err == 0 && kind->filter_rules_max > 0 && rules > kind->filter_rules_max) {
			rendering->rules = rules;
			return ERR_FULL;
		}
		return err;
	default:
		return filter_ascend(
			rendering->ctx, lists, count, pools, FILTER_ASCEND_LONG, values, fault);
	}
}

static void complain_of_rules(struct rendering *rendering)
{
	const struct filter_choice *choice = &rendering->choice;
	char *names = mem_must(talloc_strdup(rendering->ctx, choice->filters[0]->list.name));
	for (size_t i = 1; i < choice->count; i++)
		names = mem_must(talloc_asprintf_append(names, "%s%s",
			i + 1 < choice->count ? ", " : " and ", choice->filters[i]->list.name));
	complain(rendering, true,
		"%s become %zu rules, and it takes %u; popradctl nas set NAME --filter-form none "
		"sends it none",
		names, rendering->rules, rendering->view->kind->filter_rules_max);
}

/* The lists of each direction as one; those of the filter that comes first go first. */
static int merge_lists(const struct rendering *rendering, struct filter_list merged[2],
	size_t *count, struct filter_fault *fault)
{
	const struct filter_choice *choice = &rendering->choice;
	enum filter_direction first = choice->filters[0]->list.direction;
	*count = 0;
	for (size_t n = 0; n < 2; n++) {
		enum filter_direction direction = n == 0               ? first
						  : first == FILTER_IN ? FILTER_OUT
								       : FILTER_IN;
		struct filter_list lists[CHOICE_MAX];
		size_t found = 0;
		for (size_t i = 0; i < choice->count; i++)
			if (choice->filters[i]->list.direction == direction)
				lists[found++] = choice->filters[i]->list;
		int err = found == 0 ? 0
				     : filter_merge(rendering->ctx, lists, found, &merged[*count],
					       fault);
		if (err != 0)
			return err;
		*count += found > 0;
	}
	return 0;
}

/* Which rule of which filter it is, is seen where each stands alone. */
static void find_culprit(struct rendering *rendering)
{
	const struct filter_choice *choice = &rendering->choice;
	for (size_t i = 0; i < choice->count; i++) {
		struct filter_values values;
		struct filter_fault fault;
		if (make_values(rendering, &choice->filters[i]->list, 1, &values, &fault) ==
			ERR_RANGE)
			complain(rendering, true, "%s", fault.text);
	}
}

static void render_rules(struct rendering *rendering, uint32_t vendor, uint8_t number)
{
	const struct filter_choice *choice = &rendering->choice;
	struct filter_list lists[2];
	struct filter_values values;
	struct filter_fault fault;
	size_t count;

	for (size_t i = 0; i < choice->count; i++)
		if (choice->filters[i]->fault)
			complain(rendering, true, "%s", choice->filters[i]->fault);
	if (rendering->why)
		return;
	int err = merge_lists(rendering, lists, &count, &fault);
	if (err == 0)
		err = make_values(rendering, lists, count, &values, &fault);
	if (err == ERR_RANGE && choice->count > count)
		find_culprit(rendering);
	if (err == ERR_FULL)
		complain_of_rules(rendering);
	if (err != 0) {
		complain(rendering, true, "%s", fault.text);
		return;
	}
	for (size_t i = 0; i < values.count; i++) {
		const struct filter_value *value = &values.values[i];
		if (vendor != 0)
			reply_add_vendor(
				&rendering->part, vendor, number, value->octets, value->size);
		else
			reply_add_octets(&rendering->part, number, value->octets, value->size);
	}
	rendering->packet_octets = values.packet_octets;
}

static void render(struct rendering *rendering)
{
	switch (nas_kind_rendering(rendering->view->kind, rendering->view->form)) {
	case RENDER_NOTHING:
		break;
	case RENDER_FILTER_ID:
		render_filter_ids(rendering);
		break;
	case RENDER_FILTER_ID_BASE:
		render_base(rendering);
		break;
	case RENDER_ERX_POLICY:
		render_erx_policies(rendering);
		break;
	case RENDER_CISCO_RULES:
		render_rules(rendering, VENDOR_CISCO, CISCO_AVPAIR);
		break;
	case RENDER_ASCEND:
		render_rules(rendering, VENDOR_ASCEND, ASCEND_DATA_FILTER);
		break;
	case RENDER_ASCEND_OLD:
		render_rules(rendering, 0, ASCEND_DATA_FILTER);
		break;
	case RENDER_NAS_RULES:
		render_rules(rendering, 0, ATTR_NAS_FILTER_RULE);
		break;
	}
	if (!rendering->part.is_overfull)
		rendering->packet_octets = rendering->part.length;
	else if (rendering->packet_octets == 0)
		rendering->packet_octets = RADIUS_MAX_PACKET;
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
	render(&rendering);
	if (rendering.packet_octets > RADIUS_MAX_PACKET - ANSWER_REST_OCTETS)
		complain(&rendering, true, "%s takes %zu octets of an answer, in which it has %d",
			filter->list.name, rendering.packet_octets,
			RADIUS_MAX_PACKET - ANSWER_REST_OCTETS);
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
	const struct plan_refusal refusal = {.plan = plan,
		.base = base,
		.part = part,
		.is_login_refused = is_login_refused,
		.why = why};
	keep(catalog, &catalog->refusals, &catalog->refusal_count, &refusal, view);
}

void catalog_remark(
	struct catalog *catalog, const char *plan, const struct nas_view *view, const char *remark)
{
	const struct plan_refusal remarked = {.plan = plan, .part = PLAN_FILTERS, .why = remark};
	keep(catalog, &catalog->remarks, &catalog->remark_count, &remarked, view);
}

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
		render(rendering);
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

/* Renders what plans[0..count), which have the same filters, are for one view. */
static void render_view(
	struct catalog *catalog, struct plan *const *plans, size_t count, unsigned view)
{
	struct rendering rendering = {.ctx = mem_must(talloc_new(catalog)),
		.catalog = catalog,
		.view = &catalog->views[view]};
	struct filter_choice choice;

	catalog_choose_filters(catalog, plans[0], NULL, NULL, view, &choice);
	const uint8_t *octets = render_choice(catalog, &rendering, &choice);
	for (size_t i = 0; i < count; i++) {
		struct rendered_filters *to = &plans[i]->rendered[view];
		const char *why = give(plans[i], &rendering, octets, to);
		if (why)
			catalog_refuse(catalog, plans[i]->name, plans[i]->name, PLAN_FILTERS,
				rendering.view, to->is_refused, why);
		if (rendering.remark)
			catalog_remark(catalog, plans[i]->name, rendering.view, rendering.remark);
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

void catalog_render_filters(struct catalog *catalog)
{
	struct plan **plans =
		mem_must(talloc_array(catalog, struct plan *, (unsigned)catalog->plan_count + 1));
	catalog->combinations = combinations_new(catalog);
	render_answers(catalog);
	for (size_t i = 0; i < catalog->plan_count; i++) {
		plans[i] = &catalog->plans[i];
		plans[i]->rendered = mem_must(talloc_zero_array(
			catalog, struct rendered_filters, catalog->view_count + 1));
	}
	qsort(plans, catalog->plan_count, sizeof(struct plan *), compare_plans);
	for (size_t i = 0, next; i < catalog->plan_count; i = next) {
		next = i + 1;
		while (next < catalog->plan_count &&
			compare_filter_lists(&plans[i], &plans[next]) == 0)
			next++;
		for (unsigned view = 0; view < catalog->view_count; view++)
			render_view(catalog, &plans[i], next - i, view);
	}
	talloc_free(plans);
}
