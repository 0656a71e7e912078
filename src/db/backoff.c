/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Waiting times of lanes and of the catalog watch. */
#include "db/backoff.h"
#include "base/clock.h"
#include <sys/random.h>

int64_t backoff_next_ns(struct backoff *backoff)
{
	if (backoff->last_ms == 0)
		backoff->last_ms = backoff->min_ms;
	else if (backoff->last_ms > backoff->max_ms / 2)
		backoff->last_ms = backoff->max_ms;
	else
		backoff->last_ms *= 2;

	uint16_t random = 0;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = UINT16_MAX; /* early in the boot: without jitter */
	int64_t half_ns = backoff->last_ms * NS_PER_MS / 2;
	return half_ns + half_ns * random / UINT16_MAX;
}

void backoff_reset(struct backoff *backoff)
{
	backoff->last_ms = 0;
}
