/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The chain of digests of RFC 2433, RFC 2759 and RFC 3079. The function names of those documents
 * stand in the comments, for whoever holds code and document side by side. */
#include "radius/mschap.h"
#include "radius/digest.h"
#include <openssl/crypto.h>
#include <string.h>

#define PASSWORD_UNITS_MAX 256 /* RFC 2759 section 8.1: 0-to-256-unicode-char */
#define NT_RESPONSE_SIZE 24
#define FLAG_NT 1 /* RFC 2433 section 5.1: use the NT form */

/* Offsets in the two response attributes (RFC 2548 sections 2.1.3 and 2.3.2). */
enum { IDENTIFIER_AT = 0, FLAGS_AT = 1, PEER_CHALLENGE_AT = 2, NT_RESPONSE_AT = 26 };

/* One character of UTF-8 (RFC 3629: no overlong form, no surrogate); returns its octets, 0 if it
 * is none. */
static size_t utf8_next(const uint8_t *octets, size_t size, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = octets[0];
	if (first < 0x80) {
		*character = first;
		return 1;
	}
	size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc0 || first > 0xf4 || count > size)
		return 0;
	*character = first & (0x7fU >> count);
	for (size_t i = 1; i < count; i++) {
		if ((octets[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (octets[i] & 0x3fU);
	}
	bool is_surrogate = *character >= 0xd800 && *character < 0xe000;
	return *character < least[count] || *character > 0x10ffff || is_surrogate ? 0 : count;
}

static void unit_put(uint8_t *utf16, size_t *units, uint32_t unit)
{
	utf16[*units * 2] = (uint8_t)(unit & 0xff);
	utf16[*units * 2 + 1] = (uint8_t)(unit >> 8 & 0xff);
	++*units;
}

/* utf16 has room for one unit more than the limit. */
static int to_utf16(const uint8_t *octets, size_t size, uint8_t *utf16, size_t *units)
{
	*units = 0;
	while (size > 0) {
		uint32_t character;
		size_t used = utf8_next(octets, size, &character);
		if (used == 0)
			return ERR_SYNTAX;
		if (character > 0xffff) {
			character -= 0x10000;
			unit_put(utf16, units, 0xd800 | character >> 10);
			character = 0xdc00 | (character & 0x3ff);
		}
		if (*units >= PASSWORD_UNITS_MAX)
			return ERR_RANGE;
		unit_put(utf16, units, character);
		octets += used;
		size -= used;
	}
	return 0;
}

int nt_hash(const char *password, size_t size, uint8_t hash[NT_HASH_SIZE])
{
	uint8_t utf16[(PASSWORD_UNITS_MAX + 1) * 2];
	size_t units;
	int error = to_utf16((const uint8_t *)password, size, utf16, &units);
	if (!error)
		digest_md4(utf16, units * 2, hash);
	OPENSSL_cleanse(utf16, sizeof utf16);
	return error;
}

/* ChallengeResponse: the hash, padded to 21 octets, is three DES keys. */
static void challenge_response(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP1_CHALLENGE_SIZE], uint8_t response[NT_RESPONSE_SIZE])
{
	uint8_t keys[21] = {0};
	memcpy(keys, hash, NT_HASH_SIZE);
	for (size_t i = 0; i < 3; i++)
		digest_des(keys + 7 * i, challenge, response + 8 * i);
	OPENSSL_cleanse(keys, sizeof keys);
}

bool mschap1_verify(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP1_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE])
{
	uint8_t expected[NT_RESPONSE_SIZE];
	if (response[FLAGS_AT] != FLAG_NT)
		return false;
	challenge_response(hash, challenge, expected);
	return octets_equal(expected, response + NT_RESPONSE_AT, sizeof expected);
}

void mschap1_mppe_keys(const uint8_t hash[NT_HASH_SIZE], uint8_t keys[32])
{
	/* The NT key of MS-CHAPv1 is the hash of the hash (RFC 3079 section 2.2, and what access
	 * servers expect in MS-CHAP-MPPE-Keys); no LM key is made from a password's NT hash. */
	memset(keys, 0, 32);
	digest_md4(hash, NT_HASH_SIZE, keys + 8);
}

/* ChallengeHash. A "DOMAIN\" before the name is not counted (RFC 2759 section 4). */
static void challenge_hash(const uint8_t *peer_challenge, const uint8_t *challenge,
	const char *user, size_t user_size, uint8_t hash[MSCHAP1_CHALLENGE_SIZE])
{
	const char *backslash = memchr(user, '\\', user_size);
	size_t skip = backslash ? (size_t)(backslash - user) + 1 : 0;
	uint8_t digest[SHA1_SIZE];
	const struct octets parts[] = {
		{peer_challenge, MSCHAP2_CHALLENGE_SIZE},
		{challenge, MSCHAP2_CHALLENGE_SIZE},
		{user + skip, user_size - skip},
	};
	digest_sha1(parts, 3, digest);
	memcpy(hash, digest, MSCHAP1_CHALLENGE_SIZE);
}

