/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The folder in which the segments of all workers of a machine lie. */
#include "spool/segment_file.h"

/* Descriptor of the folder. is_made: if it is not there, it is made (mode 0700). ERR_SYSTEM
 * (errno).
 */
int spool_folder_open(const char *path, bool is_made, int *folder) MUST_CHECK;

struct spool_listing {
	uint64_t octets;   /* of everything there */
	unsigned corrupt;  /* files that were set aside */
	int64_t oldest_us; /* when the oldest segment was born; INT64_MAX = there is none */
	char (*names)[SEGMENT_NAME_MAX]; /* of segments, the oldest first */
	size_t count;
};

/* What is there; freed by spool_listing_free, also after an error. Names are malloc'ed, because a
 * thread calls this. */
int spool_folder_list(int folder, struct spool_listing *listing) MUST_CHECK;
void spool_listing_free(struct spool_listing *listing);

/* Keeps a segment whose head cannot be read, under a name that makes it none. */
int spool_folder_set_aside(int folder, const char *name) MUST_CHECK;
/* Removes drafts of segments whose writer died. */
void spool_folder_clean(int folder);

/* The host's name as it may stand in a file's name. */
void spool_node_name(const char *host, char *node, size_t size);
/* What stands for this boot of the machine. */
uint32_t spool_boot(void);
