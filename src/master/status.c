/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/status.h"
#include "base/clock.h"
#include "base/mem.h"
#include "master/verdict.h"
#include <config.h>
#include <unistd.h>

/* JSON numbers here are signed; a counter gets nowhere near the difference. */
static json_t *number(uint64_t value)
{
	return mem_must(json_integer((json_int_t)value));
}

/* Fields of a json_t come from our own tables, so setting one fails only without memory. */
static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) != 0)
		abort();
}

static json_t *real(double value)
{
	return mem_must(json_real(value));
}

static json_t *times_json(const struct recent_times *times)
{
	json_t *object = mem_must(json_object());
	set(object, "mean", number(times->mean));
	set(object, "p50", number(times->p50));
	set(object, "p99", number(times->p99));
	set(object, "max", number(times->max));
	return object;
}

static json_t *lane_json(const struct recent_lane *lane)
{
	json_t *object = mem_must(json_object());
	set(object, "is_up", mem_must(json_boolean(lane->is_up)));
	set(object, "queue", number(lane->queue));
	set(object, "queue_peak", number(lane->queue_peak));
	set(object, "round_age_us", number(lane->round_age_us));
	set(object, "busy_share", real(lane->busy_share));
	set(object, "batches", number(lane->batches));
	set(object, "requests", number(lane->requests));
	set(object, "rows", times_json(&lane->rows));
	set(object, "round_us", times_json(&lane->round_us));
	set(object, "wait_us", times_json(&lane->wait_us));
	return object;
}

static json_t *recent_json(const struct recent *recent)
{
	json_t *object = mem_must(json_object()), *dropped = mem_must(json_object());
	json_t *lanes = mem_must(json_object());
	for (enum drop drop = DROP_none + 1; drop < DROP_COUNT; drop++)
		set(dropped, drop_name(drop), number(recent->dropped[drop]));
	for (enum recent_lane_name name = 0; name < RECENT_LANES; name++)
		set(lanes, recent_lane_name(name), lane_json(&recent->lanes[name]));
	set(object, "seconds", real(recent->seconds));
	set(object, "received", number(recent->received));
	set(object, "answered", number(recent->answered));
	set(object, "run_share", real(recent->run_share));
	set(object, "wait_share", real(recent->wait_share));
	set(object, "receive_queue_kib", number(recent->receive_queue_kib));
	set(object, "receive_overflows", number(recent->receive_overflows));
	set(object, "batch_timeouts", number(recent->batch_timeouts));
	set(object, "dropped", dropped);
	set(object, "lanes", lanes);
	return object;
}

static json_t *verdict_json(const struct status *status, const struct recent *recents)
{
	char text[VERDICT_TEXT_MAX];
	json_t *object = mem_must(json_object());
	enum verdict verdict = verdict_reach(recents, status->count, status->batch_max, text);
	set(object, "name", mem_must(json_string(verdict_name(verdict))));
	set(object, "sentence", mem_must(json_string(text)));
	return object;
}

/* What has come since the start, for who keeps figures himself. */
static json_t *distributions_json(const struct metrics_page *page, unsigned worker)
{
	json_t *object = mem_must(json_object());
	for (enum metric_distribution which = 0; which < DISTRIBUTION_COUNT; which++) {
		struct distribution distribution;
		json_t *one = mem_must(json_object());
		metrics_page_read_distribution(page, worker, which, &distribution);
		set(one, "count", number(distribution_count(&distribution)));
		set(one, "sum", number(distribution.sum));
		set(object, metric_distribution_info(which)->name, one);
	}
	return object;
}

static json_t *worker_json(const struct status *status, const struct process *process,
	struct recent *recent, uint64_t sums[METRIC_COUNT])
{
	json_t *counters = mem_must(json_object()), *worker = mem_must(json_object());
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
		uint64_t value = metrics_page_read(status->page, process_index(process), metric);
		sums[metric] += value;
		set(counters, metric_info(metric)->name, number(value));
	}
	set(worker, "worker", number(process_index(process)));
	set(worker, "pid", number((uint64_t)process_pid(process)));
	set(worker, "restarts", number(process_restarts(process)));
	set(worker, "state", mem_must(json_string(process_state_name(process_state(process)))));
	set(worker, "counters", counters);
	recent_read(status->samples, process_index(process), clock_mono_ns(), recent);
	recent->is_running = process_pid(process) != 0;
	set(worker, "recent", recent_json(recent));
	set(worker, "distributions", distributions_json(status->page, process_index(process)));
	return worker;
}

json_t *status_json(const struct status *status)
{
	uint64_t sums[METRIC_COUNT] = {0};
	json_t *answer = mem_must(json_object());
	json_t *workers = mem_must(json_array()), *counters = mem_must(json_object());
	set(answer, "version", mem_must(json_string(PACKAGE_VERSION)));
	set(answer, "pid", number((uint64_t)getpid()));
	set(answer, "uptime_s", number((uint64_t)status->uptime_s));
	set(answer, "state", mem_must(json_string(status->state)));
	struct recent *recents = mem_must(talloc_zero_array(NULL, struct recent, status->count));
	for (unsigned i = 0; i < status->count; i++)
		if (json_array_append_new(workers,
			    worker_json(status, status->processes[i], &recents[i], sums)) != 0)
			abort();
	set(answer, "verdict", verdict_json(status, recents));
	talloc_free(recents);
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
		set(counters, metric_info(metric)->name, number(sums[metric]));
	set(answer, "workers", workers);
	set(answer, "counters", counters);
	return answer;
}
