/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Everything is fetched once: a fetch per call costs more than the digest itself. After digest_init
 * has succeeded, a failing call means that memory ran out or OpenSSL is broken, and aborts. */
#include "radius/digest.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define KINDS (DIGEST_SHA512 + 1)
#define HMAC_KEY_KEPT 64 /* octets; longer secrets are only slower */

/* The legacy provider is loaded into a library context of its own, so that MD4 and DES do not
 * become available to the TLS of the database connection. */
static struct {
	OSSL_LIB_CTX *legacy_context;
	OSSL_PROVIDER *legacy;
	EVP_MD *digests[KINDS];
	EVP_MD *md4;
	EVP_CIPHER *des;
	EVP_MAC *hmac;
	EVP_MD_CTX *digest_context;
	EVP_CIPHER_CTX *cipher_context;
	EVP_MAC_CTX *hmac_context;
	uint8_t key[HMAC_KEY_KEPT]; /* with which hmac_context is keyed */
	size_t key_size;            /* 0 = with none, or a longer one */
} crypto;

static const char *const names[KINDS] = {
	[DIGEST_MD5] = "MD5",
	[DIGEST_SHA1] = "SHA1",
	[DIGEST_SHA256] = "SHA256",
	[DIGEST_SHA384] = "SHA384",
	[DIGEST_SHA512] = "SHA512",
};
static const size_t sizes[KINDS] = {
	[DIGEST_MD5] = MD5_SIZE,
	[DIGEST_SHA1] = SHA1_SIZE,
	[DIGEST_SHA256] = 32,
	[DIGEST_SHA384] = 48,
	[DIGEST_SHA512] = 64,
};

static void must_work(bool worked)
{
	if (!worked)
		abort();
}

static bool legacy_init(void)
{
	crypto.legacy_context = OSSL_LIB_CTX_new();
	if (!crypto.legacy_context)
		return false;
	crypto.legacy = OSSL_PROVIDER_load(crypto.legacy_context, "legacy");
	crypto.md4 = EVP_MD_fetch(crypto.legacy_context, "MD4", NULL);
	crypto.des = EVP_CIPHER_fetch(crypto.legacy_context, "DES-ECB", NULL);
	return crypto.legacy && crypto.md4 && crypto.des;
}

static bool hmac_init(void)
{
	char md5[] = "MD5";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, md5, 0),
		OSSL_PARAM_construct_end(),
	};
	crypto.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	crypto.hmac_context = EVP_MAC_CTX_new(crypto.hmac);
	return crypto.hmac_context && EVP_MAC_CTX_set_params(crypto.hmac_context, parameters) == 1;
}

int digest_init(void)
{
	bool is_complete = legacy_init() && hmac_init();
	for (size_t i = 0; i < KINDS; i++) {
		crypto.digests[i] = EVP_MD_fetch(NULL, names[i], NULL);
		is_complete = is_complete && crypto.digests[i];
	}
	crypto.digest_context = EVP_MD_CTX_new();
	crypto.cipher_context = EVP_CIPHER_CTX_new();
	if (is_complete && crypto.digest_context && crypto.cipher_context)
		return 0;
	digest_done();
	return ERR_LIBRARY;
}

void digest_done(void)
{
	EVP_MAC_CTX_free(crypto.hmac_context);
	EVP_MAC_free(crypto.hmac);
	EVP_CIPHER_CTX_free(crypto.cipher_context);
	EVP_MD_CTX_free(crypto.digest_context);
	for (size_t i = 0; i < KINDS; i++)
		EVP_MD_free(crypto.digests[i]);
	EVP_CIPHER_free(crypto.des);
	EVP_MD_free(crypto.md4);
	if (crypto.legacy)
		OSSL_PROVIDER_unload(crypto.legacy);
	OSSL_LIB_CTX_free(crypto.legacy_context);
	OPENSSL_cleanse(&crypto, sizeof crypto);
}

