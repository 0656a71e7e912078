/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/master.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "master/control.h"
#include "master/daemon.h"
#include "master/privileges.h"
#include "master/process.h"
#include "master/sockets.h"
#include "master/status.h"
#include "master/tracing.h"
#include <config.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_GRACE_S 5 /* beyond the oldest request's deadline; then workers are killed */

static const struct timeval every_second = {.tv_sec = 1};
static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
#define SIGNAL_COUNT (sizeof signals / sizeof *signals)

struct master {
	struct conf *conf;
	struct event_base *base;
	struct event *signal_events[SIGNAL_COUNT];
	struct event *stop_timer, *sample_timer;
	struct metrics_page *page;
	struct recent_samples *samples;
	int metrics_fd, conf_fd;
	struct sockets *sockets;
	struct pid_file *pid_file;
	struct control *control;
	struct tracing *tracing;
	struct process_plan plan;
	struct process **processes;
	int64_t started_ns;
	bool is_ready; /* all workers have been, at the same time */
	bool is_stopping, was_interrupted;
	int exit_code;
};

/* --- workers ------------------------------------------------------------------------------ */

static bool all_in_state(const struct master *master, enum process_state state)
{
	for (unsigned i = 0; i < master->conf->workers; i++)
		if (process_state(master->processes[i]) != state)
			return false;
	return true;
}

static void worker_is_ready(void *owner, struct process *process)
{
	struct master *master = owner;
	log_event(LOG_LEVEL_INFO, "worker_ready", "worker=%u pid=%d", process_index(process),
		(int)process_pid(process));
	tracing_worker_ready(master->tracing, process);
	if (!all_in_state(master, PROCESS_READY))
		return;
	master->is_ready = true;
	log_event(LOG_LEVEL_INFO, "ready", "workers=%u auth_port=%u acct_port=%u",
		master->conf->workers, master->conf->auth_port, master->conf->acct_port);
}

static void worker_has_traced(void *owner, uint32_t id, const char *text, size_t size)
{
	const struct master *master = owner;
	tracing_take(master->tracing, id, text, size);
}

static const struct process_events process_events = {
	.ready = worker_is_ready, .traced = worker_has_traced};

static void kill_workers(struct master *master, const char *why)
{
	log_event(LOG_LEVEL_ERROR, "stop_forced", "why=%s", log_quote_text(why));
	for (unsigned i = 0; i < master->conf->workers; i++)
		process_kill(master->processes[i]);
}

static void stop_took_too_long(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	kill_workers(owner, "workers did not finish in time");
}

static void stop(struct master *master, int exit_code)
{
	if (master->is_stopping)
		return;
	master->is_stopping = true;
	master->exit_code = exit_code;
	unsigned patience_ms =
		master->conf->request_deadline_ms + conf_longest_delay_ms(master->conf);
	struct timeval patience = {.tv_sec = patience_ms / 1000 + 1 + 2 * STOP_GRACE_S};
	event_add(master->stop_timer, &patience);
	for (unsigned i = 0; i < master->conf->workers; i++)
		process_stop(master->processes[i]);
	if (all_in_state(master, PROCESS_STOPPED))
		event_base_loopbreak(master->base);
}

static struct process *find_process(const struct master *master, pid_t pid)
{
	for (unsigned i = 0; i < master->conf->workers; i++)
		if (process_pid(master->processes[i]) == pid)
			return master->processes[i];
	return NULL;
}

static void bury(struct master *master, struct process *process, int status)
{
	bool is_hopeless =
		!master->is_ready && WIFEXITED(status) && WEXITSTATUS(status) == HANDOVER_EXIT_CONF;
	metrics_page_clear_gauges(master->page, process_index(process));
	process_died(process, status);
	/* A start that has never worked is not repeated: the operator is watching, and has the
	 * reason on the screen. Later the others go on serving. */
	if (is_hopeless)
		stop(master, EXIT_FAILURE);
}

static void reap(struct master *master)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *process = find_process(master, pid);
		if (process != NULL)
			bury(master, process, status);
	}
	if (master->is_stopping && all_in_state(master, PROCESS_STOPPED))
		event_base_loopbreak(master->base);
}

static void take_signal(evutil_socket_t number, short what, void *owner)
{
	(void)what;
	struct master *master = owner;
	if (number == SIGCHLD) {
		reap(master);
	} else if (number == SIGHUP) {
		log_event(LOG_LEVEL_WARNING, "signal_ignored",
			"signal=HUP hint=\"a changed configuration needs a restart; the catalog is "
			"reloaded by itself\"");
	} else if (!master->is_stopping) {
		log_event(LOG_LEVEL_INFO, "stopping", "signal=%s",
			number == SIGTERM ? "TERM" : "INT");
		stop(master, EXIT_SUCCESS);
	} else if (number == SIGINT && master->was_interrupted) {
		kill_workers(master, "interrupted again");
	}
	/* Only Ctrl-C twice is impatience: a script often sends SIGTERM after the terminal's
	 * SIGINT. */
	master->was_interrupted = master->was_interrupted || number == SIGINT;
}

/* --- control ------------------------------------------------------------------------------ */

static json_t *answer(void *owner, struct control_client *client, const json_t *request)
{
	struct master *master = owner;
	const char *command = json_string_value(json_object_get(request, "command"));
	if (command != NULL && strcmp(command, "trace") == 0)
		return tracing_begin(master->tracing, client, request);
	if (command == NULL || strcmp(command, "status") != 0)
		return json_pack("{s:s}", "error", "unknown command; there are: status, trace");
	const struct status status = {
		.state = master->is_stopping                   ? "stopping"
			 : all_in_state(master, PROCESS_READY) ? "ready"
							       : "starting",
		.uptime_s = (clock_mono_ns() - master->started_ns) / NS_PER_S,
		.page = master->page,
		.samples = master->samples,
		.batch_max = master->conf->batch_max,
		.processes = master->processes,
		.count = master->conf->workers,
	};
	return status_json(&status);
}

