/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Datagrams on their way in: each is stamped with the time at which the kernel received it and the
 * address that it was sent to, and handed to request_receive. */
#include "path/path.h"

struct listener;

/* NULL (errno) if the socket refuses the options. */
struct listener *listener_new(TALLOC_CTX *ctx, struct event_base *base, struct worker *worker,
	const struct path_socket *socket);

/* Reads no more. */
void listener_stop(struct listener *listener);
