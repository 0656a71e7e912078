/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Below 2^6 each value has a bucket of its own; above, each power of two is divided into 64. */
#include "load/histogram.h"

#define SUB (UINT32_C(1) << HISTOGRAM_SUB_BITS)

static uint32_t bucket_of(uint32_t us)
{
	if (us < SUB)
		return us;
	uint32_t power = 31 - (uint32_t)__builtin_clz(us);
	uint32_t shift = power - HISTOGRAM_SUB_BITS;
	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (us >> shift) - SUB;
}

/* The greatest value in the bucket. */
static uint32_t bucket_top(uint32_t bucket)
{
	if (bucket < SUB)
		return bucket;
	uint32_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	uint64_t next = (uint64_t)((bucket & (SUB - 1)) + SUB + 1) << shift;
	return (uint32_t)(next - 1);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
	int64_t us = ns / 1000;
	uint32_t value = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	histogram->buckets[bucket_of(value)]++;
	histogram->count++;
	histogram->sum_us += value;
	if (value > histogram->max_us)
		histogram->max_us = value;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
		histogram->buckets[bucket] += other->buckets[bucket];
	histogram->count += other->count;
	histogram->sum_us += other->sum_us;
	if (other->max_us > histogram->max_us)
		histogram->max_us = other->max_us;
}

uint32_t histogram_quantile_us(const struct histogram *histogram, unsigned per_mille)
{
	uint64_t wanted = (histogram->count * per_mille + 999) / 1000, seen = 0;
	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		seen += histogram->buckets[bucket];
		if (seen >= wanted && seen > 0) {
			uint32_t top = bucket_top(bucket);
			return top < histogram->max_us ? top : histogram->max_us;
		}
	}
	return 0;
}

uint32_t histogram_mean_us(const struct histogram *histogram)
{
	return histogram->count ? (uint32_t)(histogram->sum_us / histogram->count) : 0;
}
