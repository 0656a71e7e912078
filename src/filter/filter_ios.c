/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Access lists of Cisco IOS, as configuration and as per-user rules in a RADIUS answer. */
#include "base/mem.h"
#include "filter/filter_private.h"
#include <stdlib.h>
#include <string.h>

/* Several ports in one entry are a thing of named IPv4 lists (IOS 12.3(7)T and later). */
static const struct filter_form named = {
	.ports_max = FILTER_PORTS_MAX, .has_range = true, .has_neq = true, .has_closing = true};
static const struct filter_form plain = {
	.ports_max = 1, .has_range = true, .has_neq = true, .has_closing = true};

static void put_network(char **text, const struct prefix *network)
{
	char address[ADDR_TEXT_MAX], mask[ADDR_TEXT_MAX];
	struct addr wildcard;

	if (network->bits == 0) {
		filter_put(text, " any");
	} else if (network_is_host(network)) {
		filter_put(text, " host %s", addr_format(&network->addr, address));
	} else if (network->addr.family == 6) {
		filter_put(text, " %s", prefix_format(network, address));
	} else {
		wildcard = addr_from_v4(UINT32_MAX >> network->bits);
		filter_put(text, " %s %s", addr_format(&network->addr, address),
			addr_format(&wildcard, mask));
	}
}

static void put_protocol(char **text, const struct filter_entry *entry)
{
	/* In an IPv6 access list icmp is ICMPv6, and nothing else is. */
	bool is_icmp6 = entry->family == 6 && entry->protocol == PROTOCOL_ICMP6;
	const char *name = filter_protocol_name(entry->protocol, entry->family);

	if (is_icmp6)
		filter_put(text, " icmp");
	else if (name != NULL)
		filter_put(text, " %s", name);
	else
		filter_put(text, " %u", entry->protocol);
}

void filter_put_ios_entry(char **text, const struct filter_entry *entry)
{
	filter_put(text, "%s", entry->is_permit ? "permit" : "deny");
	put_protocol(text, entry);
	put_network(text, &entry->source);
	filter_put_ports(text, entry->protocol, &entry->source_ports);
	put_network(text, &entry->destination);
	filter_put_ports(text, entry->protocol, &entry->destination_ports);
	if (entry->is_established)
		filter_put(text, " established");
}

/* Numbered extended lists are 100-199 and 2000-2699; any other name begins with a letter. */
static int check_name(const struct filter_list *list, bool *is_number, struct filter_fault *fault)
{
	char first = list->name[0], *end;
	unsigned long number = strtoul(list->name, &end, 10);

	*is_number = *end == '\0' &&
		     ((number >= 100 && number <= 199) || (number >= 2000 && number <= 2699));
	if (*is_number || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))
		return 0;
	return filter_fail(fault, 0, ERR_RANGE,
		"%s is no name for IOS: that begins with a letter, or is a number from 100 to 199 "
		"or 2000 to 2699",
		list->name);
}

static void put_list(char **text, const char *kind, const char *name, const char *suffix,
	const struct filter_entries *entries)
{
	filter_put(text, "no %s %s%s\n%s %s%s\n", kind, name, suffix, kind, name, suffix);
	for (size_t i = 0; i < entries->count; i++) {
		filter_put(text, " ");
		filter_put_ios_entry(text, &entries->entries[i]);
		filter_put(text, "\n");
	}
	filter_put(text, "exit\n");
}

int filter_ios(TALLOC_CTX *ctx, const struct filter_list *list, const struct filter_pools *pools,
	char **text, struct filter_fault *fault)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(NULL));
	unsigned families = filter_families(list);
	struct filter_entries entries;
	bool is_number = false;
	int err = filter_list_check(list, fault);

	if (err == 0)
		err = check_name(list, &is_number, fault);
	if (err == 0)
		err = filter_expand(scratch, list, pools, is_number ? &plain : &named, FAMILY_4,
			&entries, fault);
	if (err == 0) {
		*text = mem_must(talloc_strdup(ctx, ""));
		if (families & FAMILY_4)
			put_list(text, "ip access-list extended", list->name, "", &entries);
		err = filter_expand(scratch, list, pools, &plain, FAMILY_6, &entries, fault);
	}
	if (err == 0 && families & FAMILY_6)
		put_list(text, "ipv6 access-list", list->name, families & FAMILY_4 ? "-ipv6" : "",
			&entries);
	talloc_free(scratch);
	return err;
}

static int add_avpairs(TALLOC_CTX *ctx, const struct filter_list *list,
	const struct filter_entries *entries, struct filter_values *values,
	struct filter_fault *fault)
{
	unsigned numbers[2] = {0, 0};

	for (size_t i = 0; i < entries->count; i++) {
		const struct filter_entry *entry = &entries->entries[i];
		bool is_ipv6 = entry->family == 6;
		char *text = mem_must(talloc_asprintf(NULL, "%s:%sacl#%u=", is_ipv6 ? "ipv6" : "ip",
			list->direction == FILTER_IN ? "in" : "out", ++numbers[is_ipv6]));
		size_t size;

		filter_put_ios_entry(&text, entry);
		size = strlen(text);
		if (size <= VENDOR_VALUE_MAX)
			filter_values_add(ctx, values, text, size, VENDOR_HEADER);
		talloc_free(text);
		if (size > VENDOR_VALUE_MAX)
			return filter_fail(fault, 0, ERR_RANGE,
				"%s, rule %zu: it is longer than a Cisco-AVPair, %d octets",
				list->name, entry->rule, VENDOR_VALUE_MAX);
	}
	return 0;
}

int filter_cisco_avpairs(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	const struct filter_pools *pools, struct filter_values *values, struct filter_fault *fault)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(NULL));
	struct filter_entries entries;
	int err = filter_lists_check(lists, count, fault);

	*values = (struct filter_values){0};
	for (size_t i = 0; err == 0 && i < count; i++) {
		err = filter_expand(
			scratch, &lists[i], pools, &plain, FAMILY_4 | FAMILY_6, &entries, fault);
		if (err == 0)
			err = add_avpairs(ctx, &lists[i], &entries, values, fault);
	}
	talloc_free(scratch);
	return err;
}
