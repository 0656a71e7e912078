/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* MS-CHAPv1 (RFC 2433), MS-CHAPv2 (RFC 2759), their attributes (RFC 2548) and MPPE keys (RFC 3079).
 */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NT_HASH_SIZE 16
#define MSCHAP1_CHALLENGE_SIZE 8
#define MSCHAP2_CHALLENGE_SIZE 16
#define MSCHAP_RESPONSE_SIZE 50 /* the value of MS-CHAP-Response and MS-CHAP2-Response alike */
#define MSCHAP2_SUCCESS_SIZE 43 /* identifier and "S=" with 40 hex digits */
#define MPPE_KEY_SIZE 16

/* MD4 over the password in UTF-16LE. ERR_SYNTAX if it is no UTF-8 (RFC 2759 counts 256 characters
 * at most: ERR_RANGE). */
int nt_hash(const char *password, size_t size, uint8_t hash[NT_HASH_SIZE]) MUST_CHECK;

/* False too when the response does not carry the NT form (flags octet 0: LM only). */
bool mschap1_verify(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP1_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE]);
/* MS-CHAP-MPPE-Keys' 32 octets before encryption: 8 of LM key (zero) and 16 of NT key, 8 of padding
 * (RFC 2548 section 2.4.1). */
void mschap1_mppe_keys(const uint8_t hash[NT_HASH_SIZE], uint8_t keys[32]);

/* user is the name as the peer sent it; a "DOMAIN\" before it is not counted (RFC 2759 section 4).
 */
bool mschap2_verify(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], const char *user, size_t user_size);
void mschap2_success(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], const char *user, size_t user_size,
	uint8_t success[MSCHAP2_SUCCESS_SIZE]);
/* As the server sends them: send = MS-MPPE-Send-Key (RFC 3079 section 3.3, 128 bit). */
void mschap2_mppe_keys(const uint8_t hash[NT_HASH_SIZE],
	const uint8_t response[MSCHAP_RESPONSE_SIZE], uint8_t send[MPPE_KEY_SIZE],
	uint8_t receive[MPPE_KEY_SIZE]);

/* What a client computes, for popradload and tests: fills the 50-octet response. */
void mschap2_respond(uint8_t identifier, const uint8_t hash[NT_HASH_SIZE],
	const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE],
	const uint8_t peer_challenge[MSCHAP2_CHALLENGE_SIZE], const char *user, size_t user_size,
	uint8_t response[MSCHAP_RESPONSE_SIZE]);
