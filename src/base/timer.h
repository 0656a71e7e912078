/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* One-shot timers of a single-threaded process, in a binary heap ordered by due time.
 * The event loop asks for the next due time and runs what is due; a scenario test drives the same
 * queue from its fake clock. A struct timer is embedded in its owner, who must cancel it before
 * the memory goes away. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct timer {
	int64_t due_ns;
	size_t position; /* in the heap, counted from 1; 0 = not set */
	void (*fire)(void *owner);
	void *owner;
};

struct timer_queue;

#define TIMER_NEVER INT64_MAX

struct timer_queue *timer_queue_new(TALLOC_CTX *ctx);

void timer_init(struct timer *timer, void (*fire)(void *owner), void *owner);

/* Sets or moves the timer. One that is already due fires in the next timer_run. */
void timer_set(struct timer_queue *queue, struct timer *timer, int64_t due_ns);

/* Harmless on a timer that is not set. */
void timer_cancel(struct timer_queue *queue, struct timer *timer);

/* Cancels all of them: at the end of a process, when owners go away in no particular order. */
void timer_cancel_all(struct timer_queue *queue);

bool timer_is_set(const struct timer *timer);

/* Due time of the earliest timer, or TIMER_NEVER. */
int64_t timer_next_due_ns(const struct timer_queue *queue);

/* Fires everything due at now_ns that was set before the call; returns how many fired. */
size_t timer_run(struct timer_queue *queue, int64_t now_ns);
