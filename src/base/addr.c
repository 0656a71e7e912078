/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Text and socket forms of addresses, and arithmetic on them. The prefix map is in prefix_map.c. */
#include "base/addr.h"
#include "base/hash.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* RFC 4291 section 2.5.5.2: ten octets of zero, two of ones, then the IPv4 address. */
#define MAPPED_PREFIX_BITS 96
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static size_t family_size(uint8_t family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

static uint8_t family_bits(uint8_t family)
{
	return family == 4 ? 32 : family == 6 ? 128 : 0;
}

static bool is_mapped(const uint8_t bytes[16])
{
	return memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

/* Each login writes two of them into the log, and inet_ntop takes its time for one. */
static void format_v4(const uint8_t bytes[4], char *text)
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t byte = bytes[i];
		if (byte >= 100)
			*text++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*text++ = (char)('0' + byte / 10 % 10);
		*text++ = (char)('0' + byte % 10);
		*text++ = i < 3 ? '.' : '\0';
	}
}

const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX])
{
	if (addr->family == 4)
		format_v4(addr->bytes, text);
	else if (!addr_is_set(addr) ||
		 inet_ntop(AF_INET6, addr->bytes, text, ADDR_TEXT_MAX) == NULL)
		strcpy(text, "-");
	return text;
}

const char *prefix_format(const struct prefix *prefix, char text[ADDR_TEXT_MAX])
{
	addr_format(&prefix->addr, text);
	if (addr_is_set(&prefix->addr)) {
		size_t used = strlen(text);
		snprintf(text + used, ADDR_TEXT_MAX - used, "/%u", prefix->bits);
	}
	return text;
}

int addr_parse(const char *text, struct addr *addr)
{
	uint8_t bytes[16];
	if (inet_pton(AF_INET, text, bytes) == 1)
		*addr = addr_from_bytes(4, bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*addr = addr_from_bytes(6, bytes);
	else
		return ERR_SYNTAX;
	return 0;
}

/* One to three digits without a needless zero in front. */
static int parse_bits(const char *text, unsigned *bits)
{
	unsigned value = 0;
	size_t length = strlen(text);
	if (length == 0 || length > 3 || (text[0] == '0' && length > 1))
		return ERR_SYNTAX;
	for (const char *digit = text; *digit != '\0'; digit++) {
		if (*digit < '0' || *digit > '9')
			return ERR_SYNTAX;
		value = value * 10 + (unsigned)(*digit - '0');
	}
	*bits = value;
	return 0;
}

struct prefix prefix_of(const struct addr *addr, uint8_t bits)
{
	uint8_t bits_max = family_bits(addr->family);
	struct prefix prefix = {.addr = *addr, .bits = bits < bits_max ? bits : bits_max};
	size_t whole = prefix.bits / 8;
	if (whole < sizeof prefix.addr.bytes) {
		prefix.addr.bytes[whole] &= (uint8_t)(0xff00 >> (prefix.bits % 8));
		memset(prefix.addr.bytes + whole + 1, 0, sizeof prefix.addr.bytes - whole - 1);
	}
	return prefix;
}

int prefix_parse(const char *text, struct prefix *prefix)
{
	char literal[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
	if (size >= sizeof literal)
		return ERR_SYNTAX;
	memcpy(literal, text, size);
	literal[size] = '\0';

	struct addr addr;
	if (addr_parse(literal, &addr) != 0)
		return ERR_SYNTAX;
	unsigned bits = family_bits(addr.family);
	if (slash != NULL) {
		if (parse_bits(slash + 1, &bits) != 0)
			return ERR_SYNTAX;
		if (addr.family == 4 && strchr(literal, ':') != NULL) {
			if (bits < MAPPED_PREFIX_BITS)
				return ERR_SYNTAX;
			bits -= MAPPED_PREFIX_BITS;
		}
		if (bits > family_bits(addr.family))
			return ERR_SYNTAX;
	}
	*prefix = prefix_of(&addr, (uint8_t)bits);
	return addr_compare(&prefix->addr, &addr) == 0 ? 0 : ERR_RANGE;
}

bool prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	if (!addr_is_set(addr) || prefix->addr.family != addr->family)
		return false;
	struct prefix network = prefix_of(addr, prefix->bits);
	return addr_compare(&network.addr, &prefix->addr) == 0;
}

bool prefix_overlaps(const struct prefix *one, const struct prefix *other)
{
	return one->bits <= other->bits ? prefix_contains(one, &other->addr)
					: prefix_contains(other, &one->addr);
}

int addr_compare(const struct addr *one, const struct addr *other)
{
	if (one->family != other->family)
		return one->family < other->family ? -1 : 1;
	return memcmp(one->bytes, other->bytes, sizeof one->bytes);
}

bool addr_is_set(const struct addr *addr)
{
	return addr->family == 4 || addr->family == 6;
}

struct addr addr_from_v4(uint32_t host_order)
{
	uint32_t network_order = htonl(host_order);
	struct addr addr = {.family = 4};
	memcpy(addr.bytes, &network_order, sizeof network_order);
	return addr;
}

struct addr addr_from_bytes(uint8_t family, const uint8_t *bytes)
{
	struct addr addr = {.family = family};
	if (family == 6 && is_mapped(bytes)) {
		addr.family = 4;
		bytes += sizeof mapped_prefix;
	}
	memcpy(addr.bytes, bytes, family_size(addr.family));
	return addr;
}

uint64_t addr_hash(const struct addr *addr, uint64_t seed)
{
	uint64_t words[2];
	memcpy(words, addr->bytes, sizeof words);
	uint64_t hash = hash_mix(seed ^ addr->family);
	hash = hash_mix(hash ^ words[0]);
	return hash_mix(hash + words[1]);
}

int addr_add(const struct addr *addr, uint64_t n, struct addr *sum)
{
	if (!addr_is_set(addr))
		return ERR_RANGE;
	struct addr result = *addr;
	for (size_t i = family_size(addr->family); i > 0; i--) {
		unsigned octet = result.bytes[i - 1] + (unsigned)(n & 0xff);
		result.bytes[i - 1] = (uint8_t)(octet & 0xff);
		n = (n >> 8) + (octet >> 8); /* cannot overflow: n has lost 8 bits */
	}
	if (n != 0)
		return ERR_RANGE;
	*sum = result;
	return 0;
}

struct addr addr_from_sockaddr(const struct sockaddr *sockaddr, uint16_t *port)
{
	if (sockaddr->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sockaddr, sizeof in);
		*port = ntohs(in.sin_port);
		return addr_from_v4(ntohl(in.sin_addr.s_addr));
	}
	if (sockaddr->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sockaddr, sizeof in6);
		*port = ntohs(in6.sin6_port);
		return addr_from_bytes(6, in6.sin6_addr.s6_addr);
	}
	*port = 0;
	return (struct addr){0};
}

socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *storage)
{
	memset(storage, 0, sizeof *storage);
	if (addr->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&in.sin_addr, addr->bytes, 4);
		memcpy(storage, &in, sizeof in);
		return sizeof in;
	}
	if (addr->family == 6) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&in6.sin6_addr, addr->bytes, 16);
		memcpy(storage, &in6, sizeof in6);
		return sizeof in6;
	}
	return 0;
}
