/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Whose segments are whose, and when one goes. */
#include "spool/spool.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "spool/spool_folder.h"
#include "spool/spool_private.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A segment is read, checked and removed whole. Small ones give room back sooner, great ones need
 * fewer syncs of the folder. */
#define SEGMENT_MAX (UINT64_C(8) << 20)
#define SEGMENT_LEAST (UINT64_C(4) * SEGMENT_WINDOW_MIN)

/* All workers together keep at most this part of the limit as room for segments to grow. */
#define RESERVE_SHARE 4

/* So that what others left is shared among the workers. */
#define ADOPTED_AT_ONCE 4
#define ADOPTED_MAX 16

/* A record is in a segment that was born up to so long after it arrived: longer than any NAS's
 * patience, with its retransmissions. */
#define OLDER_US (120 * US_PER_S)

/* Segments --------------------------------------------------------------------------------- */

static void segment_removed(struct disk_job *job)
{
	static struct log_limit limit;
	struct spool_segment *segment =
		(struct spool_segment *)((char *)job - offsetof(struct spool_segment, removal));
	if (segment->err != 0)
		log_event_limited(&limit, LOG_LEVEL_ERROR, "spool_not_removed", "segment=%s",
			segment->file.name);
	talloc_free(segment);
}

static void remove_segment(struct disk_job *job)
{
	struct spool_segment *segment =
		(struct spool_segment *)((char *)job - offsetof(struct spool_segment, removal));
	segment->err = segment_file_remove(&segment->file);
}

static int segment_destroy(struct spool_segment *segment)
{
	if (segment->file.fd >= 0)
		segment_file_close(&segment->file);
	return 0;
}

struct spool_segment *spool_segment_new(struct spool *spool)
{
	struct spool_segment *segment = mem_must(talloc_zero(spool, struct spool_segment));
	segment->spool = spool;
	segment->file.fd = -1;
	segment->removal = (struct disk_job){.work = remove_segment, .done = segment_removed};
	talloc_set_destructor(segment, segment_destroy);
	return segment;
}

void spool_segment_enter(struct spool_segment *segment)
{
	struct spool *spool = segment->spool;
	struct spool_segment *later = TAILQ_FIRST(&spool->segments);
	while (later != NULL && later->file.id.born_us <= segment->file.id.born_us)
		later = TAILQ_NEXT(later, entry);
	if (later != NULL)
		TAILQ_INSERT_BEFORE(later, segment, entry);
	else
		TAILQ_INSERT_TAIL(&spool->segments, segment, entry);
	metric_set(METRIC_spool_segments, ++spool->segment_count);
}

void spool_segment_check(struct spool_segment *segment)
{
	struct spool *spool = segment->spool;
	bool is_written = segment == spool->active && spool->is_writing;
	if (is_written || segment == spool->reading.segment || segment->undelivered > 0 ||
		segment->read_until < segment->end)
		return;
	if (segment == spool->active)
		spool->active = NULL;
	TAILQ_REMOVE(&spool->segments, segment, entry);
	metric_set(METRIC_spool_segments, --spool->segment_count);
	disk_thread_post(spool->thread, &segment->removal, false);
}

/* What nobody can store ---------------------------------------------------------------------- */

struct keeping {
	struct disk_job job;
	struct spool_segment *segment;
	uint64_t offset;
	uint8_t *octets;
	size_t size;
	int err, cause;
};

static void keep(struct disk_job *job)
{
	struct keeping *keeping = (struct keeping *)((char *)job - offsetof(struct keeping, job));
	keeping->err = segment_file_set_aside(
		&keeping->segment->file, keeping->offset, keeping->octets, keeping->size);
	keeping->cause = errno;
}

/* If that failed, the segment stays, and with it the record. */
static void kept(struct disk_job *job)
{
	struct keeping *keeping = (struct keeping *)((char *)job - offsetof(struct keeping, job));
	if (keeping->err == 0) {
		metric_add(METRIC_spool_corrupt, 1);
		spool_delivered(keeping->segment);
	} else {
		log_event(LOG_LEVEL_ERROR, "spool_failed", "segment=%s why=%s",
			keeping->segment->file.name, log_quote_text(strerror(keeping->cause)));
	}
	talloc_free(keeping);
}

