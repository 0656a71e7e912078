/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* One field of a result, as JSON and as text for people. */
#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <talloc.h>

/* By the column's type: number, boolean, JSON, time in ISO 8601, else a string. The caller's. */
json_t *field_json(const PGresult *rows, int row, int column);

/* What people read; owned by ctx or by rows. "-" for null. */
const char *field_text(TALLOC_CTX *ctx, const PGresult *rows, int row, int column);

/* Writes text with its C0, DEL and C1 controls as \xHH. Returns the columns that it takes on a
 * terminal, a UTF-8 character counting as one. */
int field_print(FILE *out, const char *text);
/* The same without writing. */
int field_width(const char *text);
