/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The form of a segment, a file of the spool: a head, then records. Numbers are in network order.
 *
 *	head      twice, so that no damaged octet makes the records unreadable:
 *		  8 octets "popspool", u32 version, u64 born_us, u64 salt, u32 CRC-32C of those
 *	record    u32 mark, u32 size, u32 CRC-32C of salt, offset in the file, size, contents;
 *		  then size octets
 *
 * The salt is random: whoever chooses what a record contains (a User-Name, say) cannot put there
 * what would be taken for a record should the one around it be damaged, and what the disk held
 * before is not taken for one either. The offset keeps a record from being valid elsewhere. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_HEAD_SIZE 64
#define SEGMENT_RECORD_HEAD 12   /* octets before a record's contents */
#define SEGMENT_RECORD_MAX 65536 /* contents; several times what a packet can hold */

struct segment_id {
	int64_t born_us; /* wall clock */
	uint64_t salt;
};

void segment_put_head(const struct segment_id *id, uint8_t head[SEGMENT_HEAD_SIZE]);
/* ERR_SYNTAX: it is none, or both copies are damaged, or of another version. */
int segment_read_head(const uint8_t *octets, size_t size, struct segment_id *id) MUST_CHECK;

/* Begins a record of so many octets of contents, which the caller puts behind its head. */
void segment_begin_record(uint8_t head[SEGMENT_RECORD_HEAD], size_t size);
/* Finishes all records in octets, which lie one behind the other, for that offset in the file. */
void segment_seal(const struct segment_id *id, uint64_t offset, uint8_t *octets, size_t size);

/* Part of a segment's records, in memory. */
struct segment_window {
	const struct segment_id *id;
	const uint8_t *octets;
	size_t size;
	uint64_t offset; /* in the file */
	bool is_last;    /* nothing follows in the file */
	size_t at;       /* how far segment_next has come */
};
/* A window of this size shows at least one piece, wherever it begins. */
#define SEGMENT_WINDOW_MIN (2 * (SEGMENT_RECORD_HEAD + SEGMENT_RECORD_MAX))

enum segment_kind {
	SEGMENT_RECORD,
	SEGMENT_CORRUPT, /* octets that are no whole record; records follow, or may follow */
	SEGMENT_TORN,    /* the end of the file, which was not written to its end */
};
struct segment_piece {
	enum segment_kind kind;
	uint64_t offset;       /* in the file; of a record's head */
	const uint8_t *octets; /* a record's contents, else the octets as they are */
	size_t size;
};

/* The next piece; false: none is left, or only what needs the octets that follow the window. */
bool segment_next(struct segment_window *window, struct segment_piece *piece);
