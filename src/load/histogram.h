/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Latencies in buckets whose width grows with the value: every quantile is right to 1/64, from 1 us
 * to over an hour, in a fixed 16 KiB. */
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((32 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t sum_us;
	uint32_t max_us;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t ns);
/* Adds what the other holds. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The value that a share of per_mille of all do not exceed, in microseconds; 0 if there are none.
 */
uint32_t histogram_quantile_us(const struct histogram *histogram, unsigned per_mille);
uint32_t histogram_mean_us(const struct histogram *histogram);
