/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What an SQLSTATE says about a batch. A file of its own, because the fake connection of the
 * scenario tests must decide by the same rule as the real one. */
#include "db/pgconn.h"
#include <string.h>

enum pg_outcome pg_outcome_of(const char *sqlstate)
{
	/* 22 data exception, 23 integrity constraint violation: a value of some row is at fault. */
	if (strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0)
		return PG_BAD_ROW;
	/* 40 transaction rollback: serialisation failure, deadlock. */
	if (strncmp(sqlstate, "40", 2) == 0)
		return PG_RETRY;
	/* The rest says nothing about the rows: shutdown, disk full, no permission, time-out. */
	return PG_UNAVAILABLE;
}
