/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Names, or the rules themselves; where names are sent, one for each direction if the filter is
 * imposed. */
#include "db/filter_render.h"
#include "base/mem.h"
#include <stdarg.h>
#include <string.h>

#define VENDOR_VALUE_MAX 247

void filter_render_fail(struct rendering *rendering, bool is_refused, const char *format, ...)
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
		filter_render_fail(rendering, false,
			"%s and %s are both imposed there, and one name is sent for a direction",
			first->list.name, second->list.name);
}

/* What the NAS makes of a name is its own affair: a name that does not do is sent all the same. */
static void put_name(struct rendering *rendering, const char *name, const char *suffix)
{
	unsigned max = rendering->view->kind->filter_name_max;
	if (max > 0 && strlen(name) > max)
		filter_render_fail(rendering, false,
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
		filter_render_fail(rendering, true, "%s", filter->answer_fault);
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
		filter_render_fail(rendering, false,
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
		filter_render_fail(rendering, false,
			"%s and %s are of one direction, which has one policy", first->list.name,
			second->list.name);
	for (size_t i = 0; i < choice->count; i++) {
		const struct filter_list *list = &choice->filters[i]->list;
		uint8_t number = list->direction == FILTER_IN ? ERX_INGRESS_POLICY_NAME
							      : ERX_EGRESS_POLICY_NAME;
		if (strlen(list->name) > VENDOR_VALUE_MAX)
			filter_render_fail(rendering, true,
				"the name %s is longer than an attribute", list->name);
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

static void fail_for_rules(struct rendering *rendering)
{
	const struct filter_choice *choice = &rendering->choice;
	char *names = mem_must(talloc_strdup(rendering->ctx, choice->filters[0]->list.name));
	for (size_t i = 1; i < choice->count; i++)
		names = mem_must(talloc_asprintf_append(names, "%s%s",
			i + 1 < choice->count ? ", " : " and ", choice->filters[i]->list.name));
	filter_render_fail(rendering, true,
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
			filter_render_fail(rendering, true, "%s", fault.text);
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
			filter_render_fail(rendering, true, "%s", choice->filters[i]->fault);
	if (rendering->why)
		return;
	int err = merge_lists(rendering, lists, &count, &fault);
	if (err == 0)
		err = make_values(rendering, lists, count, &values, &fault);
	if (err == ERR_RANGE && choice->count > count)
		find_culprit(rendering);
	if (err == ERR_FULL)
		fail_for_rules(rendering);
	if (err != 0) {
		filter_render_fail(rendering, true, "%s", fault.text);
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

void filter_render(struct rendering *rendering)
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
