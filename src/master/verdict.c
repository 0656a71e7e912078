/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The rules, in the order in which they are asked: what stops everything comes first, then what
 * is used up although requests wait or are dropped. A lane that is always busy says nothing by
 * itself: batches only grow with the load, until they are full. */
#include "master/verdict.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* A round of full batches takes some 50 ms; one that takes this long waits for something. */
#define BLOCKED_US 1000000
/* Requests that wait so long in a queue come near what the fastest NAS waits for an answer. */
#define BEHIND_US 500000
/* Of one processor; the rest is lost between the samples. */
#define USED_UP 0.85
/* Of the time; batches are at least half full, or requests wait longer than a round takes. */
#define LANE_BUSY 0.8

static const char *const names[] = {
	[VERDICT_fine] = "fine",
	[VERDICT_starting] = "starting",
	[VERDICT_worker_missing] = "worker_missing",
	[VERDICT_spool_full] = "spool_full",
	[VERDICT_database_away] = "database_away",
	[VERDICT_database_blocked] = "database_blocked",
	[VERDICT_hashes_slow] = "hashes_slow",
	[VERDICT_workers_busy] = "workers_busy",
	[VERDICT_processors_busy] = "processors_busy",
	[VERDICT_database_slow] = "database_slow",
	[VERDICT_bursts] = "bursts",
};

const char *verdict_name(enum verdict verdict)
{
	assert(verdict < sizeof names / sizeof *names);
	return names[verdict];
}

struct search {
	const struct recent *workers;
	unsigned count, batch_max;
	char *text;
};

#define SAY(search, ...) snprintf((search)->text, VERDICT_TEXT_MAX, __VA_ARGS__)

/* The first lane of which it is so, NULL = there is none. */
static const struct recent_lane *find_lane(const struct search *search,
	bool (*is_so)(const struct recent_lane *lane, unsigned batch_max), const char **name)
{
	for (unsigned i = 0; i < search->count; i++) {
		for (enum recent_lane_name lane = 0; lane < RECENT_LANES; lane++) {
			if (is_so(&search->workers[i].lanes[lane], search->batch_max)) {
				*name = recent_lane_name(lane);
				return &search->workers[i].lanes[lane];
			}
		}
	}
	return NULL;
}

static uint64_t dropped(const struct search *search, enum drop drop)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < search->count; i++)
		sum += search->workers[i].dropped[drop];
	return sum;
}

static bool says_spool(const struct search *search)
{
	uint64_t lost = dropped(search, DROP_spool_refused);
	if (lost > 0)
		SAY(search,
			"Accounting is not answered: the database is away or behind, and the spool "
			"did not take %" PRIu64
			" records. spool_limit is reached, or its disk is full or fails; the log "
			"says which.",
			lost);
	return lost > 0;
}

static bool is_away(const struct recent_lane *lane, unsigned batch_max)
{
	(void)batch_max;
	return !lane->is_up;
}

static bool says_away(const struct search *search)
{
	const char *name;
	if (find_lane(search, is_away, &name) == NULL)
		return false;
	SAY(search,
		"The database is away: the %s lane is not connected. The log says why "
		"(database_away).",
		name);
	return true;
}

static bool is_stuck(const struct recent_lane *lane, unsigned batch_max)
{
	(void)batch_max;
	return lane->round_age_us >= BLOCKED_US;
}

static bool says_blocked(const struct search *search)
{
	static const char advice[] = "Somebody holds a lock, or its disk stands still: look at "
				     "pg_stat_activity for what it waits for, and for a "
				     "transaction that was left open.";
	const char *name;
	const struct recent_lane *lane = find_lane(search, is_stuck, &name);
	uint64_t timeouts = 0;
	for (unsigned i = 0; i < search->count; i++)
		timeouts += search->workers[i].batch_timeouts;
	if (lane != NULL)
		SAY(search,
			"The database has been at work on one round of the %s lane for %.1f s. %s",
			name, (double)lane->round_age_us / 1e6, advice);
	else if (timeouts > 0)
		SAY(search, "The database broke off %" PRIu64 " batches that took too long. %s",
			timeouts, advice);
	return lane != NULL || timeouts > 0;
}

