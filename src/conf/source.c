/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "conf/source.h"
#include "base/mem.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

int source_read(TALLOC_CTX *ctx, int fd, char **text)
{
	size_t size = 0, room = 16384;
	char *octets = mem_must(talloc_size(ctx, room + 1));
	for (;;) {
		ssize_t got = pread(fd, octets + size, room - size, (off_t)size);
		if (got < 0 && errno == ESPIPE)
			got = read(fd, octets + size, room - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			talloc_free(octets);
			return ERR_SYSTEM;
		}
		if (got == 0)
			break;
		size += (size_t)got;
		if (size > SOURCE_MAX_BYTES) {
			talloc_free(octets);
			return ERR_FULL;
		}
		if (size == room) {
			room *= 2;
			octets = mem_must(talloc_realloc_size(ctx, octets, room + 1));
		}
	}
	octets[size] = '\0';
	if (strlen(octets) != size) {
		talloc_free(octets);
		return ERR_SYNTAX;
	}
	*text = octets;
	return 0;
}

static bool is_bad_escape(char quote, const char *text)
{
	return quote == '"' && text[0] == '\\' && text[1] >= '0' && text[1] <= '9';
}

/* Behind the closing quote; NULL if there is none, or at an escape that libconfuse may refuse. In
 * single quotes a backslash protects too: libconfuse reads \' there as a quote. */
static char *skip_string(char *text, const char **what)
{
	char quote = *text++;
	while (*text != quote) {
		if (is_bad_escape(quote, text)) {
			*what = "this string has a backslash before a digit";
			return NULL;
		}
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (quote == '"' && text[0] == '$' && text[1] == '{' &&
			 strchr(text, '}') != NULL)
			text = strchr(text, '}'); /* an environment variable */
		if (*text == '\0') {
			*what = "the string that begins here has no end";
			return NULL;
		}
		text++;
	}
	return text + 1;
}

static void blank(char *begin, const char *end)
{
	for (; begin < end; begin++)
		if (*begin != '\n')
			*begin = ' ';
}

static char *skip_comment(char *text)
{
	char *end;
	if (text[0] == '/' && text[1] == '*') {
		end = strstr(text + 2, "*/");
		if (end == NULL)
			return NULL;
		end += 2;
	} else {
		end = text + strcspn(text, "\n");
	}
	blank(text, end);
	return end;
}

static bool begins_comment(const char *text)
{
	return text[0] == '#' || (text[0] == '/' && (text[1] == '/' || text[1] == '*'));
}

static int line_of(const char *text, const char *place)
{
	int line = 1;
	for (; text < place; text++)
		line += *text == '\n';
	return line;
}

/* An error at the end of the file then names the last line that holds something. */
static void cut_trailing_blanks(char *text)
{
	size_t size = strlen(text);
	while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
		text[--size] = '\0';
}

int source_blank_comments(char *text, int *line, const char **what)
{
	for (char *place = text; *place != '\0';) {
		char *end;
		if (begins_comment(place)) {
			*what = "the comment that begins here has no end";
			end = skip_comment(place);
		} else if (*place == '"' || *place == '\'') {
			end = skip_string(place, what);
		} else {
			/* A word without quotes may hold slashes; they begin no comment there. */
			size_t word = strcspn(place, " #\"'\t\n\r={}()+,*");
			end = place + (word > 0 ? word : 1);
		}
		if (end == NULL) {
			*line = line_of(text, place);
			return ERR_SYNTAX;
		}
		place = end;
	}
	cut_trailing_blanks(text);
	return 0;
}
