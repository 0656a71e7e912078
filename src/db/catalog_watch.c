/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Keeps a worker's catalog up to date over a connection of its own, so that a reload never waits
 * behind a batch, nor a batch behind a reload. One statement is open at a time. One timer does all
 * the waiting: for the next try to connect, for a reload that was put off, or for the next poll. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "conf/conf.h"
#include "db/backoff.h"
#include "db/catalog_private.h"
#include "db/pgconn.h"
#include <errno.h>
#include <string.h>

#define CHANNEL "poprad_catalog"

/* Someone who changes the catalog row by row sends a notice per row; one reload serves all that
 * came within this time. */
#define RELOAD_GAP_NS (100 * NS_PER_MS)

/* Lines for each catalog; the rest is counted. */
#define REFUSALS_LOGGED 20

static const struct pg_statement read_version = {
	"catalog_version", "select poprad.catalog_version()", 0, NULL};
static const struct pg_statement read_catalog = {
	"catalog", "select poprad.catalog()::text", 0, NULL};
static const struct pg_statement *const statements[] = {&read_version, &read_catalog, NULL};

enum watch_state { WATCH_BACKING_OFF, WATCH_CONNECTING, WATCH_UP };

struct catalog_watch {
	const struct conf *conf;
	struct timer_queue *timers;
	unsigned worker;
	void (*changed)(void *owner, struct catalog *catalog);
	void *owner;
	struct pgconn *conn;
	enum watch_state state;
	const struct pg_statement *asked; /* NULL = nothing is open */
	bool must_reload;
	int64_t reloaded_ns; /* when the last reload began */
	struct timer timer;
	struct backoff backoff;
	struct catalog *current; /* held; NULL = none yet */
};

/* Snapshots ----------------------------------------------------------------------------------- */

/* Whoever enters a filter with popradctl is told at once; this is for what came another way. */
static void report_refusals(const struct catalog *catalog)
{
	static const char *const unfit_events[PLAN_PARTS] = {[PLAN_FILTERS] = "filter_unfit",
		[PLAN_RATES] = "rates_unfit",
		[PLAN_ATTRIBUTES] = "attributes_unfit",
		[PLAN_TUNNELS] = "tunnels_unfit"};
	size_t count;
	const struct plan_refusal *refusals = catalog_refusals(catalog, &count);
	for (size_t i = 0; i < count && i < REFUSALS_LOGGED; i++) {
		char *place = plan_refusal_place(NULL, &refusals[i]);
		log_event(LOG_LEVEL_ERROR, unfit_events[refusals[i].part],
			"plan=%s nas=%s login=%s reason=%s", log_quote_text(refusals[i].plan),
			log_quote_text(place),
			refusals[i].is_login_refused ? "refused" : "accepted",
			log_quote_reason(refusals[i].why));
		talloc_free(place);
	}
	if (count > REFUSALS_LOGGED)
		log_event(LOG_LEVEL_ERROR, "plans_unfit", "more=%zu", count - REFUSALS_LOGGED);
}

/* Takes a document into use. The snapshot belongs to its holders alone; *why is the caller's to
 * free. */
static int use_document(struct catalog_watch *watch, const char *json, size_t size, char **why)
{
	struct catalog *catalog;
	int rc = catalog_parse(NULL, json, size, &catalog, why);
	if (rc != 0)
		return rc;
	report_refusals(catalog);
	struct catalog *old = watch->current;
	watch->current = catalog;
	watch->changed(watch->owner, catalog);
	if (old)
		catalog_release(old);
	return 0;
}

static void load_copy(struct catalog_watch *watch)
{
	char *json = NULL, *why = NULL;
	size_t size;
	int rc = catalog_copy_read(watch, watch->conf->state_dir, &json, &size);
	if (rc == 0)
		rc = use_document(watch, json, size, &why);
	if (rc == 0)
		log_event(LOG_LEVEL_INFO, "catalog_copy_loaded", "version=%lld",
			(long long)watch->current->version);
	else if (rc != ERR_NOT_FOUND)
		log_event(LOG_LEVEL_WARNING, "catalog_copy_ignored", "reason=%s detail=%s",
			err_text(rc), log_quote_reason(why));
	talloc_free(json);
	talloc_free(why);
}

static void take_document(struct catalog_watch *watch, const char *json)
{
	char *why = NULL;
	size_t size = json ? strlen(json) : 0;
	int rc = json ? use_document(watch, json, size, &why) : ERR_SYNTAX;
	if (rc != 0) {
		metric_add(METRIC_catalog_failures, 1);
		log_event(LOG_LEVEL_ERROR, "catalog_refused", "reason=%s detail=%s", err_text(rc),
			log_quote_reason(why));
		talloc_free(why);
		return;
	}
	metric_add(METRIC_catalog_loads, 1);
	if (watch->worker == 0 && catalog_copy_write(watch->conf->state_dir, json, size) != 0)
		log_event(LOG_LEVEL_ERROR, "catalog_copy_not_written", "directory=%s reason=%s",
			log_quote_text(watch->conf->state_dir), strerror(errno));
}

/* The connection ------------------------------------------------------------------------------ */

