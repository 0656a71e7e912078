/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Octets from the wire made safe for PostgreSQL (valid UTF-8 without NUL) and for logs. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* True if the octets are valid UTF-8 (RFC 3629) and hold no NUL: what a PostgreSQL text accepts. */
bool text_is_clean(const uint8_t *octets, size_t size);

/* A NUL-terminated copy that PostgreSQL accepts. Octets that are no UTF-8, and NUL, become \xHH
 * with lower-case digits, and so does a backslash where it would read as the beginning of that: the
 * original can be read back, and two different inputs never become one text. Other clean text
 * (DOMAIN\user) is copied as it is. */
char *text_clean(TALLOC_CTX *ctx, const uint8_t *octets, size_t size);
/* The same at a place of the caller's, with room for TEXT_CLEAN_ROOM(size). Returns what follows
 * the NUL. */
#define TEXT_CLEAN_ROOM(size) (4 * (size_t)(size) + 1)
char *text_clean_put(char *text, const uint8_t *octets, size_t size);

/* True if the octets begin with \xHH, an octet as text_clean writes it. */
bool text_begins_escape(const uint8_t *octets, size_t size);

/* Writes size octets as lower-case hex; hex needs 2 * size + 1 octets. */
void text_to_hex(const uint8_t *octets, size_t size, char *hex);

/* Reads exactly 2 * size hex digits (either case). */
bool text_from_hex(const char *hex, uint8_t *octets, size_t size);

/* ASCII-only lower case in place: realm names (RFC 7542 section 2.4 compares realms without case).
 */
void text_lower(char *text);

/* "2026-01-31T23:59:59", UTC: the beginning of a time stamp (RFC 3339). */
#define TEXT_TIME_BYTES 19
void text_put_time(char text[TEXT_TIME_BYTES + 1], int64_t second);

/* "10ms", "8h", "15m", "90s", "1d", "45" (seconds) -> milliseconds. False if malformed or over 10
 * years. */
bool text_parse_duration_ms(const char *text, int64_t *ms);