static bool is_late(const struct recent_lane *lane, unsigned batch_max)
{
	(void)batch_max;
	return lane->wait_us.p99 >= BEHIND_US;
}

static bool is_behind(const struct search *search)
{
	static const enum drop drops[] = {DROP_requests_max, DROP_interims_barred, DROP_lane_wait,
		DROP_hash_queue, DROP_deadline};
	const char *name;
	uint64_t lost = 0;
	for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
		lost += dropped(search, drops[i]);
	for (unsigned i = 0; i < search->count; i++)
		lost += search->workers[i].receive_overflows;
	return lost > 0 || find_lane(search, is_late, &name) != NULL;
}

static bool says_hashes(const struct search *search)
{
	uint64_t lost = dropped(search, DROP_hash_queue);
	if (lost == 0)
		return false;
	SAY(search,
		"Password hashes are the limit: %" PRIu64
		" logins found hash_queue full. Cheaper hashes, or more hash_threads if "
		"processors are idle.",
		lost);
	return true;
}

static bool says_processors(const struct search *search, enum verdict *verdict)
{
	for (unsigned i = 0; i < search->count; i++) {
		const struct recent *worker = &search->workers[i];
		if (worker->run_share >= USED_UP) {
			SAY(search,
				"The workers are the limit: one of them used %.0f %% of a "
				"processor. More workers help if processors are idle.",
				worker->run_share * 100);
			*verdict = VERDICT_workers_busy;
			return true;
		}
		if (worker->run_share + worker->wait_share >= USED_UP) {
			SAY(search,
				"The machine's processors are the limit: a worker used %.0f %% of "
				"one and waited for one %.0f %% of the time. Something else runs "
				"here; if it is the database, move it to a machine of its own.",
				worker->run_share * 100, worker->wait_share * 100);
			*verdict = VERDICT_processors_busy;
			return true;
		}
	}
	return false;
}

static bool is_limit(const struct recent_lane *lane, unsigned batch_max)
{
	return lane->busy_share >= LANE_BUSY &&
	       (lane->rows.mean >= batch_max / 2 || lane->wait_us.mean > lane->round_us.mean);
}

static bool says_slow(const struct search *search)
{
	const char *name;
	const struct recent_lane *lane = find_lane(search, is_limit, &name);
	if (lane == NULL)
		return false;
	SAY(search,
		"The database is the limit: the %s lane waited for it %.0f %% of the time. A round "
		"took %.1f ms (99 %%: %.1f ms) with %" PRIu64
		" requests a batch, and requests waited %.1f ms for their turn.",
		name, lane->busy_share * 100, (double)lane->round_us.mean / 1e3,
		(double)lane->round_us.p99 / 1e3, lane->rows.mean,
		(double)lane->wait_us.mean / 1e3);
	return true;
}

enum verdict verdict_reach(const struct recent *workers, unsigned count, unsigned batch_max,
	char text[VERDICT_TEXT_MAX])
{
	const struct search search = {workers, count, batch_max, text};
	enum verdict verdict;
	for (unsigned i = 0; i < count; i++) {
		if (!workers[i].is_running) {
			SAY(&search, "Worker %u does not run. The log says why.", i);
			return VERDICT_worker_missing;
		}
		if (workers[i].seconds <= 0) {
			SAY(&search, "Nothing is known yet of the last seconds.");
			return VERDICT_starting;
		}
	}
	if (says_spool(&search))
		return VERDICT_spool_full;
	/* Before the next, because a lane whose batch was broken off connects anew and is away for
	 * a moment.
	 */
	if (says_blocked(&search))
		return VERDICT_database_blocked;
	if (says_away(&search))
		return VERDICT_database_away;
	if (!is_behind(&search)) {
		SAY(&search, "Nothing holds requests up.");
		return VERDICT_fine;
	}
	if (says_hashes(&search))
		return VERDICT_hashes_slow;
	if (says_processors(&search, &verdict))
		return verdict;
	if (says_slow(&search))
		return VERDICT_database_slow;
	SAY(&search, "More came at once than there is room for; between such bursts nothing is "
		     "used up. requests_max and socket_buffer_kib make room.");
	return VERDICT_bursts;
}
