/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The two digests of the protocol, and the order in which they are made: Message-Authenticator
 * first, because the response authenticator covers it. */
#include "radius/sign.h"
#include "radius/digest.h"
#include <assert.h>
#include <string.h>

static const uint8_t zeros[RADIUS_AUTHENTICATOR_SIZE];

/* Both digests are made of the packet as it would be with that authenticator. As one piece, because
 * each part that a digest is given costs more than this copy. */
static void copy_with_authenticator(uint8_t copy[RADIUS_MAX_PACKET], const uint8_t *packet,
	size_t length, const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE])
{
	assert(length <= RADIUS_MAX_PACKET);
	memcpy(copy, packet, length);
	memcpy(copy + 4, authenticator, RADIUS_AUTHENTICATOR_SIZE);
}

void message_authenticator_compute(const uint8_t *packet, size_t length, size_t offset,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t digest[RADIUS_AUTHENTICATOR_SIZE])
{
	uint8_t copy[RADIUS_MAX_PACKET];
	copy_with_authenticator(copy, packet, length, authenticator);
	memset(copy + offset + 2, 0, RADIUS_AUTHENTICATOR_SIZE);
	digest_hmac_md5(secret, secret_size, &(struct octets){copy, length}, 1, digest);
}

void authenticator_compute(const uint8_t *packet, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t digest[RADIUS_AUTHENTICATOR_SIZE])
{
	uint8_t copy[RADIUS_MAX_PACKET];
	copy_with_authenticator(copy, packet, length, authenticator);
	const struct octets parts[] = {{copy, length}, {secret, secret_size}};
	digest_md5(parts, 2, digest);
}

void reply_sign(uint8_t *packet, size_t length, size_t message_authenticator,
	const uint8_t request_authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size)
{
	if (message_authenticator)
		message_authenticator_compute(packet, length, message_authenticator,
			request_authenticator, secret, secret_size,
			packet + message_authenticator + 2);
	authenticator_compute(
		packet, length, request_authenticator, secret, secret_size, packet + 4);
}

static bool has_random_authenticator(uint8_t code)
{
	return code == CODE_ACCESS_REQUEST || code == CODE_STATUS_SERVER;
}

void request_sign(uint8_t *packet, size_t length, size_t message_authenticator, const char *secret,
	size_t secret_size)
{
	bool is_random = has_random_authenticator(packet[0]);
	if (message_authenticator)
		message_authenticator_compute(packet, length, message_authenticator,
			is_random ? packet + 4 : zeros, secret, secret_size,
			packet + message_authenticator + 2);
	if (!is_random)
		authenticator_compute(packet, length, zeros, secret, secret_size, packet + 4);
}

static bool message_authenticator_matches(const uint8_t *packet, const struct packet_facts *facts,
	const uint8_t *authenticator, const char *secret, size_t secret_size)
{
	uint8_t digest[RADIUS_AUTHENTICATOR_SIZE];
	message_authenticator_compute(packet, facts->length, facts->message_authenticator,
		authenticator, secret, secret_size, digest);
	return octets_equal(digest, packet + facts->message_authenticator + 2, sizeof digest);
}

bool message_authenticator_verify(const uint8_t *packet, const struct packet_facts *facts,
	const char *secret, size_t secret_size)
{
	const uint8_t *authenticator = has_random_authenticator(facts->code) ? packet + 4 : zeros;
	return facts->message_authenticator &&
	       message_authenticator_matches(packet, facts, authenticator, secret, secret_size);
}

bool accounting_authenticator_verify(
	const uint8_t *packet, size_t length, const char *secret, size_t secret_size)
{
	uint8_t digest[RADIUS_AUTHENTICATOR_SIZE];
	authenticator_compute(packet, length, zeros, secret, secret_size, digest);
	return octets_equal(digest, packet + 4, sizeof digest);
}

bool reply_verify(const uint8_t *packet, const struct packet_facts *facts,
	const uint8_t request_authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size)
{
	uint8_t digest[RADIUS_AUTHENTICATOR_SIZE];
	authenticator_compute(
		packet, facts->length, request_authenticator, secret, secret_size, digest);
	if (!octets_equal(digest, packet + 4, sizeof digest))
		return false;
	return !facts->message_authenticator || message_authenticator_matches(packet, facts,
							request_authenticator, secret, secret_size);
}
