/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Values below 4 have buckets of their own; the two bits behind a greater value's highest one say
 * which of its power's four it is in. */
#include "base/distribution.h"

#define PARTS_BITS 2
#define PARTS (1u << PARTS_BITS)

unsigned distribution_bucket(uint64_t value)
{
	if (value > DISTRIBUTION_MAX)
		value = DISTRIBUTION_MAX;
	if (value < PARTS)
		return (unsigned)value;
	unsigned power = 63 - (unsigned)__builtin_clzll(value);
	unsigned part = (unsigned)(value >> (power - PARTS_BITS)) & (PARTS - 1);
	return (power - PARTS_BITS + 1) * PARTS + part;
}

/* The least value in the bucket. */
static uint64_t bucket_floor(unsigned bucket)
{
	if (bucket < PARTS)
		return bucket;
	return (uint64_t)(PARTS + bucket % PARTS) << (bucket / PARTS - 1);
}

void distribution_subtract(struct distribution *distribution, const struct distribution *before)
{
	distribution->sum -= before->sum;
	for (unsigned i = 0; i < DISTRIBUTION_BUCKETS; i++)
		distribution->buckets[i] -= before->buckets[i];
}

void distribution_add(struct distribution *distribution, const struct distribution *other)
{
	distribution->sum += other->sum;
	for (unsigned i = 0; i < DISTRIBUTION_BUCKETS; i++)
		distribution->buckets[i] += other->buckets[i];
}

uint64_t distribution_count(const struct distribution *distribution)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < DISTRIBUTION_BUCKETS; i++)
		count += distribution->buckets[i];
	return count;
}

uint64_t distribution_mean(const struct distribution *distribution)
{
	uint64_t count = distribution_count(distribution);
	return count > 0 ? distribution->sum / count : 0;
}

uint64_t distribution_quantile(const struct distribution *distribution, unsigned per_mille)
{
	uint64_t count = distribution_count(distribution), seen = 0;
	uint64_t wanted = (count * per_mille + 999) / 1000;
	for (unsigned i = 0; i < DISTRIBUTION_BUCKETS; i++) {
		seen += distribution->buckets[i];
		if (seen > 0 && seen >= wanted)
			return bucket_floor(i);
	}
	return 0;
}
