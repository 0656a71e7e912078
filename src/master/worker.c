/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "db/lane.h"
#include "master/handover.h"
#include "path/path.h"
#include "path/service.h"
#include "radius/dictionary.h"
#include "radius/digest.h"
#include "request/trace.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the last request's deadline, for answers on their way out. */
#define FINISH_GRACE_MS 2000

struct worker_process {
	unsigned index;
	const struct conf *conf;
	struct event_base *base;
	struct event *channel, *terminate, *due;
	int64_t armed_ns; /* what `due` is set to */
	struct timer_queue *timers;
	struct worker *worker;
	struct path *path;
	bool is_ready, is_stopping;
	struct timer give_up;
	bool has_given_up;
};

static void give_up(void *owner)
{
	struct worker_process *process = owner;
	process->has_given_up = true;
}

static void stop(struct worker_process *process)
{
	if (process->is_stopping)
		return;
	process->is_stopping = true;
	path_stop(process->path);
	int64_t patience_ms = (int64_t)process->conf->request_deadline_ms +
			      conf_longest_delay_ms(process->conf) + FINISH_GRACE_MS;
	timer_set(process->timers, &process->give_up, clock_mono_ns() + patience_ms * NS_PER_MS);
}

/* A line for popradctl trace. One message each, so that it arrives whole or not at all; what waits
 * there is bounded by the socket's buffer. */
static bool tell_traced(void *owner, uint32_t id, const char *line, size_t size)
{
	struct handover_trace head = {.message = HANDOVER_TRACED, .id = id};
	struct iovec parts[] = {
		{&head, offsetof(struct handover_trace, text)}, {(void *)(uintptr_t)line, size}};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	(void)owner;
	return sendmsg(HANDOVER_CHANNEL, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

static void take_message(
	struct worker_process *process, const struct handover_trace *message, size_t size)
{
	char target[HANDOVER_TEXT_MAX + 1] = "";
	if (message->message == HANDOVER_STOP)
		stop(process);
	if (size < offsetof(struct handover_trace, text))
		return;
	memcpy(target, message->text, size - offsetof(struct handover_trace, text));
	if (message->message == HANDOVER_WATCH)
		trace_watch(process->worker, message->id, target, tell_traced, process);
	if (message->message == HANDOVER_UNWATCH)
		trace_unwatch(process->worker, message->id);
}

/* The end of the channel, the master's death, says the same as the message to stop. */
static void read_channel(evutil_socket_t fd, short what, void *owner)
{
	(void)what;
	struct worker_process *process = owner;
	union {
		struct handover_trace head;
		char octets[sizeof(struct handover_trace) + HANDOVER_TEXT_MAX];
	} message;
	ssize_t size = recv(fd, &message, sizeof message, MSG_DONTWAIT);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		log_event(LOG_LEVEL_ERROR, "master_gone", "worker=%u", process->index);
		event_del(process->channel);
		stop(process);
	} else {
		take_message(process, &message.head, (size_t)size);
	}
}

static void take_terminate(evutil_socket_t number, short what, void *owner)
{
	(void)number;
	(void)what;
	stop(owner);
}

static void wake(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	struct worker_process *process = owner;
	process->armed_ns = TIMER_NEVER;
}

/* Lets libevent wake the loop when the next timer is due. */
static void arm(struct worker_process *process)
{
	int64_t due_ns = timer_next_due_ns(process->timers);
	if (due_ns == process->armed_ns)
		return;
	process->armed_ns = due_ns;
	if (due_ns == TIMER_NEVER) {
		event_del(process->due);
		return;
	}
	int64_t wait_ns = due_ns - clock_mono_ns();
	int64_t wait_us = wait_ns > 0 ? wait_ns / 1000 + 1 : 0;
	struct timeval wait = {.tv_sec = wait_us / US_PER_S, .tv_usec = wait_us % US_PER_S};
	event_add(process->due, &wait);
}

static void report_ready(struct worker_process *process)
{
	const char message = HANDOVER_READY;
	if (process->is_ready || process->worker->catalog == NULL ||
		!lane_is_up(process->worker->login_lane))
		return;
	process->is_ready = true;
	if (send(HANDOVER_CHANNEL, &message, 1, MSG_NOSIGNAL) != 1)
		log_event(LOG_LEVEL_WARNING, "ready_unreported", "why=%s",
			log_quote_text(strerror(errno)));
}

static void loop(struct worker_process *process)
{
	while (!process->has_given_up &&
		!(process->is_stopping && path_is_finished(process->path))) {
		arm(process);
		log_hold();
		if (event_base_loop(process->base, EVLOOP_ONCE) < 0) {
			log_event(LOG_LEVEL_ERROR, "loop_failed", "why=%s",
				log_quote_text(strerror(errno)));
			abort();
		}
		timer_run(process->timers, clock_mono_ns());
		report_ready(process);
		log_release();
	}
	if (process->has_given_up)
		log_event(LOG_LEVEL_WARNING, "unfinished", "requests=%zu",
			process->worker->open_count);
}

/* Descriptor numbers were agreed, not what is behind them: role and port come from the socket. */
static bool describe_socket(const struct conf *conf, int fd, struct path_socket *described)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof name;
	uint16_t port;
	if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
		return false;
	addr_from_sockaddr((struct sockaddr *)&name, &port);
	*described = (struct path_socket){
		.fd = fd,
		.role = port == conf->auth_port ? PORT_AUTH : PORT_ACCT,
		.port = port,
	};
	return port == conf->auth_port || port == conf->acct_port;
}