void spool_set_aside(struct spool *spool, const struct spool_record *record)
{
	struct keeping *keeping = mem_must(talloc_zero(spool, struct keeping));
	*keeping = (struct keeping){.job = {.work = keep, .done = kept},
		.segment = record->segment,
		.offset = record->offset,
		.octets = mem_must(talloc_memdup(keeping, record->octets, record->size)),
		.size = record->size};
	disk_thread_post(spool->thread, &keeping->job, false);
}

/* Adoption --------------------------------------------------------------------------------- */

static void adopt(struct spool_scan *scan, const char *name)
{
	struct segment_file *file = &scan->adopted[scan->adopted_count];
	int err = segment_file_adopt(scan->writer.folder, name, file);
	if (err == 0)
		scan->adopted_count++;
	else if (err == ERR_SYNTAX && spool_folder_set_aside(scan->writer.folder, name) == 0)
		scan->set_aside++;
	else if (err == ERR_SYNTAX || err == ERR_SYSTEM)
		scan->unreadable++;
}

static int scan_folder(struct spool_scan *scan)
{
	struct spool_listing listing;
	const struct spool_settings *settings = &scan->spool->settings;
	bool is_used = settings->limit > 0;
	scan->oldest_us = INT64_MAX;
	if (scan->writer.folder < 0 &&
		spool_folder_open(settings->directory, is_used, &scan->writer.folder) != 0)
		return is_used || errno != ENOENT ? ERR_SYSTEM : 0;
	spool_folder_clean(scan->writer.folder);
	int err = spool_folder_list(scan->writer.folder, &listing);
	for (size_t n = 0; n < listing.count && scan->adopted_count < scan->adopted_max; n++)
		adopt(scan, listing.names[n]);
	scan->octets = listing.octets;
	scan->corrupt = listing.corrupt;
	scan->oldest_us = listing.oldest_us;
	spool_listing_free(&listing);
	return err;
}

static void scan_work(struct disk_job *job)
{
	struct spool_scan *scan =
		(struct spool_scan *)((char *)job - offsetof(struct spool_scan, job));
	scan->err = scan_folder(scan);
	scan->cause = errno;
}

static void take_adopted(struct spool *spool)
{
	for (size_t n = 0; n < spool->scan.adopted_count; n++) {
		struct spool_segment *segment = spool_segment_new(spool);
		segment->file = spool->scan.adopted[n];
		segment->end = segment->file.end;
		segment->read_until = SEGMENT_HEAD_SIZE;
		spool_segment_enter(segment);
		log_event(LOG_LEVEL_INFO, "spool_adopted", "segment=%s octets=%llu",
			segment->file.name, (unsigned long long)segment->end);
		spool_segment_check(segment);
	}
}

static void scan_done(struct disk_job *job)
{
	static struct log_limit limit;
	struct spool_scan *scan =
		(struct spool_scan *)((char *)job - offsetof(struct spool_scan, job));
	struct spool *spool = scan->spool;
	scan->is_under_way = false;
	if (spool->writer.folder < 0)
		spool->writer.folder = scan->writer.folder;
	spool->oldest_us = scan->oldest_us;
	spool->has_scanned = true;
	if (scan->err != 0)
		log_event_limited(&limit, LOG_LEVEL_ERROR, "spool_failed", "directory=%s why=%s",
			log_quote_text(spool->settings.directory),
			log_quote_text(strerror(scan->cause)));
	if (scan->set_aside > 0) {
		metric_add(METRIC_spool_corrupt, scan->set_aside);
		log_event(LOG_LEVEL_ERROR, "spool_corrupt", "directory=%s segments=%zu",
			log_quote_text(spool->settings.directory), scan->set_aside);
	}
	if (scan->unreadable > 0)
		log_event_limited(&limit, LOG_LEVEL_ERROR, "spool_unreadable",
			"directory=%s segments=%zu", log_quote_text(spool->settings.directory),
			scan->unreadable);
	take_adopted(spool);
	if (scan->err != 0 || (spool->segment_count == 0 && spool_is_open(spool)))
		metric_set(METRIC_spool_refusing, scan->err != 0);
	metric_set(METRIC_spool_kib, scan->octets / 1024);
	metric_set(METRIC_spool_corrupt_files, scan->corrupt);
	spool_read_on(spool);
}

