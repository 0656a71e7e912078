/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads a rule, word by word from left to right. A line comes from people and from files: nothing
 * in it is trusted, and what is wrong is named with its column. */
#include "filter/filter_private.h"
#include <stdio.h>
#include <string.h>

#define WORD_SHOWN_MAX 40 /* octets of a wrong word in a message */
#define WORD_MAX ADDR_TEXT_MAX

/* A line with the word that is looked at. */
struct line {
	const char *text;
	size_t start, size; /* of the word; size 0 at the end of the line */
	struct filter_rule *rule;
	struct filter_fault *fault;
};

static void next_word(struct line *line)
{
	line->start += line->size;
	line->start += strspn(line->text + line->start, " \t");
	line->size = strcspn(line->text + line->start, " \t");
}

static const char *word(const struct line *line)
{
	return line->text + line->start;
}

static bool word_is(const struct line *line, const char *text)
{
	return strlen(text) == line->size && memcmp(text, word(line), line->size) == 0;
}

/* What is wrong is the word itself. */
#define WRONG(line, code, ...) filter_fail((line)->fault, (line)->start + 1, code, __VA_ARGS__)

static int expected(const struct line *line, const char *what)
{
	size_t shown = line->size < WORD_SHOWN_MAX ? line->size : WORD_SHOWN_MAX;

	if (line->size == 0)
		return WRONG(line, ERR_SYNTAX, "expected %s, but the rule ends", what);
	return WRONG(line, ERR_SYNTAX, "expected %s, not '%.*s%s'", what, (int)shown, word(line),
		shown < line->size ? "..." : "");
}

/* The word as a text of its own; false if it is longer than anything that is looked for. */
static bool copy_word(const struct line *line, char copy[WORD_MAX])
{
	if (line->size >= WORD_MAX)
		return false;
	memcpy(copy, word(line), line->size);
	copy[line->size] = '\0';
	return true;
}

/* Digits only, and at most max. */
static bool read_number(const struct line *line, unsigned max, unsigned *number)
{
	unsigned value = 0;

	if (line->size == 0 || line->size > 5)
		return false;
	for (size_t i = 0; i < line->size; i++) {
		char digit = word(line)[i];
		if (digit < '0' || digit > '9')
			return false;
		value = value * 10 + (unsigned)(digit - '0');
	}
	*number = value;
	return value <= max;
}

static int read_action(struct line *line)
{
	line->rule->is_permit = word_is(line, "permit");
	if (!line->rule->is_permit && !word_is(line, "deny"))
		return expected(line, "permit or deny");
	next_word(line);
	return 0;
}

static int read_protocol(struct line *line)
{
	struct filter_rule *rule = line->rule;
	unsigned number;

	if (read_number(line, UINT8_MAX, &number)) {
		rule->protocol = (uint8_t)number;
		/* As IOS has it, 0 is ip; and ICMPv6 does not occur in IPv4. */
		rule->family = number == PROTOCOL_ANY ? 4 : number == PROTOCOL_ICMP6 ? 6 : 0;
	} else if (!filter_protocol_find(word(line), line->size, &rule->protocol, &rule->family)) {
		return expected(line, "a protocol (ip, ipv6, tcp, udp, icmp, icmp6, gre, esp, ahp, "
				      "..., or 0 to 255)");
	}
	next_word(line);
	return 0;
}

/* A rule whose networks are of two families would match nothing. */
static int take_family(struct line *line, uint8_t family)
{
	struct filter_rule *rule = line->rule;

	if (rule->family == 0)
		rule->family = family;
	if (rule->family == family)
		return 0;
	if (family == 6 && rule->protocol == PROTOCOL_ANY)
		return WRONG(line, ERR_RANGE,
			"an IPv6 network, but ip is IPv4: the rule begins with ipv6 instead");
	return WRONG(line, ERR_RANGE, "an IPv%u network in a rule that is of IPv%u", family,
		rule->family);
}

static uint32_t v4_number(const struct addr *addr)
{
	return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 |
	       (uint32_t)addr->bytes[2] << 8 | addr->bytes[3];
}

static bool is_of_one_piece(uint32_t wildcard)
{
	return (wildcard & (wildcard + 1)) == 0;
}

