/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Brings what is in the spool to the database, while new records go there too: of each batch at
 * most half is its, and of one session's records it has one in flight at a time, the earlier first.
 *
 * That is for speed, not for correctness: a record that overtakes an earlier one of its session
 * (because it was never spooled, or lay in another worker's segment) is folded by its event time
 * and counters all the same. So new records need not queue up behind the spool. */
#include "request/request.h"

struct replay;
/* worker->spool and its lanes are there. */
struct replay *replay_new(TALLOC_CTX *ctx, struct worker *worker);
/* There may be something to replay: the accounting lane came up, or the spool has read something.
 */
void replay_go_on(struct replay *replay);
