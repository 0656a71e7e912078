/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* CHAP's response: MD5 over identifier, password and challenge. */
#include "radius/chap.h"
#include "radius/digest.h"

void chap_respond(uint8_t identifier, const uint8_t *challenge, size_t challenge_size,
	const char *password, size_t password_size, uint8_t chap_password[CHAP_PASSWORD_SIZE])
{
	const struct octets parts[] = {
		{&identifier, 1},
		{password, password_size},
		{challenge, challenge_size},
	};
	digest_md5(parts, 3, chap_password + 1);
	chap_password[0] = identifier;
}

bool chap_verify(const uint8_t chap_password[CHAP_PASSWORD_SIZE], const uint8_t *challenge,
	size_t challenge_size, const char *password, size_t password_size)
{
	uint8_t expected[CHAP_PASSWORD_SIZE];
	chap_respond(
		chap_password[0], challenge, challenge_size, password, password_size, expected);
	return octets_equal(chap_password, expected, sizeof expected);
}
