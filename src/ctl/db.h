/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What the commands of popradctl db share. */
#include "ctl/pg.h"

/* Loads the configuration, and says how to connect as a role that may create roles and schemas:
 * --admin, or the private cluster's administrator. CTL_USAGE: an existing database without --admin.
 */
int db_admin_conninfo(struct call *call, const char **conninfo) MUST_CHECK;

/* Makes the private cluster and its database, unless they are there, and starts it. With --admin,
 * or without a private cluster, there is nothing to do. */
int db_make_cluster(struct call *call) MUST_CHECK;

/* popradctl db backup and db restore. */
int db_backup(struct call *call) MUST_CHECK;
int db_restore(struct call *call) MUST_CHECK;
