/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The running server's control socket (master/control.h). */
#include "ctl/ctl.h"

#define SERVER_PATIENCE_S 5 /* for one answer */

/* The caller's descriptor; CTL_REFUSED (said) if no server runs. */
int server_connect(struct call *call, int *connected) MUST_CHECK;

/* For what only works while it does not run: CTL_REFUSED, saying why, if it does. */
int server_refuse_running(struct call *call, const char *why) MUST_CHECK;
