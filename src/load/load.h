/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The run: which line does what next, and when it is over. */
#include "load/settings.h"
#include "load/stats.h"
#include <talloc.h>

/* Runs to the end, or until SIGINT or SIGTERM (a second one ends it at once). ERR_SYSTEM after a
 * sentence on stderr. */
int load_run(
	TALLOC_CTX *ctx, const struct load_settings *settings, struct load_stats *stats) MUST_CHECK;
