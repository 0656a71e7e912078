/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The heap is an array of due times and pointers (to compare two timers it need not look into
 * either); each timer knows its place, so that it can be moved and cancelled in O(log n). What is
 * due in a run first moves to a second array: a timer that a callback sets again, however early,
 * then waits for the next run, and no run lasts for ever. */
#include "base/timer.h"
#include "base/mem.h"
#include <assert.h>

#define HEAP_MIN 64

/* In timer.position: the rest counts places in the array of a run instead of the heap. */
#define POSITION_FIRING ((size_t)1 << (sizeof(size_t) * 8 - 1))

struct place {
	int64_t due_ns;
	struct timer *timer;
};

struct timer_queue {
	struct place *heap; /* heap[0] is position 1 */
	size_t count;
	unsigned capacity;
	struct timer **firing; /* NULL in place of one that was cancelled meanwhile */
	unsigned firing_capacity;
	bool is_running;
};

struct timer_queue *timer_queue_new(TALLOC_CTX *ctx)
{
	struct timer_queue *queue = mem_must(talloc_zero(ctx, struct timer_queue));
	queue->capacity = HEAP_MIN;
	queue->heap = mem_must(talloc_array(queue, struct place, queue->capacity));
	return queue;
}

void timer_init(struct timer *timer, void (*fire)(void *owner), void *owner)
{
	*timer = (struct timer){.fire = fire, .owner = owner};
}

static void put(struct timer_queue *queue, struct place place, size_t position)
{
	queue->heap[position - 1] = place;
	place.timer->position = position;
}

static void sift_up(struct timer_queue *queue, struct place place, size_t position)
{
	while (position > 1 && queue->heap[position / 2 - 1].due_ns > place.due_ns) {
		put(queue, queue->heap[position / 2 - 1], position);
		position /= 2;
	}
	put(queue, place, position);
}

static void sift_down(struct timer_queue *queue, struct place place, size_t position)
{
	for (;;) {
		size_t child = position * 2;
		if (child > queue->count)
			break;
		if (child < queue->count &&
			queue->heap[child].due_ns < queue->heap[child - 1].due_ns)
			child++;
		if (queue->heap[child - 1].due_ns >= place.due_ns)
			break;
		put(queue, queue->heap[child - 1], position);
		position = child;
	}
	put(queue, place, position);
}

/* Puts a timer at its place, from a position that is vacant or its own. */
static void settle(struct timer_queue *queue, struct place place, size_t position)
{
	if (position > 1 && queue->heap[position / 2 - 1].due_ns > place.due_ns)
		sift_up(queue, place, position);
	else
		sift_down(queue, place, position);
}

void timer_cancel(struct timer_queue *queue, struct timer *timer)
{
	size_t position = timer->position;
	timer->position = 0;
	if (position == 0)
		return;
	if ((position & POSITION_FIRING) != 0) {
		queue->firing[position & ~POSITION_FIRING] = NULL;
		return;
	}
	assert(position <= queue->count && queue->heap[position - 1].timer == timer);
	struct place last = queue->heap[--queue->count];
	if (last.timer != timer)
		settle(queue, last, position);
}

void timer_set(struct timer_queue *queue, struct timer *timer, int64_t due_ns)
{
	assert(timer->fire != NULL);
	timer_cancel(queue, timer);
	timer->due_ns = due_ns;
	if (queue->count == queue->capacity) {
		queue->capacity *= 2;
		queue->heap =
			mem_must(talloc_realloc(queue, queue->heap, struct place, queue->capacity));
	}
	sift_up(queue, (struct place){due_ns, timer}, ++queue->count);
}

void timer_cancel_all(struct timer_queue *queue)
{
	assert(!queue->is_running);
	for (size_t i = 0; i < queue->count; i++)
		queue->heap[i].timer->position = 0;
	queue->count = 0;
}

bool timer_is_set(const struct timer *timer)
{
	return timer->position != 0;
}

int64_t timer_next_due_ns(const struct timer_queue *queue)
{
	return queue->count == 0 ? TIMER_NEVER : queue->heap[0].due_ns;
}

/* Moves what is due from the heap to the array of this run, in order of due time. */
static size_t collect_due(struct timer_queue *queue, int64_t now_ns)
{
	size_t count = 0;
	while (queue->count > 0 && queue->heap[0].due_ns <= now_ns) {
		if (count == queue->firing_capacity) {
			queue->firing_capacity = count == 0 ? HEAP_MIN : queue->firing_capacity * 2;
			queue->firing = mem_must(talloc_realloc(
				queue, queue->firing, struct timer *, queue->firing_capacity));
		}
		struct timer *timer = queue->heap[0].timer;
		timer_cancel(queue, timer);
		timer->position = count | POSITION_FIRING;
		queue->firing[count++] = timer;
	}
	return count;
}

size_t timer_run(struct timer_queue *queue, int64_t now_ns)
{
	assert(!queue->is_running);
	queue->is_running = true;
	size_t due = collect_due(queue, now_ns), fired = 0;
	for (size_t i = 0; i < due; i++) {
		struct timer *timer = queue->firing[i];
		if (timer == NULL)
			continue;
		timer->position = 0;
		timer->fire(timer->owner);
		fired++;
	}
	queue->is_running = false;
	return fired;
}
