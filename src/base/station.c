/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Marks are taken out of what the operator writes, and of received text only where it is a MAC
 * address beyond doubt: a port like 10-0200 must not become one with 100-200. */
#include "base/station.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>

#define MAC_DIGITS 12
#define HEX "0123456789abcdefABCDEF"
#define DECIMAL "0123456789"

/* Reads digits in groups of two or four with one mark between all of them, or all without a mark,
 * as far as they go; *rest is what follows. Returns how many. */
static size_t read_mac(const char *text, char digits[MAC_DIGITS + 1], const char **rest)
{
	size_t group = strspn(text, HEX), count = 0;
	bool is_plain = group == MAC_DIGITS;
	char mark = text[group];

	digits[0] = '\0';
	*rest = text;
	if (!is_plain && group != 2 && group != 4)
		return 0;
	if (!is_plain && mark != ':' && mark != '-' && (mark != '.' || group != 4))
		return 0;
	for (size_t size = group; size > 0; size = strspn(*rest, HEX)) {
		size_t taken = size < group ? size : group;
		if (taken > MAC_DIGITS - count)
			break;
		memcpy(digits + count, *rest, taken);
		count += taken;
		*rest += taken;
		if (taken < group || count == MAC_DIGITS || **rest != mark)
			break;
		++*rest;
	}
	digits[count] = '\0';
	text_lower(digits);
	return count;
}

/* A MAC address that ends the text or stands before a colon. */
static char *normalise_mac(TALLOC_CTX *ctx, const char *text)
{
	char digits[MAC_DIGITS + 1];
	const char *rest;
	if (read_mac(text, digits, &rest) != MAC_DIGITS || (*rest != '\0' && *rest != ':'))
		return NULL;
	char *normal = mem_must(talloc_asprintf(ctx, "%s%s", digits, rest));
	text_lower(normal);
	return normal;
}

char *station_normalise(TALLOC_CTX *ctx, const char *text)
{
	char *normal = normalise_mac(ctx, text);
	if (normal != NULL)
		return normal;
	if (text[0] == '+' && text[1] != '\0' && strspn(text + 1, DECIMAL) == strlen(text + 1))
		text++;
	normal = mem_must(talloc_strdup(ctx, text));
	text_lower(normal);
	return normal;
}

/* The digits of a telephone number; NULL: it is none. Dots are not among its marks, for an IP
 * address may stand there. */
static char *bare_number(TALLOC_CTX *ctx, const char *text)
{
	const char *from = text[0] == '+' ? text + 1 : text;
	if (strspn(from, DECIMAL " -/()") != strlen(from) || strpbrk(from, DECIMAL) == NULL)
		return NULL;
	char *bare = mem_must(talloc_strdup(ctx, from)), *to = bare;
	for (const char *c = from; *c != '\0'; c++)
		if (*c >= '0' && *c <= '9')
			*to++ = *c;
	*to = '\0';
	return bare;
}

/* The beginning of a MAC address, which may end within or behind a group. */
static char *bare_mac_prefix(TALLOC_CTX *ctx, const char *text)
{
	char digits[MAC_DIGITS + 1];
	const char *rest;
	if (read_mac(text, digits, &rest) == 0 || *rest != '\0')
		return NULL;
	return mem_must(talloc_strdup(ctx, digits));
}

static const char *find_fault(const char *text)
{
	const char *star = strchr(text, '*');
	if (strlen(text) > STATION_TEXT_MAX)
		return "is too long";
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "has control characters";
	if (star == text)
		return "has nothing before the *";
	if (star != NULL && star[1] != '\0')
		return "has a * that is not its end";
	return NULL;
}

int station_pattern_parse(
	TALLOC_CTX *ctx, const char *text, struct station_pattern *pattern, const char **fault)
{
	*fault = text[0] == '\0' ? "is empty" : find_fault(text);
	if (*fault != NULL)
		return strlen(text) > STATION_TEXT_MAX ? ERR_RANGE : ERR_SYNTAX;
	size_t size = strcspn(text, "*");
	char *own = mem_must(talloc_strndup(ctx, text, size));
	pattern->is_prefix = text[size] == '*';
	pattern->bare = normalise_mac(ctx, own);
	if (pattern->bare == NULL && pattern->is_prefix)
		pattern->bare = bare_mac_prefix(ctx, own);
	if (pattern->bare == NULL)
		pattern->bare = bare_number(ctx, own);
	text_lower(own);
	pattern->text = own;
	return 0;
}

static bool fits(const char *text, bool is_prefix, const char *station)
{
	return is_prefix ? strncmp(station, text, strlen(text)) == 0 : strcmp(station, text) == 0;
}

bool station_pattern_fits(const struct station_pattern *pattern, const char *station)
{
	return fits(pattern->text, pattern->is_prefix, station) ||
	       (pattern->bare != NULL && fits(pattern->bare, pattern->is_prefix, station));
}
