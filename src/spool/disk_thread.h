/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* One thread that waits for the disk, so that the event loop does not. Jobs are carried out one at
 * a time; the loop hears of each when it collects. A job belongs to the thread from post to done.
 * Its work touches neither talloc, the log nor metrics, and nothing that the loop touches
 * meanwhile. */
#include <stdbool.h>
#include <sys/queue.h>
#include <talloc.h>

struct disk_job {
	TAILQ_ENTRY(disk_job) entry;
	void (*work)(struct disk_job *job); /* in the thread */
	void (*done)(struct disk_job *job); /* in the loop; the job is the owner's again */
};

struct disk_thread;
/* NULL: the thread cannot be started (errno). When it is freed, it finishes the job that it is at;
 * of that and of those that wait no done follows. */
struct disk_thread *disk_thread_new(TALLOC_CTX *ctx);
/* Readable while there is something to collect. */
int disk_thread_fd(const struct disk_thread *thread);
/* Urgent jobs come before others. */
void disk_thread_post(struct disk_thread *thread, struct disk_job *job, bool is_urgent);
/* Calls done of each finished job. */
void disk_thread_collect(struct disk_thread *thread);
