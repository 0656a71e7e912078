/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Fields of the catalog's document, each checked as it is read. The first fault is kept in the
 * reader and reading goes on with harmless values until the row ends, so that whoever reads rows
 * needs no error paths of his own. */
#include "base/addr.h"
#include "base/err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#define NAME_MAX_SIZE 255 /* octets */

struct reader {
	TALLOC_CTX *ctx; /* owns the snapshot's memory */
	int rc;          /* of the first fault */
	char *why;
	const char *table; /* where we are */
	size_t row;
	const json_t *object;
};

/* Keeps the fault, unless there is one already. */
void reader_refuse(struct reader *reader, int rc, const char *field, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* Begins a table of the document: the list, or an empty one after a fault. */
const json_t *reader_begin_table(struct reader *reader, const json_t *document, const char *name);
/* Goes to a row; false after any fault. */
bool reader_begin_row(struct reader *reader, const json_t *table, size_t index);

/* The member `name` of the row. */
const json_t *reader_field(struct reader *reader, const char *name);
int64_t reader_int(struct reader *reader, const char *name, int64_t min, int64_t max);
int32_t reader_id(struct reader *reader, const char *name, int32_t min);
uint32_t reader_count(struct reader *reader, const char *name, int32_t max);
bool reader_bool(struct reader *reader, const char *name);
const char *reader_text(struct reader *reader, const char *name, size_t max);
/* The index of the word in choices, which ends with NULL. */
unsigned reader_choice(struct reader *reader, const char *name, const char *const choices[]);
struct addr reader_addr(struct reader *reader, const char *name);
struct prefix reader_prefix(struct reader *reader, const char *name);
const json_t *reader_list(struct reader *reader, const char *name, size_t max);

/* A value of the member `name`. The string of 1 to max octets is the document's own; "" after a
 * fault. */
const char *reader_check_text(
	struct reader *reader, const char *name, const json_t *value, size_t max);
struct addr reader_to_addr(struct reader *reader, const char *name, const json_t *value);
struct prefix reader_to_prefix(struct reader *reader, const char *name, const json_t *value);
