/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* IPv4 and IPv6 addresses and prefixes, and a map from prefixes to values with longest match. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <talloc.h>

/* An IPv4 address fills the first 4 octets of bytes, the rest are zero, so memcmp compares.
 * A v4-mapped IPv6 address (::ffff:a.b.c.d) is always stored as IPv4. */
struct addr {
	uint8_t family; /* 4, 6, or 0 = none */
	uint8_t bytes[16];
};

struct prefix {
	struct addr addr; /* host bits are zero */
	uint8_t bits;
};

/* Octets, NUL included; room for an address and a prefix length or a port. */
#define ADDR_TEXT_MAX 64

/* Writes "192.0.2.1" or "2001:db8::1" ("-" for none); returns text. */
const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX]);
const char *prefix_format(const struct prefix *prefix, char text[ADDR_TEXT_MAX]);

/* ERR_SYNTAX unless the whole text is one literal address: never a name, never a look-up. */
int addr_parse(const char *text, struct addr *addr) MUST_CHECK;

/* "192.0.2.0/24", or a lone address (= /32, /128). ERR_RANGE if host bits are set: *prefix is then
 * the prefix with the right boundary, so that the caller can name it. */
int prefix_parse(const char *text, struct prefix *prefix) MUST_CHECK;

/* The prefix of that length that holds addr; bits beyond the family's size count as all of them. */
struct prefix prefix_of(const struct addr *addr, uint8_t bits);

bool prefix_contains(const struct prefix *prefix, const struct addr *addr);
bool prefix_overlaps(const struct prefix *one, const struct prefix *other);

int addr_compare(const struct addr *one, const struct addr *other);
bool addr_is_set(const struct addr *addr);
struct addr addr_from_v4(uint32_t host_order);
struct addr addr_from_bytes(uint8_t family, const uint8_t *bytes);
uint64_t addr_hash(const struct addr *addr, uint64_t seed);

/* An address plus n; ERR_RANGE past the end of the family's space. */
int addr_add(const struct addr *addr, uint64_t n, struct addr *sum) MUST_CHECK;

struct addr addr_from_sockaddr(const struct sockaddr *sockaddr, uint16_t *port);
socklen_t addr_to_sockaddr(
	const struct addr *addr, uint16_t port, struct sockaddr_storage *storage);

/* Longest-match map; values are borrowed. Built once, then only read. */
struct prefix_map;
struct prefix_map *prefix_map_new(TALLOC_CTX *ctx);
/* ERR_EXISTS if exactly this prefix is there already. */
int prefix_map_add(struct prefix_map *map, const struct prefix *prefix, void *value) MUST_CHECK;
void *prefix_map_find(const struct prefix_map *map, const struct addr *addr);
