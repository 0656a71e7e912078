/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Several filters of one direction as one list, where the rules themselves are sent and there is
 * one list for each direction. */
#include "base/mem.h"
#include "filter/filter_private.h"

struct merge {
	struct filter_rule *rules;
	size_t count;
	unsigned open; /* families of which no list has decided everything yet */
};

static unsigned rule_families(const struct filter_rule *rule)
{
	return rule->family == 4 ? FAMILY_4 : rule->family == 6 ? FAMILY_6 : FAMILY_4 | FAMILY_6;
}

static bool is_everything(const struct filter_rule *rule)
{
	return rule->protocol == PROTOCOL_ANY && rule->source.place == FILTER_ANY &&
	       rule->destination.place == FILTER_ANY;
}

/* A rule of no family of its own meant those that its list is about, and this one may be about
 * more. */
static void add(struct merge *merge, const struct filter_rule *rule, unsigned families)
{
	if (merge->count < FILTER_RULES_MAX) {
		struct filter_rule *added = &merge->rules[merge->count];
		*added = *rule;
		if (families != (FAMILY_4 | FAMILY_6))
			added->family = families == FAMILY_4 ? 4 : 6;
	}
	merge->count++;
}

/* followed: the families that a later list is about. */
static void add_list(struct merge *merge, const struct filter_list *list, unsigned followed)
{
	static const struct filter_rule nothing;
	unsigned left = filter_families(list) & merge->open;

	for (size_t i = 0; i < list->count; i++) {
		const struct filter_rule *rule = &list->rules[i];
		unsigned families = rule_families(rule) & left;

		if (families != 0 && is_everything(rule)) {
			left &= ~families;
			if (rule->is_permit)
				families &= ~followed;
			else
				merge->open &= ~families;
		}
		if (families != 0)
			add(merge, rule, families);
	}
	left &= followed;
	merge->open &= ~left;
	if (left & FAMILY_4)
		add(merge, &nothing, FAMILY_4);
	if (left & FAMILY_6)
		add(merge, &nothing, FAMILY_6);
}

int filter_merge(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	struct filter_list *merged, struct filter_fault *fault)
{
	struct merge merge = {.open = FAMILY_4 | FAMILY_6};

	*merged = lists[0];
	if (count == 1)
		return 0;
	merge.rules = mem_must(talloc_array(ctx, struct filter_rule, FILTER_RULES_MAX));
	for (size_t i = 0; i < count; i++) {
		unsigned followed = 0;
		int err = filter_list_check(&lists[i], fault);

		if (err != 0)
			return err;
		for (size_t k = i + 1; k < count; k++)
			followed |= filter_families(&lists[k]);
		add_list(&merge, &lists[i], followed);
	}
	if (merge.count > FILTER_RULES_MAX)
		return filter_fail(fault, 0, ERR_RANGE,
			"%s and the others of its direction have more than %d rules together",
			lists[0].name, FILTER_RULES_MAX);
	merged->rules = merge.rules;
	merged->count = merge.count;
	return 0;
}
