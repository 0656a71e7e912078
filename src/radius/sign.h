/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The signatures of RADIUS packets: what admit checks in a request, encode puts in a reply, and a
 * client (popradload) puts in a request and checks in a reply. packet has passed packet_check, or
 * is our own; length is its length field. */
#include "radius/admit.h"
#include "radius/packet.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HMAC-MD5 over the packet with `authenticator` in its header and zeros in the attribute at
 * `offset` (RFC 3579 section 3.2). */
void message_authenticator_compute(const uint8_t *packet, size_t length, size_t offset,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t digest[RADIUS_AUTHENTICATOR_SIZE]);

/* MD5 over the packet with `authenticator` in its header, and the secret: the response
 * authenticator (RFC 2865 section 3) with the request's, an Accounting-Request's (RFC 2866 section
 * 3) with zeros. */
void authenticator_compute(const uint8_t *packet, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t digest[RADIUS_AUTHENTICATOR_SIZE]);

/* Fills in both signatures; message_authenticator is the attribute's offset, 0 = none. */
void reply_sign(uint8_t *packet, size_t length, size_t message_authenticator,
	const uint8_t request_authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size);
/* An Access-Request or Status-Server has its random authenticator already; that of other codes is
 * computed. */
void request_sign(uint8_t *packet, size_t length, size_t message_authenticator, const char *secret,
	size_t secret_size);

/* Both signatures of a reply; without Message-Authenticator the response authenticator alone.
 * Constant time. */
bool reply_verify(const uint8_t *packet, const struct packet_facts *facts,
	const uint8_t request_authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size);
