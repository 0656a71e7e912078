/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "base/hours.h"
#include "base/mem.h"
#include <string.h>
#include <strings.h>

#define DAYS 7
#define DAY_MIN (24 * 60)
#define WEEK_MIN (DAYS * DAY_MIN)
#define WEEK_S (WEEK_MIN * 60)
#define MONDAY_S (3 * DAY_MIN * 60) /* 1970-01-01 was a Thursday */

/* No two windows touch, so there is a minute between each and the next. */
#define WINDOWS_MAX (WEEK_MIN / 2)

/* Minutes of the week, Monday first, in order: from begin on, before end. */
struct window {
	uint16_t begin, end;
};

struct hours {
	unsigned count;
	struct window windows[];
};

struct parser {
	const char *start, *at;
	bool is_open[WEEK_MIN];
	struct hours_fault *fault;
};

static bool refuse(struct parser *parser, const char *text)
{
	*parser->fault = (struct hours_fault){(unsigned)(parser->at - parser->start) + 1, text};
	return false;
}

static void skip_spaces(struct parser *parser)
{
	parser->at += strspn(parser->at, " ");
}

static bool read_mark(struct parser *parser, char mark, const char *otherwise)
{
	if (*parser->at != mark)
		return refuse(parser, otherwise);
	parser->at++;
	return true;
}

static bool read_day(struct parser *parser, unsigned *day)
{
	static const char *const names[DAYS] = {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};
	for (*day = 0; *day < DAYS; ++*day) {
		if (strncasecmp(parser->at, names[*day], 2) == 0) {
			parser->at += 2;
			return true;
		}
	}
	return refuse(parser, "is no day: Mo Tu We Th Fr Sa Su, or always");
}

/* "6:00", "18:30"; max is 24:00 or the minute before. */
static bool read_time(struct parser *parser, unsigned max, unsigned *minutes)
{
	const char *text = parser->at;
	size_t digits = strspn(text, "0123456789");
	if (digits < 1 || digits > 2 || text[digits] != ':' ||
		strspn(text + digits + 1, "0123456789") != 2)
		return refuse(parser, "is no time such as 18:30");
	unsigned hour = (unsigned)(text[0] - '0');
	if (digits == 2)
		hour = 10 * hour + (unsigned)(text[1] - '0');
	unsigned minute =
		10 * (unsigned)(text[digits + 1] - '0') + (unsigned)(text[digits + 2] - '0');
	*minutes = 60 * hour + minute;
	if (minute > 59 || *minutes > max)
		return refuse(parser, max == DAY_MIN ? "is no time of 00:00 to 24:00"
						     : "is no time of 00:00 to 23:59");
	parser->at += digits + 3;
	return true;
}

static void open_window(struct parser *parser, unsigned day, unsigned begin, unsigned end)
{
	unsigned length = end > begin ? end - begin : DAY_MIN - begin + end;
	for (unsigned n = 0; n < length; n++)
		parser->is_open[(day * DAY_MIN + begin + n) % WEEK_MIN] = true;
}

/* "Mo-Fr 18:00-23:00" */
static bool read_entry(struct parser *parser)
{
	unsigned first, last, begin, end;
	if (!read_day(parser, &first))
		return false;
	last = first;
	if (*parser->at == '-') {
		parser->at++;
		if (!read_day(parser, &last))
			return false;
	}
	if (!read_mark(parser, ' ', "is no space between the days and the time"))
		return false;
	skip_spaces(parser);
	if (!read_time(parser, DAY_MIN - 1, &begin) ||
		!read_mark(parser, '-', "is no hyphen between begin and end") ||
		!read_time(parser, DAY_MIN, &end))
		return false;
	for (unsigned day = first;; day = (day + 1) % DAYS) {
		open_window(parser, day, begin, end);
		if (day == last)
			return true;
	}
}

static bool read_entries(struct parser *parser)
{
	if (strcasecmp(parser->start, "always") == 0) {
		memset(parser->is_open, true, sizeof parser->is_open);
		return true;
	}
	for (;;) {
		if (!read_entry(parser))
			return false;
		skip_spaces(parser);
		if (*parser->at == '\0')
			return true;
		if (!read_mark(parser, ',', "is neither a comma nor the end"))
			return false;
		skip_spaces(parser);
	}
}

static struct hours *collect(TALLOC_CTX *ctx, const bool is_open[WEEK_MIN])
{
	struct window windows[WINDOWS_MAX];
	unsigned count = 0;
	for (unsigned minute = 0; minute < WEEK_MIN; minute++) {
		if (!is_open[minute])
			continue;
		if (count > 0 && windows[count - 1].end == minute)
			windows[count - 1].end++;
		else
			windows[count++] =
				(struct window){(uint16_t)minute, (uint16_t)(minute + 1)};
	}
	struct hours *hours =
		mem_must(talloc_zero_size(ctx, sizeof *hours + count * sizeof hours->windows[0]));
	hours->count = count;
	memcpy(hours->windows, windows, count * sizeof windows[0]);
	return hours;
}

int hours_parse(TALLOC_CTX *ctx, const char *text, struct hours **hours, struct hours_fault *fault)
{
	struct parser parser = {.start = text, .at = text, .fault = fault};
	if (strlen(text) > HOURS_TEXT_MAX) {
		parser.at += HOURS_TEXT_MAX;
		refuse(&parser, "is more than 253 octets");
		return ERR_SYNTAX;
	}
	if (!read_entries(&parser))
		return ERR_SYNTAX;
	*hours = collect(ctx, parser.is_open);
	return 0;
}

/* Seconds until a clock that shows local_s, and goes on, leaves the hours. 0: it is outside.
 * INT64_MAX: never. */
static int64_t left_s(const struct hours *hours, int64_t local_s)
{
	int64_t second = (local_s + MONDAY_S) % WEEK_S;
	if (second < 0)
		second += WEEK_S;
	for (unsigned n = 0; n < hours->count; n++) {
		const struct window *window = &hours->windows[n], *first = &hours->windows[0];
		if (second < window->begin * 60 || second >= window->end * 60)
			continue;
		if (window->begin == 0 && window->end == WEEK_MIN)
			return INT64_MAX;
		int64_t left = window->end * 60 - second;
		return window->end == WEEK_MIN && first->begin == 0 ? left + first->end * 60 : left;
	}
	return 0;
}

bool hours_have(const struct hours *hours, const struct zone *zone, int64_t at_s, int64_t *end_s)
{
	int64_t now_s = at_s, until_s;
	/* The clock goes evenly until the zone's next change; there it is looked at again. */
	for (;; now_s = until_s) {
		int64_t left = left_s(hours, now_s + zone_offset_s(zone, now_s, &until_s));
		*end_s = left == INT64_MAX ? left : now_s + left;
		if (left == 0 || left == INT64_MAX || *end_s < until_s)
			return *end_s > at_s;
	}
}
