/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A window of a segment is read and checked in the thread, the next one when all of its records
 * have been taken. */
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "spool/spool_private.h"
#include <errno.h>
#include <string.h>

#define WINDOW_SIZE (4 * SEGMENT_WINDOW_MIN)

/* In the thread --------------------------------------------------------------------------- */

static bool is_zero(const struct segment_piece *piece)
{
	for (size_t i = 0; i < piece->size; i++)
		if (piece->octets[i] != 0)
			return false;
	return true;
}

static int take_piece(struct spool_reading *reading, const struct segment_piece *piece)
{
	if (piece->kind == SEGMENT_RECORD) {
		if (reading->count == reading->room) {
			reading->room = 2 * reading->room + 64;
			reading->pieces = mem_must(
				realloc(reading->pieces, reading->room * sizeof *reading->pieces));
		}
		reading->pieces[reading->count++] = *piece;
		return 0;
	}
	reading->corrupt += piece->kind == SEGMENT_CORRUPT;
	reading->torn += piece->kind == SEGMENT_TORN;
	/* A torn end was never acknowledged; but who knows whether it is one? */
	if (is_zero(piece))
		return 0;
	return segment_file_set_aside(
		&reading->segment->file, piece->offset, piece->octets, piece->size);
}

static void read_window(struct disk_job *job)
{
	struct spool_reading *reading =
		(struct spool_reading *)((char *)job - offsetof(struct spool_reading, job));
	uint64_t left = reading->until - reading->from;
	size_t size = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;
	struct segment_piece piece;
	reading->err = segment_file_read(
		&reading->segment->file, reading->from, reading->octets, size, &reading->got);
	struct segment_window window = {.id = &reading->segment->file.id,
		.octets = reading->octets,
		.size = reading->got,
		.offset = reading->from,
		.is_last = reading->got == left || reading->got < size};
	while (reading->err == 0 && segment_next(&window, &piece))
		reading->err = take_piece(reading, &piece);
	/* A file that has become shorter is read to its end, too. */
	reading->reached =
		reading->got < size ? reading->until : reading->from + (uint64_t)window.at;
	reading->cause = errno;
}

/* In the loop ------------------------------------------------------------------------------ */

static struct spool_segment *find_unread(const struct spool *spool)
{
	struct spool_segment *segment;
	TAILQ_FOREACH (segment, &spool->segments, entry)
		if (segment->read_until < segment->end)
			return segment;
	return NULL;
}

void spool_read_on(struct spool *spool)
{
	struct spool_reading *reading = &spool->reading;
	if (reading->segment != NULL)
		return;
	reading->segment = find_unread(spool);
	if (reading->segment == NULL)
		return;
	reading->from = reading->segment->read_until;
	reading->until = reading->segment->end;
	reading->count = reading->taken = reading->corrupt = reading->torn = 0;
	reading->is_done = false;
	disk_thread_post(spool->thread, &reading->job, false);
}

static void tell_damage(const struct spool_reading *reading)
{
	const char *name = reading->segment->file.name;
	metric_add(METRIC_spool_corrupt, reading->corrupt);
	metric_add(METRIC_spool_torn, reading->torn);
	if (reading->corrupt > 0)
		log_event(LOG_LEVEL_ERROR, "spool_corrupt", "segment=%s offset=%llu pieces=%zu",
			name, (unsigned long long)reading->from, reading->corrupt);
	if (reading->torn > 0)
		log_event(LOG_LEVEL_WARNING, "spool_torn", "segment=%s", name);
}

/* The window is used up. */
static void finish_window(struct spool *spool)
{
	struct spool_segment *segment = spool->reading.segment;
	spool->reading.segment = NULL;
	spool_segment_check(segment);
}

static void window_read(struct disk_job *job)
{
	static struct log_limit limit;
	struct spool_reading *reading =
		(struct spool_reading *)((char *)job - offsetof(struct spool_reading, job));
	struct spool *spool = reading->spool;
	struct spool_segment *segment = reading->segment;
	if (reading->err != 0) {
		/* It is there still; the next look at the folder tries again. */
		metric_add(METRIC_spool_failures, 1);
		log_event_limited(&limit, LOG_LEVEL_ERROR, "spool_unreadable",
			"segment=%s offset=%llu why=%s", segment->file.name,
			(unsigned long long)reading->from,
			log_quote_text(strerror(reading->cause)));
		reading->segment = NULL;
		return;
	}
	tell_damage(reading);
	reading->is_done = true;
	segment->read_until = reading->reached;
	segment->undelivered += reading->count;
	if (reading->count == 0) {
		finish_window(spool);
		spool_read_on(spool);
	} else {
		spool->ready(spool->owner);
	}
}

bool spool_next(struct spool *spool, struct spool_record *record)
{
	struct spool_reading *reading = &spool->reading;
	if (reading->segment != NULL && reading->is_done && reading->taken == reading->count)
		finish_window(spool);
	spool_read_on(spool);
	if (reading->segment == NULL || !reading->is_done)
		return false;
	const struct segment_piece *piece = &reading->pieces[reading->taken++];
	*record =
		(struct spool_record){reading->segment, piece->offset, piece->octets, piece->size};
	return true;
}

void spool_delivered(struct spool_segment *segment)
{
	segment->undelivered--;
	spool_segment_check(segment);
}

void spool_read_init(struct spool *spool)
{
	struct spool_reading *reading = &spool->reading;
	reading->job = (struct disk_job){.work = read_window, .done = window_read};
	reading->spool = spool;
	reading->octets = mem_must(talloc_size(spool, WINDOW_SIZE));
}
