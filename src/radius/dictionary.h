/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The attribute dictionary, and the codec between packets, attributes and text. dictionary.c is the
 * only file that includes libradius; nothing of libradius shows here, so that the codec can be
 * replaced. One dictionary per process, loaded once: libradius cannot reload it. */
#include "base/addr.h"
#include "base/err.h"
#include "radius/packet.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* Loads directory/dictionary. On failure *why (owned by ctx) says file, line and reason. */
int dictionary_load(TALLOC_CTX *ctx, const char *directory, char **why) MUST_CHECK;

/* A decoded attribute. value points at the wire value (for a vendor attribute: behind its own
 * header), in the packet's memory, except where the codec had to join fragments. Encrypted values
 * are left as they came. */
struct attr {
	uint32_t vendor; /* 0 = standard */
	uint32_t number;
	const uint8_t *value;
	uint16_t size;
};

/* Those of a packet, and the texts that are read from them, in few pieces of memory: most of what a
 * packet costs is memory that the processor has to fetch. */
struct attrs {
	struct attr *list; /* in packet order; behind the last one stands one whose value is NULL */
	size_t count, room;
	char *text; /* where the next text goes */
	size_t text_room;
	uint8_t first[256]; /* of each standard number: 1 + its place in list; 0 = absent */
};

/* packet has passed packet_check. Attributes that the dictionary does not know are kept as octets;
 * NAS-Filter-Rule is passed through undecoded (libradius.md). The result belongs to ctx and borrows
 * packet. ERR_SYNTAX if the codec refuses it. */
int attrs_decode(
	TALLOC_CTX *ctx, const uint8_t *packet, size_t length, struct attrs **attrs) MUST_CHECK;

/* The first (next) one, or NULL. */
const struct attr *attrs_find(const struct attrs *attrs, uint32_t vendor, uint32_t number);
const struct attr *attr_find_next(const struct attr *attr);

/* Typed reads of a standard attribute; false if it is absent or its size does not fit the type. */
bool attrs_get_u32(const struct attrs *attrs, uint32_t number, uint32_t *value);
bool attrs_get_addr(
	const struct attrs *attrs, uint32_t number, struct addr *addr); /* ipaddr, ipv6addr */
bool attrs_get_prefix6(const struct attrs *attrs, uint32_t number,
	struct prefix *prefix); /* RFC 3162 section 2.3 */
/* Clean text (text_clean) that lives as long as attrs, or NULL if absent or empty. */
char *attrs_get_text(struct attrs *attrs, uint32_t number);
/* The dictionary's name of an integer value ("Framed-User", "PPP", "Lost-Carrier"), else its
 * decimal digits, for as long as attrs lives; NULL if absent. */
const char *attrs_get_value_name(struct attrs *attrs, uint32_t number);

/* One attribute given as text, "Cisco-AVPair = ip:outacl=101", checked against the dictionary and
 * made octets ready for a reply: all of its type-length-value, VSA header included. Operator must
 * be "=". Blanks around name and value do not count, nor does one pair of double quotes around the
 * whole value; nothing in it is an escape. "Name:3 = value" gives a tag (RFC 2868). Values are what
 * the dictionary's type takes: text, numbers or their names, addresses, prefixes, dates, 0x and hex
 * digits for octets. */
struct encoded_attr {
	uint32_t vendor, number;
	/* How the value must be encrypted with the NAS's secret when it is put in a reply; octets
	 * then hold the header and the clear value, without the tag. */
	enum attr_encryption { ATTR_CLEAR, ATTR_SALTED } encryption;
	bool has_tag;
	uint8_t tag;
	size_t size;
	uint8_t octets[255];
};
/* The longest clear value that salt encryption leaves room for (RFC 2868 section 3.5). */
#define ENCRYPTED_VALUE_MAX 239

/* ERR_NOT_FOUND unknown attribute; ERR_SYNTAX bad form or value; ERR_RANGE too long for one
 * attribute (nothing is cut), or an attribute that a reply must not take from an operator: those
 * that the server makes for each packet (Message-Authenticator, Proxy-State, State, EAP-Message,
 * MS-CHAP2-Success and the like), credentials, Framed-IP-Address (the lease table decides), and
 * those hidden in a way that replies have no use for. Class is allowed: the server finds its own
 * among several. *why (owned by ctx) is one sentence for the operator. */
int attr_from_text(
	TALLOC_CTX *ctx, const char *text, struct encoded_attr *attr, char **why) MUST_CHECK;
