/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Writes rules out: pools become their networks, and ports what a form can say. Every renderer
 * begins here. */
#include "base/mem.h"
#include "filter/filter_private.h"
#include <string.h>

/* Where a form has no ranges, one of so many ports at most becomes a rule for each. */
#define PORTS_OF_RANGE_MAX 16

/* The parts that the ports of one side are cut into; each becomes an entry. */
struct pieces {
	struct filter_ports pieces[PORTS_OF_RANGE_MAX];
	size_t count;
};

unsigned filter_families(const struct filter_list *list)
{
	bool has_4 = false, has_6 = false;

	for (size_t i = 0; i < list->count; i++) {
		has_4 = has_4 || list->rules[i].family == 4;
		has_6 = has_6 || list->rules[i].family == 6;
	}
	return (has_4 || !has_6 ? FAMILY_4 : 0) | (has_6 ? FAMILY_6 : 0);
}

static bool is_plain_name(const char *name)
{
	size_t size = strnlen(name, FILTER_NAME_MAX + 1);

	return size > 0 && size <= FILTER_NAME_MAX && strspn(name, FILTER_NAME_OCTETS) == size;
}

int filter_list_check(const struct filter_list *list, struct filter_fault *fault)
{
	if (!is_plain_name(list->name))
		return filter_fail(fault, 0, ERR_RANGE,
			"the filter's name has characters other than letters, digits and . _ - + "
			":, "
			"or more than %d",
			FILTER_NAME_MAX);
	if (list->count == 0)
		return filter_fail(fault, 0, ERR_RANGE, "%s has no rules", list->name);
	if (list->count > FILTER_RULES_MAX)
		return filter_fail(fault, 0, ERR_RANGE, "%s has more than %d rules", list->name,
			FILTER_RULES_MAX);
	return 0;
}

int filter_lists_check(const struct filter_list *lists, size_t count, struct filter_fault *fault)
{
	for (size_t i = 0; i < count; i++) {
		int err = filter_list_check(&lists[i], fault);
		if (err != 0)
			return err;
		for (size_t k = 0; k < i; k++)
			if (lists[k].direction == lists[i].direction)
				return filter_fail(fault, 0, ERR_RANGE,
					"%s and %s are of one direction, which has one list",
					lists[k].name, lists[i].name);
	}
	return 0;
}

static void add_piece(
	struct pieces *pieces, enum filter_comparison comparison, unsigned one, unsigned other)
{
	pieces->pieces[pieces->count++] = (struct filter_ports){.comparison = comparison,
		.count = comparison == FILTER_PORTS_ALL ? 0
			 : comparison == FILTER_RANGE   ? 2
							: 1,
		.numbers = {(uint16_t)one, (uint16_t)other}};
}

/* False: there is no way to say it. */
static bool cut_range(unsigned first, unsigned last, struct pieces *pieces)
{
	if (first == 0 && last == PORT_MAX)
		add_piece(pieces, FILTER_PORTS_ALL, 0, 0);
	else if (first == last)
		add_piece(pieces, FILTER_EQ, first, 0);
	else if (first == 0)
		add_piece(pieces, FILTER_LT, last + 1, 0);
	else if (last == PORT_MAX)
		add_piece(pieces, FILTER_GT, first - 1, 0);
	else if (last - first >= PORTS_OF_RANGE_MAX)
		return false;
	else
		for (unsigned port = first; port <= last; port++)
			add_piece(pieces, FILTER_EQ, port, 0);
	return true;
}

static void cut_eq(const struct filter_ports *ports, unsigned ports_max, struct pieces *pieces)
{
	for (unsigned at = 0; at < ports->count; at += ports_max) {
		unsigned left = ports->count - at;
		struct filter_ports *piece = &pieces->pieces[pieces->count++];

		*piece = (struct filter_ports){.comparison = FILTER_EQ,
			.count = (uint8_t)(left < ports_max ? left : ports_max)};
		memcpy(piece->numbers, ports->numbers + at, piece->count * sizeof *piece->numbers);
	}
}

