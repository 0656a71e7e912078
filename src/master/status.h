/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The answer to {"command": "status"}; its form is in control.h. */
#include "base/metrics.h"
#include "master/process.h"
#include "master/recent.h"
#include <jansson.h>

struct status {
	const char *state;
	int64_t uptime_s;
	const struct metrics_page *page;
	const struct recent_samples *samples;
	unsigned batch_max;
	struct process *const *processes;
	unsigned count;
};

/* A new reference. */
json_t *status_json(const struct status *status);
