/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A clock that stands still until a test moves it. Name fake_clock.c among a test's sources: its
 * object then takes the place of base/clock.c in the archive. It begins at FAKE_CLOCK_START_NS and
 * FAKE_CLOCK_START_US. */
#include "base/clock.h"
#include "base/timer.h"

#define FAKE_CLOCK_START_NS (INT64_C(1000) * NS_PER_S)
#define FAKE_CLOCK_START_US (INT64_C(1700000000) * US_PER_S) /* 2023-11-14 22:13:20 UTC */

void fake_clock_reset(void);

/* Moves both clocks forward; fires no timer. */
void fake_clock_advance_ms(int64_t ms);

/* Moves only the wall clock, forward or back: what setting a machine's time does. */
void fake_clock_step_wall_ms(int64_t ms);

/* Moves both clocks forward and stops at each timer that falls due on the way to fire it, as the
 * event loop would. Returns how many fired. */
size_t fake_clock_run_ms(struct timer_queue *timers, int64_t ms);
