/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "path/service.h"
#include "acct/acct.h"
#include "acct/replay.h"
#include "auth/auth.h"
#include "auth/exhausted.h"
#include "auth/guesses.h"
#include "auth/hashpool.h"
#include "base/log.h"
#include "base/mem.h"
#include "path/chores.h"
#include "path/steps.h"
#include "request/attempts.h"
#include "request/dupcache.h"
#include "request/learned.h"
#include "spool/spool.h"
#include "spool/spool_folder.h"
#include <event2/event.h>
#include <unistd.h>

/* In the order in which they leave in one flush. */
static const struct lane_call *const login_calls[] = {&auth_find_call, &auth_find_metered_call,
	&auth_admit_call, &auth_admit_whole_call, &learned_call, NULL};
static const struct lane_call *const accounting_calls[] = {&acct_session_call, &acct_interim_call,
	&acct_device_call, &acct_other_call, &acct_quarantine_call, &chores_tick_call,
	&chores_scan_call, &chores_move_call, &chores_months_call, NULL};
static const struct lane_call *const attempts_calls[] = {
	&attempts_days_call, &attempts_store_call, NULL};

/* Lanes ------------------------------------------------------------------------------------ */

static void login_lane_changed(void *owner, bool is_up)
{
	(void)owner;
	metric_set(METRIC_login_lane_up, is_up);
}

static void accounting_lane_changed(void *owner, bool is_up)
{
	const struct worker *worker = owner;
	metric_set(METRIC_accounting_lane_up, is_up);
	if (is_up) {
		chores_lane_up(worker->chores);
		replay_go_on(worker->replay);
	}
}

static void attempts_lane_changed(void *owner, bool is_up)
{
	const struct worker *worker = owner;
	metric_set(METRIC_attempts_lane_up, is_up);
	if (is_up)
		attempts_lane_up(worker->attempts);
}

static const struct lane_metrics login_metrics = {
	.rows = DISTRIBUTION_login_rows,
	.round_us = DISTRIBUTION_login_round_us,
	.wait_us = DISTRIBUTION_login_wait_us,
	.queue = METRIC_login_queue,
	.queue_peak = METRIC_login_queue_peak,
	.round_age_us = METRIC_login_round_age_us,
};
static const struct lane_metrics accounting_metrics = {
	.rows = DISTRIBUTION_accounting_rows,
	.round_us = DISTRIBUTION_accounting_round_us,
	.wait_us = DISTRIBUTION_accounting_wait_us,
	.queue = METRIC_accounting_queue,
	.queue_peak = METRIC_accounting_queue_peak,
	.round_age_us = METRIC_accounting_round_age_us,
};

static const struct lane_metrics attempts_metrics = {
	.rows = DISTRIBUTION_attempts_rows,
	.round_us = DISTRIBUTION_attempts_round_us,
	.wait_us = DISTRIBUTION_attempts_wait_us,
	.queue = METRIC_attempts_queue,
	.queue_peak = METRIC_attempts_queue_peak,
	.round_age_us = METRIC_attempts_round_age_us,
};

static struct lane *new_lane(struct worker *worker, struct event_base *base, const char *name,
	const struct lane_metrics *metrics, const struct lane_call *const *calls,
	void (*changed)(void *owner, bool is_up))
{
	const struct conf *conf = worker->conf;
	const struct lane_settings settings = {
		.name = name,
		.connection = {.conninfo = conf->database,
			.connect_timeout_ms = conf->connect_timeout_ms,
			.statement_timeout_ms = conf->statement_timeout_ms,
			.lock_timeout_ms = conf->lock_timeout_ms},
		.metrics = *metrics,
		.batch_max = conf->batch_max,
		.reconnect_min_ms = conf->reconnect_min_ms,
		.reconnect_max_ms = conf->reconnect_max_ms,
		.calls = calls,
		.state_changed = changed,
		.owner = worker,
	};
	return lane_new(worker, base, worker->timers, &settings);
}

/* Hash threads ----------------------------------------------------------------------------- */

static void hashes_ready(evutil_socket_t fd, short what, void *owner)
{
	const struct worker *worker = owner;
	(void)fd, (void)what;
	hashpool_collect(worker->hashpool);
}

