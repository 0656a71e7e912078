/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The UDP sockets of all workers, opened by the master before it gives up root's rights. They stay
 * open in the master, so that a restarted worker finds what has arrived meanwhile. */
#include "conf/conf.h"
#include <stddef.h>

struct sockets {
	unsigned workers;
	size_t per_worker;
	int *fds; /* those of worker w begin at w * per_worker */
};

/* Each failure is logged with address and port; ERR_SYSTEM then. */
int sockets_open(TALLOC_CTX *ctx, const struct conf *conf, struct sockets **sockets) MUST_CHECK;