/* The mask behind an IPv4 network: ones where the address may be anything. */
static int read_wildcard(struct line *line, const struct addr *addr, struct prefix *network)
{
	char copy[WORD_MAX], text[ADDR_TEXT_MAX];
	struct addr mask;
	uint32_t wildcard;

	if (line->size == 0 || !copy_word(line, copy) || addr_parse(copy, &mask) != 0 ||
		mask.family != 4)
		return expected(line, "a wildcard mask (0.0.0.255) behind the address; one address "
				      "alone is host ADDRESS, a network NETWORK/LENGTH");
	wildcard = v4_number(&mask);
	if (!is_of_one_piece(wildcard)) {
		struct addr other = addr_from_v4(~wildcard);
		if (is_of_one_piece(~wildcard))
			return WRONG(line, ERR_RANGE, "%s is a netmask; its wildcard mask is %s",
				copy, addr_format(&other, text));
		return WRONG(line, ERR_RANGE,
			"%s is no wildcard mask of one piece: zeros, then ones", copy);
	}
	*network = prefix_of(addr, (uint8_t)(32 - __builtin_popcount(wildcard)));
	if (addr_compare(&network->addr, addr) != 0)
		return WRONG(line, ERR_RANGE,
			"the network does not begin on a boundary of that mask; did you mean %s?",
			addr_format(&network->addr, text));
	return 0;
}

static int read_network(struct line *line, struct filter_side *side)
{
	char copy[WORD_MAX], text[ADDR_TEXT_MAX];
	struct prefix network;
	struct addr addr;
	int err = ERR_SYNTAX;

	if (line->size > 0 && copy_word(line, copy))
		err = prefix_parse(copy, &network);
	if (err == ERR_RANGE)
		return WRONG(line, ERR_RANGE,
			"%s does not begin on a boundary of its length; did you mean %s?", copy,
			prefix_format(&network, text));
	if (err != 0)
		return expected(line, "any, host ADDRESS, pool NAME or a network");
	err = take_family(line, network.addr.family);
	if (err == 0 && strchr(copy, '/') == NULL) {
		if (network.addr.family == 6)
			return WRONG(line, ERR_SYNTAX,
				"one address is host %s, a network NETWORK/LENGTH", copy);
		addr = network.addr;
		next_word(line);
		err = read_wildcard(line, &addr, &network);
	}
	side->place = FILTER_NETWORK;
	side->network = network;
	return err;
}

static int read_host(struct line *line, struct filter_side *side)
{
	char copy[WORD_MAX];
	struct addr addr;

	if (line->size == 0 || !copy_word(line, copy) || addr_parse(copy, &addr) != 0)
		return expected(line, "an address");
	side->place = FILTER_NETWORK;
	side->network = prefix_of(&addr, UINT8_MAX);
	return take_family(line, addr.family);
}

static bool is_name(const char *text, size_t size)
{
	return size > 0 && size <= FILTER_NAME_MAX && strspn(text, FILTER_NAME_OCTETS) >= size;
}

static int read_pool(struct line *line, struct filter_side *side)
{
	if (!is_name(word(line), line->size))
		return expected(line, "the name of a pool");
	side->place = FILTER_POOL;
	memcpy(side->pool, word(line), line->size);
	return 0;
}

static int read_place(struct line *line, struct filter_side *side)
{
	int err = 0;

	if (word_is(line, "host")) {
		next_word(line);
		err = read_host(line, side);
	} else if (word_is(line, "pool")) {
		next_word(line);
		err = read_pool(line, side);
	} else if (!word_is(line, "any")) {
		err = read_network(line, side);
	}
	if (err == 0)
		next_word(line);
	return err;
}

static bool is_port(const struct line *line, uint16_t *port)
{
	unsigned number;

	if (read_number(line, PORT_MAX, &number)) {
		*port = (uint16_t)number;
		return true;
	}
	return filter_port_find(line->rule->protocol, word(line), line->size, port);
}

