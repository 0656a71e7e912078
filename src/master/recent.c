/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/recent.h"
#include "base/clock.h"
#include "base/mem.h"
#include <assert.h>

/* One worker's counters at one moment. */
struct figures {
	uint64_t metrics[METRIC_COUNT];
	struct distribution distributions[DISTRIBUTION_COUNT];
};

struct recent_samples {
	const struct metrics_page *page;
	unsigned workers;
	unsigned next, count;
	int64_t taken_ns[RECENT_SECONDS];
	struct figures *rings; /* of each worker */
};

static const struct lane_source {
	const char *name;
	enum metric up, queue, queue_peak, round_age_us;
	enum metric_distribution rows, round_us, wait_us;
} sources[RECENT_LANES] = {
	[RECENT_LOGIN] = {"login", METRIC_login_lane_up, METRIC_login_queue,
		METRIC_login_queue_peak, METRIC_login_round_age_us, DISTRIBUTION_login_rows,
		DISTRIBUTION_login_round_us, DISTRIBUTION_login_wait_us},
	[RECENT_ACCOUNTING] = {"accounting", METRIC_accounting_lane_up, METRIC_accounting_queue,
		METRIC_accounting_queue_peak, METRIC_accounting_round_age_us,
		DISTRIBUTION_accounting_rows, DISTRIBUTION_accounting_round_us,
		DISTRIBUTION_accounting_wait_us},
};

const char *recent_lane_name(enum recent_lane_name name)
{
	assert(name < RECENT_LANES);
	return sources[name].name;
}

struct recent_samples *recent_new(
	TALLOC_CTX *ctx, const struct metrics_page *page, unsigned workers)
{
	struct recent_samples *samples = mem_must(talloc_zero(ctx, struct recent_samples));
	samples->page = page;
	samples->workers = workers;
	samples->rings =
		mem_must(talloc_zero_array(samples, struct figures, workers * RECENT_SECONDS));
	return samples;
}

static void read_figures(
	const struct recent_samples *samples, unsigned worker, struct figures *figures)
{
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
		figures->metrics[metric] = metrics_page_read(samples->page, worker, metric);
	for (enum metric_distribution which = 0; which < DISTRIBUTION_COUNT; which++)
		metrics_page_read_distribution(
			samples->page, worker, which, &figures->distributions[which]);
}

void recent_sample(struct recent_samples *samples, int64_t now_ns)
{
	samples->taken_ns[samples->next] = now_ns;
	for (unsigned worker = 0; worker < samples->workers; worker++)
		read_figures(
			samples, worker, &samples->rings[worker * RECENT_SECONDS + samples->next]);
	samples->next = (samples->next + 1) % RECENT_SECONDS;
	if (samples->count < RECENT_SECONDS)
		samples->count++;
}

static struct recent_times times_of(const struct distribution *distribution)
{
	return (struct recent_times){.mean = distribution_mean(distribution),
		.p50 = distribution_quantile(distribution, 500),
		.p99 = distribution_quantile(distribution, 990),
		.max = distribution_quantile(distribution, 1000)};
}

/* A round longer than the time that is looked at is counted when it ends. */
static double share(uint64_t us, double seconds)
{
	double part = (double)us / (seconds * (double)US_PER_S);
	return part < 1 ? part : 1;
}

static struct recent_lane lane_of(const struct lane_source *source, struct figures *now,
	const struct figures *before, double seconds)
{
	struct distribution *rows = &now->distributions[source->rows];
	struct distribution *round_us = &now->distributions[source->round_us];
	struct distribution *wait_us = &now->distributions[source->wait_us];
	distribution_subtract(rows, &before->distributions[source->rows]);
	distribution_subtract(round_us, &before->distributions[source->round_us]);
	distribution_subtract(wait_us, &before->distributions[source->wait_us]);
	return (struct recent_lane){.is_up = now->metrics[source->up] != 0,
		.queue = now->metrics[source->queue],
		.queue_peak = now->metrics[source->queue_peak],
		.round_age_us = now->metrics[source->round_age_us],
		.batches = distribution_count(rows),
		.requests = rows->sum,
		.busy_share = share(round_us->sum, seconds),
		.rows = times_of(rows),
		.round_us = times_of(round_us),
		.wait_us = times_of(wait_us)};
}

static void fill(struct recent *recent, struct figures *now, const struct figures *before)
{
	static const enum metric answers[] = {METRIC_access_accepts, METRIC_access_rejects,
		METRIC_accounting_responses, METRIC_status_requests, METRIC_duplicates_answered};
	uint64_t grown[METRIC_COUNT];
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
		grown[metric] = now->metrics[metric] - before->metrics[metric];
	recent->received = grown[METRIC_packets_received];
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		recent->answered += grown[answers[i]];
	for (enum drop drop = DROP_none + 1; drop < DROP_COUNT; drop++)
		recent->dropped[drop] = grown[drop_metric(drop)];
	recent->receive_overflows = grown[METRIC_receive_overflows];
	recent->receive_queue_kib = now->metrics[METRIC_receive_queue_kib];
	recent->batch_timeouts = grown[METRIC_batch_timeouts];
	recent->run_share = share(grown[METRIC_loop_run_us], recent->seconds);
	recent->wait_share = share(grown[METRIC_loop_wait_us], recent->seconds);
	for (enum recent_lane_name name = 0; name < RECENT_LANES; name++)
		recent->lanes[name] = lane_of(&sources[name], now, before, recent->seconds);
}

void recent_read(const struct recent_samples *samples, unsigned worker, int64_t now_ns,
	struct recent *recent)
{
	*recent = (struct recent){0};
	if (samples->count == 0)
		return;
	unsigned oldest = samples->count < RECENT_SECONDS ? 0 : samples->next;
	int64_t passed_ns = now_ns - samples->taken_ns[oldest];
	if (passed_ns <= 0)
		return;
	struct figures now;
	read_figures(samples, worker, &now);
	recent->seconds = (double)passed_ns / (double)NS_PER_S;
	fill(recent, &now, &samples->rings[worker * RECENT_SECONDS + oldest]);
}
