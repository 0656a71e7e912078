/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Has the kernel drop Interim-Updates before they are read, while there is no room for them: one
 * that is read only to be dropped costs a worker more than a microsecond, and of those there may
 * come many times as many as can be served. */
#include "path/path.h"

struct sieve;

/* For the accounting sockets among these, which are borrowed; nothing is dropped yet, also if
 * somebody left one of them barred. */
struct sieve *sieve_new(TALLOC_CTX *ctx, const struct path_socket *sockets, size_t count);

/* From now on, whatever waits in the sockets already. */
void sieve_bar_interims(struct sieve *sieve, bool is_barred);

/* Adds to the drops interims_barred what was dropped since the last time. */
void sieve_count(struct sieve *sieve);
