/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Running PostgreSQL's own programs, as another user when popradctl is root. */
#include "ctl/ctl.h"
#include <pwd.h>

/* Runs argv to its end in "/" with a clean environment; output (owned by ctx) is the end of what it
 * wrote on both streams. user NULL = as we are. Returns its exit status, or a negative enum err. */
int process_run(TALLOC_CTX *ctx, const struct passwd *user, const char *const argv[],
	char **output) MUST_CHECK;

/* The one line of a program's output that says why it failed: the first error, since those behind
 * it follow from it, else the last line. Changes output, in which it lies. */
const char *process_reason(char *output);

/* Calls work as that user, in a process of its own (user NULL: here), so that root never writes
 * where the user could put a link. Returns what work returned (0..127), or a negative enum err. */
int process_do_as(
	const struct passwd *user, int (*work)(const void *owner), const void *owner) MUST_CHECK;

/* The first directory on the way to path (path included) that user cannot enter, or NULL. user NULL
 * = we ourselves. */
const char *process_blocked_directory(TALLOC_CTX *ctx, const struct passwd *user, const char *path);
