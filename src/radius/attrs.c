/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Reads of decoded attributes that need no dictionary. Sizes are the sender's word: each read
 * checks them. */
#include "base/text.h"
#include "radius/dictionary.h"
#include <string.h>

static const struct attr *search(const struct attr *attr, uint32_t vendor, uint32_t number)
{
	while (attr->value && (attr->vendor != vendor || attr->number != number))
		attr++;
	return attr->value ? attr : NULL;
}

const struct attr *attrs_find(const struct attrs *attrs, uint32_t vendor, uint32_t number)
{
	if (vendor != 0 || number > UINT8_MAX)
		return search(attrs->list, vendor, number);
	unsigned first = attrs->first[number];
	return first > 0 ? &attrs->list[first - 1] : NULL;
}

const struct attr *attr_find_next(const struct attr *attr)
{
	return search(attr + 1, attr->vendor, attr->number);
}

bool attrs_get_u32(const struct attrs *attrs, uint32_t number, uint32_t *value)
{
	const struct attr *attr = attrs_find(attrs, 0, number);
	if (!attr || attr->size != 4)
		return false;
	*value = (uint32_t)attr->value[0] << 24 | (uint32_t)attr->value[1] << 16 |
		 (uint32_t)attr->value[2] << 8 | attr->value[3];
	return true;
}

bool attrs_get_addr(const struct attrs *attrs, uint32_t number, struct addr *addr)
{
	const struct attr *attr = attrs_find(attrs, 0, number);
	if (!attr || (attr->size != 4 && attr->size != 16))
		return false;
	*addr = addr_from_bytes(attr->size == 4 ? 4 : 6, attr->value);
	return true;
}

/* Reserved octet, prefix length, and as many octets of the prefix as the sender cared to send. Bits
 * behind the prefix must be zero by the RFC; they are masked, because some NASes send the
 * interface's address. */
bool attrs_get_prefix6(const struct attrs *attrs, uint32_t number, struct prefix *prefix)
{
	const struct attr *attr = attrs_find(attrs, 0, number);
	if (!attr || attr->size < 2 || attr->size > 18 || attr->value[1] > 128)
		return false;
	size_t bits = attr->value[1], sent = attr->size - 2U;
	if (sent * 8 < bits)
		return false;
	uint8_t bytes[16] = {0};
	memcpy(bytes, attr->value + 2, sent);
	for (size_t i = 0; i < sizeof bytes; i++) {
		size_t kept = bits <= i * 8 ? 0 : bits - i * 8;
		if (kept < 8)
			bytes[i] &= (uint8_t)(0xff00U >> kept & 0xff);
	}
	*prefix = (struct prefix){.bits = attr->value[1], .addr.family = 6};
	memcpy(prefix->addr.bytes, bytes, sizeof bytes);
	return true;
}

char *attrs_get_text(struct attrs *attrs, uint32_t number)
{
	const struct attr *attr = attrs_find(attrs, 0, number);
	if (!attr || attr->size == 0)
		return NULL;
	if (TEXT_CLEAN_ROOM(attr->size) > attrs->text_room)
		return text_clean(attrs, attr->value, attr->size);
	char *text = attrs->text;
	attrs->text = text_clean_put(text, attr->value, attr->size);
	attrs->text_room -= (size_t)(attrs->text - text);
	return text;
}
