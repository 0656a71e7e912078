/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Builds a reply in a caller's buffer: header, Message-Authenticator first on Access-* and
 * Status-Server answers (never on others), attributes, signature. Room is
 * checked at every attribute; one that does not fit marks the reply overfull and is left out whole.
 */
#include "base/addr.h"
#include "base/err.h"
#include "radius/dictionary.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	uint8_t *octets; /* RADIUS_MAX_PACKET of them, borrowed */
	size_t length;
	const uint8_t *request; /* borrowed: ID, authenticator, Proxy-State */
	const char *secret;     /* borrowed */
	size_t secret_size;
	size_t message_authenticator; /* its offset, 0 = none */
	size_t request_length;
	size_t room;   /* octets that attributes may fill: the rest is kept for Proxy-State */
	uint16_t salt; /* of the last salt-encrypted attribute, 0 = none yet */
	bool is_overfull;
};

/* request_length octets at request have passed packet_check. */
void reply_init(struct reply *reply, uint8_t octets[RADIUS_MAX_PACKET], enum radius_code code,
	const uint8_t *request, size_t request_length, const char *secret, size_t secret_size);

void reply_add_u32(struct reply *reply, uint8_t number, uint32_t value);
void reply_add_addr(struct reply *reply, uint8_t number, const struct addr *addr);
/* A reserved octet, the length and the whole address: RFC 3162 section 2.3, RFC 4818 section 3. */
void reply_add_prefix6(struct reply *reply, uint8_t number, const struct prefix *prefix);
/* Longer values are cut at 253 octets. */
void reply_add_octets(struct reply *reply, uint8_t number, const void *value, size_t size);
void reply_add_text(struct reply *reply, uint8_t number, const char *text);
void reply_add_vendor(
	struct reply *reply, uint32_t vendor, uint8_t number, const void *value, size_t size);
/* Of one that is to be encrypted a part, which has no secret, gets as many zeros. */
void reply_add_encoded(struct reply *reply, const struct encoded_attr *attr);
/* What that takes of an answer. */
size_t encoded_attr_octets(const struct encoded_attr *attr);
/* Salt-encrypted with the secret and the request authenticator, RFC 2548 section 2.4.2 (MPPE keys).
 * size <= ENCRYPTED_VALUE_MAX, else the reply counts as overfull. */
void reply_add_vendor_encrypted(
	struct reply *reply, uint32_t vendor, uint8_t number, const void *value, size_t size);
/* MS-CHAP-MPPE-Keys: hidden like a User-Password (RFC 2548 section 2.4.1). */
void reply_add_mschap1_mppe_keys(struct reply *reply, const uint8_t keys[32]);

/* A part of replies that is made ahead: attributes alone, put in by the functions above that need
 * neither request nor secret. Its octets[0..length) are then ready for reply_add_part. */
void reply_init_part(struct reply *part, uint8_t octets[RADIUS_MAX_PACKET]);
/* Adds all of the part or, if it does not fit, nothing; false: it does not fit. */
bool reply_add_part(struct reply *reply, const uint8_t *octets, size_t size) MUST_CHECK;

/* Copies each Proxy-State of the request in order (RFC 2865 section 5.33), fixes the length and
 * signs. Call once, last. ERR_FULL if something did not fit: the reply is then still well formed,
 * with all its Proxy-States. */
int reply_finish(struct reply *reply) MUST_CHECK;
