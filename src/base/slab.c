/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Memory comes in blocks. A block is cut as its pieces are needed, so that pages which were never
 * needed take no memory. */
#include "base/slab.h"
#include "base/mem.h"
#include <assert.h>
#include <stdint.h>

#define BLOCK_SIZE 32768 /* small enough to come from the heap, and to be no loss if half used */

struct spare {
	struct spare *next;
};

struct slab {
	size_t piece_size;
	struct spare *spare;
	uint8_t *uncut, *end; /* of the last block */
	size_t size;
};

struct slab *slab_new(TALLOC_CTX *ctx, size_t size)
{
	assert(size > 0 && size % SLAB_LINE == 0 && size <= BLOCK_SIZE);
	struct slab *slab = mem_must(talloc_zero(ctx, struct slab));
	slab->piece_size = size;
	return slab;
}

static void add_block(struct slab *slab)
{
	size_t size = BLOCK_SIZE / slab->piece_size * slab->piece_size;
	uint8_t *block = mem_must(talloc_size(slab, size + SLAB_LINE));
	slab->uncut = block + SLAB_LINE - (uintptr_t)block % SLAB_LINE;
	slab->end = slab->uncut + size;
	slab->size += size;
}

void *slab_take(struct slab *slab)
{
	struct spare *spare = slab->spare;
	if (spare != NULL) {
		slab->spare = spare->next;
		return spare;
	}
	if (slab->uncut == slab->end)
		add_block(slab);
	void *piece = slab->uncut;
	slab->uncut += slab->piece_size;
	return piece;
}

void slab_give(struct slab *slab, void *piece)
{
	struct spare *spare = piece;
	spare->next = slab->spare;
	slab->spare = spare;
}

bool slab_is_used_up(const struct slab *slab)
{
	return slab->spare == NULL && slab->uncut == slab->end;
}

size_t slab_size(const struct slab *slab)
{
	return slab->size;
}
