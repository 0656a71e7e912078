/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* RADIUS's one way to hide a value: a keystream of MD5 blocks, each over the secret and the cipher
 * block before it. */
#include "radius/pap.h"
#include "radius/digest.h"
#include <openssl/crypto.h>
#include <string.h>

#define BLOCK MD5_SIZE

static void keystream(const char *secret, size_t secret_size, const void *before,
	size_t before_size, uint8_t block[BLOCK])
{
	const struct octets parts[] = {{secret, secret_size}, {before, before_size}};
	digest_md5(parts, 2, block);
}

void secret_hide(uint8_t *octets, size_t size, const void *start, size_t start_size,
	const char *secret, size_t secret_size)
{
	uint8_t block[BLOCK];
	for (size_t offset = 0; offset < size; offset += BLOCK) {
		if (offset == 0)
			keystream(secret, secret_size, start, start_size, block);
		else
			keystream(secret, secret_size, octets + offset - BLOCK, BLOCK, block);
		for (size_t i = 0; i < BLOCK; i++)
			octets[offset + i] ^= block[i];
	}
}

int pap_reveal(const uint8_t *value, size_t value_size,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, char password[PAP_PASSWORD_MAX + 1], size_t *size)
{
	if (value_size < BLOCK || value_size > PAP_PASSWORD_MAX || value_size % BLOCK != 0)
		return ERR_SYNTAX;
	uint8_t block[BLOCK];
	const uint8_t *before = authenticator;
	for (size_t offset = 0; offset < value_size; offset += BLOCK) {
		keystream(secret, secret_size, before, BLOCK, block);
		for (size_t i = 0; i < BLOCK; i++)
			password[offset + i] = (char)(value[offset + i] ^ block[i]);
		before = value + offset;
	}
	OPENSSL_cleanse(block, sizeof block);
	while (value_size > 0 && password[value_size - 1] == '\0')
		value_size--;
	password[value_size] = '\0';
	*size = value_size;
	return 0;
}

int pap_hide(const char *password, size_t size,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t hidden[PAP_PASSWORD_MAX], size_t *hidden_size)
{
	if (size > PAP_PASSWORD_MAX)
		return ERR_RANGE;
	size_t padded = size == 0 ? BLOCK : (size + BLOCK - 1) / BLOCK * BLOCK;
	memset(hidden, 0, padded);
	memcpy(hidden, password, size);
	secret_hide(hidden, padded, authenticator, RADIUS_AUTHENTICATOR_SIZE, secret, secret_size);
	*hidden_size = padded;
	return 0;
}
