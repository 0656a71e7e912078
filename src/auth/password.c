/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Reads stored passwords and compares. The verdict on a malformed stored form is a reason of its
 * own: the subscriber's password is not wrong, the record is. */
#include "auth/password.h"
#include "base/text.h"
#include "radius/pap.h"
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Base64 of the largest digest and salt. */
#define BASE64_MAX ((DIGEST_SIZE_MAX + PASSWORD_SALT_MAX + 2) / 3 * 4)

/* How crypt(3) strings begin (crypt(5)); the rest of that page is too weak or too rare. */
static const char *const crypt_prefixes[] = {"$y$", "$6$", "$5$", "$2b$", "$2y$", "$2a$", "$1$"};

static const struct digest_form {
	const char *name;
	enum digest_kind kind;
	bool is_salted;
} digest_forms[] = {
	{"{MD5}", DIGEST_MD5, false},
	{"{SMD5}", DIGEST_MD5, true},
	{"{SHA}", DIGEST_SHA1, false},
	{"{SSHA}", DIGEST_SHA1, true},
	{"{SHA256}", DIGEST_SHA256, false},
	{"{SSHA256}", DIGEST_SHA256, true},
	{"{SHA384}", DIGEST_SHA384, false},
	{"{SSHA384}", DIGEST_SHA384, true},
	{"{SHA512}", DIGEST_SHA512, false},
	{"{SSHA512}", DIGEST_SHA512, true},
};

/* Base64 with all its padding; false if it is malformed or does not fit. */
static bool base64_read(const char *text, uint8_t *octets, size_t max, size_t *size)
{
	uint8_t decoded[BASE64_MAX / 4 * 3 + 1];
	size_t length = strlen(text);
	if (length == 0 || length > BASE64_MAX || length % 4 != 0)
		return false;
	int count = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)length);
	if (count < 0)
		return false;
	/* EVP_DecodeBlock counts the padding as octets. */
	*size = (size_t)count - (text[length - 1] == '=') - (text[length - 2] == '=');
	if (*size > max)
		return false;
	memcpy(octets, decoded, *size);
	return true;
}

static void classify_digest(
	const char *base64, const struct digest_form *form, struct password *password)
{
	size_t size, wanted = digest_size(form->kind);
	if (!base64_read(base64, password->octets, wanted + PASSWORD_SALT_MAX, &size))
		return;
	if (form->is_salted ? size <= wanted : size != wanted)
		return;
	password->form = PASSWORD_DIGEST;
	password->digest_kind = form->kind;
	password->digest_size = wanted;
	password->salt_size = size - wanted;
}

static void classify_crypt(const char *text, struct password *password)
{
	for (size_t i = 0; i < sizeof crypt_prefixes / sizeof *crypt_prefixes; i++) {
		if (strncmp(text, crypt_prefixes[i], strlen(crypt_prefixes[i])) == 0) {
			password->form = PASSWORD_CRYPT;
			password->text = text;
			password->size = strlen(text);
		}
	}
}

/* What stands behind "{name}", or NULL. */
static const char *behind(const char *stored, const char *name)
{
	size_t size = strlen(name);
	return strncasecmp(stored, name, size) == 0 ? stored + size : NULL;
}

static void classify_clear(const char *text, struct password *password)
{
	password->form = PASSWORD_CLEAR;
	password->text = text;
	password->size = strlen(text);
}

static void classify_braced(const char *stored, struct password *password)
{
	const char *rest;
	if ((rest = behind(stored, "{clear}"))) {
		classify_clear(rest, password);
	} else if ((rest = behind(stored, "{crypt}"))) {
		classify_crypt(rest, password);
	} else if ((rest = behind(stored, "{nt}"))) {
		if (strlen(rest) == 2 * NT_HASH_SIZE &&
			text_from_hex(rest, password->octets, NT_HASH_SIZE))
			password->form = PASSWORD_NT;
	} else {
		for (size_t i = 0; i < sizeof digest_forms / sizeof *digest_forms; i++)
			if ((rest = behind(stored, digest_forms[i].name)))
				classify_digest(rest, &digest_forms[i], password);
	}
}

void password_classify(const char *stored, struct password *password)
{
	*password = (struct password){.form = PASSWORD_UNKNOWN};
	if (*stored == '{')
		classify_braced(stored, password);
	else if (*stored == '$')
		classify_crypt(stored, password);
	else
		classify_clear(stored, password);
}

bool password_is_slow(const struct password *password)
{
	return password->form == PASSWORD_CRYPT;
}

static enum reject verdict(bool is_right)
{
	return is_right ? REJECT_none : REJECT_wrong_password;
}

