/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The stored forms of a password, and the verdict of each authentication method on each form.
 *
 *   stored text                              PAP   CHAP  MS-CHAP
 *   secret         cleartext                 yes   yes   yes
 *   {clear}secret  the same; needed when it begins with { or $
 *   {nt} + 32 hex  NT hash                   yes   no    yes
 *   $y$ $6$ $5$ $2b$ $2y$ $2a$ $1$ (also behind {crypt})
 *                  crypt(3)                  yes   no    no     slow
 *   {MD5} {SHA} {SHA256} {SHA384} {SHA512}, and with salt {SMD5} {SSHA} {SSHA256} ..., base64
 *                  digest                    yes   no    no
 *
 * The names in braces are compared without case. Nothing here allocates. */
#include "base/metrics.h"
#include "radius/chap.h"
#include "radius/digest.h"
#include "radius/mschap.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASSWORD_SALT_MAX 64 /* octets; the forms in use have 4 to 20 */

enum password_form {
	PASSWORD_CLEAR,
	PASSWORD_NT,
	PASSWORD_CRYPT,
	PASSWORD_DIGEST,
	PASSWORD_UNKNOWN, /* begins with { or $ but is none of the above, or is malformed */
};

struct password {
	enum password_form form;
	const char *text; /* the cleartext, or the crypt(3) string; borrowed from the stored text */
	size_t size;
	enum digest_kind digest_kind;
	size_t digest_size, salt_size; /* the digest stands first in octets, then the salt */
	uint8_t octets[DIGEST_SIZE_MAX + PASSWORD_SALT_MAX];
};

/* Once per login (or when a password is entered). stored is borrowed as long as *password is used.
 */
void password_classify(const char *stored, struct password *password);

/* True for crypt(3): PAP then goes to the hashpool, not to password_verify_pap. */
bool password_is_slow(const struct password *password);

/* Each returns REJECT_none, REJECT_wrong_password, or the REJECT_password_form_* that says why the
 * stored form does not serve the method. Comparisons take constant time. */
enum reject password_verify_pap(const struct password *password, const char *given, size_t size);
enum reject password_verify_chap(const struct password *password,
	const uint8_t chap_password[CHAP_PASSWORD_SIZE], const uint8_t *challenge,
	size_t challenge_size);
/* hash is the NT hash, filled with REJECT_none, for the keys and the success attribute. */
enum reject password_verify_mschap1(const struct password *password,
	const uint8_t challenge[MSCHAP1_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], uint8_t hash[NT_HASH_SIZE]);
enum reject password_verify_mschap2(const struct password *password,
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], const char *user, size_t user_size,
	uint8_t hash[NT_HASH_SIZE]);

/* The slow part of PAP, by itself so that a helper thread may run it: it touches nothing but its
 * arguments. stored is a crypt(3) string. */
enum reject password_verify_crypt(const char *stored, const char *given, size_t size);
