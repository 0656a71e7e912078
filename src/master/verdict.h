/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What holds requests up, in one sentence for a tired operator. */
#include "master/recent.h"

#define VERDICT_TEXT_MAX 400

enum verdict {
	VERDICT_fine,
	VERDICT_starting,
	VERDICT_worker_missing,
	VERDICT_spool_full,
	VERDICT_database_away,
	VERDICT_database_blocked,
	VERDICT_hashes_slow,
	VERDICT_workers_busy,
	VERDICT_processors_busy,
	VERDICT_database_slow,
	VERDICT_bursts,
};
const char *verdict_name(enum verdict verdict);

/* The first that holds of the last seconds of these workers; batch_max is the option.
 * The sentence goes to text. */
enum verdict verdict_reach(const struct recent *workers, unsigned count, unsigned batch_max,
	char text[VERDICT_TEXT_MAX]);
