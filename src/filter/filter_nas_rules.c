/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * NAS-Filter-Rule: the rules of RFC 3588 section 4.3 as RFC 4849 puts them into attributes. */
#include "base/mem.h"
#include "filter/filter_private.h"

#define ATTRIBUTE_HEADER 2
#define ATTRIBUTE_VALUE_MAX 253

/* The text of all rules; the NULs between them are part of it. */
struct rules {
	char *text;
	size_t count;
};

/* any means both families. A list that is about both must say which one it means. */
static void put_network(char **text, const struct prefix *network, bool is_of_both)
{
	char address[ADDR_TEXT_MAX];

	if (network->bits == 0 && !is_of_both)
		filter_put(text, "any");
	else if (network_is_host(network))
		filter_put(text, "%s", addr_format(&network->addr, address));
	else
		filter_put(text, "%s", prefix_format(network, address));
}

static void put_ports(char **text, const struct filter_ports *ports)
{
	if (ports->comparison != FILTER_PORTS_ALL)
		filter_put(text, " ");
	filter_put_ranges(text, ports);
}

/* "deny in 6 from any to 10.0.8.0/21 25,80": protocols are numbers there, but for ip, which is
 * every one. */
static void put_rule(struct rules *rules, const struct filter_entry *entry,
	enum filter_direction direction, bool is_of_both)
{
	char **text = &rules->text;

	if (rules->count++ > 0)
		filter_put(text, "%c", '\0');
	filter_put(text, "%s %s", entry->is_permit ? "permit" : "deny",
		direction == FILTER_IN ? "in" : "out");
	if (entry->protocol == PROTOCOL_ANY)
		filter_put(text, " ip from ");
	else
		filter_put(text, " %u from ", entry->protocol);
	put_network(text, &entry->source, is_of_both);
	put_ports(text, &entry->source_ports);
	filter_put(text, " to ");
	put_network(text, &entry->destination, is_of_both);
	put_ports(text, &entry->destination_ports);
	if (entry->is_established)
		filter_put(text, " established");
}

/* A rule may straddle two attributes. */
static void cut(TALLOC_CTX *ctx, const char *text, size_t size, struct filter_values *values)
{
	while (size > 0) {
		size_t part = size < ATTRIBUTE_VALUE_MAX ? size : ATTRIBUTE_VALUE_MAX;

		filter_values_add(ctx, values, text, part, ATTRIBUTE_HEADER);
		text += part;
		size -= part;
	}
}

int filter_nas_rules(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	const struct filter_pools *pools, unsigned ports_max, struct filter_values *values,
	size_t *rule_count, struct filter_fault *fault)
{
	const struct filter_form form = {
		.ports_max = ports_max, .has_range = true, .has_neq = ports_max > 1};
	TALLOC_CTX *scratch = mem_must(talloc_new(NULL));
	struct rules rules = {.text = mem_must(talloc_strdup(scratch, ""))};
	struct filter_entries entries;
	int err = filter_lists_check(lists, count, fault);

	*values = (struct filter_values){0};
	for (size_t i = 0; err == 0 && i < count; i++) {
		bool is_of_both = filter_families(&lists[i]) == (FAMILY_4 | FAMILY_6);

		err = filter_expand(
			scratch, &lists[i], pools, &form, FAMILY_4 | FAMILY_6, &entries, fault);
		for (size_t k = 0; err == 0 && k < entries.count; k++)
			put_rule(&rules, &entries.entries[k], lists[i].direction, is_of_both);
	}
	if (err == 0)
		cut(ctx, rules.text, talloc_get_size(rules.text) - 1, values);
	if (rule_count != NULL)
		*rule_count = rules.count;
	talloc_free(scratch);
	return err;
}
