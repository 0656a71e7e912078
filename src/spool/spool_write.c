/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Groups: while one is written and synced, what comes is the next one. So a lone record leaves at
 * once, and a busy worker shares each sync among hundreds, without any timer. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "spool/spool_folder.h"
#include "spool/spool_private.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(SPOOL_RECORD_MAX <= SEGMENT_RECORD_MAX, "a segment can be read whose records fit");

/* A group that is longer than this is followed by another: its records would wait for all of it. */
#define GROUP_MAX (512u << 10)

/* Whoever knocks at a full disk for every packet does nothing else any more. */
#define CLOSED_NS NS_PER_S

/* In the thread --------------------------------------------------------------------------- */

/* A new segment must have room for itself and for what all workers' segments may still grow. */
static int check_room(const struct spool *spool)
{
	struct spool_listing listing;
	int err = spool_folder_list(spool->writer.folder, &listing);
	uint64_t reserve = spool->settings.workers * spool->segment_max;
	if (err == 0 && listing.octets + reserve > spool->settings.limit) {
		err = ERR_FULL;
		errno = ENOSPC;
	}
	spool_listing_free(&listing);
	return err;
}

static void write_group(struct disk_job *job)
{
	struct spool_group *group =
		(struct spool_group *)((char *)job - offsetof(struct spool_group, job));
	const struct spool *spool = group->spool;
	struct segment_file *file = &group->segment->file;
	group->err = 0;
	if (group->is_new_segment) {
		group->err = check_room(spool);
		if (group->err == 0)
			group->err = segment_file_create(&spool->writer, clock_wall_us(), file);
		group->is_new_segment = group->err != 0;
	}
	if (group->err == 0)
		group->err = segment_file_add(file, group->octets, group->size);
	group->cause = errno;
	group->took_ns = clock_mono_ns() - group->began_ns;
}

/* In the loop ------------------------------------------------------------------------------ */

static void group_written(struct disk_job *job);

static struct spool_group *group_new(struct spool *spool)
{
	struct spool_group *group = mem_must(talloc_zero(spool, struct spool_group));
	group->job = (struct disk_job){.work = write_group, .done = group_written};
	group->spool = spool;
	TAILQ_INIT(&group->items);
	TAILQ_INSERT_TAIL(&spool->groups, group, entry);
	return group;
}

static void write_first(struct spool *spool)
{
	struct spool_group *group = TAILQ_FIRST(&spool->groups);
	if (spool->is_writing || group == NULL)
		return;
	spool->is_writing = true;
	struct spool_segment *active = spool->active;
	if (active != NULL && active->end + group->size > spool->segment_max) {
		spool->active = NULL;
		spool_segment_check(active);
	}
	group->is_new_segment = spool->active == NULL;
	group->segment = group->is_new_segment ? spool_segment_new(spool) : spool->active;
	group->began_ns = clock_mono_ns();
	disk_thread_post(spool->thread, &group->job, true);
}

static enum spool_outcome outcome_of(const struct spool_group *group)
{
	if (group->err == 0)
		return SPOOL_STORED;
	return group->err == ERR_FULL ? SPOOL_FULL : SPOOL_FAILED;
}

/* What the segment is from here on. */
static void settle_segment(struct spool *spool, const struct spool_group *group)
{
	struct spool_segment *segment = group->segment;
	if (group->is_new_segment) {
		talloc_free(segment); /* it could not be made */
		return;
	}
	segment->end = segment->file.end;
	if (spool->active != segment) {
		spool->active = segment;
		segment->read_until = SEGMENT_HEAD_SIZE;
		spool_segment_enter(segment);
	}
	/* What of it is on the disk is unknown: no record that is answered comes behind it. Nor is
	 * an empty one kept, of which each failure would leave another. */
	if (group->err == ERR_SYSTEM || segment->end == SEGMENT_HEAD_SIZE) {
		spool->active = NULL;
		spool_segment_check(segment);
	}
}

static void tell_refusal(struct spool *spool, const struct spool_group *group)
{
	static struct log_limit limit;
	metric_add(METRIC_spool_failures, 1);
	spool->closed_until_ns = clock_mono_ns() + CLOSED_NS;
	log_event_limited(&limit, LOG_LEVEL_ERROR,
		group->err == ERR_FULL ? "spool_full" : "spool_failed",
		"directory=%s records=%zu why=%s", log_quote_text(spool->settings.directory),
		group->count, log_quote_text(strerror(group->cause)));
}

static void group_written(struct disk_job *job)
{
	struct spool_group *group =
		(struct spool_group *)((char *)job - offsetof(struct spool_group, job));
	struct spool *spool = group->spool;
	struct spool_item *item;
	TAILQ_REMOVE(&spool->groups, group, entry);
	spool->is_writing = false;
	settle_segment(spool, group);
	if (group->err != 0)
		tell_refusal(spool, group);
	else
		metric_observe(DISTRIBUTION_spool_rows, group->count);
	metric_observe(DISTRIBUTION_spool_write_us, (uint64_t)group->took_ns / 1000);
	metric_set(METRIC_spool_refusing, group->err != 0);
	write_first(spool);
	while ((item = TAILQ_FIRST(&group->items)) != NULL) {
		spool_forget(item);
		item->done(item, outcome_of(group));
	}
	talloc_free(group);
	spool_read_on(spool);
}

bool spool_is_open(const struct spool *spool)
{
	return spool->writer.folder >= 0 && spool->settings.limit > 0 &&
	       clock_mono_ns() >= spool->closed_until_ns;
}

static uint64_t group_max(const struct spool *spool)
{
	uint64_t room = spool->segment_max - SEGMENT_HEAD_SIZE;
	return room < GROUP_MAX ? room : GROUP_MAX;
}

/* The group that the record goes into: the last one that is not being written and has room. */
static struct spool_group *find_group(struct spool *spool, size_t size)
{
	struct spool_group *last = TAILQ_LAST(&spool->groups, group_list);
	bool is_under_way = spool->is_writing && last == TAILQ_FIRST(&spool->groups);
	if (last == NULL || is_under_way || last->size + size > group_max(spool))
		last = group_new(spool);
	if (last->size + size > last->room) {
		last->room = 2 * (last->size + size);
		last->octets = mem_must(talloc_realloc_size(last, last->octets, last->room));
	}
	return last;
}

void spool_add(struct spool *spool, struct spool_item *item, const uint8_t *octets, size_t size)
{
	assert(size <= SPOOL_RECORD_MAX && item->group == NULL);
	struct spool_group *group = find_group(spool, SEGMENT_RECORD_HEAD + size);
	segment_begin_record(group->octets + group->size, size);
	memcpy(group->octets + group->size + SEGMENT_RECORD_HEAD, octets, size);
	group->size += SEGMENT_RECORD_HEAD + size;
	group->count++;
	item->group = group;
	TAILQ_INSERT_TAIL(&group->items, item, entry);
	write_first(spool);
}

void spool_forget(struct spool_item *item)
{
	if (item->group == NULL)
		return;
	TAILQ_REMOVE(&item->group->items, item, entry);
	item->group = NULL;
}
