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

/* A socket that is read seldom is read every few milliseconds, not whenever something comes: for
 * when more work waits than can be done, and each look costs others the processor. */
void listener_read_seldom(struct listener *listener, bool is_seldom);

/* Reads no more. */
void listener_stop(struct listener *listener);
