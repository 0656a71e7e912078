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

size_t filter_port_ranges(
	const struct filter_ports *ports, struct port_range ranges[FILTER_PORTS_MAX])
{
	const uint16_t *numbers = ports->numbers;
	size_t count = 0;

	switch (ports->comparison) {
	case FILTER_PORTS_ALL:
		break;
	case FILTER_EQ:
		for (; count < ports->count; count++)
			ranges[count] = (struct port_range){numbers[count], numbers[count]};
		break;
	case FILTER_NEQ:
		if (numbers[0] > 0)
			ranges[count++] = (struct port_range){0, (uint16_t)(numbers[0] - 1)};
		if (numbers[0] < PORT_MAX)
			ranges[count++] = (struct port_range){(uint16_t)(numbers[0] + 1), PORT_MAX};
		break;
	case FILTER_LT:
		ranges[count++] = (struct port_range){0, (uint16_t)(numbers[0] - 1)};
		break;
	case FILTER_GT:
		ranges[count++] = (struct port_range){(uint16_t)(numbers[0] + 1), PORT_MAX};
		break;
	case FILTER_RANGE:
		ranges[count++] = (struct port_range){numbers[0], numbers[1]};
		break;
	}
	return count;
}

void filter_put_ranges(char **text, const struct filter_ports *ports)
{
	struct port_range ranges[FILTER_PORTS_MAX];
	size_t count = filter_port_ranges(ports, ranges);

	for (size_t i = 0; i < count; i++) {
		filter_put(text, "%s%u", i == 0 ? "" : ",", ranges[i].first);
		if (ranges[i].first != ranges[i].last)
			filter_put(text, "-%u", ranges[i].last);
	}
}

static void put_side(char **text, uint8_t protocol, const struct filter_side *side)
{
	char network[ADDR_TEXT_MAX];

	switch (side->place) {
	case FILTER_ANY:
		filter_put(text, " any");
		break;
	case FILTER_NETWORK:
		if (network_is_host(&side->network))
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
