/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The fake behind base/clock.h (see fake_clock.h). */
#include "fake_clock.h"

/* A timer that sets itself anew for the present instant would hold the clock for ever; no scenario
 * fires this many in one step. */
#define FIRED_MAX 1000000

static int64_t mono_ns = FAKE_CLOCK_START_NS;
static int64_t wall_us = FAKE_CLOCK_START_US;

int64_t clock_mono_ns(void)
{
	return mono_ns;
}

int64_t clock_wall_us(void)
{
	return wall_us;
}

void fake_clock_reset(void)
{
	mono_ns = FAKE_CLOCK_START_NS;
	wall_us = FAKE_CLOCK_START_US;
}

static void advance_ns(int64_t ns)
{
	/* The wall clock keeps the part of a microsecond that is left over, so that many small
	 * steps add up to the same as one large one. */
	static int64_t rest_ns;
	mono_ns += ns;
	rest_ns += ns;
	wall_us += rest_ns / 1000;
	rest_ns %= 1000;
}

void fake_clock_advance_ms(int64_t ms)
{
	advance_ns(ms * NS_PER_MS);
}

void fake_clock_step_wall_ms(int64_t ms)
{
	wall_us += ms * 1000;
}

size_t fake_clock_run_ms(struct timer_queue *timers, int64_t ms)
{
	int64_t end_ns = mono_ns + ms * NS_PER_MS;
	size_t fired = 0;
	int64_t due_ns;
	while ((due_ns = timer_next_due_ns(timers)) <= end_ns && fired < FIRED_MAX) {
		if (due_ns > mono_ns)
			advance_ns(due_ns - mono_ns);
		fired += timer_run(timers, mono_ns);
	}
	if (end_ns > mono_ns)
		advance_ns(end_ns - mono_ns);
	return fired;
}