static void start_scan(struct spool *spool)
{
	struct spool_scan *scan = &spool->scan;
	if (scan->is_under_way)
		return;
	size_t room = spool->segment_count < ADOPTED_MAX ? ADOPTED_MAX - spool->segment_count : 0;
	scan->adopted_count = scan->set_aside = scan->unreadable = 0;
	scan->adopted_max = room < ADOPTED_AT_ONCE ? room : ADOPTED_AT_ONCE;
	scan->writer = spool->writer;
	scan->is_under_way = true;
	disk_thread_post(spool->thread, &scan->job, false);
}

/* The spool -------------------------------------------------------------------------------- */

int64_t spool_delivered_until_us(const struct spool *spool)
{
	const struct spool_segment *first = TAILQ_FIRST(&spool->segments);
	int64_t oldest_us = spool->oldest_us;
	if (!spool->has_scanned)
		return 0;
	if (first != NULL && first->file.id.born_us < oldest_us)
		oldest_us = first->file.id.born_us;
	return oldest_us == INT64_MAX ? INT64_MAX : oldest_us - OLDER_US;
}

bool spool_is_empty(const struct spool *spool)
{
	return spool_delivered_until_us(spool) == INT64_MAX &&
	       metric_total(METRIC_spool_segments) == 0;
}

void spool_look(struct spool *spool)
{
	const struct spool_segment *first = TAILQ_FIRST(&spool->segments);
	int64_t age_us = first != NULL ? clock_wall_us() - first->file.id.born_us : 0;
	metric_set(METRIC_spool_age_s, age_us > 0 ? (uint64_t)(age_us / US_PER_S) : 0);
	start_scan(spool);
}

int spool_fd(const struct spool *spool)
{
	return disk_thread_fd(spool->thread);
}

void spool_collect(struct spool *spool)
{
	disk_thread_collect(spool->thread);
}

static int spool_destroy(struct spool *spool)
{
	TALLOC_FREE(spool->thread);
	for (size_t n = 0; spool->scan.is_under_way && n < spool->scan.adopted_count; n++)
		segment_file_close(&spool->scan.adopted[n]);
	free(spool->reading.pieces);
	if (spool->scan.writer.folder >= 0)
		close(spool->scan.writer.folder);
	return 0;
}

struct spool *spool_new(TALLOC_CTX *ctx, const struct spool_settings *settings,
	void (*ready)(void *owner), void *owner)
{
	struct spool *spool = mem_must(talloc_zero(ctx, struct spool));
	spool->settings = *settings;
	spool->ready = ready;
	spool->owner = owner;
	TAILQ_INIT(&spool->segments);
	TAILQ_INIT(&spool->groups);
	spool->writer = (struct segment_writer){.folder = -1,
		.node = settings->node,
		.worker = settings->worker,
		.boot = spool_boot()};
	spool->segment_max = settings->limit / RESERVE_SHARE / settings->workers;
	if (spool->segment_max > SEGMENT_MAX)
		spool->segment_max = SEGMENT_MAX;
	if (spool->segment_max < SEGMENT_LEAST)
		spool->segment_max = SEGMENT_LEAST;
	spool->scan.spool = spool;
	spool->scan.writer.folder = -1;
	spool->scan.job = (struct disk_job){.work = scan_work, .done = scan_done};
	spool->scan.adopted =
		mem_must(talloc_zero_array(spool, struct segment_file, ADOPTED_AT_ONCE));
	spool_read_init(spool);
	spool->thread = disk_thread_new(spool);
	talloc_set_destructor(spool, spool_destroy);
	if (spool->thread == NULL) {
		int error = errno;
		talloc_free(spool);
		errno = error;
		return NULL;
	}
	start_scan(spool);
	return spool;
}
