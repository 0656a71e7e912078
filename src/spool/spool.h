/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A worker's spool: what must not be lost while the database cannot take it. It knows records as
 * octets only; src/acct gives them their meaning.
 *
 *	spool_add ---> group ---write, fdatasync---> segment ---spool_next---> the owner delivers
 *	                 one at a time; what comes      |                          |
 *	                 meanwhile is the next          |<----spool_delivered------+
 *	                                                v
 *	                                            removed when all of it is delivered
 *
 * Segments of workers that died, or of an earlier start, are adopted: any worker takes what nobody
 * has locked. A record may be delivered again after a crash, but is never lost once it was told
 * SPOOL_STORED. The thread of disk_thread.h does all that waits for the disk. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <talloc.h>

struct spool;
struct spool_segment;
struct spool_group;

struct spool_settings {
	const char *directory, *node; /* borrowed */
	unsigned worker, workers;
	uint64_t limit; /* octets that all workers' files may take up; 0: nothing is added */
};

/* ready is called when spool_next may have something again. NULL: no thread can be started
 * (errno). A folder that cannot be opened is logged, and tried again. */
struct spool *spool_new(TALLOC_CTX *ctx, const struct spool_settings *settings,
	void (*ready)(void *owner), void *owner);
/* Readable while there is something to collect. */
int spool_fd(const struct spool *spool);
void spool_collect(struct spool *spool);
/* To be called once a second: looks for segments to adopt, and shows its levels as metrics. */
void spool_look(struct spool *spool);

/* Writing ---------------------------------------------------------------------------------- */

enum spool_outcome {
	SPOOL_STORED, /* it is on the disk */
	SPOOL_FULL,   /* no room: limit, or the disk */
	SPOOL_FAILED, /* the disk failed */
};

/* Embedded in what waits for the disk, zeroed before its first use. */
struct spool_item {
	TAILQ_ENTRY(spool_item) entry;
	struct spool_group *group; /* NULL = it does not wait */
	void (*done)(struct spool_item *item, enum spool_outcome outcome);
};

/* May something be added? Not for a second after the disk has refused. */
bool spool_is_open(const struct spool *spool);
/* done follows, never from inside the call. At most SPOOL_RECORD_MAX octets, which are copied. */
#define SPOOL_RECORD_MAX 65536
void spool_add(struct spool *spool, struct spool_item *item, const uint8_t *octets, size_t size);
/* The owner goes away: no done follows; what was added may be delivered all the same. */
void spool_forget(struct spool_item *item);

/* Delivery --------------------------------------------------------------------------------- */

struct spool_record {
	struct spool_segment *segment;
	uint64_t offset;       /* in the segment */
	const uint8_t *octets; /* until the next call of spool_next */
	size_t size;
};

/* The next record, in the order in which they were written; false: ready will be called. */
bool spool_next(struct spool *spool, struct spool_record *record);
/* A record of that segment is where it belongs. */
void spool_delivered(struct spool_segment *segment);
/* A record that nobody can read or store: it is kept in a file beside, then counts as delivered.
 * octets need not be those of spool_next, but must be the same. */
void spool_set_aside(struct spool *spool, const struct spool_record *record);

/* Everything that arrived before that moment (wall clock) has been delivered, by all workers of
 * this machine. INT64_MAX: the spool is empty. 0: it is not known yet. */
int64_t spool_delivered_until_us(const struct spool *spool);
/* No worker of this machine has anything to deliver. Others' segments are known at once by the
 * metrics that they set, and those of dead workers within a second. */
bool spool_is_empty(const struct spool *spool);
