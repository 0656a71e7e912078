/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Hours of the week by a local clock: "Mo-Fr 18:00-23:00, Sa-Su 00:00-24:00", or "always". A window
 * whose end is not behind its begin ends on the next day. Windows that touch or overlap are one,
 * across midnight and across the end of the week too. */
#include "base/err.h"
#include "base/zone.h"
#include <stdbool.h>

#define HOURS_TEXT_MAX 253 /* octets */

struct hours;

struct hours_fault {
	unsigned column;  /* from 1 */
	const char *text; /* one clause */
};

/* *hours belongs to ctx. ERR_SYNTAX: *fault says where and what. */
int hours_parse(TALLOC_CTX *ctx, const char *text, struct hours **hours,
	struct hours_fault *fault) MUST_CHECK;

/* Is that time in the hours? Then *end_s is when the clock of the zone leaves them first, be it
 * that it is set forward; INT64_MAX: never. */
bool hours_have(const struct hours *hours, const struct zone *zone, int64_t at_s, int64_t *end_s);