static bool cut_ports(
	const struct filter_ports *ports, const struct filter_form *form, struct pieces *pieces)
{
	struct port_range ranges[FILTER_PORTS_MAX];
	size_t count;

	pieces->count = 0;
	if (ports->comparison == FILTER_EQ) {
		cut_eq(ports, form->ports_max, pieces);
	} else if (ports->comparison == FILTER_RANGE && !form->has_range) {
		return cut_range(ports->numbers[0], ports->numbers[1], pieces);
	} else if (ports->comparison == FILTER_NEQ && !form->has_neq) {
		count = filter_port_ranges(ports, ranges);
		for (size_t i = 0; i < count; i++)
			add_piece(pieces, FILTER_RANGE, ranges[i].first, ranges[i].last);
	} else {
		pieces->pieces[pieces->count++] = *ports;
	}
	return true;
}

static const struct filter_pool *find_pool(const struct filter_pools *pools, const char *name)
{
	for (size_t i = 0; pools != NULL && i < pools->count; i++)
		if (strcmp(pools->pools[i].name, name) == 0)
			return &pools->pools[i];
	return NULL;
}

/* The networks of a side: *networks has *count of them. any is one network without bits. */
static int side_networks(const struct filter_side *side, const struct filter_pools *pools,
	const struct prefix *any, const struct prefix **networks, size_t *count,
	struct filter_fault *fault)
{
	const struct filter_pool *pool;

	*networks = side->place == FILTER_ANY ? any : &side->network;
	*count = 1;
	if (side->place != FILTER_POOL)
		return 0;
	pool = find_pool(pools, side->pool);
	if (pool == NULL)
		return filter_fail(fault, 0, ERR_RANGE, "there is no pool %s", side->pool);
	*networks = pool->networks;
	*count = pool->count;
	return 0;
}

static int add_entry(
	TALLOC_CTX *ctx, struct filter_entries *entries, const struct filter_entry *entry)
{
	if (entries->count == FILTER_ENTRIES_MAX)
		return ERR_FULL;
	if (entries->count == entries->room) {
		entries->room = entries->room == 0 ? 16 : 2 * entries->room;
		entries->entries = mem_must(talloc_realloc(
			ctx, entries->entries, struct filter_entry, (unsigned)entries->room));
	}
	entries->entries[entries->count++] = *entry;
	return 0;
}

/* A rule of one family, while it is written out. */
struct expansion {
	TALLOC_CTX *ctx;
	const struct filter_pools *pools;
	const struct filter_form *form;
	struct filter_entries *entries;
	struct filter_fault *fault;
};

static int expand_ports(const struct expansion *expansion, const struct filter_rule *rule,
	struct filter_entry *entry)
{
	struct pieces sources, destinations;

	if (!cut_ports(&rule->source.ports, expansion->form, &sources) ||
		!cut_ports(&rule->destination.ports, expansion->form, &destinations))
		return filter_fail(expansion->fault, 0, ERR_RANGE,
			"this form has no ranges: write gt and lt, or at most %d ports",
			PORTS_OF_RANGE_MAX);
	for (size_t i = 0; i < sources.count; i++) {
		for (size_t k = 0; k < destinations.count; k++) {
			entry->source_ports = sources.pieces[i];
			entry->destination_ports = destinations.pieces[k];
			if (add_entry(expansion->ctx, expansion->entries, entry) != 0)
				return filter_fail(expansion->fault, 0, ERR_RANGE,
					"the filter becomes more than %d entries",
					FILTER_ENTRIES_MAX);
		}
	}
	return 0;
}

static uint8_t protocol_of(const struct filter_rule *rule, uint8_t family)
{
	return family == 6 && rule->protocol == PROTOCOL_ICMP ? PROTOCOL_ICMP6 : rule->protocol;
}