static struct path_socket *describe_sockets(TALLOC_CTX *ctx, const struct conf *conf, size_t count)
{
	struct path_socket *sockets = mem_must(talloc_zero_size(ctx, count * sizeof *sockets));
	for (size_t i = 0; i < count; i++)
		if (!describe_socket(conf, HANDOVER_SOCKETS + (int)i, &sockets[i]))
			return NULL;
	return sockets;
}

static struct event *watch(struct worker_process *process, evutil_socket_t what, short kind,
	event_callback_fn callback)
{
	struct event *event =
		mem_must(event_new(process->base, what, kind | EV_PERSIST, callback, process));
	if ((kind & (EV_READ | EV_SIGNAL)) != 0)
		event_add(event, NULL);
	return event;
}

static bool build(TALLOC_CTX *ctx, struct worker_process *process, size_t socket_count)
{
	const struct path_socket *sockets = describe_sockets(ctx, process->conf, socket_count);
	if (sockets == NULL) {
		log_event(LOG_LEVEL_ERROR, "handover_failed", "what=sockets");
		return false;
	}
	process->base = mem_must(event_base_new());
	process->timers = timer_queue_new(ctx);
	process->armed_ns = TIMER_NEVER;
	timer_init(&process->give_up, give_up, process);
	process->channel = watch(process, HANDOVER_CHANNEL, EV_READ, read_channel);
	process->terminate = watch(process, SIGTERM, EV_SIGNAL, take_terminate);
	process->due = watch(process, -1, 0, wake);
	process->worker =
		service_new(ctx, process->base, process->timers, process->conf, process->index);
	if (process->worker == NULL) {
		log_event(LOG_LEVEL_ERROR, "service_failed", "why=%s",
			log_quote_text(strerror(errno)));
		return false;
	}
	/* Every process walks a new pool in an order of its own. */
	uint64_t seed;
	random_octets(&seed, sizeof seed);
	freelist_use_order(process->worker->freelist, seed);
	process->path = path_new(ctx, process->base, process->worker, sockets, socket_count);
	if (process->path == NULL) {
		log_event(
			LOG_LEVEL_ERROR, "path_failed", "why=%s", log_quote_text(strerror(errno)));
		return false;
	}
	service_start(process->worker);
	return true;
}

static void tear_down(TALLOC_CTX *ctx, struct worker_process *process)
{
	timer_cancel_all(process->timers);
	talloc_free(process->path);
	talloc_free(process->worker);
	event_free(process->channel);
	event_free(process->terminate);
	event_free(process->due);
	event_base_free(process->base);
	talloc_free(ctx);
}

/* What a worker needs before it can serve; each failure is said. */
static int prepare(
	TALLOC_CTX *ctx, struct worker_process *process, const char *conf_path, bool is_foreground)
{
	char name[32], *why = NULL;
	struct conf *conf;
	if (conf_load_fd(ctx, HANDOVER_CONF, conf_path, stderr, &conf) != 0)
		return HANDOVER_EXIT_CONF;
	process->conf = conf;
	snprintf(name, sizeof name, "poprad[worker %u]", process->index);
	log_open(is_foreground ? LOG_TARGET_STDERR : conf->log_target, conf->log_level, name);
	struct metrics_page *page = metrics_page_attach(ctx, HANDOVER_METRICS, conf->workers);
	if (page == NULL || process->index >= conf->workers) {
		log_event(LOG_LEVEL_ERROR, "handover_failed", "what=metrics");
		return EXIT_FAILURE;
	}
	metrics_use_row(page, process->index);
	if (digest_init() != 0) {
		log_event(LOG_LEVEL_ERROR, "digest_failed",
			"why=\"the cryptographic library has no MD5 or MD4\"");
		return HANDOVER_EXIT_CONF;
	}
	if (dictionary_load(ctx, conf->dictionary_dir, &why) != 0) {
		log_event(LOG_LEVEL_ERROR, "dictionary_failed", "why=%s", log_quote_reason(why));
		return HANDOVER_EXIT_CONF;
	}
	return EXIT_SUCCESS;
}

int worker_run(unsigned index, size_t socket_count, const char *conf_path, bool is_foreground)
{
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	struct worker_process process = {.index = index};
	prctl(PR_SET_NAME, "poprad");
	/* Ctrl-C reaches the whole group; the master passes it on as a stop. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* the spool looks at what write returns */
	int code = prepare(ctx, &process, conf_path, is_foreground);
	if (code != EXIT_SUCCESS || !build(ctx, &process, socket_count)) {
		talloc_free(ctx);
		return code != EXIT_SUCCESS ? code : EXIT_FAILURE;
	}
	loop(&process);
	tear_down(ctx, &process);
	return EXIT_SUCCESS;
}
