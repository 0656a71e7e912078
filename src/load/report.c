/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* One table of counters serves both forms of the summary and the exit status. */
#include "load/report.h"
#include "base/clock.h"
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static const char *const role_names[LOAD_ROLES] = {"login", "accounting"};

static const struct quantile {
	const char *name;
	unsigned per_mille;
} quantiles[] = {{"p50", 500}, {"p90", 900}, {"p95", 950}, {"p99", 990}, {"p99.9", 999}};
#define QUANTILES (sizeof quantiles / sizeof *quantiles)

static uint64_t answers(const struct load_stats *stats)
{
	return stats->answered[LOAD_LOGIN] + stats->answered[LOAD_RECORD];
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

void report_progress(struct report_progress *progress, const struct load_settings *settings,
	const struct load_stats *stats, uint64_t in_window, int64_t now_ns)
{
	if (progress->shown_ns == 0)
		progress->shown_ns = stats->begun_ns;
	int64_t passed_ns = now_ns - progress->shown_ns;
	if (passed_ns < NS_PER_S || settings->is_quiet || !isatty(STDERR_FILENO))
		return;
	uint64_t total = answers(stats);
	double rate = (double)(total - progress->shown_answers) / seconds(passed_ns);
	fprintf(stderr,
		"\r%7.1f s  %9.0f answers/s  accepted %llu  rejected %llu  online %llu  "
		"in window %llu  sent again %llu  lost %llu \033[K",
		seconds(now_ns - stats->begun_ns), rate, (unsigned long long)stats->accepted,
		(unsigned long long)stats->rejected, (unsigned long long)stats->online,
		(unsigned long long)in_window, (unsigned long long)stats->retransmits,
		(unsigned long long)(stats->lost[LOAD_LOGIN] + stats->lost[LOAD_RECORD]));
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
	COUNTER(accepted, false),
	COUNTER(rejected, true),
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
#undef COUNTER
};
#define COUNTERS (sizeof counters / sizeof *counters)

static uint64_t counter_get(const struct load_stats *stats, const struct counter *counter)
{
	return *(const uint64_t *)((const char *)stats + counter->offset);
}

bool report_is_clean(const struct load_settings *settings, const struct load_stats *stats)
{
	bool is_clean = stats->lost[LOAD_LOGIN] + stats->lost[LOAD_RECORD] == 0;
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

static json_t *role_json(const struct load_stats *stats, enum load_role role, double duration)
{
	return json_pack("{s:I, s:I, s:I, s:f, s:o}", "sent", (json_int_t)stats->sent[role],
		"answered", (json_int_t)stats->answered[role], "lost",
		(json_int_t)stats->lost[role], "per_second",
		duration > 0 ? (double)stats->answered[role] / duration : 0.0, "latency_us",
		histogram_json(&stats->latency[role]));
}

static void summary_json(const struct load_settings *settings, const struct load_stats *stats)
{
	double duration = seconds(stats->ended_ns - stats->begun_ns);
	json_t *object = json_pack("{s:s, s:f, s:f}", "mode", load_mode_name(settings->mode),
		"duration_s", duration, "requests_per_second",
		duration > 0 ? (double)answers(stats) / duration : 0.0);
	for (size_t i = 0; i < COUNTERS; i++)
		json_object_set_new(object, counters[i].name,
			json_integer((json_int_t)counter_get(stats, &counters[i])));
	for (enum load_role role = 0; role < LOAD_ROLES; role++)
		json_object_set_new(object, role_names[role], role_json(stats, role, duration));
	if (settings->mode == LOAD_STORM) {
		json_object_set_new(object, "all_online_s",
			stats->all_online_ns ? json_real(seconds(stats->all_online_ns))
					     : json_null());
		json_object_set_new(
			object, "online_after_us", histogram_json(&stats->online_after));
	}
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

static void summary_text(const struct load_settings *settings, const struct load_stats *stats)
{
	double duration = seconds(stats->ended_ns - stats->begun_ns);
	printf("%s: %.3f s, %.0f requests/s answered\n", load_mode_name(settings->mode), duration,
		duration > 0 ? (double)answers(stats) / duration : 0.0);
	if (settings->mode == LOAD_STORM && stats->all_online_ns)
		printf("all %llu subscribers were online after %.3f s\n",
			(unsigned long long)settings->count, seconds(stats->all_online_ns));
	else if (settings->mode == LOAD_STORM)
		printf("NOT all subscribers came online: %llu of %llu\n",
			(unsigned long long)stats->online, (unsigned long long)settings->count);
	for (enum load_role role = 0; role < LOAD_ROLES; role++)
		if (stats->sent[role] > 0)
			printf("  %-20s sent %llu  answered %llu  lost %llu  (%.0f/s)\n",
				role_names[role], (unsigned long long)stats->sent[role],
				(unsigned long long)stats->answered[role],
				(unsigned long long)stats->lost[role],
				duration > 0 ? (double)stats->answered[role] / duration : 0.0);
	for (size_t i = 0; i < COUNTERS; i++)
		if (counter_get(stats, &counters[i]) > 0)
			printf("  %-20s %llu\n", counters[i].name,
				(unsigned long long)counter_get(stats, &counters[i]));
	puts("latency in milliseconds:");
	for (enum load_role role = 0; role < LOAD_ROLES; role++)
		histogram_text(role_names[role], &stats->latency[role]);
	if (settings->mode == LOAD_STORM)
		histogram_text("until online", &stats->online_after);
}

void report_summary(const struct load_settings *settings, const struct load_stats *stats)
{
	if (settings->is_json)
		summary_json(settings, stats);
	else
		summary_text(settings, stats);
}
