/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The tables poprad.import_NAME, into which the rows of FreeRADIUS's table NAME are copied as they
 * are, before the database makes something of them. */
#include "ctl/pg.h"

/* FreeRADIUS's names of them; ends with NULL. */
extern const char *const staging_tables[];

#define STAGING_COLUMNS_MAX 32 /* radacct, the widest, has 29 */

struct staging {
	struct pg *pg;
	const char *table;
	size_t column_count;
	const char *columns[STAGING_COLUMNS_MAX]; /* FreeRADIUS's names, the row's id first */
};

/* Reads the columns of a table; they belong to ctx. */
int staging_init(
	TALLOC_CTX *ctx, struct staging *staging, struct pg *pg, const char *table) MUST_CHECK;
/* Then rows are taken, in COPY's text form, until staging_end. */
int staging_begin(const struct staging *staging) MUST_CHECK;
int staging_put(const struct staging *staging, const char *octets, size_t size) MUST_CHECK;
int staging_end(const struct staging *staging) MUST_CHECK;

/* Copies all tables of a database that FreeRADIUS uses. */
int import_from_database(struct call *call, struct pg *pg, const char *conninfo) MUST_CHECK;
/* The same of a file that mysqldump wrote; "-" is standard input. */
int import_from_dump(struct call *call, struct pg *pg, const char *path) MUST_CHECK;
