/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "spool/segment.h"
#include "spool/crc32c.h"
#include <string.h>

#define VERSION 1
#define COPY_SIZE (SEGMENT_HEAD_SIZE / 2)
#define COPY_CRC (COPY_SIZE - 4)

static const uint8_t title[8] = {'p', 'o', 'p', 's', 'p', 'o', 'o', 'l'};
/* No UTF-8, and no beginning of what else a record holds: it stands elsewhere only by chance. */
static const uint8_t mark[4] = {0xf5, 0xc1, 0x9e, 0xff};

static void put_u32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_u64(uint8_t *to, uint64_t value)
{
	put_u32(to, (uint32_t)(value >> 32));
	put_u32(to + 4, (uint32_t)value);
}

static uint32_t get_u32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static uint64_t get_u64(const uint8_t *from)
{
	return (uint64_t)get_u32(from) << 32 | get_u32(from + 4);
}

/* Head ------------------------------------------------------------------------------------- */

void segment_put_head(const struct segment_id *id, uint8_t head[SEGMENT_HEAD_SIZE])
{
	memcpy(head, title, sizeof title);
	put_u32(head + 8, VERSION);
	put_u64(head + 12, (uint64_t)id->born_us);
	put_u64(head + 20, id->salt);
	put_u32(head + COPY_CRC, crc32c(0, head, COPY_CRC));
	memcpy(head + COPY_SIZE, head, COPY_SIZE);
}

static bool read_copy(const uint8_t *copy, struct segment_id *id)
{
	if (memcmp(copy, title, sizeof title) != 0 || get_u32(copy + 8) != VERSION ||
		get_u32(copy + COPY_CRC) != crc32c(0, copy, COPY_CRC))
		return false;
	*id = (struct segment_id){(int64_t)get_u64(copy + 12), get_u64(copy + 20)};
	return true;
}

int segment_read_head(const uint8_t *octets, size_t size, struct segment_id *id)
{
	if (size < SEGMENT_HEAD_SIZE)
		return ERR_SYNTAX;
	return read_copy(octets, id) || read_copy(octets + COPY_SIZE, id) ? 0 : ERR_SYNTAX;
}

/* Records ---------------------------------------------------------------------------------- */

void segment_begin_record(uint8_t head[SEGMENT_RECORD_HEAD], size_t size)
{
	memcpy(head, mark, sizeof mark);
	put_u32(head + 4, (uint32_t)size);
}

static uint32_t record_crc(
	const struct segment_id *id, uint64_t offset, const uint8_t *record, size_t size)
{
	uint8_t place[16];
	put_u64(place, id->salt);
	put_u64(place + 8, offset);
	uint32_t crc = crc32c(0, place, sizeof place);
	crc = crc32c(crc, record + 4, 4);
	return crc32c(crc, record + SEGMENT_RECORD_HEAD, size);
}

void segment_seal(const struct segment_id *id, uint64_t offset, uint8_t *octets, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t contents = get_u32(octets + at + 4);
		put_u32(octets + at + 8, record_crc(id, offset + at, octets + at, contents));
		at += SEGMENT_RECORD_HEAD + contents;
	}
}

/* Reading ---------------------------------------------------------------------------------- */

enum finding { WHOLE, CUT_OFF, NONE };

/* What begins there: a record, one that goes on behind the window (or would), or none. */
static enum finding look(const struct segment_window *window, size_t at)
{
	const uint8_t *record = window->octets + at;
	size_t left = window->size - at;
	if (memcmp(record, mark, left < sizeof mark ? left : sizeof mark) != 0)
		return NONE;
	if (left < SEGMENT_RECORD_HEAD)
		return CUT_OFF;
	size_t size = get_u32(record + 4);
	if (size > SEGMENT_RECORD_MAX)
		return NONE;
	if (left - SEGMENT_RECORD_HEAD < size)
		return CUT_OFF;
	bool is_sound =
		get_u32(record + 8) == record_crc(window->id, window->offset + at, record, size);
	return is_sound ? WHOLE : NONE;
}

/* Where the next record may begin; the window's end if nowhere in it. */
static size_t find_next(const struct segment_window *window, size_t at)
{
	for (at++; at < window->size; at++) {
		enum finding finding = look(window, at);
		if (finding == WHOLE || (finding == CUT_OFF && !window->is_last))
			break;
	}
	return at;
}

/* Space that was taken up in the file, but never written. */
static bool is_unwritten(const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (octets[i] != 0)
			return false;
	return true;
}

static void take(struct segment_window *window, struct segment_piece *piece, enum segment_kind kind,
	size_t size)
{
	*piece = (struct segment_piece){
		kind, window->offset + window->at, window->octets + window->at, size};
	window->at += size;
}

bool segment_next(struct segment_window *window, struct segment_piece *piece)
{
	size_t at = window->at;
	if (at >= window->size)
		return false;
	enum finding finding = look(window, at);
	if (finding == WHOLE) {
		size_t size = get_u32(window->octets + at + 4);
		take(window, piece, SEGMENT_RECORD, SEGMENT_RECORD_HEAD + size);
		piece->octets += SEGMENT_RECORD_HEAD;
		piece->size = size;
		return true;
	}
	if (finding == CUT_OFF && !window->is_last)
		return false;
	size_t next = find_next(window, at);
	bool is_torn = next == window->size && window->is_last &&
		       (finding == CUT_OFF || is_unwritten(window->octets + at, next - at));
	take(window, piece, is_torn ? SEGMENT_TORN : SEGMENT_CORRUPT, next - at);
	return true;
}
