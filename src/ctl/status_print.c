/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl status for people: first what holds requests up, then the last seconds, then what has
 * been counted since the start. */
#include "base/metrics.h"
#include "ctl/status_print.h"
#include <inttypes.h>

static json_int_t member_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static double member_real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static const char *member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "?" : text;
}

static double per_second(const json_t *recent, json_int_t count)
{
	double seconds = member_real(recent, "seconds");

	return seconds > 0 ? (double)count / seconds : 0;
}

static json_int_t dropped_in_all(const json_t *recent)
{
	const char *name;
	json_t *value;
	json_int_t sum = 0;

	json_object_foreach(json_object_get(recent, "dropped"), name, value)
	{
		sum += json_integer_value(value);
	}
	return sum;
}

static void print_workers(FILE *out, const json_t *workers)
{
	size_t index;
	const json_t *worker;

	fprintf(out, "%-6s  %-7s  %-8s  %8s  %10s  %10s  %9s  %5s  %8s  %10s\n", "worker",
		"process", "state", "restarts", "received/s", "answered/s", "dropped/s", "busy",
		"starved", "unread KiB");
	json_array_foreach(workers, index, worker)
	{
		const json_t *recent = json_object_get(worker, "recent");

		fprintf(out,
			"%-6" JSON_INTEGER_FORMAT "  %-7" JSON_INTEGER_FORMAT
			"  %-8s  %8" JSON_INTEGER_FORMAT "  %10.0f  %10.0f  %9.0f  %4.0f%%  %7.0f%%"
			"  %10" JSON_INTEGER_FORMAT "\n",
			member_number(worker, "worker"), member_number(worker, "pid"),
			member_text(worker, "state"), member_number(worker, "restarts"),
			per_second(recent, member_number(recent, "received")),
			per_second(recent, member_number(recent, "answered")),
			per_second(recent, dropped_in_all(recent)),
			100 * member_real(recent, "run_share"),
			100 * member_real(recent, "wait_share"),
			member_number(recent, "receive_queue_kib"));
	}
}

static double ms(const json_t *lane, const char *what, const char *which)
{
	return (double)member_number(json_object_get(lane, what), which) / 1000;
}

static void print_lane(FILE *out, const json_t *worker, const char *name)
{
	const json_t *recent = json_object_get(worker, "recent");
	const json_t *lane = json_object_get(json_object_get(recent, "lanes"), name);
	const json_t *rows = json_object_get(lane, "rows");

	fprintf(out,
		"%-10s  %6" JSON_INTEGER_FORMAT "  %-5s  %5" JSON_INTEGER_FORMAT
		"  %5" JSON_INTEGER_FORMAT "  %9.1f  %5" JSON_INTEGER_FORMAT
		"  %5" JSON_INTEGER_FORMAT "  %4.0f%%  %8.1f  %8.1f  %8.1f  %8.1f\n",
		name, member_number(worker, "worker"),
		json_is_true(json_object_get(lane, "is_up")) ? "up" : "away",
		member_number(lane, "queue"), member_number(lane, "queue_peak"),
		per_second(recent, member_number(lane, "batches")), member_number(rows, "mean"),
		member_number(rows, "max"), 100 * member_real(lane, "busy_share"),
		ms(lane, "round_us", "mean"), ms(lane, "round_us", "p99"),
		ms(lane, "wait_us", "mean"), ms(lane, "wait_us", "p99"));
}

static void print_lanes(FILE *out, const json_t *workers)
{
	static const char *const names[] = {"login", "accounting"};
	size_t index;
	const json_t *worker;

	fprintf(out, "\n%-10s  %6s  %-5s  %12s  %9s  %12s  %5s  %18s  %18s\n", "", "", "",
		"requests", "", "requests", "", "database, ms", "in the queue, ms");
	fprintf(out, "%-10s  %6s  %-5s  %5s  %5s  %9s  %5s  %5s  %5s  %8s  %8s  %8s  %8s\n", "lane",
		"worker", "state", "queue", "peak", "batches/s", "mean", "max", "busy", "mean",
		"99%", "mean", "99%");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		json_array_foreach(workers, index, worker)
		{
			print_lane(out, worker, names[i]);
		}
}

static json_int_t recent_overflows(const json_t *workers)
{
	size_t index;
	const json_t *worker;
	json_int_t sum = 0;

	json_array_foreach(workers, index, worker)
	{
		sum += member_number(json_object_get(worker, "recent"), "receive_overflows");
	}
	return sum;
}

static json_int_t recent_drops(const json_t *workers, enum drop drop)
{
	size_t index;
	const json_t *worker;
	json_int_t sum = 0;

	json_array_foreach(workers, index, worker)
	{
		const json_t *recent = json_object_get(worker, "recent");

		sum += member_number(json_object_get(recent, "dropped"), drop_name(drop));
	}
	return sum;
}

/* Of the last seconds, and only what came at all. */
static void print_recent_drops(FILE *out, const json_t *workers)
{
	json_int_t count = recent_overflows(workers);
	bool is_first = count == 0;

	if (!is_first)
		fprintf(out, "\ndropped: receive_overflows %" JSON_INTEGER_FORMAT, count);
	for (enum drop drop = DROP_none + 1; drop < DROP_COUNT; drop++) {
		count = recent_drops(workers, drop);
		if (count == 0)
			continue;
		fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, is_first ? "\ndropped: " : ", ",
			drop_name(drop), count);
		is_first = false;
	}
	if (!is_first)
		fputc('\n', out);
}

/* What has never happened is left out; what a name means stands beside its number. */
static void print_counters(FILE *out, const json_t *counters)
{
	fprintf(out, "\n%-32s %12s  %s\n", "since the start", "all workers", "meaning");
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
		const struct metric_info *info = metric_info(metric);
		json_int_t value = member_number(counters, info->name);

		if (value != 0 && !info->is_gauge)
			fprintf(out, "%-32s %12" JSON_INTEGER_FORMAT "  %s\n", info->name, value,
				info->sentence);
	}
}

/* Levels of different workers do not add up to anything: one column each. */
static void print_gauges(FILE *out, const json_t *workers)
{
	size_t index;
	const json_t *worker;

	fprintf(out, "\n%-32s %12s\n", "level", "each worker");
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
		const struct metric_info *info = metric_info(metric);

		if (!info->is_gauge)
			continue;
		fprintf(out, "%-32s", info->name);
		json_array_foreach(workers, index, worker)
		{
			fprintf(out, " %6" JSON_INTEGER_FORMAT,
				member_number(json_object_get(worker, "counters"), info->name));
		}
		fprintf(out, "  %s\n", info->sentence);
	}
}

void status_print(FILE *out, const json_t *status)
{
	const json_t *workers = json_object_get(status, "workers");
	const json_t *recent = json_object_get(json_array_get(workers, 0), "recent");

	fprintf(out,
		"poprad %s, %s, process %" JSON_INTEGER_FORMAT ", up %" JSON_INTEGER_FORMAT
		" s\n\n%s\n\nthe last %.0f s:\n",
		member_text(status, "version"), member_text(status, "state"),
		member_number(status, "pid"), member_number(status, "uptime_s"),
		member_text(json_object_get(status, "verdict"), "sentence"),
		member_real(recent, "seconds"));
	print_workers(out, workers);
	print_lanes(out, workers);
	print_recent_drops(out, workers);
	print_gauges(out, workers);
	print_counters(out, json_object_get(status, "counters"));
}
