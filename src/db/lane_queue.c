/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Where a lane's items wait: the queues, the deadlines of what waits, and the batches that are made
 * of them. lane.c says when. */
#include "base/clock.h"
#include "base/mem.h"
#include "db/lane_private.h"

/* The queue is walked for expired items at most this often, so that thousands of deadlines a second
 * do not cost a walk each. What is sent is checked one by one. */
#define EXPIRY_GAP_NS (10 * NS_PER_MS)

/* Items --------------------------------------------------------------------------------------- */

void lane_list_add(struct lane_list *list, struct lane_item *item)
{
	item->list = list;
	TAILQ_INSERT_TAIL(list, item, entry);
}

void lane_list_remove(struct lane_item *item)
{
	TAILQ_REMOVE(item->list, item, entry);
	item->list = NULL;
}

/* The item comes onto a waiting list, or leaves it. */
void lane_count_waiting(struct lane *lane, const struct lane_item *item, int by)
{
	lane->waiting_count += (size_t)by;
	item->queue->waiting_count[item->urgency] += (size_t)by;
}

void lane_batch_forget(struct lane_item *item)
{
	item->batch->items[item->batch_index] = NULL;
	item->batch = NULL;
}

/* The item is on no list and in no batch. */
void lane_finish(struct lane *lane, struct lane_item *item, enum lane_outcome outcome)
{
	item->outcome = outcome;
	lane_list_add(&lane->finished, item);
}

/* Deadlines ----------------------------------------------------------------------------------- */

void lane_watch_deadline(struct lane *lane, int64_t deadline_ns)
{
	if (deadline_ns == INT64_MAX)
		return;
	int64_t due_ns = deadline_ns;
	if (due_ns < lane->expiry_walked_ns + EXPIRY_GAP_NS)
		due_ns = lane->expiry_walked_ns + EXPIRY_GAP_NS;
	if (!timer_is_set(&lane->expiry) || due_ns < lane->expiry.due_ns)
		timer_set(lane->timers, &lane->expiry, due_ns);
}

static void expire_waiting(struct lane *lane, struct lane_list *list, int64_t now_ns)
{
	struct lane_item *next;
	for (struct lane_item *item = TAILQ_FIRST(list); item; item = next) {
		next = TAILQ_NEXT(item, entry);
		if (item->deadline_ns <= now_ns) {
			lane_list_remove(item);
			lane_count_waiting(lane, item, -1);
			lane_finish(lane, item, LANE_EXPIRED);
		} else {
			lane_watch_deadline(lane, item->deadline_ns);
		}
	}
}

static void expire_batch(struct lane *lane, struct lane_batch *batch, int64_t now_ns)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct lane_item *item = batch->items[i];
		if (item && item->deadline_ns <= now_ns) {
			lane_batch_forget(item);
			lane->waiting_count--;
			lane_finish(lane, item, LANE_EXPIRED);
		} else if (item) {
			lane_watch_deadline(lane, item->deadline_ns);
		}
	}
}

void lane_expire(struct lane *lane)
{
	int64_t now_ns = clock_mono_ns();
	lane->expiry_walked_ns = now_ns;
	for (size_t i = 0; i < lane->queue_count; i++) {
		struct lane_queue *queue = &lane->queues[i];
		for (int urgency = 0; urgency < LANE_URGENCIES; urgency++)
			expire_waiting(lane, &queue->waiting[urgency], now_ns);
		struct lane_batch *batch;
		TAILQ_FOREACH (batch, &queue->again, entry)
			expire_batch(lane, batch, now_ns);
	}
}

/* Batches ------------------------------------------------------------------------------------- */

static struct lane_batch *batch_new(struct lane *lane, struct lane_queue *queue, size_t room)
{
	struct lane_batch *batch = mem_must(talloc_zero_size(
		lane, sizeof(struct lane_batch) + room * sizeof(struct lane_item *)));
	batch->queue = queue;
	return batch;
}

static void batch_add(struct lane_batch *batch, struct lane_item *item)
{
	item->batch = batch;
	item->batch_index = batch->count;
	batch->items[batch->count++] = item;
}

static bool is_subject_in_flight(const struct lane *lane, uint32_t subject)
{
	size_t octet = subject / 8 % sizeof lane->next.subjects;
	uint8_t both = lane->round.subjects[octet] | lane->next.subjects[octet];
	return subject != 0 && (both >> subject % 8 & 1) != 0;
}

/* The item is part of the next round. */
static void batch_send(struct lane *lane, struct lane_batch *batch, struct lane_item *item)
{
	size_t octet = item->subject / 8 % sizeof lane->next.subjects;
	lane->next.subjects[octet] |= (uint8_t)(1 << item->subject % 8);
	batch_add(batch, item);
}

/* Takes the item off its list into the batch, or ends it if it ran out; leaves it if its subject is
 * in flight. */
static void take_waiting(
	struct lane *lane, struct lane_batch *batch, struct lane_item *item, int64_t now_ns)
{
	bool has_expired = item->deadline_ns <= now_ns;
	if (!has_expired && is_subject_in_flight(lane, item->subject))
		return;
	lane_list_remove(item);
	lane_count_waiting(lane, item, -1);
	if (has_expired)
		lane_finish(lane, item, LANE_EXPIRED);
	else
		batch_send(lane, batch, item);
}

