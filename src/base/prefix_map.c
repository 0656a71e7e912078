/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Longest-match map: one open-addressed hash table keyed by prefix. A look-up tries only the
 * lengths that occur, longest first; real NAS tables use a handful of them. */
#include "base/addr.h"
#include "base/mem.h"
#include <string.h>

#define SLOTS_MIN 16 /* a power of two, as every table size here */

struct slot {
	struct prefix prefix; /* family 0: empty */
	void *value;
};

struct prefix_map {
	struct slot *slots;
	unsigned capacity, used;
	bool has_length[2][129]; /* [is IPv6][bits] */
};

struct prefix_map *prefix_map_new(TALLOC_CTX *ctx)
{
	struct prefix_map *map = mem_must(talloc_zero(ctx, struct prefix_map));
	map->capacity = SLOTS_MIN;
	map->slots = mem_must(talloc_zero_array(map, struct slot, map->capacity));
	return map;
}

static bool same_prefix(const struct prefix *one, const struct prefix *other)
{
	return one->bits == other->bits && addr_compare(&one->addr, &other->addr) == 0;
}

/* The slot that holds the prefix, or the empty one where it belongs; at most half are in use. */
static struct slot *locate(const struct prefix_map *map, const struct prefix *prefix)
{
	size_t mask = map->capacity - 1;
	size_t index = (size_t)addr_hash(&prefix->addr, prefix->bits) & mask;
	while (addr_is_set(&map->slots[index].prefix.addr) &&
		!same_prefix(&map->slots[index].prefix, prefix))
		index = (index + 1) & mask;
	return &map->slots[index];
}

static void grow(struct prefix_map *map)
{
	struct slot *old = map->slots;
	unsigned old_capacity = map->capacity;
	map->capacity *= 2;
	map->slots = mem_must(talloc_zero_array(map, struct slot, map->capacity));
	for (unsigned i = 0; i < old_capacity; i++)
		if (addr_is_set(&old[i].prefix.addr))
			*locate(map, &old[i].prefix) = old[i];
	talloc_free(old);
}

int prefix_map_add(struct prefix_map *map, const struct prefix *prefix, void *value)
{
	if (!addr_is_set(&prefix->addr))
		return ERR_SYNTAX;
	struct slot *slot = locate(map, prefix);
	if (addr_is_set(&slot->prefix.addr))
		return ERR_EXISTS;
	*slot = (struct slot){.prefix = *prefix, .value = value};
	map->has_length[prefix->addr.family == 6][prefix->bits] = true;
	if (++map->used * 2 > map->capacity)
		grow(map);
	return 0;
}

void *prefix_map_find(const struct prefix_map *map, const struct addr *addr)
{
	if (!addr_is_set(addr))
		return NULL;
	bool is_v6 = addr->family == 6;
	for (int bits = is_v6 ? 128 : 32; bits >= 0; bits--) {
		if (!map->has_length[is_v6][bits])
			continue;
		struct prefix key = prefix_of(addr, (uint8_t)bits);
		const struct slot *slot = locate(map, &key);
		if (addr_is_set(&slot->prefix.addr))
			return slot->value;
	}
	return NULL;
}
