/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* User-Password hiding, RFC 2865 section 5.2. */
#include "base/err.h"
#include "radius/packet.h"
#include <stddef.h>
#include <stdint.h>

#define PAP_PASSWORD_MAX 128 /* octets */

/* value is the attribute's value (16..128 octets, a multiple of 16, else ERR_SYNTAX). password gets
 * at most 128 octets and a NUL; trailing NULs are padding and do not count in *size. */
int pap_reveal(const uint8_t *value, size_t value_size,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, char password[PAP_PASSWORD_MAX + 1], size_t *size) MUST_CHECK;

/* The inverse, for popradload and tests; hidden_size is 16 at least and a multiple of 16. ERR_RANGE
 * over 128 octets. */
int pap_hide(const char *password, size_t size,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], const char *secret,
	size_t secret_size, uint8_t hidden[PAP_PASSWORD_MAX], size_t *hidden_size) MUST_CHECK;

/* The keystream behind it, for the other values that are hidden with the secret: size is a multiple
 * of 16, start is what the first block is made of (the request authenticator, and the salt where
 * there is one). */
void secret_hide(uint8_t *octets, size_t size, const void *start, size_t start_size,
	const char *secret, size_t secret_size);
