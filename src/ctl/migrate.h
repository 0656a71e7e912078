/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Applying the SQL files of PKGDATADIR/sql (or POPRAD_SQL_DIR, for a source tree): roles.sql, then
 * migrations/ by number, each in a transaction with its row in poprad.schema_migration, then
 * functions/, views/ and grants/ in one transaction if any of them changed. */
#include "ctl/pg.h"

/* pg is an administrator's connection. CTL_REFUSED, and nothing is changed, if the database's
 * schema is newer than our files, or an applied migration is not what it was. Says on call->out
 * what was done. */
int migrate_run(struct pg *pg) MUST_CHECK;

/* Applies roles.sql, which belongs to the whole cluster. */
int migrate_roles(struct pg *pg) MUST_CHECK;

/* Loads sql/sample, in one transaction. */
int migrate_load_sample(struct pg *pg) MUST_CHECK;
