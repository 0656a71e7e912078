/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The only two clocks that poprad reads. Scenario tests link a fake in place of clock.c. */
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define US_PER_S INT64_C(1000000)

/* Monotonic nanoseconds: deadlines, retries, ages. */
int64_t clock_mono_ns(void);

/* Microseconds since 1970-01-01 UTC: what is written to the database and compared with a NAS's
 * clock. */
int64_t clock_wall_us(void);