static bool start_hashpool(struct worker *worker, struct event_base *base)
{
	worker->hashpool =
		hashpool_new(worker, worker->conf->hash_threads, worker->conf->hash_queue);
	if (worker->hashpool == NULL)
		return false;
	worker->hashes_ready = mem_must(event_new(
		base, hashpool_fd(worker->hashpool), EV_READ | EV_PERSIST, hashes_ready, worker));
	event_add(worker->hashes_ready, NULL);
	return true;
}

/* Spool ------------------------------------------------------------------------------------ */

static void disk_ready(evutil_socket_t fd, short what, void *owner)
{
	const struct worker *worker = owner;
	(void)fd, (void)what;
	spool_collect(worker->spool);
}

static void spool_ready(void *owner)
{
	const struct worker *worker = owner;
	lane_hold(worker->accounting_lane);
	replay_go_on(worker->replay);
	lane_release(worker->accounting_lane);
}

static bool start_spool(struct worker *worker, struct event_base *base)
{
	const struct conf *conf = worker->conf;
	char host[256] = "", node[256];
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	spool_node_name(host, node, sizeof node);
	const struct spool_settings settings = {.directory = conf->spool_directory,
		.node = mem_must(talloc_strdup(worker, node)),
		.worker = worker->index,
		.workers = conf->workers,
		.limit = (uint64_t)conf->spool_limit_mib << 20};
	worker->spool = spool_new(worker, &settings, spool_ready, worker);
	if (worker->spool == NULL)
		return false;
	worker->disk_ready = mem_must(
		event_new(base, spool_fd(worker->spool), EV_READ | EV_PERSIST, disk_ready, worker));
	event_add(worker->disk_ready, NULL);
	return true;
}

/* Catalog ---------------------------------------------------------------------------------- */

void service_use_catalog(struct worker *worker, struct catalog *catalog)
{
	struct catalog *old = worker->catalog;
	worker->catalog = catalog_hold(catalog);
	if (old != NULL)
		catalog_release(old);
	freelist_use_catalog(worker->freelist, catalog);
	learned_use_catalog(worker->learned);
	chores_scan(worker->chores);
	metric_set(METRIC_catalog_version, (uint64_t)catalog_version(catalog));
	log_event(LOG_LEVEL_INFO, "catalog_loaded", "version=%lld",
		(long long)catalog_version(catalog));
	request_catalog_changed(worker);
}

static void catalog_changed(void *owner, struct catalog *catalog)
{
	service_use_catalog(owner, catalog);
}

/* The worker ------------------------------------------------------------------------------- */

static int worker_destroy(struct worker *worker)
{
	request_end_all(worker);
	if (worker->catalog != NULL)
		catalog_release(worker->catalog);
	if (worker->hashes_ready != NULL)
		event_free(worker->hashes_ready);
	if (worker->disk_ready != NULL)
		event_free(worker->disk_ready);
	return 0;
}

struct worker *service_new(TALLOC_CTX *ctx, struct event_base *base, struct timer_queue *timers,
	const struct conf *conf, unsigned index)
{
	struct worker *worker = mem_must(talloc_zero(ctx, struct worker));
	worker->index = index;
	worker->conf = conf;
	worker->timers = timers;
	worker->base = base;
	request_init(worker, path_steps);
	talloc_set_destructor(worker, worker_destroy);
	if (!start_hashpool(worker, base) || !start_spool(worker, base)) {
		talloc_free(worker);
		return NULL;
	}
	worker->login_lane =
		new_lane(worker, base, "login", &login_metrics, login_calls, login_lane_changed);
	worker->accounting_lane = new_lane(worker, base, "accounting", &accounting_metrics,
		accounting_calls, accounting_lane_changed);
	worker->attempts_lane = new_lane(
		worker, base, "attempts", &attempts_metrics, attempts_calls, attempts_lane_changed);
	worker->freelist = freelist_new(worker, index, conf->workers);
	worker->dupcache = dupcache_new(worker, conf->dupcache_max, conf->dupcache_s);
	worker->exhausted = exhausted_new(worker);
	worker->guesses = guesses_new(worker);
	worker->learned = learned_new(worker, worker->login_lane);
	worker->attempts = attempts_new(worker, worker);
	worker->chores = chores_new(worker, worker);
	worker->replay = replay_new(worker, worker);
	return worker;
}

void service_start(struct worker *worker)
{
	lane_start(worker->login_lane);
	lane_start(worker->accounting_lane);
	lane_start(worker->attempts_lane);
	catalog_watch_new(worker, worker->base, worker->timers, worker->conf, worker->index,
		catalog_changed, worker);
}
