/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The text of a configuration file, made ready for libconfuse. Private to src/conf. */
#include "base/err.h"
#include <talloc.h>

#define SOURCE_MAX_BYTES 1048576 /* a hundred times any sensible file */

/* Reads fd from its beginning (a pipe: what is left). ERR_SYSTEM (errno), ERR_FULL (too long) or
 * ERR_SYNTAX (a NUL). */
int source_read(TALLOC_CTX *ctx, int fd, char **text) MUST_CHECK;

/* Overwrites comments with blanks and finds what would lead libconfuse 3.3 astray: it counts a line
 * with a comment two times too often, takes a comment without end for the end of the file, and
 * after a string without end, or with a bad escape in it, would begin the next file inside that
 * string. ERR_SYNTAX: *line says where, *what is the sentence. */
int source_blank_comments(char *text, int *line, const char **what) MUST_CHECK;
