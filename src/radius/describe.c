/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What of an attribute must not be shown, apart from what the dictionary marks. */
#include "radius/describe.h"
#include "radius/packet.h"
#include <string.h>
#include <strings.h>

/* Passwords, what was made from them, and signatures, by which a secret can be tried out at
 * leisure. */
static const uint8_t hidden[] = {
	ATTR_USER_PASSWORD, ATTR_CHAP_PASSWORD, ATTR_TUNNEL_PASSWORD,
	70,                         /* ARAP-Password, RFC 2869 */
	ATTR_EAP_MESSAGE,           /* some of its methods send passwords */
	ATTR_MESSAGE_AUTHENTICATOR, /* RFC 3579 section 3.2 */
	84,                         /* ARAP-Challenge-Response, RFC 2869 */
	103,                        /* Digest-Response, RFC 5090 */
	121,                        /* Digest-HA1, RFC 5090 */
};

/* Of Microsoft's (RFC 2548) nearly all are passwords, responses and keys; these are not. */
static const uint8_t shown_microsoft[] = {
	MS_CHAP_ERROR, MS_MPPE_ENCRYPTION_POLICY, MS_MPPE_ENCRYPTION_TYPES, 9, /* MS-RAS-Vendor */
	10,                                                                    /* MS-CHAP-Domain */
	MS_CHAP_CHALLENGE, 18,                                                 /* MS-RAS-Version */
	28, /* MS-Primary-DNS-Server */
	29, /* MS-Secondary-DNS-Server */
	30, /* MS-Primary-NBNS-Server */
	31, /* MS-Secondary-NBNS-Server */
};

/* In names of attributes, and in values of free form ("vpdn:l2tp-tunnel-password=..."). */
static const char *const name_words[] = {"passw", "passph", "secret", "psk", "-key"};
static const char *const value_words[] = {"passw", "passph", "secret", "psk=", "key="};

static bool is_among(const uint8_t *numbers, size_t count, uint32_t number)
{
	return number <= UINT8_MAX && memchr(numbers, (int)number, count) != NULL;
}

/* Without case. Every login's answer is looked at, so without a copy and without strcasestr. */
static bool has_word(const char *text, size_t size, const char *const *words, size_t count)
{
	for (size_t at = 0; at < size; at++)
		for (size_t n = 0; n < count; n++) {
			size_t length = strlen(words[n]);
			if (((text[at] ^ words[n][0]) & ~0x20) == 0 && size - at >= length &&
				strncasecmp(text + at, words[n], length) == 0)
				return true;
		}
	return false;
}

bool describe_hides(uint32_t vendor, uint32_t number, const char *name)
{
	if (vendor == 0 && is_among(hidden, sizeof hidden, number))
		return true;
	if (vendor == VENDOR_MICROSOFT &&
		!is_among(shown_microsoft, sizeof shown_microsoft, number))
		return true;
	return name != NULL &&
	       has_word(name, strlen(name), name_words, sizeof name_words / sizeof *name_words);
}

bool describe_is_telling(const uint8_t *octets, size_t size)
{
	return has_word(
		(const char *)octets, size, value_words, sizeof value_words / sizeof *value_words);
}
