/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The process of one worker: descriptors from the master (handover.h), the event loop, and a clean
 * end. What it serves with is built by path/service.h and path/path.h. */
#include <stdbool.h>
#include <stddef.h>

/* Runs until the master says stop or is gone; returns the exit code of the process. */
int worker_run(unsigned index, size_t socket_count, const char *conf_path, bool is_foreground);
