/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The open loop's timetable: when each operation is due, whatever became of those before it. A
 * request's latency counts from there, so that neither a server that stalls nor a generator that is
 * behind can hide it (coordinated omission). */
#include <stdint.h>

struct schedule {
	int64_t begun_ns;
	uint64_t rate; /* operations a second, not 0 */
};

/* When operation number n (from 0) is due. */
int64_t schedule_due_ns(const struct schedule *schedule, uint64_t n);

/* How many are due until now, this nanosecond included. */
uint64_t schedule_count(const struct schedule *schedule, int64_t now_ns);
