/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * In the order in which it happened: what came, what became of it, what left. */
#include "ctl/trace_print.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/field.h"
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <talloc.h>

/* One line; what came from outside cannot leave it. */
static void say(FILE *out, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(FILE *out, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = mem_must(talloc_vasprintf(NULL, format, list));
	va_end(list);
	field_print(out, text);
	fputc('\n', out);
	talloc_free(text);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static long long number_of(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void print_attributes(FILE *out, const json_t *packet)
{
	const json_t *attribute;
	size_t index;
	json_array_foreach(json_object_get(packet, "attributes"), index, attribute)
	{
		const char *value = text_of(attribute, "value");
		bool is_text = json_is_true(json_object_get(attribute, "is_text"));
		say(out, "      %s = %s%s%s", text_of(attribute, "name"), is_text ? "\"" : "",
			value != NULL ? value : "(not shown)", is_text ? "\"" : "");
	}
}

static void print_query(FILE *out, const json_t *query)
{
	const char *outcome = text_of(query, "outcome");
	long long rows = number_of(query, "rows");
	if (rows == 0) {
		say(out, "              query %s: %s after %lld us, never sent",
			text_of(query, "statement"), outcome, number_of(query, "waited_us"));
		return;
	}
	say(out, "              query %s: waited %lld us, took %lld us in a batch of %lld%s%s",
		text_of(query, "statement"), number_of(query, "waited_us"),
		number_of(query, "took_us"), rows, strcmp(outcome, "answered") == 0 ? "" : ": ",
		strcmp(outcome, "answered") == 0 ? "" : outcome);
}

static void print_step(FILE *out, const json_t *step)
{
	const json_t *one;
	size_t index;
	say(out, "    %-9s %-5s at %lld us, took %lld us", text_of(step, "step"),
		text_of(step, "result"), number_of(step, "at_us"), number_of(step, "took_us"));
	json_array_foreach(json_object_get(step, "queries"), index, one) print_query(out, one);
	json_array_foreach(json_object_get(step, "notes"), index, one)
		say(out, "              %s", json_string_value(one));
}

static void print_request(FILE *out, const json_t *line)
{
	const json_t *request = json_object_get(line, "request");
	const char *time = text_of(line, "time"), *nas = text_of(line, "nas");
	const char *code = text_of(request, "code");
	say(out,
		"%.10s %.15s  %s, ID %lld, from %s port %lld (%s%s) to port %lld, %lld octets, "
		"worker %lld",
		time, time + 11, code != NULL ? code : "octets", number_of(request, "id"),
		text_of(line, "source"), number_of(line, "port"), nas != NULL ? "NAS " : "no NAS",
		nas != NULL ? nas : "", number_of(line, "server_port"),
		number_of(request, "octets"), number_of(line, "worker"));
	print_attributes(out, request);
}

static void print_end(FILE *out, const json_t *line)
{
	const json_t *answer = json_object_get(line, "answer");
	const char *reason = text_of(line, "reason"), *sentence = text_of(line, "sentence");
	long long held_us = number_of(line, "held_back_us"),
		  duration_us = number_of(line, "duration_us");
	if (strcmp(text_of(line, "outcome"), "drop") == 0) {
		say(out, "  Dropped after %lld us: %s. %s", duration_us, reason, sentence);
		return;
	}
	say(out, "  %s after %lld us, %lld octets%s", text_of(answer, "code"), duration_us,
		number_of(answer, "octets"),
		strcmp(text_of(line, "outcome"), "repeat") == 0 ? ", as it was answered before"
								: "");
	if (reason != NULL)
		say(out, "      because: %s. %s", reason, sentence);
	if (held_us > 0)
		say(out, "      held back for %lld us", held_us);
	print_attributes(out, answer);
}

/* Its fields are the server's, but this program may be newer or older. */
static bool is_packet(const json_t *line)
{
	const char *time = text_of(line, "time"), *outcome = text_of(line, "outcome");
	if (time == NULL || strlen(time) != strlen("2026-11-22T14:02:11.482193Z") ||
		text_of(line, "source") == NULL || outcome == NULL)
		return false;
	if (strcmp(outcome, "drop") == 0)
		return text_of(line, "reason") != NULL && text_of(line, "sentence") != NULL;
	return text_of(json_object_get(line, "answer"), "code") != NULL;
}

void trace_print(FILE *out, const json_t *line)
{
	const json_t *step;
	size_t index;
	long long not_shown = number_of(line, "not_shown");
	if (not_shown > 0) {
		say(out, "%lld packet%s not shown: more came than can be told of.", not_shown,
			not_shown == 1 ? "" : "s");
		return;
	}
	if (!is_packet(line))
		return;
	print_request(out, line);
	json_array_foreach(json_object_get(line, "steps"), index, step) print_step(out, step);
	print_end(out, line);
	fputc('\n', out);
}
