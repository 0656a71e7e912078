/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "path/path.h"
#include "base/mem.h"
#include "path/listener.h"
#include "path/sender.h"
#include "path/vitals.h"
#include "request/attempts.h"

struct path {
	struct worker *worker;
	struct sender *sender;
	struct listener **listeners;
	size_t listener_count;
};

static void path_send(
	struct worker *worker, const struct endpoint *to, const uint8_t *octets, size_t size)
{
	sender_send(worker->sender, to, octets, size);
}

struct path *path_new(TALLOC_CTX *ctx, struct event_base *base, struct worker *worker,
	const struct path_socket *sockets, size_t count)
{
	struct path *path = mem_must(talloc_zero(ctx, struct path));
	path->worker = worker;
	path->sender = sender_new(path, base);
	worker->sender = path->sender;
	worker->send = path_send;
	path->listeners = mem_must(talloc_zero_size(path, count * sizeof(struct listener *)));
	for (size_t n = 0; n < count; n++) {
		path->listeners[n] = listener_new(path, base, worker, &sockets[n]);
		if (path->listeners[n] == NULL) {
			talloc_free(path);
			return NULL;
		}
		path->listener_count++;
	}
	vitals_new(path, worker->timers, sockets, count);
	return path;
}

void path_stop(struct path *path)
{
	path->worker->is_stopping = true;
	for (size_t n = 0; n < path->listener_count; n++)
		listener_stop(path->listeners[n]);
}

bool path_is_finished(const struct path *path)
{
	return path->worker->is_stopping && path->worker->open_count == 0 &&
	       sender_is_empty(path->sender) && attempts_are_stored(path->worker->attempts);
}
