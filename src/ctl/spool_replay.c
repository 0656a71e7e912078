/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl spool replay: a worker without sockets, that adopts what it finds, stores it and ends.
 */
#include "acct/replay.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "ctl/commands.h"
#include "ctl/server.h"
#include "path/service.h"
#include "spool/spool.h"
#include <event2/event.h>
#include <signal.h>

#define TURN_MS 20

/* Without a record that was stored: longer than a lane's first attempts to connect. */
#define PATIENCE_NS (15 * NS_PER_S)

struct replaying {
	struct event_base *base;
	struct timer_queue *timers;
	struct worker *worker;
	uint64_t stored;
	int64_t gives_up_ns;
	bool is_done;
};

static void take_turn(evutil_socket_t fd, short what, void *owner)
{
	struct replaying *replaying = owner;
	const struct worker *worker = replaying->worker;
	int64_t now_ns = clock_mono_ns();
	(void)fd, (void)what;
	timer_run(replaying->timers, now_ns);
	if (metric_get(METRIC_spool_replayed) > replaying->stored) {
		replaying->stored = metric_get(METRIC_spool_replayed);
		replaying->gives_up_ns = now_ns + PATIENCE_NS;
	}
	replaying->is_done = spool_delivered_until_us(worker->spool) == INT64_MAX;
	if (replaying->is_done || now_ns >= replaying->gives_up_ns)
		event_base_loopbreak(replaying->base);
}

static void run_worker(struct replaying *replaying)
{
	const struct timeval turn = {.tv_usec = TURN_MS * 1000};
	struct event *event =
		mem_must(event_new(replaying->base, -1, EV_PERSIST, take_turn, replaying));
	replaying->gives_up_ns = clock_mono_ns() + PATIENCE_NS;
	event_add(event, &turn);
	lane_start(replaying->worker->accounting_lane);
	event_base_dispatch(replaying->base);
	event_free(event);
}

static int report(struct call *call, const struct replaying *replaying)
{
	unsigned long long stored = metric_get(METRIC_spool_replayed);
	unsigned long long quarantined = metric_get(METRIC_accounting_quarantined);
	unsigned long long kept = metric_get(METRIC_spool_corrupt);
	fprintf(call->out, "%llu records are stored", stored);
	if (quarantined > 0)
		fprintf(call->out, ", %llu of them in quarantine", quarantined);
	if (kept > 0)
		fprintf(call->out, "; %llu damaged pieces are kept as *.corrupt", kept);
	fputc('\n', call->out);
	if (replaying->is_done)
		return CTL_OK;
	return call_fail(call, CTL_DATABASE, "%s; what is left stays in the spool",
		lane_is_up(replaying->worker->accounting_lane)
			? "the rest cannot be read, or somebody else has it"
			: "the database is away");
}

int spool_replay(struct call *call)
{
	struct replaying replaying = {0};
	int code = call_load_conf(call);
	if (code == CTL_OK)
		code = server_refuse_running(call, "the server runs, and replays by itself");
	if (code != CTL_OK)
		return code;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "popradctl");
	signal(SIGPIPE, SIG_IGN);
	call->conf->spool_limit_mib = 0; /* nothing is added */
	replaying.base = mem_must(event_base_new());
	replaying.timers = timer_queue_new(call->ctx);
	replaying.worker = service_new(call->ctx, replaying.base, replaying.timers, call->conf, 0);
	if (replaying.worker == NULL)
		return call_fail(call, CTL_REFUSED, "threads cannot be started");
	run_worker(&replaying);
	code = report(call, &replaying);
	timer_cancel_all(replaying.timers);
	talloc_free(replaying.worker);
	event_base_free(replaying.base);
	return code;
}
