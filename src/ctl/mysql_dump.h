/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Reads the rows of a file that mysqldump or mariadb-dump wrote, one by one: the tables' columns
 * from CREATE TABLE, the rows from INSERT and REPLACE, with or without names of columns, of one or
 * many rows each. Everything else is passed over. Nothing in the file is trusted, and no more than
 * a row is held. */
#include "base/err.h"
#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <talloc.h>

#define DUMP_COLUMNS_MAX 64        /* the front ends' radacct has fewer than 50 */
#define DUMP_NAME_MAX 64           /* MySQL's own limit, in characters; theirs are plain */
#define DUMP_ROW_MAX (1024 * 1024) /* octets of all values; a session has some hundred */
#define DUMP_BUFFER_SIZE (64 * 1024)

typedef char dump_name[DUMP_NAME_MAX + 1];

struct dump_table {
	dump_name name;
	size_t column_count;
	dump_name columns[DUMP_COLUMNS_MAX];
};

struct mysql_dump {
	/* the present row */
	const struct dump_table *table;
	size_t count;
	const char *values[DUMP_COLUMNS_MAX]; /* NULL is null; in UTF-8 without NUL */

	unsigned long line; /* of the file, from 1 */
	const char *fault;  /* why it cannot be read further, or NULL */

	/* private */
	FILE *file;
	const char *const *wanted; /* names of tables, ends with NULL */
	bool is_in_insert;
	struct dump_table *tables; /* one for each that is wanted */
	struct dump_table insert;  /* that of the present INSERT */
	iconv_t conversion;        /* into UTF-8, unless is_utf8 */
	bool is_utf8;
	TALLOC_CTX *row; /* what the row's values take */
	char *text;      /* the value that is being read */
	size_t size, row_size;
	unsigned char buffer[DUMP_BUFFER_SIZE];
	size_t at, end;
};

/* file and wanted stay the caller's. */
struct mysql_dump *mysql_dump_new(TALLOC_CTX *ctx, FILE *file, const char *const *wanted);

/* Goes on to the next row of a table that is wanted. False at the end, and if fault says why not
 * (ferror tells whether the file could not be read). */
bool mysql_dump_next(struct mysql_dump *dump);
