/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What the workers did in the last seconds: the master keeps a copy of the counters of each of the
 * last RECENT_SECONDS seconds, and tells the difference between the oldest and now. */
#include "base/metrics.h"

#define RECENT_SECONDS 10

/* Nobody asks for more, and the JSON has names for them. */
struct recent_times {
	uint64_t mean, p50, p99, max;
};

enum recent_lane_name { RECENT_LOGIN, RECENT_ACCOUNTING, RECENT_LANES };
const char *recent_lane_name(enum recent_lane_name name);

struct recent_lane {
	bool is_up;
	uint64_t queue, queue_peak;
	uint64_t round_age_us; /* of the round under way */
	uint64_t batches, requests;
	double busy_share; /* of the time the database was at work for it */
	struct recent_times rows, round_us, wait_us;
};

struct recent {
	bool is_running; /* for the caller to say */
	double seconds;  /* that this is about; 0 = nothing is known yet */
	uint64_t received, answered;
	uint64_t dropped[DROP_COUNT];
	uint64_t receive_overflows, receive_queue_kib;
	uint64_t batch_timeouts;
	double run_share, wait_share; /* of a processor: used, and waited for */
	struct recent_lane lanes[RECENT_LANES];
};

struct recent_samples;
struct recent_samples *recent_new(
	TALLOC_CTX *ctx, const struct metrics_page *page, unsigned workers);

/* To be called once a second. */
void recent_sample(struct recent_samples *samples, int64_t now_ns);

void recent_read(const struct recent_samples *samples, unsigned worker, int64_t now_ns,
	struct recent *recent);
