/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The canonical text of a rule, and how all texts here are written. */
#include "base/mem.h"
#include "filter/filter_private.h"
#include <stdarg.h>
#include <stdio.h>

void filter_put(char **text, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	*text = mem_must(talloc_vasprintf_append_buffer(*text, format, list));
	va_end(list);
}

int filter_fail(struct filter_fault *fault, size_t column, int code, const char *format, ...)
{
	va_list list;

	fault->column = (unsigned)column;
	va_start(list, format);
	vsnprintf(fault->text, sizeof fault->text, format, list);
	va_end(list);
	return code;
}

void filter_put_ports(char **text, uint8_t protocol, const struct filter_ports *ports)
{
	if (ports->comparison == FILTER_PORTS_ALL)
		return;
	filter_put(text, " %s", filter_comparison_text(ports->comparison));
	for (size_t i = 0; i < ports->count; i++) {
		const char *name = filter_port_name(protocol, ports->numbers[i]);
		if (name != NULL)
			filter_put(text, " %s", name);
		else
			filter_put(text, " %u", ports->numbers[i]);
	}
}

static void put_side(char **text, uint8_t protocol, const struct filter_side *side)
{
	char network[ADDR_TEXT_MAX];
	uint8_t bits_max = side->network.addr.family == 4 ? 32 : 128;

	switch (side->place) {
	case FILTER_ANY:
		filter_put(text, " any");
		break;
	case FILTER_NETWORK:
		if (side->network.bits == bits_max)
			filter_put(text, " host %s", addr_format(&side->network.addr, network));
		else
			filter_put(text, " %s", prefix_format(&side->network, network));
		break;
	case FILTER_POOL:
		filter_put(text, " pool %s", side->pool);
		break;
	}
	filter_put_ports(text, protocol, &side->ports);
}

char *filter_protocol_text(TALLOC_CTX *ctx, const struct filter_rule *rule)
{
	const char *name = filter_protocol_name(rule->protocol, rule->family);

	/* A name that IPv6's lists of IOS do not know is still the name of the protocol. */
	if (name == NULL)
		name = filter_protocol_name(rule->protocol, 0);
	return mem_must(name != NULL ? talloc_strdup(ctx, name)
				     : talloc_asprintf(ctx, "%u", rule->protocol));
}

char *filter_rule_format(TALLOC_CTX *ctx, const struct filter_rule *rule)
{
	char *text = mem_must(talloc_strdup(ctx, rule->is_permit ? "permit " : "deny "));
	char *protocol = filter_protocol_text(text, rule);

	filter_put(&text, "%s", protocol);
	talloc_free(protocol);
	put_side(&text, rule->protocol, &rule->source);
	put_side(&text, rule->protocol, &rule->destination);
	if (rule->is_established)
		filter_put(&text, " established");
	return text;
}
