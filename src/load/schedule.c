/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Whole seconds and the rest apart: exact, and in range for centuries at every rate that the
 * command line allows. */
#include "load/schedule.h"
#include "base/clock.h"

int64_t schedule_due_ns(const struct schedule *schedule, uint64_t n)
{
	uint64_t seconds = n / schedule->rate, rest = n % schedule->rate;
	return schedule->begun_ns + (int64_t)seconds * NS_PER_S +
	       (int64_t)(rest * (uint64_t)NS_PER_S / schedule->rate);
}

uint64_t schedule_count(const struct schedule *schedule, int64_t now_ns)
{
	if (now_ns < schedule->begun_ns)
		return 0;
	uint64_t passed_ns = (uint64_t)(now_ns - schedule->begun_ns);
	uint64_t seconds = passed_ns / (uint64_t)NS_PER_S, rest_ns = passed_ns % (uint64_t)NS_PER_S;
	uint64_t count = seconds * schedule->rate + rest_ns * schedule->rate / (uint64_t)NS_PER_S;
	/* Rounding down made the estimate of those due within this second one too small at most. */
	while (schedule_due_ns(schedule, count) <= now_ns)
		count++;
	return count;
}
