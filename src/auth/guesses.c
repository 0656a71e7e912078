/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "auth/guesses.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "radius/digest.h"
#include <stdbool.h>

/* 96 KiB: each guess takes two entries, and more than some ten a second for a quarter of an hour
 * are an attack from many places, of which only the most eager are remembered. */
#define BUCKETS 1024
#define BUCKET_ENTRIES 8

struct entry {
	uint32_t tag;  /* the part of the hash that the bucket does not say */
	uint32_t at_s; /* of the last one */
	uint8_t count; /* 0 = the entry is free */
};

struct guesses {
	uint64_t seed;
	struct entry buckets[BUCKETS][BUCKET_ENTRIES];
};

/* What one key stands for; so that a login never meets a Calling-Station-Id. */
enum kind { KIND_LOGIN = 1, KIND_CALLING_STATION, KIND_NAS_PORT };

struct guesses *guesses_new(TALLOC_CTX *ctx)
{
	struct guesses *guesses = mem_must(talloc_zero(ctx, struct guesses));
	random_octets(&guesses->seed, sizeof guesses->seed);
	return guesses;
}

/* What is remembered of the entry by now. */
static unsigned left(const struct entry *entry, uint32_t now_s)
{
	uint32_t forgotten = (now_s - entry->at_s) / GUESSES_FORGET_S;
	return entry->count > forgotten ? entry->count - forgotten : 0;
}

static struct entry *find(struct entry bucket[BUCKET_ENTRIES], uint32_t tag, uint32_t now_s)
{
	struct entry *least = bucket;
	for (size_t n = 0; n < BUCKET_ENTRIES; n++) {
		struct entry *entry = &bucket[n];
		if (entry->tag == tag && entry->count > 0)
			return entry;
		if (left(entry, now_s) < left(least, now_s) ||
			(left(entry, now_s) == left(least, now_s) && entry->at_s < least->at_s))
			least = entry;
	}
	*least = (struct entry){.tag = tag};
	return least;
}

/* Returns how many were remembered before. */
static unsigned add(struct guesses *guesses, uint64_t hash, uint32_t now_s)
{
	struct entry *entry = find(guesses->buckets[hash % BUCKETS], (uint32_t)(hash >> 32), now_s);
	unsigned earlier = left(entry, now_s);
	entry->count = (uint8_t)(earlier < GUESSES_MAX ? earlier + 1 : GUESSES_MAX);
	entry->at_s = now_s;
	return earlier;
}

static uint64_t line_hash(
	const struct guesses *guesses, const struct line *line, const struct addr *source)
{
	if (line->calling_station_id != NULL)
		return hash_text(line->calling_station_id, guesses->seed + KIND_CALLING_STATION);
	uint64_t hash = addr_hash(source, guesses->seed + KIND_NAS_PORT);
	if (line->nas_port_id != NULL)
		return hash_text(line->nas_port_id, hash);
	return hash_mix(hash ^ (uint64_t)line->nas_port);
}

unsigned guesses_add(
	struct guesses *guesses, const struct line *line, const struct addr *source, int64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / NS_PER_S);
	unsigned of_login = add(guesses, hash_text(line->login, guesses->seed + KIND_LOGIN), now_s);
	unsigned of_line = add(guesses, line_hash(guesses, line, source), now_s);
	return of_login > of_line ? of_login : of_line;
}

int64_t guesses_wait_ms(unsigned earlier, int64_t base_ms, int64_t most_ms)
{
	int64_t wait_ms = base_ms << (earlier < GUESSES_MAX ? earlier : GUESSES_MAX);
	return wait_ms < most_ms ? wait_ms : most_ms > base_ms ? most_ms : base_ms;
}
