/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Digests over OpenSSL 3, fetched once: RADIUS needs MD5, MS-CHAP MD4, SHA-1 and DES. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MD5_SIZE 16
#define MD4_SIZE 16
#define SHA1_SIZE 20

/* Once per process, before any other. ERR_LIBRARY if OpenSSL lacks an algorithm (MD4 needs its
 * legacy provider). */
int digest_init(void) MUST_CHECK;
void digest_done(void);

struct octets {
	const void *data;
	size_t size;
};

void digest_md5(const struct octets *parts, size_t count, uint8_t digest[MD5_SIZE]);
void digest_md4(const void *data, size_t size, uint8_t digest[MD4_SIZE]);
void digest_sha1(const struct octets *parts, size_t count, uint8_t digest[SHA1_SIZE]);
void digest_hmac_md5(const void *key, size_t key_size, const struct octets *parts, size_t count,
	uint8_t digest[MD5_SIZE]);

/* Equality in time that depends on size alone. */
bool octets_equal(const void *one, const void *other, size_t size);

/* From the kernel's generator; aborts if there is none. */
void random_octets(void *octets, size_t size);
