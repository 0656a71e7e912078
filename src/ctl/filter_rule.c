/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/filter_rule.h"
#include "base/addr.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MAX 64 /* more than any access list's line takes */

static const char form[] = "write permit|deny PROTOCOL from SOURCE to DESTINATION [port N[,N...]]";

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* any, a network without host bits, or pool:NAME; *side is what to store. */
static const char *parse_side(TALLOC_CTX *ctx, const char *word, const char **side)
{
	char text[ADDR_TEXT_MAX];
	struct prefix prefix;
	int err;

	*side = word;
	if (strcmp(word, "any") == 0 || (strncmp(word, "pool:", 5) == 0 && word[5] != '\0'))
		return NULL;
	err = prefix_parse(word, &prefix);
	if (err == ERR_RANGE)
		return mem_must(talloc_asprintf(ctx,
			"%s does not begin on a boundary of its length; did you mean %s?", word,
			prefix_format(&prefix, text)));
	if (err != 0)
		return mem_must(talloc_asprintf(
			ctx, "%s is neither any, nor a network, nor pool:NAME", word));
	*side = mem_must(talloc_strdup(ctx, prefix_format(&prefix, text)));
	return NULL;
}

static const char *parse_ports(TALLOC_CTX *ctx, char *list, json_t *ports)
{
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		char *end;
		unsigned long port = strtoul(word, &end, 10);

		if (*word < '0' || *word > '9' || *end != '\0' || port == 0 || port > 65535)
			return mem_must(talloc_asprintf(ctx, "%s is not a port", word));
		if (json_array_size(ports) == PORTS_MAX)
			return "too many ports";
		json_array_append_new(ports, json_integer((json_int_t)port));
	}
	return json_array_size(ports) == 0 ? form : NULL;
}

/* The words of one rule. */
#define WORDS_MAX 8
enum { ACTION, PROTOCOL, FROM, SOURCE, TO, DESTINATION, PORT, PORTS };

static size_t split(char *text, char *words[WORDS_MAX + 1])
{
	char *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(text, " ", &rest); word != NULL && count <= WORDS_MAX;
		word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return count;
}

static const char *check_words(char *const words[], size_t count)
{
	static const char *const actions[] = {"permit", "deny", NULL};
	static const char *const protocols[] = {
		"ip", "tcp", "udp", "icmp", "gre", "esp", "ah", "ipv6", "icmp6", NULL};

	if (count != PORT && count != WORDS_MAX)
		return form;
	if (!is_one_of(words[ACTION], actions) || strcmp(words[FROM], "from") != 0 ||
		strcmp(words[TO], "to") != 0 ||
		(count == WORDS_MAX && strcmp(words[PORT], "port") != 0))
		return form;
	if (!is_one_of(words[PROTOCOL], protocols))
		return "the protocol is one of ip, tcp, udp, icmp, gre, esp, ah, ipv6, icmp6";
	if (count == WORDS_MAX && strcmp(words[PROTOCOL], "tcp") != 0 &&
		strcmp(words[PROTOCOL], "udp") != 0)
		return "only tcp and udp have ports";
	return NULL;
}

json_t *filter_rule_parse(TALLOC_CTX *ctx, const char *text, const char **why)
{
	char *words[WORDS_MAX + 1];
	size_t count = split(mem_must(talloc_strdup(ctx, text)), words);
	const char *source, *destination;
	json_t *ports = mem_must(json_array());

	*why = check_words(words, count);
	if (*why == NULL)
		*why = parse_side(ctx, words[SOURCE], &source);
	if (*why == NULL)
		*why = parse_side(ctx, words[DESTINATION], &destination);
	if (*why == NULL && count == WORDS_MAX)
		*why = parse_ports(ctx, words[PORTS], ports);
	if (*why != NULL) {
		json_decref(ports);
		return NULL;
	}
	return mem_must(json_pack("{s:s, s:s, s:s, s:s, s:o}", "action", words[ACTION], "protocol",
		words[PROTOCOL], "source", source, "destination", destination, "ports", ports));
}
