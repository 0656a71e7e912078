/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/process.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
	const struct process_plan *plan;
	const int *sockets;
	unsigned index;
	enum process_state state;
	pid_t pid;   /* 0 = not running */
	int channel; /* -1 = not running */
	unsigned restarts, failures;
	bool is_stopping;
	int64_t started_ns;
	struct event_base *base;
	struct event *readable, *pause;
	const struct process_events *events;
	void *owner;
};

const char *process_state_name(enum process_state state)
{
	static const char *const names[] = {"waiting", "starting", "ready", "stopped"};
	return names[state];
}

static void close_channel(struct process *process)
{
	if (process->readable != NULL)
		event_free(process->readable);
	if (process->channel >= 0)
		close(process->channel);
	process->readable = NULL;
	process->channel = -1;
}

static int release(struct process *process)
{
	close_channel(process);
	event_free(process->pause);
	return 0;
}

static void pause_is_over(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	process_start(owner);
}

struct process *process_new(TALLOC_CTX *ctx, struct event_base *base,
	const struct process_plan *plan, unsigned index, const int *sockets,
	const struct process_events *events, void *owner)
{
	struct process *process = mem_must(talloc_zero(ctx, struct process));
	process->plan = plan;
	process->sockets = sockets;
	process->index = index;
	process->channel = -1;
	process->base = base;
	process->pause = mem_must(evtimer_new(base, pause_is_over, process));
	process->events = events;
	process->owner = owner;
	talloc_set_destructor(process, release);
	return process;
}

static void read_channel(evutil_socket_t fd, short what, void *owner)
{
	(void)what;
	struct process *process = owner;
	/* Static for its size; it is used up before this returns. */
	static union {
		struct handover_trace traced;
		char octets[HANDOVER_MESSAGE_MAX];
	} message;
	ssize_t size = recv(fd, &message, sizeof message, MSG_DONTWAIT);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		/* It is dying; waitpid tells the rest. */
		event_del(process->readable);
	} else if (message.octets[0] == HANDOVER_READY && process->state == PROCESS_STARTING) {
		process->state = PROCESS_READY;
		process->events->ready(process->owner, process);
	} else if (message.octets[0] == HANDOVER_TRACED &&
		   (size_t)size >= sizeof(struct handover_trace)) {
		process->events->traced(process->owner, message.traced.id,
			message.octets + offsetof(struct handover_trace, text),
			(size_t)size - offsetof(struct handover_trace, text));
	}
}

/* Between fork and exec: only what a signal handler may do. */
static _Noreturn void become_worker(
	const int *fds, int *lifted, int count, const sigset_t *mask, char *const arguments[])
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	/* First out of the way of the agreed numbers, then to them. */
	for (int i = 0; i < count; i++) {
		lifted[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HANDOVER_CONF + count);
		if (lifted[i] < 0)
			_exit(EX_OSERR);
	}
	for (int i = 0; i < count; i++)
		if (dup2(lifted[i], HANDOVER_CONF + i) < 0)
			_exit(EX_OSERR);
	for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
		sigaction(handled[i], &by_default, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	/* The file that is running, also when its path has become another program or is out of the
	 * unprivileged user's reach. */
	execv("/proc/self/exe", arguments);
	_exit(EX_OSERR);
}

static pid_t launch(const struct process *process, int channel)
{
	const struct process_plan *plan = process->plan;
	char index[16], count[16];
	snprintf(index, sizeof index, "%u", process->index);
	snprintf(count, sizeof count, "%zu", plan->socket_count);
	char *arguments[] = {"poprad", "--worker", index, "--sockets", count, "-c",
		(char *)(uintptr_t)plan->conf_path, plan->is_foreground ? "-f" : NULL, NULL};
	int fd_count = (int)plan->socket_count + HANDOVER_SOCKETS - HANDOVER_CONF;
	int *fds = mem_must(talloc_array(process, int, (unsigned)fd_count * 2));
	fds[0] = plan->conf_fd;
	fds[HANDOVER_METRICS - HANDOVER_CONF] = plan->metrics_fd;
	fds[HANDOVER_CHANNEL - HANDOVER_CONF] = channel;
	memcpy(fds + HANDOVER_SOCKETS - HANDOVER_CONF, process->sockets,
		plan->socket_count * sizeof *fds);

	/* No signal handler of the master's may run in the child, on descriptors they share. */
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		become_worker(fds, fds + fd_count, fd_count, &before, arguments);
	int saved_errno = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	talloc_free(fds);
	errno = saved_errno;
	return pid;
}

