/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The master: opens the sockets, gives up root's rights, starts the workers, starts them anew when
 * they die, and answers the control socket. It loads no dictionary and talks to no database. */
#include <stdbool.h>

/* Runs until SIGTERM or SIGINT; returns the exit code of the process. The configuration's mistakes
 * go to stderr. */
int master_run(const char *conf_path, bool is_foreground);
