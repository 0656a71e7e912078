/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The form of attributes that an operator enters. */
#include "radius/assignment.h"
#include "base/mem.h"
#include <ctype.h>
#include <string.h>

static int split_tag(struct assignment *parts)
{
	char *colon = strchr(parts->name, ':');
	if (!colon)
		return 0;
	*colon = '\0';
	unsigned tag = 0;
	for (const char *digit = colon + 1; *digit || digit == colon + 1; digit++) {
		if (!isdigit((unsigned char)*digit))
			return ERR_SYNTAX;
		tag = tag * 10 + (unsigned)(*digit - '0');
		if (tag > TAG_NUMBER_MAX)
			return ERR_SYNTAX;
	}
	parts->has_tag = true;
	parts->tag = (uint8_t)tag;
	return 0;
}

static char *trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t size = strlen(text);
	while (size > 0 && isspace((unsigned char)text[size - 1]))
		text[--size] = '\0';
	return text;
}

int assignment_split(TALLOC_CTX *ctx, const char *text, struct assignment *parts, char **why)
{
	char *copy = mem_must(talloc_strdup(ctx, text));
	char *equals = strchr(copy, '=');
	if (!equals) {
		*why = mem_must(talloc_asprintf(ctx, "\"%s\": expected Name = value", text));
		return ERR_SYNTAX;
	}
	*equals = '\0';
	parts->name = trim(copy);
	parts->value = trim(equals + 1);
	parts->value_size = strlen(parts->value);
	/* "+=", ":=" and "==" of other servers' files mean things that a reply cannot. */
	size_t name_size = strlen(parts->name);
	if (name_size == 0 || strchr("+:-!<>^", parts->name[name_size - 1]) ||
		*parts->value == '=' || *parts->value == '~') {
		*why = mem_must(talloc_asprintf(ctx, "\"%s\": the only operator is =", text));
		return ERR_SYNTAX;
	}
	if (parts->value_size >= 2 && parts->value[0] == '"' &&
		parts->value[parts->value_size - 1] == '"') {
		parts->value[parts->value_size - 1] = '\0';
		parts->value++;
		parts->value_size -= 2;
	}
	if (parts->value_size == 0) {
		*why = mem_must(talloc_asprintf(ctx, "%s: there is no value", parts->name));
		return ERR_SYNTAX;
	}
	if (split_tag(parts)) {
		*why = mem_must(talloc_asprintf(ctx, "%s: the tag is not a number from 0 to %d",
			parts->name, TAG_NUMBER_MAX));
		return ERR_SYNTAX;
	}
	return 0;
}
