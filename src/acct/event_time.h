/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* When the event happened that an accounting packet reports. */
#include "radius/dictionary.h"
#include <stdint.h>

/* Event-Timestamp if it lies within 24 hours of the arrival: it is the time of the event, whatever
 * Acct-Delay-Time says. Otherwise (or without it) the arrival less Acct-Delay-Time. All in
 * microseconds of the wall clock. */
int64_t event_time_us(const struct attrs *attrs, int64_t arrival_us);
