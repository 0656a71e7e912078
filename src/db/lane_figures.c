/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What a lane tells of itself: how long its queue is, how long requests wait in it, how many leave
 * together, and how long the database takes. From this popradctl status says what is slow. */
#include "base/clock.h"
#include "db/lane_private.h"

/* A quarter of each new measurement goes into the mean: a burst is felt after four rounds. */
#define MEAN_SHARE 4

static uint64_t to_us(int64_t ns)
{
	return ns > 0 ? (uint64_t)(ns / 1000) : 0;
}

static void count_batch(const struct lane *lane, const struct lane_batch *batch)
{
	const struct lane_metrics *metrics = &lane->settings.metrics;
	metric_add(METRIC_batches, 1);
	metric_add(METRIC_batch_items, batch->count);
	metric_observe(metrics->rows, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		const struct lane_item *item = batch->items[i];
		if (item)
			metric_observe(
				metrics->wait_us, to_us(lane->round_started_ns - item->queued_ns));
	}
}

void lane_count_round(const struct lane *lane)
{
	const struct lane_batch *batch;
	TAILQ_FOREACH (batch, &lane->round.batches, entry)
		count_batch(lane, batch);
}

void lane_measure_round(struct lane *lane)
{
	int64_t took_ns = clock_mono_ns() - lane->round_started_ns;
	if (lane->round_mean_ns == 0)
		lane->round_mean_ns = took_ns;
	else
		lane->round_mean_ns += (took_ns - lane->round_mean_ns) / MEAN_SHARE;
	metric_observe(lane->settings.metrics.round_us, to_us(took_ns));
}

void lane_note_peak(struct lane *lane)
{
	size_t *peak = &lane->peaks[lane->peak_turn];
	if (lane->waiting_count > *peak)
		*peak = lane->waiting_count;
}

size_t lane_queue_length(const struct lane *lane)
{
	return lane->waiting_count;
}

void lane_show(struct lane *lane)
{
	const struct lane_metrics *metrics = &lane->settings.metrics;
	size_t greatest = 0;
	for (unsigned i = 0; i < LANE_PEAK_TURNS; i++)
		if (lane->peaks[i] > greatest)
			greatest = lane->peaks[i];
	lane->peak_turn = (lane->peak_turn + 1) % LANE_PEAK_TURNS;
	lane->peaks[lane->peak_turn] = lane->waiting_count;
	bool is_busy = !TAILQ_EMPTY(&lane->round.batches);
	int64_t age_ns = is_busy ? clock_mono_ns() - lane->round_started_ns : 0;
	metric_set(metrics->queue, lane_queue_length(lane));
	metric_set(metrics->queue_peak, greatest);
	metric_set(metrics->round_age_us, to_us(age_ns));
}