static int read_port(struct line *line, struct filter_ports *ports)
{
	if (ports->count == FILTER_PORTS_MAX)
		return WRONG(line, ERR_RANGE, "more than %d ports; write another rule for the rest",
			FILTER_PORTS_MAX);
	if (!is_port(line, &ports->numbers[ports->count]))
		return expected(
			line, line->rule->protocol == PROTOCOL_TCP
				      ? "a port of tcp (0 to 65535, or a name as smtp or www)"
				      : "a port of udp (0 to 65535, or a name as domain or ntp)");
	ports->count++;
	return 0;
}

/* What matches no port, or has its ends the wrong way round, is a slip. */
static int check_ports(const struct line *line, const struct filter_ports *ports)
{
	const uint16_t *numbers = ports->numbers;

	if (ports->comparison == FILTER_LT && numbers[0] == 0)
		return WRONG(line, ERR_RANGE, "no port is less than 0");
	if (ports->comparison == FILTER_GT && numbers[0] == PORT_MAX)
		return WRONG(line, ERR_RANGE, "no port is greater than 65535");
	if (ports->comparison == FILTER_RANGE && numbers[0] > numbers[1])
		return WRONG(line, ERR_RANGE, "the range ends before it begins");
	return 0;
}

static enum filter_comparison find_comparison(const struct line *line)
{
	for (enum filter_comparison i = FILTER_EQ; i <= FILTER_RANGE; i++)
		if (word_is(line, filter_comparison_text(i)))
			return i;
	return FILTER_PORTS_ALL;
}

static int read_ports(struct line *line, struct filter_ports *ports)
{
	uint16_t port;
	int err;

	ports->comparison = find_comparison(line);
	if (ports->comparison == FILTER_PORTS_ALL)
		return 0;
	if (!protocol_has_ports(line->rule->protocol))
		return WRONG(line, ERR_RANGE, "only tcp and udp have ports");
	for (unsigned wanted = ports->comparison == FILTER_RANGE ? 2 : 1; wanted > 0; wanted--) {
		next_word(line);
		err = read_port(line, ports);
		if (err == 0 && wanted == 1)
			err = check_ports(line, ports);
		if (err != 0)
			return err;
	}
	next_word(line);
	while (ports->comparison == FILTER_EQ && is_port(line, &port)) {
		err = read_port(line, ports);
		if (err != 0)
			return err;
		next_word(line);
	}
	return 0;
}

static int read_end(struct line *line)
{
	bool is_tcp = line->rule->protocol == PROTOCOL_TCP;

	if (word_is(line, "established")) {
		if (!is_tcp)
			return WRONG(line, ERR_RANGE, "only tcp has established connections");
		line->rule->is_established = true;
		is_tcp = false;
		next_word(line);
	}
	if (line->size == 0)
		return 0;
	return expected(
		line, is_tcp ? "established or the end of the rule" : "the end of the rule");
}

/* Messages repeat words of the line, so only what is printed as it stands may be in it. */
static int check_line(struct line *line)
{
	size_t size = strnlen(line->text, FILTER_LINE_MAX + 1);

	for (size_t i = 0; i < size; i++) {
		unsigned char octet = (unsigned char)line->text[i];
		if ((octet < ' ' && octet != '\t') || octet > '~') {
			line->start = i;
			return WRONG(line, ERR_SYNTAX, "a character that no rule has");
		}
	}
	if (size > FILTER_LINE_MAX) {
		line->start = FILTER_LINE_MAX;
		return WRONG(line, ERR_RANGE, "the rule is longer than %d octets", FILTER_LINE_MAX);
	}
	return 0;
}

int filter_rule_parse(const char *text, struct filter_rule *rule, struct filter_fault *fault)
{
	struct line line = {.text = text, .rule = rule, .fault = fault};
	int err = check_line(&line);

	memset(rule, 0, sizeof *rule);
	if (err == 0) {
		next_word(&line);
		err = read_action(&line);
	}
	if (err == 0)
		err = read_protocol(&line);
	if (err == 0)
		err = read_place(&line, &rule->source);
	if (err == 0)
		err = read_ports(&line, &rule->source.ports);
	if (err == 0)
		err = read_place(&line, &rule->destination);
	if (err == 0)
		err = read_ports(&line, &rule->destination.ports);
	if (err == 0)
		err = read_end(&line);
	return err;
}
