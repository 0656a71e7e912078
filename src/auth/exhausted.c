/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "auth/exhausted.h"
#include "base/mem.h"
#include <stddef.h>

/* Pools that may be full at one time. When more are, the oldest answer makes room: its pool is
 * searched again before its second is over. */
#define MARKS 64

struct mark {
	int32_t pool_id, nas_group_id;
	int64_t until_ns;
};

struct exhausted {
	struct mark marks[MARKS];
	size_t next;
};

struct exhausted *exhausted_new(TALLOC_CTX *ctx)
{
	return mem_must(talloc_zero(ctx, struct exhausted));
}

void exhausted_mark(
	struct exhausted *exhausted, int32_t pool_id, int32_t nas_group_id, int64_t now_ns)
{
	exhausted->marks[exhausted->next] =
		(struct mark){pool_id, nas_group_id, now_ns + EXHAUSTED_NS};
	exhausted->next = (exhausted->next + 1) % MARKS;
}

bool exhausted_has(
	const struct exhausted *exhausted, int32_t pool_id, int32_t nas_group_id, int64_t now_ns)
{
	for (size_t n = 0; n < MARKS; n++) {
		const struct mark *mark = &exhausted->marks[n];
		if (mark->pool_id == pool_id && mark->nas_group_id == nas_group_id &&
			mark->until_ns > now_ns)
			return true;
	}
	return false;
}
