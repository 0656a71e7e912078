/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/status.h"
#include "base/mem.h"
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

static json_t *worker_json(
	const struct status *status, const struct process *process, uint64_t sums[METRIC_COUNT])
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
	for (unsigned i = 0; i < status->count; i++)
		if (json_array_append_new(
			    workers, worker_json(status, status->processes[i], sums)) != 0)
			abort();
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
		set(counters, metric_info(metric)->name, number(sums[metric]));
	set(answer, "workers", workers);
	set(answer, "counters", counters);
	return answer;
}
