/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* One table of counters serves both forms of the summary and the exit status. */
#include "load/report.h"
#include "base/clock.h"
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static const char *const step_names[LOAD_STEPS] = {"login", "start", "interim", "stop"};

static const struct quantile {
	const char *name;
	unsigned per_mille;
} quantiles[] = {{"p50", 500}, {"p90", 900}, {"p95", 950}, {"p99", 990}, {"p99.9", 999}};
#define QUANTILES (sizeof quantiles / sizeof *quantiles)

/* What became of the requests of some steps. */
struct part {
	uint64_t sent, answered, in_time, lost;
	struct histogram latency;
};

static uint64_t sum(const uint64_t numbers[LOAD_STEPS])
{
	uint64_t total = 0;
	for (enum load_step step = 0; step < LOAD_STEPS; step++)
		total += numbers[step];
	return total;
}

static void part_add(struct part *part, const struct load_stats *stats, enum load_step step)
{
	part->sent += stats->sent[step];
	part->answered += stats->answered[step];
	part->in_time += stats->in_time[step];
	part->lost += stats->lost[step];
	histogram_merge(&part->latency, &stats->latency[step]);
}

/* The steps from one to another. */
static struct part part_of(
	const struct load_stats *stats, enum load_step first, enum load_step last)
{
	struct part part = {0};
	for (enum load_step step = first; step <= last; step++)
		part_add(&part, stats, step);
	return part;
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static double per_second(uint64_t count, int64_t ns)
{
	return ns > 0 ? (double)count / seconds(ns) : 0;
}

static int64_t duration_ns(const struct load_stats *stats)
{
	return stats->ended_ns - stats->begun_ns;
}

static double cpu_us_per_request(const struct load_stats *stats)
{
	uint64_t requests = sum(stats->answered);
	double us = (double)(stats->cpu_user_ns + stats->cpu_system_ns) / 1000;
	return requests > 0 ? us / (double)requests : 0;
}

void report_progress_begin(
	struct report_progress *progress, const struct load_settings *settings, int64_t now_ns)
{
	*progress = (struct report_progress){
		.shown_ns = now_ns, .is_wanted = !settings->is_quiet && isatty(STDERR_FILENO)};
}

void report_progress(struct report_progress *progress, const struct load_stats *stats,
	uint64_t in_window, int64_t now_ns)
{
	int64_t passed_ns = now_ns - progress->shown_ns;
	if (passed_ns < NS_PER_S || !progress->is_wanted)
		return;
	uint64_t total = sum(stats->answered);
	double rate = (double)(total - progress->shown_answers) / seconds(passed_ns);
	fprintf(stderr,
		"\r%7.1f s  %9.0f answers/s  accepted %llu  rejected %llu  online %llu  "
		"in window %llu  sent again %llu  lost %llu \033[K",
		seconds(now_ns - stats->begun_ns), rate, (unsigned long long)stats->accepted,
		(unsigned long long)stats->rejected, (unsigned long long)stats->online,
		(unsigned long long)in_window, (unsigned long long)stats->retransmits,
		(unsigned long long)sum(stats->lost));
	progress->shown_ns = now_ns;
	progress->shown_answers = total;
	progress->is_shown = true;
}

void report_progress_end(const struct report_progress *progress)
{
	if (progress->is_shown)
		fputc('\n', stderr);
}

/* The counters of the summary, in its order. */
static const struct counter {
	const char *name;
	size_t offset;
	bool is_fault; /* not zero = the run was not clean */
} counters[] = {
#define COUNTER(name, is_fault)                                    \
	{                                                          \
#name, offsetof(struct load_stats, name), is_fault \
	}
	COUNTER(operations_begun, false),
	COUNTER(operations_done, false),
	COUNTER(operations_failed, true),
	COUNTER(operations_missed, false),
	COUNTER(accepted, false),
	COUNTER(rejected, true),
	COUNTER(acknowledged, false),
	COUNTER(addresses_given, false),
	COUNTER(online, false),
	COUNTER(online_max, false),
	COUNTER(retransmits, false),
	COUNTER(bad_signatures, true),
	COUNTER(bad_replies, true),
	COUNTER(unsigned_logins, false),
	COUNTER(strays, false),
	COUNTER(refusals, false),
	COUNTER(double_addresses, true),
	COUNTER(without_address, false),
	COUNTER(unprepared, true),
#undef COUNTER
};
#define COUNTERS (sizeof counters / sizeof *counters)

static uint64_t counter_get(const struct load_stats *stats, const struct counter *counter)
{
	return *(const uint64_t *)((const char *)stats + counter->offset);
}

bool report_is_clean(const struct load_settings *settings, const struct load_stats *stats)
{
	bool is_clean = sum(stats->lost) == 0;
	/* Rejects and losses in a storm are part of it, as long as everybody came in. */
	if (settings->mode == LOAD_STORM)
		return stats->all_online_ns > 0 && stats->double_addresses == 0 &&
		       stats->bad_signatures == 0 && stats->bad_replies == 0;
	for (size_t i = 0; i < COUNTERS; i++)
		if (counters[i].is_fault && counter_get(stats, &counters[i]) > 0)
			is_clean = false;
	return is_clean && stats->operations_done > 0;
}

static json_t *histogram_json(const struct histogram *histogram)
{
	json_t *object = json_object();
	for (size_t i = 0; i < QUANTILES; i++)
		json_object_set_new(object, quantiles[i].name,
			json_integer(histogram_quantile_us(histogram, quantiles[i].per_mille)));
	json_object_set_new(object, "mean", json_integer(histogram_mean_us(histogram)));
	json_object_set_new(object, "max", json_integer(histogram->max_us));
	return object;
}

static json_t *part_json(const struct part *part, const struct load_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:f, s:o}", "sent", (json_int_t)part->sent,
		"answered", (json_int_t)part->answered, "in_time", (json_int_t)part->in_time,
		"lost", (json_int_t)part->lost, "per_second",
		per_second(part->answered, duration_ns(stats)), "latency_us",
		histogram_json(&part->latency));
}