/* GenerateNTResponse. */
static void nt_response(const uint8_t hash[NT_HASH_SIZE], const uint8_t *challenge,
	const uint8_t *peer_challenge, const char *user, size_t user_size,
	uint8_t response[NT_RESPONSE_SIZE])
{
	uint8_t hashed[MSCHAP1_CHALLENGE_SIZE];
	challenge_hash(peer_challenge, challenge, user, user_size, hashed);
	challenge_response(hash, hashed, response);
}

bool mschap2_verify(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], const char *user, size_t user_size)
{
	uint8_t expected[NT_RESPONSE_SIZE];
	nt_response(hash, challenge, response + PEER_CHALLENGE_AT, user, user_size, expected);
	return octets_equal(expected, response + NT_RESPONSE_AT, sizeof expected);
}

void mschap2_respond(uint8_t identifier, const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t peer_challenge[MSCHAP2_CHALLENGE_SIZE], const char *user, size_t user_size,
	uint8_t response[MSCHAP_RESPONSE_SIZE])
{
	memset(response, 0, MSCHAP_RESPONSE_SIZE);
	response[IDENTIFIER_AT] = identifier;
	memcpy(response + PEER_CHALLENGE_AT, peer_challenge, MSCHAP2_CHALLENGE_SIZE);
	nt_response(hash, challenge, peer_challenge, user, user_size, response + NT_RESPONSE_AT);
}

/* GenerateAuthenticatorResponse. */
void mschap2_success(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], const char *user, size_t user_size,
	uint8_t success[MSCHAP2_SUCCESS_SIZE])
{
	static const char signing[] = "Magic server to client signing constant";
	static const char padding[] = "Pad to make it do more than one iteration";
	static const char digits[] = "0123456789ABCDEF";
	uint8_t hash_hash[MD4_SIZE], digest[SHA1_SIZE], hashed[MSCHAP1_CHALLENGE_SIZE];

	digest_md4(hash, NT_HASH_SIZE, hash_hash);
	const struct octets first[] = {
		{hash_hash, sizeof hash_hash},
		{response + NT_RESPONSE_AT, NT_RESPONSE_SIZE},
		{signing, sizeof signing - 1},
	};
	digest_sha1(first, 3, digest);
	challenge_hash(response + PEER_CHALLENGE_AT, challenge, user, user_size, hashed);
	const struct octets second[] = {
		{digest, sizeof digest},
		{hashed, sizeof hashed},
		{padding, sizeof padding - 1},
	};
	digest_sha1(second, 3, digest);

	success[0] = response[IDENTIFIER_AT];
	memcpy(success + 1, "S=", 2);
	for (size_t i = 0; i < SHA1_SIZE; i++) {
		success[3 + 2 * i] = (uint8_t)digits[digest[i] >> 4];
		success[4 + 2 * i] = (uint8_t)digits[digest[i] & 15];
	}
	OPENSSL_cleanse(hash_hash, sizeof hash_hash);
}

/* GetAsymmetricStartKey for 128 bits. */
static void start_key(const uint8_t master[MPPE_KEY_SIZE], const char *magic, size_t magic_size,
	uint8_t key[MPPE_KEY_SIZE])
{
	static const uint8_t zeros[40];
	uint8_t filler[40], digest[SHA1_SIZE];
	memset(filler, 0xf2, sizeof filler);
	const struct octets parts[] = {
		{master, MPPE_KEY_SIZE},
		{zeros, sizeof zeros},
		{magic, magic_size},
		{filler, sizeof filler},
	};
	digest_sha1(parts, 4, digest);
	memcpy(key, digest, MPPE_KEY_SIZE);
	OPENSSL_cleanse(digest, sizeof digest);
}

void mschap2_mppe_keys(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], uint8_t send[MPPE_KEY_SIZE],
	uint8_t receive[MPPE_KEY_SIZE])
{
	/* Constants of the protocol, RFC 3079 section 3.4. */
	static const char master_magic[] = "This is the MPPE Master Key";
	static const char client_send[] = "On the client side, this is the send key; "
					  "on the server side, it is the receive key.";
	static const char server_send[] = "On the client side, this is the receive key; "
					  "on the server side, it is the send key.";
	uint8_t hash_hash[MD4_SIZE], master[SHA1_SIZE];

	digest_md4(hash, NT_HASH_SIZE, hash_hash);
	const struct octets parts[] = {
		{hash_hash, sizeof hash_hash},
		{response + NT_RESPONSE_AT, NT_RESPONSE_SIZE},
		{master_magic, sizeof master_magic - 1},
	};
	digest_sha1(parts, 3, master);
	start_key(master, server_send, sizeof server_send - 1, send);
	start_key(master, client_send, sizeof client_send - 1, receive);
	OPENSSL_cleanse(hash_hash, sizeof hash_hash);
	OPENSSL_cleanse(master, sizeof master);
}
