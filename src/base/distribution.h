/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* How often which values came: a fixed number of buckets, four to each power of two, so that a
 * quantile is at most a fifth too low, and right for powers of two. Values above DISTRIBUTION_MAX
 * count as that one. The counts of two moments differ by what came between them. */
#include <stdint.h>

#define DISTRIBUTION_BUCKETS 104
#define DISTRIBUTION_MAX ((UINT64_C(1) << 27) - 1) /* in microseconds, two minutes */

struct distribution {
	uint64_t sum;
	uint64_t buckets[DISTRIBUTION_BUCKETS];
};

unsigned distribution_bucket(uint64_t value);

/* Takes away what had come before. */
void distribution_subtract(struct distribution *distribution, const struct distribution *before);
/* Adds what came elsewhere. */
void distribution_add(struct distribution *distribution, const struct distribution *other);

uint64_t distribution_count(const struct distribution *distribution);
/* These are 0 if nothing came. 1000 per mille = the greatest. */
uint64_t distribution_mean(const struct distribution *distribution);
uint64_t distribution_quantile(const struct distribution *distribution, unsigned per_mille);
