/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Digests over OpenSSL 3, fetched once: RADIUS needs MD5, MS-CHAP MD4, SHA-1 and
 * DES, stored passwords the SHA-2 family. One thread only: the contexts are shared. */
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

/* Any of the digests by kind, for stored passwords. Returns the digest's size. */
enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
#define DIGEST_SIZE_MAX 64
size_t digest_size(enum digest_kind kind);
size_t digest_compute(enum digest_kind kind, const struct octets *parts, size_t count,
	uint8_t digest[DIGEST_SIZE_MAX]);

void digest_md5(const struct octets *parts, size_t count, uint8_t digest[MD5_SIZE]);
void digest_md4(const void *data, size_t size, uint8_t digest[MD4_SIZE]);
void digest_sha1(const struct octets *parts, size_t count, uint8_t digest[SHA1_SIZE]);
void digest_hmac_md5(const void *key, size_t key_size, const struct octets *parts, size_t count,
	uint8_t digest[MD5_SIZE]);

/* One DES block (ECB) under a 56-bit key of 7 octets, as MS-CHAP's ChallengeResponse takes it (RFC
 * 2433 appendix A). */
void digest_des(const uint8_t key[7], const uint8_t clear[8], uint8_t cipher[8]);

/* Equality in time that depends on size alone. */
bool octets_equal(const void *one, const void *other, size_t size);

/* From the kernel's generator; aborts if there is none. */
void random_octets(void *octets, size_t size);
