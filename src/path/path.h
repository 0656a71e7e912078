/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Where packets enter and leave a worker: its sockets, and the step table between them (steps.c).
 * The worker process builds its struct worker with service_new, then the path on the sockets that
 * the master handed to it. */
#include "request/request.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct event_base;

/* Bound, non-blocking; an IPv6 socket is V6ONLY. fd stays the caller's. */
struct path_socket {
	int fd;
	enum port_role role;
	uint16_t port; /* local, host order */
};

struct path;

/* Starts to read. The sockets are borrowed until the path is freed. Sets worker->send. NULL (errno)
 * if a socket refuses the options that stamp datagrams with their arrival time and local address.
 */
struct path *path_new(TALLOC_CTX *ctx, struct event_base *base, struct worker *worker,
	const struct path_socket *sockets, size_t count);

/* Stops to read. What is being worked on is still finished, each request by its deadline. */
void path_stop(struct path *path);

/* True after path_stop once no request is open and every answer has left. */
bool path_is_finished(const struct path *path);
