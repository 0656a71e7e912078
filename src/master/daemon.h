/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Going into the background, and the pid file. */
#include "base/err.h"
#include <stdbool.h>
#include <talloc.h>

/* Returns in the process that goes on in the background. The one that was started waits for
 * daemon_report_started there and then exits with 0; if the other one ends first, with 1.
 * ERR_SYSTEM is logged. */
int daemon_begin(void) MUST_CHECK;

/* The start has succeeded: lets the waiting process go, and lets go of the terminal (of stderr only
 * if it is not the log). Harmless without daemon_begin. */
void daemon_report_started(bool keep_stderr);

/* Creates and locks folder/poprad.pid; the lock, not the number in it, says that a server runs.
 * ERR_EXISTS or ERR_SYSTEM, both logged. Freeing *pid_file removes the file. */
struct pid_file;
int pid_file_create(TALLOC_CTX *ctx, const char *folder, struct pid_file **pid_file) MUST_CHECK;
