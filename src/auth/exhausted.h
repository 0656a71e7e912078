/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Pools in which the database has just found no free address for a NAS group. For EXHAUSTED_NS its
 * answer is believed, so that a full pool costs one search a second, not one a login. */
#include "base/clock.h"
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#define EXHAUSTED_NS NS_PER_S

struct exhausted;
struct exhausted *exhausted_new(TALLOC_CTX *ctx);

void exhausted_mark(
	struct exhausted *exhausted, int32_t pool_id, int32_t nas_group_id, int64_t now_ns);
bool exhausted_has(
	const struct exhausted *exhausted, int32_t pool_id, int32_t nas_group_id, int64_t now_ns);
