/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A script for MikroTik RouterOS. Filter-Id names a chain there, and what is permitted must return
 * from it: accept would pass over all the rules that the operator has behind the jump. */
#include "base/mem.h"
#include "filter/filter_private.h"

/* dst-port takes a list of up to 15 ports and ranges. */
static const struct filter_form form = {
	.ports_max = FILTER_PORTS_MAX, .has_range = true, .has_neq = true};

static void put_network(char **text, const char *name, const struct prefix *network)
{
	char address[ADDR_TEXT_MAX];

	if (network->bits > 0)
		filter_put(text, " %s=%s", name, prefix_format(network, address));
}

static void put_ports(char **text, const char *name, const struct filter_ports *ports)
{
	if (ports->comparison == FILTER_PORTS_ALL)
		return;
	filter_put(text, " %s=", name);
	if (ports->comparison == FILTER_NEQ)
		filter_put(text, "!%u", ports->numbers[0]);
	else
		filter_put_ranges(text, ports);
}

static void put_protocol(char **text, uint8_t protocol)
{
	if (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP)
		filter_put(text, " protocol=%s", protocol == PROTOCOL_TCP ? "tcp" : "udp");
	else if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMP6)
		filter_put(text, " protocol=%s", protocol == PROTOCOL_ICMP ? "icmp" : "icmpv6");
	else if (protocol != PROTOCOL_ANY)
		filter_put(text, " protocol=%u", protocol);
}

static void put_rule(
	char **text, const char *chain, const struct filter_entry *entry, const char *tcp_flag)
{
	filter_put(text, "add chain=\"%s\" action=%s", chain, entry->is_permit ? "return" : "drop");
	put_protocol(text, entry->protocol);
	put_network(text, "src-address", &entry->source);
	put_ports(text, "src-port", &entry->source_ports);
	put_network(text, "dst-address", &entry->destination);
	put_ports(text, "dst-port", &entry->destination_ports);
	if (tcp_flag != NULL)
		filter_put(text, " tcp-flags=%s", tcp_flag);
	filter_put(text, "\n");
}

static void put_chain(char **text, const char *menu, const char *chain,
	const struct filter_entries *entries, uint8_t family)
{
	filter_put(text, "%s\nremove [find chain=\"%s\"]\n", menu, chain);
	for (size_t i = 0; i < entries->count; i++) {
		const struct filter_entry *entry = &entries->entries[i];

		if (entry->family != family)
			continue;
		/* ACK or RST: flags of one rule would have to be there all. */
		put_rule(text, chain, entry, entry->is_established ? "ack" : NULL);
		if (entry->is_established)
			put_rule(text, chain, entry, "rst");
	}
}

int filter_mikrotik(TALLOC_CTX *ctx, const struct filter_list *list,
	const struct filter_pools *pools, char **text, struct filter_fault *fault)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(NULL));
	unsigned families = filter_families(list);
	struct filter_entries entries;
	int err = filter_list_check(list, fault);

	if (err == 0)
		err = filter_expand(
			scratch, list, pools, &form, FAMILY_4 | FAMILY_6, &entries, fault);
	if (err == 0)
		*text = mem_must(talloc_strdup(ctx, ""));
	if (err == 0 && families & FAMILY_4)
		put_chain(text, "/ip firewall filter", list->name, &entries, 4);
	if (err == 0 && families & FAMILY_6)
		put_chain(text, "/ipv6 firewall filter", list->name, &entries, 6);
	talloc_free(scratch);
	return err;
}
