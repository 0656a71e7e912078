/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a worker does besides serving packets, once a second, on its accounting lane: it tells the
 * database how far its accounting is stored (authorised sessions expire by that), reads free
 * addresses into its lists, and (worker 0 of a node) moves closed sessions into the history. */
#include "request/request.h"

/* poprad.tick, free_addresses and move_closed. */
extern const struct lane_call chores_tick_call, chores_scan_call, chores_move_call,
	chores_months_call;

struct chores;
struct chores *chores_new(TALLOC_CTX *ctx, struct worker *worker);

/* The accounting lane came up: from now on accounting can be stored. */
void chores_lane_up(struct chores *chores);

/* There may be addresses to read: a new catalog, or a lane that came up. */
void chores_scan(struct chores *chores);
