/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* When the database is away or behind, a record goes to the spool, and its NAS has its answer as
 * soon as the record is on the disk. replay.h brings it to the database later. */
#include "acct/record.h"

/* The database has been silent for so long that no record need wait for it: the option spool_after,
 * but no more than half of the NAS's patience. False while there is no spool (spool_limit 0). */
bool acct_lane_is_silent(const struct request *request);
/* How long a record may have to wait in the lane's queue; more, and the spool is the better way. */
int64_t acct_lane_wait_ns(const struct request *request);

/* Puts it there; WAIT, or DROP_spool_refused. */
struct step_result acct_spool(struct record *record);

/* Records that have waited too long in the accounting lane, or in a statement that does not come
 * back, go to the spool. Their keys go with them, so that nothing is stored twice if the statement
 * was carried out after all. To be called several times a second. */
void acct_spool_waiting(struct worker *worker);
