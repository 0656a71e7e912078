/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What only the kernel knows of a worker's load, looked at once a second: what waits in its sockets
 * and was lost there, and how much of a processor its event loop gets. */
#include "path/path.h"

struct sieve;
struct vitals;
/* sockets and sieve are borrowed. */
struct vitals *vitals_new(TALLOC_CTX *ctx, struct timer_queue *timers,
	const struct path_socket *sockets, size_t count, struct sieve *sieve);
