/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Lines that nearly are rules, against the reader and all renderers: whatever stands in a file, a
 * line is refused with a column inside it, or is a rule whose text is read as that rule again, and
 * every form renders lists of such rules or says why not. What IOS would be told is a rule to us,
 * too. The lines are the same in every run; an argument is another seed. */
#include "filter/filter.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 50000
#define RULES 6 /* of a list that is rendered */
#define TEXT_MAX 1024

static const char *const parts[] = {"permit", "deny", "ip", "ipv6", "tcp", "udp", "icmp", "icmp6",
	"gre", "58", "0", "any", "any", "host", "pool", "dynamic", "10.0.8.0/21", "10.0.8.0",
	"0.0.7.255", "255.255.248.0", "2001:db8::/32", "2001:db8::1", "::ffff:10.0.8.1",
	"0.0.0.0/0", "::/0", "eq", "neq", "lt", "gt", "range", "smtp", "www", "domain", "25",
	"1023", "65535", "65536", "99999999999", "established", "10.0.8.1/21", "from", "to", "\x1b",
	"\xff", "/", ":", "1.2.3.4.5", "-1",
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};

/* Mostly right, so that much gets through. */
static const char *const places[] = {"any", "host 10.0.8.1", "10.0.8.0/21", "192.168.4.0 0.0.3.255",
	"pool dynamic", "host 2001:db8::1", "2001:db8::/32", "any", "any"};
static const char *const ports[] = {"", "", "eq 25", "eq smtp www pop3", "neq domain", "lt 1024",
	"gt 1023", "range 20 21", "range 1024 65535", "range 1000 2000", "eq 1 2 3 4 5 6 7 8 9 10",
	"neq 0"};
static const char *const protocols[] = {"ip", "ipv6", "tcp", "tcp", "tcp", "udp", "icmp", "47"};

static uint32_t state;

/* xorshift: the same numbers on every machine. */
static uint32_t random_below(uint32_t bound)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % bound;
}

#define PICK(table) (table)[random_below(sizeof(table) / sizeof *(table))]

static void build_line(char line[TEXT_MAX])
{
	size_t size = 0;

	if (random_below(4) > 0) {
		snprintf(line, TEXT_MAX, "%s %s %s %s %s %s %s",
			random_below(2) ? "permit" : "deny", PICK(protocols), PICK(places),
			PICK(ports), PICK(places), PICK(ports),
			random_below(8) ? "" : "established");
	} else {
		line[0] = '\0';
		for (uint32_t n = random_below(14); n > 0; n--)
			size += (size_t)snprintf(line + size, TEXT_MAX - size, "%s%s", PICK(parts),
				random_below(16) ? " " : "");
	}
	for (uint32_t n = random_below(8) ? 0 : 3; n > 0 && *line != '\0'; n--)
		line[random_below((uint32_t)strlen(line))] = (char)(1 + random_below(255));
}

static void fail(const char *what, const char *line)
{
	fprintf(stderr, "%s: %s\n", what, line);
	exit(1);
}

static void check_fault(const char *line, const struct filter_fault *fault)
{
	if (fault->column < 1 || fault->column > strlen(line) + 1 || fault->text[0] == '\0')
		fail("refused without column or reason", line);
	for (const char *c = fault->text; *c; c++)
		if (*c < ' ' || *c > '~')
			fail("the reason has control characters", line);
}

static void check_rule(const char *line, const struct filter_rule *rule)
{
	struct filter_rule again;
	struct filter_fault fault;
	char *text = filter_rule_format(NULL, rule), *second;

	if (filter_rule_parse(text, &again, &fault) != 0)
		fail("what was written cannot be read", text);
	second = filter_rule_format(NULL, &again);
	if (strcmp(text, second) != 0 || again.family != rule->family ||
		again.protocol != rule->protocol || again.is_permit != rule->is_permit)
		fail("another rule was read than written", line);
	talloc_free(text);
	talloc_free(second);
}

/* Each entry of a list as IOS has it. */
static void check_ios(char *text)
{
	struct filter_rule rule;
	struct filter_fault fault;
	bool is_ipv6 = false;

	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strncmp(line, "ipv6", 4) == 0)
			is_ipv6 = true;
		if (*line != ' ' || (is_ipv6 && strstr(line, "::") == NULL))
			continue;
		if (filter_rule_parse(line, &rule, &fault) != 0)
			fail(fault.text, line);
	}
}

static unsigned long rendered, unsaid;

static void count(int err, const struct filter_fault *fault)
{
	if (err == 0)
		rendered++;
	else if (fault->text[0] == '\0' || fault->column != 0)
		fail("refused without a reason", "a rendering");
	else
		unsaid++;
}

static void render(const struct filter_list *list)
{
	static const struct prefix networks[] = {{{4, {10, 0, 8, 0}}, 21},
		{{4, {192, 168, 4, 0}}, 22}, {{6, {0x20, 1, 0xd, 0xb8}}, 32}};
	static const struct filter_pool pool = {"dynamic", networks, 3};
	static const struct filter_pools pools = {&pool, 1};
	TALLOC_CTX *ctx = talloc_new(NULL);
	struct filter_fault fault = {0};
	struct filter_values values;
	char *text = NULL;
	int err = filter_ios(ctx, list, &pools, &text, &fault);

	count(err, &fault);
	if (err == 0)
		check_ios(text);
	count(filter_mikrotik(ctx, list, &pools, &text, &fault), &fault);
	count(filter_nftables(ctx, list, &pools, NULL, &text, &fault), &fault);
	count(filter_cisco_avpairs(ctx, list, 1, &pools, &values, &fault), &fault);
	count(filter_ascend(ctx, list, 1, &pools, FILTER_ASCEND_LONG, &values, &fault), &fault);
	count(filter_nas_rules(ctx, list, 1, &pools, FILTER_PORTS_MAX, &values, NULL, &fault),
		&fault);
	count(filter_nas_rules(ctx, list, 1, &pools, 1, &values, NULL, &fault), &fault);
	talloc_free(ctx);
}

int main(int argc, char *argv[])
{
	struct filter_rule rules[RULES];
	struct filter_list list = {"fuzz", FILTER_IN, rules, 0};
	unsigned long good = 0;

	state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) | 1 : 2463534242u;
	for (unsigned n = 0; n < LINES; n++) {
		char line[TEXT_MAX];
		struct filter_rule rule;
		struct filter_fault fault = {0};

		build_line(line);
		if (filter_rule_parse(line, &rule, &fault) != 0) {
			check_fault(line, &fault);
			continue;
		}
		good++;
		check_rule(line, &rule);
		rules[list.count++] = rule;
		if (list.count == RULES) {
			render(&list);
			list.count = 0;
		}
	}
	printf("%u lines, %lu rules, %lu renderings, %lu that a form cannot say\n", LINES, good,
		rendered, unsaid);
	return good < LINES / 8 || rendered < LINES / 8 || unsaid == 0;
}
