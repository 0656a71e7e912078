/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* One worker as the master sees it: fork, exec, messages, death and the pause before the next
 * start. */
#include "master/handover.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <talloc.h>

/* First restart at once, then after 1 s, 2 s, 4 s ... up to this. A worker that has lived longer
 * than RESTART_FORGIVE_NS starts anew at the beginning. */
#define RESTART_PAUSE_MAX_NS (INT64_C(60) * 1000000000)
#define RESTART_FORGIVE_NS (INT64_C(60) * 1000000000)

struct event_base;

/*   waiting --start--> starting --HANDOVER_READY--> ready
 *      ^                  |                           |
 *      +------death-------+-------------death---------+      (after process_stop: to stopped) */
enum process_state { PROCESS_WAITING, PROCESS_STARTING, PROCESS_READY, PROCESS_STOPPED };
const char *process_state_name(enum process_state state);

/* What every worker of this master is started with. */
struct process_plan {
	int conf_fd, metrics_fd;
	const char *conf_path; /* for messages */
	bool is_foreground;
	size_t socket_count;
};

struct process;
struct process_events {
	void (*ready)(void *owner, struct process *process);
	/* HANDOVER_TRACED; the text lives until it returns */
	void (*traced)(void *owner, uint32_t id, const char *text, size_t size);
};

struct process *process_new(TALLOC_CTX *ctx, struct event_base *base,
	const struct process_plan *plan, unsigned index, const int *sockets,
	const struct process_events *events, void *owner);

void process_start(struct process *process);

/* It has died (what waitpid said). Starts it anew, at once or after the pause, unless it was told
 * to stop. */
void process_died(struct process *process, int status);

/* Sends it HANDOVER_WATCH or _UNWATCH; text is at most HANDOVER_TEXT_MAX octets. False if it does
 * not run, or does not listen. */
bool process_tell(
	struct process *process, enum handover_message message, uint32_t id, const char *text);

/* Asks it to finish what is open and to exit. */
void process_stop(struct process *process);
void process_kill(struct process *process);

unsigned process_index(const struct process *process);
pid_t process_pid(const struct process *process); /* 0 = not running */
unsigned process_restarts(const struct process *process);
enum process_state process_state(const struct process *process);

/* The pause before a restart, after `failures` deaths of which none came late. */
int64_t process_pause_ns(unsigned failures);
