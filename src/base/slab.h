/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Pieces of memory of one size, for what comes and goes in great numbers. A piece costs nothing but
 * its own octets, begins at a line of the processor's cache, and the one that was given back last
 * is the next one taken. What was taken once is never returned to malloc: the slab holds as much as
 * was in use at a time, until it is freed with all that it holds. */
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#define SLAB_LINE 64 /* octets: the processor's cache line */

struct slab;

/* size: a multiple of SLAB_LINE. */
struct slab *slab_new(TALLOC_CTX *ctx, size_t size);

/* Octets of the piece are not cleared. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *piece);

/* Would the next slab_take need more memory? */
bool slab_is_used_up(const struct slab *slab);

/* Octets of all pieces, in use or not. */
size_t slab_size(const struct slab *slab);
