/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A file for nft -f, for access servers that are Linux hosts. */
#include "base/mem.h"
#include "filter/filter_private.h"
#include <string.h>

static const struct filter_form form = {
	.ports_max = FILTER_PORTS_MAX, .has_range = true, .has_neq = true};

/* IFNAMSIZ less the NUL. */
#define INTERFACE_MAX 15

static void put_networks(char **text, const struct filter_entry *entry)
{
	const char *family = entry->family == 4 ? "ip" : "ip6";
	char address[ADDR_TEXT_MAX];

	if (entry->source.bits > 0)
		filter_put(text, "%s saddr %s ", family, prefix_format(&entry->source, address));
	if (entry->destination.bits > 0)
		filter_put(
			text, "%s daddr %s ", family, prefix_format(&entry->destination, address));
}

static void put_ports(
	char **text, uint8_t protocol, const char *side, const struct filter_ports *ports)
{
	if (ports->comparison == FILTER_PORTS_ALL)
		return;
	filter_put(text, "%s %s ", protocol == PROTOCOL_TCP ? "tcp" : "udp", side);
	switch (ports->comparison) {
	case FILTER_PORTS_ALL:
		break;
	case FILTER_EQ:
		filter_put(text, "{ ");
		for (size_t i = 0; i < ports->count; i++)
			filter_put(text, "%s%u", i == 0 ? "" : ", ", ports->numbers[i]);
		filter_put(text, " } ");
		break;
	case FILTER_NEQ:
		filter_put(text, "!= %u ", ports->numbers[0]);
		break;
	case FILTER_LT:
		filter_put(text, "< %u ", ports->numbers[0]);
		break;
	case FILTER_GT:
		filter_put(text, "> %u ", ports->numbers[0]);
		break;
	case FILTER_RANGE:
		filter_put(text, "%u-%u ", ports->numbers[0], ports->numbers[1]);
		break;
	}
}

static void put_rule(char **text, const struct filter_entry *entry, bool is_of_both)
{
	filter_put(text, "\t\t");
	if (is_of_both)
		filter_put(text, "meta nfproto %s ", entry->family == 4 ? "ipv4" : "ipv6");
	put_networks(text, entry);
	if (entry->protocol != PROTOCOL_ANY)
		filter_put(text, "meta l4proto %u ", entry->protocol);
	put_ports(text, entry->protocol, "sport", &entry->source_ports);
	put_ports(text, entry->protocol, "dport", &entry->destination_ports);
	if (entry->is_established)
		filter_put(text, "tcp flags & (ack | rst) != 0 ");
	filter_put(text, "%s\n", entry->is_permit ? "return" : "drop");
}

static void put_hook(
	char **text, const struct filter_list *list, const char *interface, unsigned families)
{
	bool is_in = list->direction == FILTER_IN;

	filter_put(text,
		"\tchain %s {\n"
		"\t\ttype filter hook %s priority filter; policy accept;\n\t\t%s ",
		is_in ? "incoming" : "outgoing", is_in ? "prerouting" : "postrouting",
		is_in ? "iifname" : "oifname");
	if (interface == NULL)
		filter_put(text, "!= \"lo\" ");
	else
		filter_put(text, "\"%s\" ", interface);
	if (families != (FAMILY_4 | FAMILY_6))
		filter_put(text, "meta nfproto %s ", families == FAMILY_4 ? "ipv4" : "ipv6");
	filter_put(text, "jump rules\n\t}\n");
}

/* A name of nft's is a letter and then letters, digits and some signs; + and : are none of them. */
static int check_names(
	const struct filter_list *list, const char *interface, struct filter_fault *fault)
{
	size_t size = interface == NULL ? 1 : strnlen(interface, INTERFACE_MAX + 1);
	size_t plain = interface == NULL ? 1 : strspn(interface, FILTER_NAME_OCTETS "@");

	if (strpbrk(list->name, "+:") != NULL)
		return filter_fail(fault, 0, ERR_RANGE,
			"%s is no name for nftables: that has no + and no colon", list->name);
	if (plain == 0 || size > INTERFACE_MAX ||
		(plain != size && !(plain == size - 1 && interface[plain] == '*')))
		return filter_fail(fault, 0, ERR_RANGE,
			"the interface is a name of at most %d characters, perhaps with * at its "
			"end",
			INTERFACE_MAX);
	return 0;
}

static void put_table(char **text, const struct filter_list *list, const char *interface,
	const struct filter_entries *entries)
{
	unsigned families = filter_families(list);

	/* The first line makes the table if there is none, so that the second has one to delete. */
	filter_put(text, "table inet poprad-%s\ndelete table inet poprad-%s\n", list->name,
		list->name);
	filter_put(text, "table inet poprad-%s {\n\tchain rules {\n", list->name);
	/* Without these there is no IPv6 on the line at all; IOS lets them pass untold, too. */
	if (families & FAMILY_6)
		filter_put(text,
			"\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return\n");
	for (size_t i = 0; i < entries->count; i++)
		put_rule(text, &entries->entries[i], families == (FAMILY_4 | FAMILY_6));
	filter_put(text, "\t}\n");
	put_hook(text, list, interface, families);
	filter_put(text, "}\n");
}

int filter_nftables(TALLOC_CTX *ctx, const struct filter_list *list,
	const struct filter_pools *pools, const char *interface, char **text,
	struct filter_fault *fault)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(NULL));
	struct filter_entries entries;
	int err = filter_list_check(list, fault);

	if (err == 0)
		err = check_names(list, interface, fault);
	if (err == 0)
		err = filter_expand(
			scratch, list, pools, &form, FAMILY_4 | FAMILY_6, &entries, fault);
	if (err == 0) {
		*text = mem_must(talloc_strdup(ctx, ""));
		put_table(text, list, interface, &entries);
	}
	talloc_free(scratch);
	return err;
}