int64_t process_pause_ns(unsigned failures)
{
	if (failures == 0)
		return 0;
	if (failures > 7)
		return RESTART_PAUSE_MAX_NS;
	int64_t pause_ns = NS_PER_S << (failures - 1);
	return pause_ns < RESTART_PAUSE_MAX_NS ? pause_ns : RESTART_PAUSE_MAX_NS;
}

static void schedule(struct process *process)
{
	int64_t pause_ns = process_pause_ns(process->failures);
	struct timeval pause = {.tv_sec = pause_ns / NS_PER_S};
	process->failures++;
	process->state = PROCESS_WAITING;
	event_add(process->pause, &pause);
}

void process_start(struct process *process)
{
	int ends[2] = {-1, -1};
	pid_t pid = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
		pid = launch(process, ends[1]);
		close(ends[1]);
	}
	if (pid < 0) {
		log_event(LOG_LEVEL_ERROR, "worker_start_failed", "worker=%u why=%s",
			process->index, log_quote_text(strerror(errno)));
		if (ends[0] >= 0)
			close(ends[0]);
		schedule(process);
		return;
	}
	process->pid = pid;
	process->channel = ends[0];
	process->state = PROCESS_STARTING;
	process->started_ns = clock_mono_ns();
	process->readable = mem_must(
		event_new(process->base, ends[0], EV_READ | EV_PERSIST, read_channel, process));
	event_add(process->readable, NULL);
	log_event(LOG_LEVEL_INFO, "worker_started", "worker=%u pid=%d", process->index, (int)pid);
}

static void log_death(const struct process *process, int status)
{
	int64_t lived_ms = (clock_mono_ns() - process->started_ns) / NS_PER_MS;
	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_ERROR, "worker_died",
			"worker=%u pid=%d signal=%d lived_ms=%" PRId64, process->index,
			(int)process->pid, WTERMSIG(status), lived_ms);
	else
		log_event(process->is_stopping && WEXITSTATUS(status) == 0 ? LOG_LEVEL_INFO
									   : LOG_LEVEL_ERROR,
			"worker_ended", "worker=%u pid=%d exit=%d lived_ms=%" PRId64,
			process->index, (int)process->pid, WEXITSTATUS(status), lived_ms);
}

void process_died(struct process *process, int status)
{
	log_death(process, status);
	close_channel(process);
	process->pid = 0;
	if (process->is_stopping) {
		process->state = PROCESS_STOPPED;
		return;
	}
	if (clock_mono_ns() - process->started_ns > RESTART_FORGIVE_NS)
		process->failures = 0;
	process->restarts++;
	schedule(process);
}

bool process_tell(
	struct process *process, enum handover_message message, uint32_t id, const char *text)
{
	union {
		struct handover_trace trace;
		char octets[sizeof(struct handover_trace) + HANDOVER_TEXT_MAX];
	} sent = {.trace = {.message = (char)message, .id = id}};
	size_t size = strnlen(text, HANDOVER_TEXT_MAX);
	if (process->channel < 0)
		return false;
	memcpy(sent.octets + offsetof(struct handover_trace, text), text, size);
	size += offsetof(struct handover_trace, text);
	return send(process->channel, sent.octets, size, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)size;
}

void process_stop(struct process *process)
{
	const char message = HANDOVER_STOP;
	process->is_stopping = true;
	event_del(process->pause);
	if (process->pid == 0)
		process->state = PROCESS_STOPPED;
	else if (send(process->channel, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		close_channel(process); /* which says the same */
}

void process_kill(struct process *process)
{
	if (process->pid > 0)
		kill(process->pid, SIGKILL);
}

unsigned process_index(const struct process *process)
{
	return process->index;
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

unsigned process_restarts(const struct process *process)
{
	return process->restarts;
}

enum process_state process_state(const struct process *process)
{
	return process->state;
}
