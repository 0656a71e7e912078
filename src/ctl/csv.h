/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Reads and writes comma-separated values (RFC 4180). It reads row by row: fields may stand in
 * double quotes, in which a quote is doubled and line ends are part of the value. Lines end with LF
 * or CR LF. A byte order mark at the start and empty lines are passed over. */
#include <stdbool.h>
#include <stdio.h>
#include <talloc.h>

#define CSV_FIELDS_MAX 32
#define CSV_ROW_MAX 8192 /* octets of all fields; a subscriber needs some hundred */

struct csv {
	FILE *file;
	unsigned long next_line;
	/* the present row */
	unsigned long line; /* where it begins, from 1 */
	size_t count;
	char *fields[CSV_FIELDS_MAX]; /* NUL-terminated, in buffer */
	const char *fault;            /* what is wrong with it, or NULL; the next row is unharmed */
	char buffer[CSV_ROW_MAX + CSV_FIELDS_MAX];
	size_t size;
};

/* file stays the caller's. */
struct csv *csv_new(TALLOC_CTX *ctx, FILE *file);

/* False at the end of the file, or if it cannot be read (ferror tells). */
bool csv_next(struct csv *csv);

/* Writes a field behind those of its row, in quotes if it needs them. NULL is nothing at all, an
 * empty text a pair of quotes. */
void csv_put(FILE *out, bool is_first, const char *text);
/* Ends the row, with CR LF. */
void csv_end(FILE *out);
