/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What popradload says: a line that renews itself while it runs, and the summary. */
#include "load/settings.h"
#include "load/stats.h"
#include <stdbool.h>

struct report_progress {
	int64_t shown_ns;
	uint64_t shown_answers;
	bool is_wanted, is_shown;
};

void report_progress_begin(
	struct report_progress *progress, const struct load_settings *settings, int64_t now_ns);

/* Once a second, on stderr if that is a terminal. */
void report_progress(struct report_progress *progress, const struct load_stats *stats,
	uint64_t in_window, int64_t now_ns);
void report_progress_end(const struct report_progress *progress);

/* On stdout, as text or as JSON. */
void report_summary(const struct load_settings *settings, const struct load_stats *stats);

/* True if everything was answered, and answered well: popradload's exit status. */
bool report_is_clean(const struct load_settings *settings, const struct load_stats *stats);
