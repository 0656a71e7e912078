/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The inside of a batch, for pgconn.c alone: one binary PostgreSQL array per column. */
#include "db/pgconn.h"

/* The object identifier of the array type, for the prepare. */
unsigned pg_batch_array_oid(enum pg_type type);

/* The finished array of one column, NULL if all its values are null; lives as long as the batch and
 * no value is put after it. */
const char *pg_batch_column(const struct pg_batch *batch, unsigned column, int *size);

/* True if whole rows have been put. */
bool pg_batch_is_complete(const struct pg_batch *batch);