static void ask(struct catalog_watch *watch, const struct pg_statement *statement)
{
	if (statement == &read_catalog) {
		watch->must_reload = false;
		watch->reloaded_ns = clock_mono_ns();
	}
	watch->asked = statement;
	struct pg_batch *none = pg_batch_new(watch, statement);
	pgconn_execute(watch->conn, statement, none, NULL);
	talloc_free(none);
	pgconn_flush(watch->conn);
}

/* Decides what comes next while the connection is up and nothing is open. */
static void go_on(struct catalog_watch *watch)
{
	int64_t now_ns = clock_mono_ns();
	int64_t poll_ns = watch->conf->catalog_poll_s * NS_PER_S;
	if (!watch->must_reload)
		timer_set(watch->timers, &watch->timer, now_ns + poll_ns);
	else if (now_ns - watch->reloaded_ns >= RELOAD_GAP_NS)
		ask(watch, &read_catalog);
	else
		timer_set(watch->timers, &watch->timer, watch->reloaded_ns + RELOAD_GAP_NS);
}

static void back_off(struct catalog_watch *watch, const char *why)
{
	static struct log_limit limit;
	watch->state = WATCH_BACKING_OFF;
	watch->asked = NULL;
	timer_set(watch->timers, &watch->timer, clock_mono_ns() + backoff_next_ns(&watch->backoff));
	log_event_limited(&limit, LOG_LEVEL_ERROR, "database_away", "lane=catalog reason=%s",
		log_quote_reason(why));
}

static void on_timer(void *owner)
{
	struct catalog_watch *watch = owner;
	if (watch->state == WATCH_BACKING_OFF) {
		watch->state = WATCH_CONNECTING;
		pgconn_open(watch->conn);
	} else if (watch->state == WATCH_UP && !watch->asked) {
		ask(watch, watch->must_reload ? &read_catalog : &read_version);
	}
}

/* Whatever was notified while we were away is lost: reload. */
static void on_up(void *owner)
{
	struct catalog_watch *watch = owner;
	watch->state = WATCH_UP;
	timer_cancel(watch->timers, &watch->timer);
	ask(watch, &read_catalog);
}

static void on_down(void *owner, const char *why)
{
	back_off(owner, why);
}

static void on_notified(void *owner, const char *channel)
{
	(void)channel; /* there is only one */
	struct catalog_watch *watch = owner;
	watch->must_reload = true;
	if (!watch->asked)
		go_on(watch);
}

static void take_version(struct catalog_watch *watch, const struct pg_rows *rows)
{
	/* Also a lower one: the database may have been restored. */
	int64_t version;
	if (!watch->current || pg_rows_count(rows) != 1 || !pg_read_int(rows, 0, 0, &version) ||
		version != watch->current->version)
		watch->must_reload = true;
}

static void on_result(void *owner, void *tag, const struct pg_result *result)
{
	(void)tag;
	struct catalog_watch *watch = owner;
	const struct pg_statement *asked = watch->asked;
	watch->asked = NULL;
	if (result->outcome == PG_LOST)
		return; /* on_down follows */
	if (result->outcome != PG_DONE) {
		metric_add(METRIC_catalog_failures, asked == &read_catalog);
		pgconn_close(watch->conn);
		back_off(watch, result->message);
		return;
	}
	backoff_reset(&watch->backoff);
	if (asked == &read_catalog)
		take_document(watch,
			pg_rows_count(result->rows) == 1 ? pg_read_text(result->rows, 0, 0) : NULL);
	else
		take_version(watch, result->rows);
	go_on(watch);
}

static int watch_destroy(struct catalog_watch *watch)
{
	timer_cancel(watch->timers, &watch->timer);
	if (watch->current)
		catalog_release(watch->current);
	return 0;
}

struct catalog_watch *catalog_watch_new(TALLOC_CTX *ctx, struct event_base *base,
	struct timer_queue *timers, const struct conf *conf, unsigned worker,
	void (*changed)(void *owner, struct catalog *catalog), void *owner)
{
	static const struct pg_events events = {
		.up = on_up, .down = on_down, .result = on_result, .notified = on_notified};
	const struct pgconn_settings settings = {
		.conninfo = conf->database,
		.connect_timeout_ms = conf->connect_timeout_ms,
		.statement_timeout_ms = conf->statement_timeout_ms,
		.lock_timeout_ms = conf->lock_timeout_ms,
		.listen_channel = CHANNEL,
		.statements = statements,
	};
	struct catalog_watch *watch = mem_must(talloc_zero(ctx, struct catalog_watch));
	watch->conf = conf;
	watch->timers = timers;
	watch->worker = worker;
	watch->changed = changed;
	watch->owner = owner;
	watch->backoff = (struct backoff){
		.min_ms = conf->reconnect_min_ms, .max_ms = conf->reconnect_max_ms};
	timer_init(&watch->timer, on_timer, watch);
	talloc_set_destructor(watch, watch_destroy);
	load_copy(watch);
	watch->conn = pgconn_new(watch, base, &settings, &events, watch);
	watch->state = WATCH_CONNECTING;
	pgconn_open(watch->conn);
	return watch;
}
