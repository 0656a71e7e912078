/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Reads a segment from beginning to end. */
#include "spool/segment_file.h"

/* take: each record's contents. damage: each piece that is none. ERR_SYSTEM (errno). */
int spool_read_segment(const struct segment_file *file,
	void (*take)(void *owner, const uint8_t *octets, size_t size), void (*damage)(void *owner),
	void *owner) MUST_CHECK;
