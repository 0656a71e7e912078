/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Out of memory aborts. Everything that comes from outside is bounded before it is allocated, so
 * an allocation that fails leaves nothing sensible to do: the master starts the worker anew, and
 * the NAS's retry is answered. */
#include <stdlib.h>

/* struct thing *thing = mem_must(talloc_zero(ctx, struct thing)); */
static inline void *mem_must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}
