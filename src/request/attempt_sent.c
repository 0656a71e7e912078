/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What was sent to the NAS, for people who look for the reason of a trouble. Written once per
 * login, so by a short table of the names that logins have, and not by the dictionary: others stand
 * there by their numbers. */
#include "base/addr.h"
#include "radius/describe.h"
#include "request/attempts.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum sent_form { SENT_TEXT, SENT_NUMBER, SENT_ADDRESS, SENT_NOT };

/* Also octets of no known meaning are SENT_TEXT: as hex digits if they are not printable. */
static const struct {
	const char *name;
	enum sent_form form;
} forms[256] = {
	[ATTR_SERVICE_TYPE] = {"Service-Type", SENT_NUMBER},
	[ATTR_FRAMED_PROTOCOL] = {"Framed-Protocol", SENT_NUMBER},
	[ATTR_FRAMED_IP_ADDRESS] = {NULL, SENT_NOT},
	[ATTR_FRAMED_IP_NETMASK] = {"Framed-IP-Netmask", SENT_ADDRESS},
	[ATTR_FILTER_ID] = {"Filter-Id", SENT_TEXT},
	[ATTR_REPLY_MESSAGE] = {"Reply-Message", SENT_TEXT},
	[22] = {"Framed-Route", SENT_TEXT},
	[ATTR_STATE] = {NULL, SENT_NOT},
	[ATTR_CLASS] = {NULL, SENT_NOT},
	[ATTR_SESSION_TIMEOUT] = {"Session-Timeout", SENT_NUMBER},
	[ATTR_IDLE_TIMEOUT] = {"Idle-Timeout", SENT_NUMBER},
	[ATTR_PROXY_STATE] = {NULL, SENT_NOT},
	[ATTR_TUNNEL_PASSWORD] = {NULL, SENT_NOT},
	[ATTR_EAP_MESSAGE] = {NULL, SENT_NOT},
	[ATTR_MESSAGE_AUTHENTICATOR] = {NULL, SENT_NOT},
	[ATTR_ACCT_INTERIM_INTERVAL] = {"Acct-Interim-Interval", SENT_NUMBER},
	[ATTR_FRAMED_IPV6_ADDRESS] = {NULL, SENT_NOT},
};

struct text {
	char *at, *end; /* end: where the NUL must stand at the latest */
	bool is_full;
};

/* Whole attributes only. */
static void take_back(struct text *text, char *to)
{
	text->at = to;
	*to = '\0';
	text->is_full = true;
}

static bool put(struct text *text, const char *octets, size_t size)
{
	if (size > (size_t)(text->end - text->at))
		return false;
	memcpy(text->at, octets, size);
	text->at += size;
	*text->at = '\0';
	return true;
}

static bool put_number(struct text *text, uint32_t number)
{
	char digits[10];
	size_t at = sizeof digits;
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return put(text, digits + at, sizeof digits - at);
}

static bool is_printable(const uint8_t *value, size_t size)
{
	for (size_t n = 0; n < size; n++)
		if (value[n] < 0x20 || value[n] > 0x7e || value[n] == '"')
			return false;
	return true;
}

static bool put_hex(struct text *text, const uint8_t *value, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	if (!put(text, "0x", 2))
		return false;
	for (size_t n = 0; n < size; n++) {
		const char pair[] = {digits[value[n] >> 4], digits[value[n] & 15]};
		if (!put(text, pair, 2))
			return false;
	}
	return true;
}

static bool put_value(struct text *text, enum sent_form form, const uint8_t *value, size_t size)
{
	char address[ADDR_TEXT_MAX];
	uint32_t number;
	if (form == SENT_NUMBER && size == sizeof number) {
		memcpy(&number, value, sizeof number);
		return put_number(text, ntohl(number));
	}
	if (form == SENT_ADDRESS && size == 4) {
		const struct addr addr = addr_from_bytes(4, value);
		addr_format(&addr, address);
		return put(text, address, strlen(address));
	}
	if (describe_is_telling(value, size))
		return put(text, "...", 3);
	if (!is_printable(value, size))
		return put_hex(text, value, size);
	return put(text, "\"", 1) && put(text, (const char *)value, size) && put(text, "\"", 1);
}

static bool put_separator(struct text *text, const char *first)
{
	return text->at == first || put(text, " ", 1);
}

static bool put_standard(
	struct text *text, const char *first, uint8_t number, const uint8_t *value, size_t size)
{
	const char *name = forms[number].name;
	return put_separator(text, first) &&
	       (name != NULL ? put(text, name, strlen(name)) : put_number(text, number)) &&
	       put(text, "=", 1) && put_value(text, forms[number].form, value, size);
}

/* 26.VENDOR.NUMBER; the usual layout of octets, number and length one each (RFC 2865 section 5.26).
 */
static bool put_vendor(struct text *text, const char *first, const uint8_t *value, size_t size)
{
	uint32_t vendor;
	if (size < 6 || value[5] < 2 || value[5] > size - 4)
		return true;
	memcpy(&vendor, value, sizeof vendor);
	vendor = ntohl(vendor);
	if (describe_hides(vendor, value[4], NULL))
		return true;
	return put_separator(text, first) && put(text, "26.", 3) && put_number(text, vendor) &&
	       put(text, ".", 1) && put_number(text, value[4]) && put(text, "=", 1) &&
	       put_value(text, SENT_TEXT, value + 6, (size_t)value[5] - 2);
}

void attempt_sent_text(const uint8_t *attributes, size_t length, char *text, size_t size)
{
	struct text out = {.at = text, .end = text + size - 1};
	*text = '\0';
	while (length >= 2 && attributes[1] >= 2 && attributes[1] <= length && !out.is_full) {
		uint8_t number = attributes[0];
		char *before = out.at;
		bool has_room = true;
		if (number == ATTR_VENDOR_SPECIFIC)
			has_room = put_vendor(&out, text, attributes + 2, attributes[1] - 2u);
		else if (forms[number].form != SENT_NOT)
			has_room = put_standard(
				&out, text, number, attributes + 2, attributes[1] - 2u);
		if (!has_room)
			take_back(&out, before);
		length -= attributes[1];
		attributes += attributes[1];
	}
}
