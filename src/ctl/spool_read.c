/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/spool_read.h"
#include "base/mem.h"

#define WINDOW_SIZE (4 * SEGMENT_WINDOW_MIN)

int spool_read_segment(const struct segment_file *file,
	void (*take)(void *owner, const uint8_t *octets, size_t size), void (*damage)(void *owner),
	void *owner)
{
	uint8_t *octets = mem_must(talloc_size(NULL, WINDOW_SIZE));
	uint64_t at = SEGMENT_HEAD_SIZE;
	struct segment_piece piece;
	int err = 0;
	while (err == 0 && at < file->end) {
		size_t got;
		err = segment_file_read(file, at, octets, WINDOW_SIZE, &got);
		struct segment_window window = {.id = &file->id,
			.octets = octets,
			.size = got,
			.offset = at,
			.is_last = got < WINDOW_SIZE};
		while (err == 0 && segment_next(&window, &piece))
			if (piece.kind == SEGMENT_RECORD)
				take(owner, piece.octets, piece.size);
			else
				damage(owner);
		at = window.is_last ? file->end : at + window.at;
	}
	talloc_free(octets);
	return err;
}
