/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The inside of a spool, shared by spool.c (adoption, removal, levels), spool_write.c and
 * spool_read.c. All of it is the event loop's, but for what a job in the disk thread points to. */
#include "spool/disk_thread.h"
#include "spool/segment_file.h"
#include "spool/spool.h"

/* A segment that this worker writes or delivers. */
struct spool_segment {
	TAILQ_ENTRY(spool_segment) entry;
	struct spool *spool;
	struct disk_job removal;
	struct segment_file file; /* the thread's while a group is written to it */
	uint64_t end;             /* of what is durable */
	uint64_t read_until;      /* what spool_next has been given or is being read */
	size_t undelivered;       /* of that */
	int err;                  /* of the removal */
};
TAILQ_HEAD(segment_list, spool_segment);
TAILQ_HEAD(group_list, spool_group);

/* Filled while the one before is written. */
struct spool_group {
	TAILQ_ENTRY(spool_group) entry; /* in spool->groups, until it is written */
	struct disk_job job;
	struct spool *spool;
	TAILQ_HEAD(, spool_item) items;
	size_t count;
	uint8_t *octets; /* records, as in a segment */
	size_t size, room;
	struct spool_segment *segment; /* where it goes */
	bool is_new_segment;
	int err, cause; /* errno */
	int64_t began_ns, took_ns;
};

struct spool_reading {
	struct disk_job job;
	struct spool *spool;
	struct spool_segment *segment; /* NULL = nothing is being read, nothing is left */
	uint64_t from, until;
	uint8_t *octets;
	size_t got;
	struct segment_piece *pieces; /* of kind SEGMENT_RECORD */
	size_t count, room;
	size_t taken; /* by spool_next */
	uint64_t reached;
	size_t corrupt, torn; /* pieces set aside */
	int err, cause;
	bool is_done;
};

struct spool_scan {
	struct disk_job job;
	struct spool *spool;
	bool is_under_way;
	struct segment_writer writer; /* folder -1: not open yet */
	struct segment_file *adopted;
	size_t adopted_count, adopted_max;
	size_t set_aside;  /* segments without a head that can be read */
	size_t unreadable; /* segments that cannot be opened */
	uint64_t octets;
	unsigned corrupt;
	int64_t oldest_us;
	int err, cause;
};

struct spool {
	struct spool_settings settings;
	void (*ready)(void *owner);
	void *owner;
	struct disk_thread *thread;
	struct segment_writer writer; /* folder -1: not open yet */
	uint64_t segment_max;         /* octets */
	struct segment_list segments; /* the oldest first */
	size_t segment_count;
	struct spool_segment *active; /* the one that is written to; NULL = none */
	struct group_list groups;     /* the first is being written if is_writing */
	bool is_writing;
	int64_t closed_until_ns;
	struct spool_reading reading;
	struct spool_scan scan;
	bool has_scanned;
	int64_t oldest_us; /* as of the last scan */
};

struct spool_segment *spool_segment_new(struct spool *spool);
/* Into the list, at its place. */
void spool_segment_enter(struct spool_segment *segment);
/* Removes it if all of it is delivered. */
void spool_segment_check(struct spool_segment *segment);

/* Begins to read what there is to read, unless something is being read or not taken yet. */
void spool_read_on(struct spool *spool);
void spool_read_init(struct spool *spool);
