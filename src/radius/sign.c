/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The two digests of the protocol, and the order in which they are made: Message-Authenticator
 * first, because the response authenticator covers it. */
#include "radius/sign.h"
#include "radius/digest.h"
#include <string.h>

static const uint8_t zeros[RADIUS_AUTHENTICATOR_SIZE];

void message_authenticator_compute(const uint8_t *packet, size_t length, size_t offset,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t digest[RADIUS_AUTHENTICATOR_SIZE])
{
	size_t value = offset + 2, after = value + sizeof zeros;
	const struct octets parts[] = {
		{packet, 4},
		{authenticator, RADIUS_AUTHENTICATOR_SIZE},
		{packet + RADIUS_HEADER_SIZE, value - RADIUS_HEADER_SIZE},
		{zeros, sizeof zeros},
		{packet + after, length - after},
	};
	digest_hmac_md5(secret, secret_size, parts, 5, digest);
}

void authenticator_compute(const uint8_t *packet, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t digest[RADIUS_AUTHENTICATOR_SIZE])
{
	const struct octets parts[] = {
		{packet, 4},
		{authenticator, RADIUS_AUTHENTICATOR_SIZE},
		{packet + RADIUS_HEADER_SIZE, length - RADIUS_HEADER_SIZE},
		{secret, secret_size},
	};
	digest_md5(parts, 4, digest);
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
