/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A line is put together in one buffer and leaves in one write, so that lines of several workers on
 * the same stderr do not mix. Control characters that slipped into a value (a database's message,
 * say) become spaces: one event is one line. */
#include "base/log.h"
#include "base/clock.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* longer lines are cut */
#define QUOTE_MAX_BYTES 64
#define QUOTE_REASON_MAX_BYTES 256
#define QUOTE_RING 8
#define NAME_MAX_BYTES 64

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
} log_state = {LOG_TARGET_STDERR, LOG_LEVEL_INFO, "poprad"};

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

static void write_stderr(enum log_level level, const char *message)
{
	char line[LINE_MAX_BYTES + 128], stamp[32];
	int64_t now_us = clock_wall_us();
	time_t seconds = (time_t)(now_us / US_PER_S);
	struct tm utc;
	gmtime_r(&seconds, &utc);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	size_t used = fitting(snprintf(line, sizeof line - 1, "%s.%03dZ %s %s: %s", stamp,
				      (int)(now_us % US_PER_S / 1000), log_state.name,
				      levels[level].name, message),
		sizeof line - 1);
	line[used++] = '\n';
	/* A full or closed stderr must not stop the server, and there is nowhere left to say it. */
	ssize_t written = write(STDERR_FILENO, line, used);
	(void)written;
}

static void PRINTF_LIKE(4, 0) write_line(enum log_level level, const char *event,
	unsigned suppressed, const char *format, va_list arguments)
{
	int saved_errno = errno;
	char message[LINE_MAX_BYTES];
	size_t used = fitting(snprintf(message, sizeof message, "%s ", event), sizeof message);
	used += fitting(vsnprintf(message + used, sizeof message - used, format, arguments),
		sizeof message - used);
	if (suppressed > 0)
		used += fitting(snprintf(message + used, sizeof message - used, " suppressed=%u",
					suppressed),
			sizeof message - used);
	while (used > 0 && message[used - 1] == ' ')
		message[--used] = '\0';
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f)
			message[i] = ' ';
	if (log_state.target == LOG_TARGET_SYSLOG)
		syslog(levels[level].priority, "%s", message);
	else
		write_stderr(level, message);
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
