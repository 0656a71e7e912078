/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A line is put together in one buffer and leaves in one write, so that lines of several workers on
 * the same stderr do not mix. Lines that are held leave together, as many as a pipe still takes in
 * one piece. Control characters that slipped into a value (a database's message, say) become
 * spaces: one event is one line. */
#include "base/log.h"
#include "base/clock.h"
#include "base/text.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* longer lines are cut */
#define QUOTE_MAX_BYTES 64
#define QUOTE_REASON_MAX_BYTES 256
#define QUOTE_RING 8
#define NAME_MAX_BYTES 64
#define PREFIX_MAX_BYTES 128
#define HELD_MAX_BYTES PIPE_BUF /* a longer write could mix with another process's */

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

static struct {
	enum log_target target;
	enum log_level level;
	char name[NAME_MAX_BYTES];
	bool is_holding;
	size_t held_size;
	char held[HELD_MAX_BYTES];
} log_state = {.target = LOG_TARGET_STDERR, .level = LOG_LEVEL_INFO, .name = "poprad"};

void log_open(enum log_target target, enum log_level level, const char *name)
{
	if (log_state.target == LOG_TARGET_SYSLOG)
		closelog();
	log_state.target = target;
	log_state.level = level;
	snprintf(log_state.name, sizeof log_state.name, "%s", name);
	if (target == LOG_TARGET_SYSLOG)
		openlog(log_state.name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

bool log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* What snprintf says it would have written, brought back to what fits. */
static size_t fitting(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/* A full or closed stderr must not stop the server, and there is nowhere left to say it. */
static void write_stderr(const char *octets, size_t size)
{
	ssize_t written = write(STDERR_FILENO, octets, size);
	(void)written;
}

static void write_held(void)
{
	if (log_state.held_size > 0)
		write_stderr(log_state.held, log_state.held_size);
	log_state.held_size = 0;
}

void log_hold(void)
{
	log_state.is_holding = true;
}

void log_release(void)
{
	log_state.is_holding = false;
	write_held();
}

static_assert(LINE_MAX_BYTES + PREFIX_MAX_BYTES <= HELD_MAX_BYTES, "a line must fit");

static void put_line(enum log_level level, const char *line, size_t size)
{
	if (log_state.held_size + size > HELD_MAX_BYTES)
		write_held();
	memcpy(log_state.held + log_state.held_size, line, size);
	log_state.held_size += size;
	/* What may be the last word of this process does not wait. */
	if (!log_state.is_holding || level <= LOG_LEVEL_WARNING)
		write_held();
}

/* The time to the second; made anew when it changes. */
static const char *stamp_of(int64_t second)
{
	static char stamp[TEXT_TIME_BYTES + 1];
	static int64_t stamped;
	if (second != stamped) {
		text_put_time(stamp, second);
		stamped = second;
	}
	return stamp;
}

/* "2026-01-31T23:59:59.123Z poprad[worker 1] info: ", without printf: every line has one. Returns
 * its end. */
static char *put_prefix(char prefix[PREFIX_MAX_BYTES], enum log_level level)
{
	int64_t now_us = clock_wall_us();
	unsigned ms = (unsigned)(now_us % US_PER_S / 1000);
	char *end = stpcpy(prefix, stamp_of(now_us / US_PER_S));
	*end++ = '.';
	*end++ = (char)('0' + ms / 100);
	*end++ = (char)('0' + ms / 10 % 10);
	*end++ = (char)('0' + ms % 10);
	end = stpcpy(stpcpy(end, "Z "), log_state.name);
	return stpcpy(stpcpy(stpcpy(end, " "), levels[level].name), ": ");
}

/* The event word and a blank; returns their size. */
static size_t put_event(char message[LINE_MAX_BYTES], const char *event)
{
	size_t size = strnlen(event, LINE_MAX_BYTES - 2);
	memcpy(message, event, size);
	message[size] = ' ';
	message[size + 1] = '\0';
	return size + 1;
}

static void PRINTF_LIKE(4, 0) write_line(enum log_level level, const char *event,
	unsigned suppressed, const char *format, va_list arguments)
{
	int saved_errno = errno;
	bool is_stderr = log_state.target == LOG_TARGET_STDERR;
	char line[PREFIX_MAX_BYTES + LINE_MAX_BYTES];
	char *message = is_stderr ? put_prefix(line, level) : line;
	size_t used = put_event(message, event);
	used += fitting(vsnprintf(message + used, LINE_MAX_BYTES - used, format, arguments),
		LINE_MAX_BYTES - used);
	if (suppressed > 0)
		used += fitting(snprintf(message + used, LINE_MAX_BYTES - used, " suppressed=%u",
					suppressed),
			LINE_MAX_BYTES - used);
	while (used > 0 && message[used - 1] == ' ')
		message[--used] = '\0';
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f)
			message[i] = ' ';
	if (is_stderr) {
		message[used++] = '\n';
		put_line(level, line, (size_t)(message - line) + used);
	} else {
		syslog(levels[level].priority, "%s", message);
	}
	errno = saved_errno;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	if (level > log_state.level)
		return;
	va_list arguments;
	va_start(arguments, format);
	write_line(level, event, 0, format, arguments);
	va_end(arguments);
}

void log_event_limited(
	struct log_limit *limit, enum log_level level, const char *event, const char *format, ...)
{
	if (level > log_state.level)
		return;
	int64_t second = clock_mono_ns() / NS_PER_S;
	if (second != limit->second) {
		limit->second = second;
		limit->passed = 0;
	}
	if (limit->passed >= LOG_LIMIT_BURST) {
		limit->suppressed++;
		return;
	}
	limit->passed++;
	unsigned suppressed = limit->suppressed;
	limit->suppressed = 0;
	va_list arguments;
	va_start(arguments, format);
	write_line(level, event, suppressed, format, arguments);
	va_end(arguments);
}

static const char *quote(const unsigned char *octets, size_t size, size_t max)
{
	/* Each octet takes four characters at most; then two quotes, dots and NUL. */
	static char ring[QUOTE_RING][QUOTE_REASON_MAX_BYTES * 4 + 6];
	static unsigned next;
	char *text = ring[next++ % QUOTE_RING], *end = text;
	*end++ = '"';
	for (size_t i = 0; i < size && i < max; i++) {
		if (octets[i] == '"' || octets[i] == '\\') {
			*end++ = '\\';
			*end++ = (char)octets[i];
		} else if (octets[i] < 0x20 || octets[i] > 0x7e) {
			end += sprintf(end, "\\x%02x", octets[i]);
		} else {
			*end++ = (char)octets[i];
		}
	}
	*end++ = '"';
	strcpy(end, size > max ? "..." : "");
	return text;
}

const char *log_quote(const void *octets, size_t size)
{
	return quote(octets, size, QUOTE_MAX_BYTES);
}

const char *log_quote_text(const char *text)
{
	return text == NULL ? "-" : log_quote(text, strlen(text));
}

const char *log_quote_reason(const char *text)
{
	return text == NULL
		       ? "-"
		       : quote((const unsigned char *)text, strlen(text), QUOTE_REASON_MAX_BYTES);
}
