/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Raw-octet checks of a received datagram, before anything decodes it. */
#include "base/metrics.h"
#include "radius/packet.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_facts {
	uint8_t code, id;
	size_t length; /* the length field; octets behind it are padding (RFC 2865 section 3) */
	size_t message_authenticator; /* offset of the attribute, 0 = none */
	bool has_proxy_state, has_eap_message;
	bool is_interim; /* Acct-Status-Type says Interim-Update */
};

/* Length, code 1..51, attribute walk, at most one Message-Authenticator of 18 octets. DROP_none, or
 * why not. */
enum drop packet_check(const uint8_t *octets, size_t received, struct packet_facts *facts);

/* The two verifications of a request; their arithmetic lives in sign.c.
 *
 * RFC 3579 section 3.2; for Accounting-Request and Status-Server too (RFC 5997 section 3: a
 * Status-Server's authenticator is random, an Accounting-Request's counts as zero). False if there
 * is none. Constant time. */
bool message_authenticator_verify(const uint8_t *packet, const struct packet_facts *facts,
	const char *secret, size_t secret_size);

/* RFC 2866 section 3: MD5 over the packet with a zero authenticator, and the secret. Constant time.
 */
bool accounting_authenticator_verify(
	const uint8_t *packet, size_t length, const char *secret, size_t secret_size);