/* Both in fields of one size, so that the time does not tell how much of it is right. */
static bool clear_matches(const struct password *password, const char *given, size_t size)
{
	char stored_field[PAP_PASSWORD_MAX] = {0}, given_field[PAP_PASSWORD_MAX] = {0};
	if (password->size > sizeof stored_field || size > sizeof given_field)
		return false;
	memcpy(stored_field, password->text, password->size);
	memcpy(given_field, given, size);
	bool is_right = octets_equal(stored_field, given_field, sizeof given_field);
	OPENSSL_cleanse(stored_field, sizeof stored_field);
	OPENSSL_cleanse(given_field, sizeof given_field);
	return is_right && password->size == size;
}

static bool digest_matches(const struct password *password, const char *given, size_t size)
{
	uint8_t digest[DIGEST_SIZE_MAX];
	const struct octets parts[] = {
		{given, size},
		{password->octets + password->digest_size, password->salt_size},
	};
	digest_compute(password->digest_kind, parts, 2, digest);
	return octets_equal(digest, password->octets, password->digest_size);
}

static bool nt_matches(const struct password *password, const char *given, size_t size)
{
	uint8_t hash[NT_HASH_SIZE];
	bool is_right = nt_hash(given, size, hash) == 0 &&
			octets_equal(hash, password->octets, sizeof hash);
	OPENSSL_cleanse(hash, sizeof hash);
	return is_right;
}

enum reject password_verify_crypt(const char *stored, const char *given, size_t size)
{
	char clear[PAP_PASSWORD_MAX + 1];
	/* crypt(3) ends at a NUL, so that "secret\0junk" would pass for "secret". */
	if (size > PAP_PASSWORD_MAX || memchr(given, '\0', size))
		return REJECT_wrong_password;
	struct crypt_data *data = calloc(1, sizeof *data);
	if (!data)
		abort();
	memcpy(clear, given, size);
	clear[size] = '\0';
	const char *made = crypt_rn(clear, stored, data, sizeof *data);
	enum reject reject = REJECT_password_form_unknown;
	if (made)
		reject = verdict(strlen(made) == strlen(stored) &&
				 octets_equal(made, stored, strlen(stored)));
	OPENSSL_cleanse(clear, sizeof clear);
	OPENSSL_cleanse(data, sizeof *data);
	free(data);
	return reject;
}

enum reject password_verify_pap(const struct password *password, const char *given, size_t size)
{
	switch (password->form) {
	case PASSWORD_CLEAR:
		return verdict(clear_matches(password, given, size));
	case PASSWORD_NT:
		return verdict(nt_matches(password, given, size));
	case PASSWORD_CRYPT:
		return password_verify_crypt(password->text, given, size);
	case PASSWORD_DIGEST:
		return verdict(digest_matches(password, given, size));
	case PASSWORD_UNKNOWN:
		break;
	}
	return REJECT_password_form_unknown;
}

enum reject password_verify_chap(const struct password *password,
	const uint8_t chap_password[CHAP_PASSWORD_SIZE], const uint8_t *challenge,
	size_t challenge_size)
{
	if (password->form == PASSWORD_UNKNOWN)
		return REJECT_password_form_unknown;
	if (password->form != PASSWORD_CLEAR)
		return REJECT_password_form_chap;
	return verdict(chap_verify(
		chap_password, challenge, challenge_size, password->text, password->size));
}

/* The NT hash, stored or made from the cleartext (which must then be UTF-8). */
static enum reject nt_hash_get(const struct password *password, uint8_t hash[NT_HASH_SIZE])
{
	switch (password->form) {
	case PASSWORD_NT:
		memcpy(hash, password->octets, NT_HASH_SIZE);
		return REJECT_none;
	case PASSWORD_CLEAR:
		return nt_hash(password->text, password->size, hash) == 0
			       ? REJECT_none
			       : REJECT_password_form_mschap;
	case PASSWORD_UNKNOWN:
		return REJECT_password_form_unknown;
	case PASSWORD_CRYPT:
	case PASSWORD_DIGEST:
		break;
	}
	return REJECT_password_form_mschap;
}

enum reject password_verify_mschap1(const struct password *password,
	const uint8_t challenge[MSCHAP1_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], uint8_t hash[NT_HASH_SIZE])
{
	enum reject reject = nt_hash_get(password, hash);
	if (reject != REJECT_none)
		return reject;
	return verdict(mschap1_verify(hash, challenge, response));
}

enum reject password_verify_mschap2(const struct password *password,
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], const char *user, size_t user_size,
	uint8_t hash[NT_HASH_SIZE])
{
	enum reject reject = nt_hash_get(password, hash);
	if (reject != REJECT_none)
		return reject;
	return verdict(mschap2_verify(hash, challenge, response, user, user_size));
}
