/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* From root to the server's own user. Without effect when another user started the server. */
#include "base/err.h"
#include <sys/types.h>

/* Makes a folder of that mode if it is missing (its parent must exist), the user's own. Each
 * failure is logged. */
int privileges_make_folder(const char *path, mode_t mode, const char *user) MUST_CHECK;

/* Becomes user, for good: no program that is executed later gets rights back. ERR_NOT_FOUND: there
 * is no such user, or it is root; ERR_SYSTEM. Both are logged. */
int privileges_drop(const char *user) MUST_CHECK;