static void parts_json(json_t *object, const struct load_stats *stats)
{
	struct part part;
	for (enum load_step step = 0; step < LOAD_STEPS; step++) {
		part = part_of(stats, step, step);
		json_object_set_new(object, step_names[step], part_json(&part, stats));
	}
	part = part_of(stats, STEP_START, STEP_STOP);
	json_object_set_new(object, "accounting", part_json(&part, stats));
}

static json_t *rates_json(const struct load_settings *settings, const struct load_stats *stats)
{
	return json_pack("{s:s, s:s, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:f}", "mode",
		load_mode_name(settings->mode), "method", load_method_name(settings->method), "run",
		(json_int_t)settings->run, "duration_s", seconds(duration_ns(stats)), "offered_s",
		seconds(stats->offered_ns), "rate", (json_int_t)settings->rate,
		"offered_per_second", per_second(stats->operations_begun, stats->offered_ns),
		"requests_per_second", per_second(sum(stats->answered), duration_ns(stats)),
		"operations_per_second", per_second(stats->operations_done, duration_ns(stats)),
		"goodput_per_second", per_second(stats->good, stats->offered_ns));
}

static json_t *cpu_json(const struct load_stats *stats)
{
	return json_pack("{s:f, s:f, s:f}", "user_s", seconds(stats->cpu_user_ns), "system_s",
		seconds(stats->cpu_system_ns), "us_per_request", cpu_us_per_request(stats));
}

