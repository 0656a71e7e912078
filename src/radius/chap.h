/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* CHAP, RFC 1994 section 4.1 and RFC 2865 section 5.3. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAP_PASSWORD_SIZE 17 /* identifier and MD5 response */

/* The challenge is CHAP-Challenge, or the request authenticator where that attribute is absent. */
bool chap_verify(const uint8_t chap_password[CHAP_PASSWORD_SIZE], const uint8_t *challenge,
	size_t challenge_size, const char *password, size_t password_size);
void chap_respond(uint8_t identifier, const uint8_t *challenge, size_t challenge_size,
	const char *password, size_t password_size, uint8_t chap_password[CHAP_PASSWORD_SIZE]);
