/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* How long to wait before trying again: doubled each time up to a bound, with jitter, so that
 * workers and nodes that failed together do not come back in step. */
#include <stdint.h>

struct backoff {
	unsigned min_ms, max_ms;
	unsigned last_ms; /* 0 = the next wait is the first */
};

/* The next wait: half to all of its nominal length. */
int64_t backoff_next_ns(struct backoff *backoff);

/* It worked. */
void backoff_reset(struct backoff *backoff);
