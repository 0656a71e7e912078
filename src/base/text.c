/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "base/text.h"
#include "base/mem.h"
#include <string.h>
#include <time.h>

static const char hex_digits[] = "0123456789abcdef";

#define MS_PER_DAY INT64_C(86400000)
#define DURATION_MAX_MS (3652 * MS_PER_DAY) /* ten years: longer is a typing error */

/* Octets of the valid UTF-8 character at the start, or 0. RFC 3629 section 4: the second octet's
 * range shuts out overlong forms, surrogates and what lies past U+10FFFF. */
static size_t utf8_length(const uint8_t *octets, size_t size)
{
	uint8_t lead = octets[0], low = 0x80, high = 0xbf;
	size_t length;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		length = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		length = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		length = 4;
	else
		return 0;
	if (size < length)
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (octets[1] < low || octets[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((octets[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool text_is_clean(const uint8_t *octets, size_t size)
{
	size_t length;
	for (size_t i = 0; i < size; i += length) {
		length = utf8_length(octets + i, size - i);
		if (length == 0 || octets[i] == '\0')
			return false;
	}
	return true;
}

bool text_begins_escape(const uint8_t *octets, size_t size)
{
	return size >= 4 && octets[0] == '\\' && octets[1] == 'x' &&
	       memchr(hex_digits, octets[2], 16) != NULL &&
	       memchr(hex_digits, octets[3], 16) != NULL;
}

static bool is_plain(uint8_t octet)
{
	return octet < 0x80 && octet != '\0' && octet != '\\';
}

char *text_clean_put(char *text, const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size;) {
		if (is_plain(octets[i])) {
			*text++ = (char)octets[i++];
			continue;
		}
		size_t length = utf8_length(octets + i, size - i);
		if (length == 0 || octets[i] == '\0' || text_begins_escape(octets + i, size - i)) {
			*text++ = '\\';
			*text++ = 'x';
			*text++ = hex_digits[octets[i] >> 4];
			*text++ = hex_digits[octets[i] & 0x0f];
			i++;
		} else {
			memcpy(text, octets + i, length);
			text += length;
			i += length;
		}
	}
	*text++ = '\0';
	return text;
}

char *text_clean(TALLOC_CTX *ctx, const uint8_t *octets, size_t size)
{
	char *text = mem_must(talloc_size(ctx, TEXT_CLEAN_ROOM(size)));
	text_clean_put(text, octets, size);
	return text;
}

void text_to_hex(const uint8_t *octets, size_t size, char *hex)
{
	for (size_t i = 0; i < size; i++) {
		*hex++ = hex_digits[octets[i] >> 4];
		*hex++ = hex_digits[octets[i] & 0x0f];
	}
	*hex = '\0';
}

/* 16 for what is no digit. */
static unsigned hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (unsigned)(digit - '0');
	if (digit >= 'a' && digit <= 'f')
		return (unsigned)(digit - 'a') + 10;
	if (digit >= 'A' && digit <= 'F')
		return (unsigned)(digit - 'A') + 10;
	return 16;
}

bool text_from_hex(const char *hex, uint8_t *octets, size_t size)
{
	if (strnlen(hex, 2 * size + 1) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
		if (high > 15 || low > 15)
			return false;
		octets[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void text_lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

bool text_parse_duration_ms(const char *text, int64_t *ms)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000},
		{"d", MS_PER_DAY}};
	int64_t number = 0;
	const char *suffix = text;
	for (; *suffix >= '0' && *suffix <= '9'; suffix++) {
		number = number * 10 + (*suffix - '0');
		if (number > DURATION_MAX_MS)
			return false;
	}
	if (suffix == text)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(suffix, units[i].suffix) != 0)
			continue;
		if (number > DURATION_MAX_MS / units[i].ms)
			return false;
		*ms = number * units[i].ms;
		return true;
	}
	return false;
}

void text_put_time(char text[TEXT_TIME_BYTES + 1], int64_t second)
{
	time_t time = (time_t)second;
	struct tm utc;
	gmtime_r(&time, &utc);
	strftime(text, TEXT_TIME_BYTES + 1, "%Y-%m-%dT%H:%M:%S", &utc);
}
