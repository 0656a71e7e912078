/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Hashes of 64 bits in which every bit of what is hashed counts. With a seed that nobody knows,
 * nobody can choose what collides. The same on every machine of one octet order. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Every input bit reaches every output bit (multiply and fold, twice). */
static inline uint64_t hash_mix(uint64_t word)
{
	word = (word ^ (word >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	word = (word ^ (word >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return word ^ (word >> 32);
}

static inline uint64_t hash_octets(const void *octets, size_t size, uint64_t seed)
{
	const uint8_t *at = octets;
	uint64_t word, hash = hash_mix(seed ^ size);
	for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
		memcpy(&word, at, sizeof word);
		hash = hash_mix(hash ^ word);
	}
	word = 0;
	memcpy(&word, at, size);
	return hash_mix(hash ^ word);
}

/* NULL is not "". */
static inline uint64_t hash_text(const char *text, uint64_t seed)
{
	return text != NULL ? hash_octets(text, strlen(text), seed) : hash_mix(~seed);
}
