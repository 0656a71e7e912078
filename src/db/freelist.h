/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Free addresses that this worker may propose, per pool range, about least recently used first.
 * The row decides (architecture section 6): a list may be stale in either direction and nothing
 * breaks. Each worker prefers its own slice of a range, and steals when that is empty. Addresses
 * that became free at the same time are proposed with their neighbours, which the database holds
 * together. */
#include "base/addr.h"
#include "db/catalog.h"
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct freelist;

struct freelist *freelist_new(TALLOC_CTX *ctx, unsigned worker, unsigned workers);

/* The order among addresses that became free in the same second, which is all of them in a new
 * pool: nodes that share a database give different seeds, so that they seldom propose the same.
 * Before the first put; 0 unless called. */
void freelist_use_order(struct freelist *list, uint64_t seed);

/* Keeps the lists of ranges that are still there, drops the others, begins new ones empty. */
void freelist_use_catalog(struct freelist *list, const struct catalog *catalog);

/* A free address that a scan or a release reported; freed_us = when it became free (wall clock),
 * for the order. Known ones, ones outside every range and ones for which there is no room (see
 * freelist.c) are ignored. */
void freelist_put(struct freelist *list, const struct addr *addr, int64_t freed_us);

/* Called from inside freelist_take() when what is left of a range's list may not last until the
 * next turn, and parts of the range have not been read yet. */
typedef void freelist_low_fn(void *owner);
void freelist_on_low(struct freelist *list, freelist_low_fn *call, void *owner);

/* Takes up to `count` proposals for a pool and NAS group; returns how many. They leave the list:
 * put back (freelist_put_back) what the database did not take for a reason other than that it is
 * held. */
size_t freelist_take(struct freelist *list, int32_t pool_id, int32_t nas_group_id, size_t count,
	struct addr *candidates);
void freelist_put_back(struct freelist *list, const struct addr *addr);
/* The address has been taken without a proposal from the list (a subscriber came back to the one
 * he had before). Unknown ones are ignored. */
void freelist_remove(struct freelist *list, const struct addr *addr);

size_t freelist_count(const struct freelist *list, int32_t pool_id, int32_t nas_group_id);

/* What to scan next: the range whose list runs low (or has never been scanned to its end) and the
 * address to continue behind (none = from the start); false = nothing now. A range of which little
 * is free is scanned again only after a pause, so the caller may ask as often as it likes. The
 * caller runs poprad.free_addresses and feeds the rows through freelist_put, then says how far the
 * scan got (last_seen none or NULL = to the end of the range) and how many it found. While
 * freelist_runs_low() the next scan is due at once, else there is time. */
bool freelist_scan_next(const struct freelist *list, int32_t *pool_range_id, struct addr *after);
void freelist_scanned(
	struct freelist *list, int32_t pool_range_id, const struct addr *last_seen, size_t found);
bool freelist_runs_low(const struct freelist *list);