bool lane_has_full_batch(const struct lane *lane)
{
	for (size_t i = 0; i < lane->queue_count; i++) {
		const struct lane_queue *queue = &lane->queues[i];
		for (int urgency = 0; urgency < LANE_URGENCIES; urgency++)
			if (queue->waiting_count[urgency] >= queue->limit &&
				!timer_is_set(&queue->pause))
				return true;
	}
	return false;
}

struct lane_batch *lane_batch_take_new(
	struct lane *lane, struct lane_queue *queue, enum lane_urgency urgency, int64_t now_ns)
{
	struct lane_list *waiting = &queue->waiting[urgency];
	if (TAILQ_EMPTY(waiting))
		return NULL;
	struct lane_batch *batch = batch_new(lane, queue, queue->limit);
	struct lane_item *item, *next;
	for (item = TAILQ_FIRST(waiting); item && batch->count < queue->limit; item = next) {
		next = TAILQ_NEXT(item, entry);
		take_waiting(lane, batch, item, now_ns);
	}
	if (batch->count == 0)
		TALLOC_FREE(batch);
	return batch;
}

/* The first batch that goes again, without the items that were cancelled or ran out meanwhile. */
static struct lane_batch *take_first_again(
	struct lane *lane, struct lane_queue *queue, int64_t now_ns)
{
	struct lane_batch *old = TAILQ_FIRST(&queue->again);
	TAILQ_REMOVE(&queue->again, old, entry);
	expire_batch(lane, old, now_ns);
	struct lane_batch *batch = batch_new(lane, queue, old->count);
	for (size_t i = 0; i < old->count; i++) {
		if (old->items[i]) {
			batch_send(lane, batch, old->items[i]);
			lane->waiting_count--;
		}
	}
	talloc_free(old);
	if (batch->count == 0)
		TALLOC_FREE(batch);
	return batch;
}

struct lane_batch *lane_batch_take_again(
	struct lane *lane, struct lane_queue *queue, int64_t now_ns)
{
	struct lane_batch *batch = NULL;
	while (!batch && !TAILQ_EMPTY(&queue->again))
		batch = take_first_again(lane, queue, now_ns);
	return batch;
}

void lane_batch_again(struct lane *lane, struct lane_batch *batch, size_t from, size_t to)
{
	struct lane_batch *part = batch_new(lane, batch->queue, to - from);
	for (size_t i = from; i < to; i++) {
		struct lane_item *item = batch->items[i];
		if (item) {
			batch_add(part, item);
			lane->waiting_count++;
			lane_watch_deadline(lane, item->deadline_ns);
		}
	}
	TAILQ_INSERT_TAIL(&batch->queue->again, part, entry);
}

/* Before who came later: somebody who came earlier may still wait, because of his subject. */
static void put_back(struct lane *lane, struct lane_item *item)
{
	struct lane_list *list = &item->queue->waiting[item->urgency];
	struct lane_item *later = TAILQ_FIRST(list);
	while (later && later->queued_ns < item->queued_ns)
		later = TAILQ_NEXT(later, entry);
	item->batch = NULL;
	item->list = list;
	if (later)
		TAILQ_INSERT_BEFORE(later, item, entry);
	else
		TAILQ_INSERT_TAIL(list, item, entry);
	lane_count_waiting(lane, item, 1);
	lane_watch_deadline(lane, item->deadline_ns);
}

void lane_requeue_unresolved(struct lane *lane)
{
	struct lane_batch *batch;
	while ((batch = TAILQ_LAST(&lane->unresolved, batch_list))) {
		TAILQ_REMOVE(&lane->unresolved, batch, entry);
		for (size_t i = batch->count; i-- > 0;)
			if (batch->items[i])
				put_back(lane, batch->items[i]);
		talloc_free(batch);
	}
}

void lane_cancel(struct lane *lane, struct lane_item *item)
{
	if (!item->list && !item->batch)
		return;
	lane->open_count--;
	item->queue->open_count--;
	if (item->list) {
		if (item->list != &lane->finished)
			lane_count_waiting(lane, item, -1);
		lane_list_remove(item);
		return;
	}
	struct lane_batch *batch = item->batch, *one;
	TAILQ_FOREACH (one, &batch->queue->again, entry)
		lane->waiting_count -= one == batch;
	lane_batch_forget(item);
}

bool lane_item_is_in_flight(const struct lane_item *item)
{
	return item->batch != NULL && item->batch->is_in_flight;
}

static int64_t oldest_in(const struct batch_list *list, int64_t oldest_ns)
{
	const struct lane_batch *batch;
	TAILQ_FOREACH (batch, list, entry) {
		for (size_t i = 0; i < batch->count; i++) {
			const struct lane_item *item = batch->items[i];
			if (item && item->queued_ns < oldest_ns)
				oldest_ns = item->queued_ns;
		}
	}
	return oldest_ns;
}

int64_t lane_oldest_ns(const struct lane *lane)
{
	int64_t oldest_ns = oldest_in(&lane->round.batches, TIMER_NEVER);
	oldest_ns = oldest_in(&lane->next.batches, oldest_ns);
	oldest_ns = oldest_in(&lane->unresolved, oldest_ns);
	for (size_t i = 0; i < lane->queue_count; i++) {
		const struct lane_queue *queue = &lane->queues[i];
		oldest_ns = oldest_in(&queue->again, oldest_ns);
		for (int urgency = 0; urgency < LANE_URGENCIES; urgency++) {
			const struct lane_item *first = TAILQ_FIRST(&queue->waiting[urgency]);
			if (first && first->queued_ns < oldest_ns)
				oldest_ns = first->queued_ns;
		}
	}
	return oldest_ns;
}
