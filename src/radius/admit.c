/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The walk over a datagram's raw octets. Everything behind it may rely on what it has checked: the
 * header is whole, the attributes tile the packet exactly, and there is at most one
 * Message-Authenticator, of the right size. */
#include "radius/admit.h"
#include <string.h>

#define CODE_MAX 51 /* the codes above are reserved or experimental (RFC 3575 section 2.1) */
#define MESSAGE_AUTHENTICATOR_LENGTH 18
#define ACCT_STATUS_TYPE_LENGTH 6

/* RFC 2865 section 3: a packet longer than its length field has padding behind it; a shorter one
 * must be discarded. */
static enum drop header_check(const uint8_t *octets, size_t received, struct packet_facts *facts)
{
	if (received < RADIUS_HEADER_SIZE)
		return DROP_too_short;
	size_t length = (size_t)octets[2] << 8 | octets[3];
	if (length > RADIUS_MAX_PACKET)
		return DROP_too_long;
	if (length < RADIUS_HEADER_SIZE || length > received)
		return DROP_too_short;
	if (octets[0] == 0 || octets[0] > CODE_MAX)
		return DROP_bad_code;
	*facts = (struct packet_facts){.code = octets[0], .id = octets[1], .length = length};
	return DROP_none;
}

static enum drop attribute_note(struct packet_facts *facts, const uint8_t *octets, size_t offset)
{
	static const uint8_t interim[4] = {0, 0, 0, ACCT_INTERIM};
	switch (octets[offset]) {
	case 0:
		return DROP_bad_attribute;
	case ATTR_PROXY_STATE:
		facts->has_proxy_state = true;
		break;
	case ATTR_ACCT_STATUS_TYPE:
		facts->is_interim = octets[offset + 1] == ACCT_STATUS_TYPE_LENGTH &&
				    memcmp(octets + offset + 2, interim, sizeof interim) == 0;
		break;
	case ATTR_EAP_MESSAGE:
		facts->has_eap_message = true;
		break;
	case ATTR_MESSAGE_AUTHENTICATOR:
		if (facts->message_authenticator ||
			octets[offset + 1] != MESSAGE_AUTHENTICATOR_LENGTH)
			return DROP_bad_message_authenticator;
		facts->message_authenticator = offset;
		break;
	default:
		break;
	}
	return DROP_none;
}

enum drop packet_check(const uint8_t *octets, size_t received, struct packet_facts *facts)
{
	enum drop drop = header_check(octets, received, facts);
	if (drop != DROP_none)
		return drop;
	size_t count = 0, offset = RADIUS_HEADER_SIZE;
	while (offset < facts->length) {
		size_t left = facts->length - offset;
		/* RFC 2865 section 5: the length counts type and length themselves. */
		if (left < 2 || octets[offset + 1] < 2 || octets[offset + 1] > left)
			return DROP_bad_attribute;
		if (++count > RADIUS_ATTRIBUTES_MAX)
			return DROP_too_many_attributes;
		drop = attribute_note(facts, octets, offset);
		if (drop != DROP_none)
			return drop;
		offset += octets[offset + 1];
	}
	return DROP_none;
}