static void summary_json(const struct load_settings *settings, const struct load_stats *stats)
{
	json_t *object = rates_json(settings, stats);
	for (size_t i = 0; i < COUNTERS; i++)
		json_object_set_new(object, counters[i].name,
			json_integer((json_int_t)counter_get(stats, &counters[i])));
	parts_json(object, stats);
	if (settings->mode == LOAD_STORM) {
		json_object_set_new(object, "all_online_s",
			stats->all_online_ns ? json_real(seconds(stats->all_online_ns))
					     : json_null());
		json_object_set_new(
			object, "online_after_us", histogram_json(&stats->online_after));
	}
	json_object_set_new(object, "lag_max_us", json_integer(stats->lag_max_ns / 1000));
	json_object_set_new(object, "cpu", cpu_json(stats));
	json_object_set_new(object, "clean", json_boolean(report_is_clean(settings, stats)));
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(object);
}

static void histogram_text(const char *name, const struct histogram *histogram)
{
	if (histogram->count == 0)
		return;
	printf("  %-20s", name);
	for (size_t i = 0; i < QUANTILES; i++)
		printf(" %s %.2f", quantiles[i].name,
			(double)histogram_quantile_us(histogram, quantiles[i].per_mille) / 1000);
	printf(" max %.2f\n", (double)histogram->max_us / 1000);
}

static void rates_text(const struct load_settings *settings, const struct load_stats *stats)
{
	printf("%s: %.3f s, %.0f requests/s answered, %.0f operations/s done\n",
		load_mode_name(settings->mode), seconds(duration_ns(stats)),
		per_second(sum(stats->answered), duration_ns(stats)),
		per_second(stats->operations_done, duration_ns(stats)));
	if (settings->rate > 0)
		printf("open loop: wanted %llu operations/s, offered %.0f/s, goodput %.0f "
		       "answers/s in time, at most %.3f ms behind\n",
			(unsigned long long)settings->rate,
			per_second(stats->operations_begun, stats->offered_ns),
			per_second(stats->good, stats->offered_ns),
			(double)stats->lag_max_ns / (double)NS_PER_MS);
	if (settings->mode == LOAD_STORM && stats->all_online_ns)
		printf("all %llu subscribers were online after %.3f s\n",
			(unsigned long long)settings->count, seconds(stats->all_online_ns));
	else if (settings->mode == LOAD_STORM)
		printf("NOT all subscribers came online: %llu of %llu\n",
			(unsigned long long)stats->online, (unsigned long long)settings->count);
}

static void part_text(const char *name, const struct part *part, const struct load_stats *stats)
{
	if (part->sent > 0)
		printf("  %-20s sent %llu  answered %llu  in time %llu  lost %llu  (%.0f/s)\n",
			name, (unsigned long long)part->sent, (unsigned long long)part->answered,
			(unsigned long long)part->in_time, (unsigned long long)part->lost,
			per_second(part->answered, duration_ns(stats)));
}

static void summary_text(const struct load_settings *settings, const struct load_stats *stats)
{
	rates_text(settings, stats);
	for (enum load_step step = 0; step < LOAD_STEPS; step++) {
		struct part part = part_of(stats, step, step);
		part_text(step_names[step], &part, stats);
	}
	for (size_t i = 0; i < COUNTERS; i++)
		if (counter_get(stats, &counters[i]) > 0)
			printf("  %-20s %llu\n", counters[i].name,
				(unsigned long long)counter_get(stats, &counters[i]));
	puts("latency in milliseconds:");
	for (enum load_step step = 0; step < LOAD_STEPS; step++)
		histogram_text(step_names[step], &stats->latency[step]);
	if (settings->mode == LOAD_STORM)
		histogram_text("until online", &stats->online_after);
	printf("popradload's own CPU: %.2f us/request, %.3f s user, %.3f s system\n",
		cpu_us_per_request(stats), seconds(stats->cpu_user_ns),
		seconds(stats->cpu_system_ns));
}

void report_summary(const struct load_settings *settings, const struct load_stats *stats)
{
	if (settings->is_json)
		summary_json(settings, stats);
	else
		summary_text(settings, stats);
}