static void take_sample(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	struct master *master = owner;
	recent_sample(master->samples, clock_mono_ns());
	tracing_tick(master->tracing);
}

/* --- start and end ------------------------------------------------------------------------ */

/* Each worker has sockets of its own, and the master holds them all. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_event(LOG_LEVEL_WARNING, "descriptor_limit", "why=%s",
			log_quote_text(strerror(errno)));
}

/* What needs root's rights, and the last that an operator at a terminal has to see. */
static int open_up(struct master *master, const char *conf_path, bool is_foreground)
{
	int code = conf_open_copy(conf_path, stderr, &master->conf_fd);
	if (code == 0)
		code = conf_load_fd(master, master->conf_fd, conf_path, stderr, &master->conf);
	if (code != 0)
		return code;
	const struct conf *conf = master->conf;
	log_open(LOG_TARGET_STDERR, conf->log_level, "poprad[master]");
	raise_descriptor_limit();
	code = sockets_open(master, conf, &master->sockets);
	if (code == 0 && !is_foreground)
		code = daemon_begin();
	if (code == 0)
		code = privileges_make_folder(conf->run_dir, 0755, conf->user);
	if (code == 0)
		code = privileges_make_folder(conf->state_dir, 0755, conf->user);
	if (code == 0 && conf->spool_limit_mib > 0)
		code = privileges_make_folder(conf->spool_directory, 0700, conf->user);
	if (code == 0)
		code = privileges_drop(conf->user);
	return code;
}

/* The rest, as the server's own user. */
static int set_up(struct master *master)
{
	const struct conf *conf = master->conf;
	int code = pid_file_create(master, conf->run_dir, &master->pid_file);
	if (code != 0)
		return code;
	master->base = mem_must(event_base_new());
	master->page = metrics_page_new(master, conf->workers, &master->metrics_fd);
	if (master->page == NULL) {
		log_event(LOG_LEVEL_ERROR, "metrics_failed", "why=%s",
			log_quote_text(strerror(errno)));
		return ERR_SYSTEM;
	}
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		master->signal_events[i] =
			mem_must(evsignal_new(master->base, signals[i], take_signal, master));
		event_add(master->signal_events[i], NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	master->stop_timer = mem_must(evtimer_new(master->base, stop_took_too_long, master));
	master->samples = recent_new(master, master->page, conf->workers);
	master->sample_timer =
		mem_must(event_new(master->base, -1, EV_PERSIST, take_sample, master));
	event_add(master->sample_timer, &every_second);
	recent_sample(master->samples, clock_mono_ns());
	master->tracing = tracing_new(
		master, (struct process *const *const *)&master->processes, conf->workers);
	return control_new(master, master->base, conf->run_dir, answer, master, &master->control);
}

static void start_workers(struct master *master, const char *conf_path, bool is_foreground)
{
	unsigned count = master->conf->workers;
	master->plan = (struct process_plan){
		.conf_fd = master->conf_fd,
		.metrics_fd = master->metrics_fd,
		.conf_path = conf_path,
		.is_foreground = is_foreground,
		.socket_count = master->sockets->per_worker,
	};
	master->processes = mem_must(talloc_zero_array(master, struct process *, count));
	for (unsigned i = 0; i < count; i++)
		master->processes[i] = process_new(master, master->base, &master->plan, i,
			master->sockets->fds + i * master->sockets->per_worker, &process_events,
			master);
	for (unsigned i = 0; i < count; i++)
		process_start(master->processes[i]);
}

/* Events before the event base, and what the destructors need before them. */
static void release(struct master *master)
{
	/* Whoever follows goes first, for the workers are told. */
	talloc_free(master->control);
	for (unsigned i = 0; master->processes != NULL && i < master->conf->workers; i++)
		talloc_free(master->processes[i]);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		if (master->signal_events[i] != NULL)
			event_free(master->signal_events[i]);
	if (master->stop_timer != NULL)
		event_free(master->stop_timer);
	if (master->sample_timer != NULL)
		event_free(master->sample_timer);
	if (master->base != NULL)
		event_base_free(master->base);
	if (master->metrics_fd >= 0)
		close(master->metrics_fd);
	if (master->conf_fd >= 0)
		close(master->conf_fd);
	talloc_free(master);
}

int master_run(const char *conf_path, bool is_foreground)
{
	struct master *master = mem_must(talloc_zero(NULL, struct master));
	master->conf_fd = master->metrics_fd = -1;
	master->started_ns = clock_mono_ns();
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "poprad[master]");
	if (open_up(master, conf_path, is_foreground) != 0 || set_up(master) != 0) {
		release(master);
		return EXIT_FAILURE;
	}
	const struct conf *conf = master->conf;
	log_event(LOG_LEVEL_INFO, "started", "version=%s workers=%u auth_port=%u acct_port=%u",
		PACKAGE_VERSION, conf->workers, conf->auth_port, conf->acct_port);
	start_workers(master, conf_path, is_foreground);
	if (!is_foreground) {
		daemon_report_started(conf->log_target == LOG_TARGET_STDERR);
		log_open(conf->log_target, conf->log_level, "poprad[master]");
	}
	event_base_dispatch(master->base);
	log_event(LOG_LEVEL_INFO, "stopped", "exit=%d", master->exit_code);
	int exit_code = master->exit_code;
	release(master);
	return exit_code;
}