static int expand_rule(const struct expansion *expansion, const struct filter_rule *rule,
	size_t number, uint8_t family)
{
	struct prefix any = {.addr = {.family = family}};
	struct filter_entry entry = {.rule = number,
		.is_permit = rule->is_permit,
		.is_established = rule->is_established,
		.family = family,
		.protocol = protocol_of(rule, family)};
	const struct prefix *sources, *destinations;
	size_t source_count, destination_count;
	int err = side_networks(
		&rule->source, expansion->pools, &any, &sources, &source_count, expansion->fault);

	if (err == 0)
		err = side_networks(&rule->destination, expansion->pools, &any, &destinations,
			&destination_count, expansion->fault);
	for (size_t i = 0; err == 0 && i < source_count; i++) {
		for (size_t k = 0; err == 0 && k < destination_count; k++) {
			if (sources[i].addr.family != family ||
				destinations[k].addr.family != family)
				continue;
			entry.source = sources[i];
			entry.destination = destinations[k];
			err = expand_ports(expansion, rule, &entry);
		}
	}
	return err;
}

static bool is_everything(const struct filter_entry *entry)
{
	return entry->protocol == PROTOCOL_ANY && entry->source.bits == 0 &&
	       entry->destination.bits == 0;
}

/* Says what IOS leaves unsaid, unless the list already speaks of everything. */
static int add_closing(const struct expansion *expansion, uint8_t family)
{
	const struct filter_entries *entries = expansion->entries;
	struct prefix any = {.addr = {.family = family}};
	struct filter_entry closing = {.family = family, .source = any, .destination = any};

	for (size_t i = 0; i < entries->count; i++)
		if (entries->entries[i].family == family && is_everything(&entries->entries[i]))
			return 0;
	if (add_entry(expansion->ctx, expansion->entries, &closing) != 0)
		return filter_fail(expansion->fault, 0, ERR_RANGE,
			"the filter becomes more than %d entries", FILTER_ENTRIES_MAX);
	return 0;
}

/* Puts the rule's number before what is wrong, which is short: no clause of this file is cut. */
static int name_rule(const struct filter_list *list, size_t number, struct filter_fault *fault)
{
	struct filter_fault inner = *fault;

	return filter_fail(fault, 0, ERR_RANGE, "%s, rule %zu: %.*s", list->name, number,
		(int)sizeof inner.text / 2, inner.text);
}

int filter_expand(TALLOC_CTX *ctx, const struct filter_list *list, const struct filter_pools *pools,
	const struct filter_form *form, unsigned families, struct filter_entries *entries,
	struct filter_fault *fault)
{
	static const unsigned masks[] = {FAMILY_4, FAMILY_6};
	static const uint8_t numbers[] = {4, 6};
	const struct expansion expansion = {ctx, pools, form, entries, fault};
	int err;

	*entries = (struct filter_entries){0};
	families &= filter_families(list);
	for (size_t i = 0; i < list->count; i++) {
		const struct filter_rule *rule = &list->rules[i];
		for (size_t k = 0; k < 2; k++) {
			if (!(families & masks[k]) ||
				(rule->family != 0 && rule->family != numbers[k]))
				continue;
			err = expand_rule(&expansion, rule, i + 1, numbers[k]);
			if (err != 0)
				return name_rule(list, i + 1, fault);
		}
	}
	for (size_t k = 0; !form->has_closing && k < 2; k++) {
		err = families & masks[k] ? add_closing(&expansion, numbers[k]) : 0;
		if (err != 0)
			return err;
	}
	return 0;
}

void filter_values_add(TALLOC_CTX *ctx, struct filter_values *values, const void *octets,
	size_t size, size_t header_octets)
{
	values->values = mem_must(talloc_realloc(
		ctx, values->values, struct filter_value, (unsigned)values->count + 1));
	values->values[values->count++] =
		(struct filter_value){mem_must(talloc_memdup(values->values, octets, size)), size};
	values->packet_octets += header_octets + size;
}
