/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A segment on disk. Whoever writes or delivers it has it locked (flock), for as long as it has it
 * open; so one whose lock can be had belongs to nobody any more. None of this may be called by a
 * thread that must not wait for the disk. Nothing is logged here. */
#include "spool/segment.h"
#include <talloc.h>

#define SEGMENT_NAME_MAX 256 /* octets, NUL included: the longest name of a file */
#define SEGMENT_SUFFIX ".spool"

/* Who writes. All of it stands in the names of its segments. */
struct segment_writer {
	int folder;       /* descriptor */
	const char *node; /* letters, digits, dots, hyphens */
	unsigned worker;
	uint32_t boot; /* of the machine */
};

struct segment_file {
	int folder, fd;
	char name[SEGMENT_NAME_MAX];
	struct segment_id id;
	uint64_t end; /* what is durable, or, if it was adopted, all that is there */
};

/* A new one: locked, its head and its name durable. ERR_FULL: no room on the disk. ERR_SYSTEM
 * (errno). */
int segment_file_create(
	const struct segment_writer *writer, int64_t now_us, struct segment_file *file) MUST_CHECK;

/* Seals the records (segment_begin_record) and adds them; 0: they are durable. ERR_FULL: no room,
 * nothing has changed. ERR_SYSTEM (errno): how much of it will be there is unknown, and nothing
 * more may be added. */
int segment_file_add(struct segment_file *file, uint8_t *octets, size_t size) MUST_CHECK;

/* Opens somebody else's. ERR_EXISTS: it is locked. ERR_NOT_FOUND: it has just gone. ERR_SYNTAX: its
 * head cannot be read. */
int segment_file_adopt(int folder, const char *name, struct segment_file *file) MUST_CHECK;
/* The same without the lock, to look at it. */
int segment_file_look(int folder, const char *name, struct segment_file *file) MUST_CHECK;

/* Does somebody write or deliver it? Of one that was opened to look at it. */
bool segment_file_is_held(const struct segment_file *file);

/* Reads up to size octets; *got is less only at the file's end. */
int segment_file_read(const struct segment_file *file, uint64_t offset, uint8_t *octets,
	size_t size, size_t *got) MUST_CHECK;

/* Keeps these octets of it as NAME-OFFSET.corrupt, durably. Done again, it makes the same file. */
int segment_file_set_aside(const struct segment_file *file, uint64_t offset, const uint8_t *octets,
	size_t size) MUST_CHECK;

/* Everything in it is delivered: it goes. */
int segment_file_remove(struct segment_file *file) MUST_CHECK;
/* Lets go of it; it stays. */
void segment_file_close(struct segment_file *file);
