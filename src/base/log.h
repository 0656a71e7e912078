/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Log lines: an event word first, then key=value. Never a password, a secret or a packet.
 * Text that came from outside goes through log_quote. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };

/* name stands in each line ("poprad[master]", "poprad[worker 1]"); it is copied. */
void log_open(enum log_target target, enum log_level level, const char *name);

/* For a turn of an event loop: from log_hold to log_release lines for stderr wait for each other
 * and leave in few writes. Errors and warnings do not wait, nor does what stands before them. */
void log_hold(void);
void log_release(void);

bool log_level_parse(const char *text, enum log_level *level);

/* log_event(LOG_LEVEL_INFO, "nas_loaded", "count=%zu", n) */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

/* At most `burst` lines per second through one struct log_limit; the next line let through after a
 * suppression carries suppressed=N. Zero-initialise it; one static per call site. */
struct log_limit {
	int64_t second;
	unsigned passed;
	unsigned suppressed;
};
#define LOG_LIMIT_BURST 10
void log_event_limited(struct log_limit *limit, enum log_level level, const char *event,
	const char *format, ...) PRINTF_LIKE(4, 5);

/* Double-quoted, control and non-ASCII octets as \xHH, cut at 64 octets (then "..." follows). The
 * result lives in a ring of 8 static buffers: use it within one log call. */
const char *log_quote(const void *octets, size_t size);
const char *log_quote_text(const char *text); /* NULL gives - */
/* The same for a sentence of a library or of the database, cut at 256 octets: its end matters. */
const char *log_quote_reason(const char *text);