static void compute(EVP_MD *kind, const struct octets *parts, size_t count, uint8_t *digest)
{
	must_work(EVP_DigestInit_ex2(crypto.digest_context, kind, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		must_work(
			EVP_DigestUpdate(crypto.digest_context, parts[i].data, parts[i].size) == 1);
	must_work(EVP_DigestFinal_ex(crypto.digest_context, digest, NULL) == 1);
}

size_t digest_size(enum digest_kind kind)
{
	return sizes[kind];
}

size_t digest_compute(enum digest_kind kind, const struct octets *parts, size_t count,
	uint8_t digest[DIGEST_SIZE_MAX])
{
	compute(crypto.digests[kind], parts, count, digest);
	return sizes[kind];
}

void digest_md5(const struct octets *parts, size_t count, uint8_t digest[MD5_SIZE])
{
	compute(crypto.digests[DIGEST_MD5], parts, count, digest);
}

void digest_md4(const void *data, size_t size, uint8_t digest[MD4_SIZE])
{
	compute(crypto.md4, &(struct octets){data, size}, 1, digest);
}

void digest_sha1(const struct octets *parts, size_t count, uint8_t digest[SHA1_SIZE])
{
	compute(crypto.digests[DIGEST_SHA1], parts, count, digest);
}

/* Keying costs twice what the rest does, and packets of one NAS come together: a request's
 * signature and its answer's at least. */
static void hmac_begin(const void *key, size_t key_size)
{
	if (key_size > 0 && key_size == crypto.key_size && memcmp(key, crypto.key, key_size) == 0) {
		must_work(EVP_MAC_init(crypto.hmac_context, NULL, 0, NULL) == 1);
		return;
	}
	must_work(EVP_MAC_init(crypto.hmac_context, key, key_size, NULL) == 1);
	crypto.key_size = key_size <= sizeof crypto.key ? key_size : 0;
	if (crypto.key_size > 0)
		memcpy(crypto.key, key, crypto.key_size);
}

void digest_hmac_md5(const void *key, size_t key_size, const struct octets *parts, size_t count,
	uint8_t digest[MD5_SIZE])
{
	size_t size;
	hmac_begin(key, key_size);
	for (size_t i = 0; i < count; i++)
		must_work(EVP_MAC_update(crypto.hmac_context, parts[i].data, parts[i].size) == 1);
	must_work(EVP_MAC_final(crypto.hmac_context, digest, &size, MD5_SIZE) == 1);
}

/* Spreads 56 bits over 8 octets; the low bit of each is DES's parity, which nobody checks. */
static void des_key(const uint8_t key[7], uint8_t spread[8])
{
	uint64_t bits = 0;
	for (int i = 0; i < 7; i++)
		bits = bits << 8 | key[i];
	for (int i = 0; i < 8; i++)
		spread[i] = (uint8_t)((bits >> (49 - 7 * i) & 0x7f) << 1);
}

void digest_des(const uint8_t key[7], const uint8_t clear[8], uint8_t cipher[8])
{
	uint8_t spread[8];
	int size = 0;
	des_key(key, spread);
	must_work(EVP_EncryptInit_ex2(crypto.cipher_context, crypto.des, spread, NULL, NULL) == 1);
	must_work(EVP_CIPHER_CTX_set_padding(crypto.cipher_context, 0) == 1);
	must_work(EVP_EncryptUpdate(crypto.cipher_context, cipher, &size, clear, 8) == 1);
	must_work(size == 8);
	OPENSSL_cleanse(spread, sizeof spread);
}

bool octets_equal(const void *one, const void *other, size_t size)
{
	return CRYPTO_memcmp(one, other, size) == 0;
}

void random_octets(void *octets, size_t size)
{
	uint8_t *next = octets;
	while (size > 0) {
		ssize_t got = getrandom(next, size, 0);
		must_work(got >= 0 || errno == EINTR);
		if (got > 0) {
			next += got;
			size -= (size_t)got;
		}
	}
}
