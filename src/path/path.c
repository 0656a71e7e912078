/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "path/path.h"
#include "base/mem.h"
#include "path/listener.h"
#include "path/sender.h"
#include "path/sieve.h"
#include "path/vitals.h"
#include "request/attempts.h"

struct path {
	struct worker *worker;
	struct sender *sender;
	struct sieve *sieve;
	const struct path_socket *sockets;
	struct listener **listeners;
	size_t listener_count;
};

static void path_send(
	struct worker *worker, const struct endpoint *to, const uint8_t *octets, size_t size)
{
	const struct path *path = worker->network;
	sender_send(path->sender, to, octets, size);
}

static void path_bar_interims(struct worker *worker, bool is_barred)
{
	const struct path *path = worker->network;
	if (worker->is_stopping)
		return;
	sieve_bar_interims(path->sieve, is_barred);
	for (size_t n = 0; n < path->listener_count; n++)
		if (path->sockets[n].role == PORT_ACCT)
			listener_read_seldom(path->listeners[n], is_barred);
}

struct path *path_new(TALLOC_CTX *ctx, struct event_base *base, struct worker *worker,
	const struct path_socket *sockets, size_t count)
{
	struct path *path = mem_must(talloc_zero(ctx, struct path));
	path->worker = worker;
	path->sockets = sockets;
	path->sender = sender_new(path, base);
	worker->network = path;
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
	path->sieve = sieve_new(path, sockets, count);
	worker->bar_interims = path_bar_interims;
	vitals_new(path, worker->timers, sockets, count, path->sieve);
	return path;
}

void path_stop(struct path *path)
{
	path->worker->is_stopping = true;
	sieve_bar_interims(path->sieve, false);
	for (size_t n = 0; n < path->listener_count; n++)
		listener_stop(path->listeners[n]);
}

bool path_is_finished(const struct path *path)
{
	return path->worker->is_stopping && path->worker->open_count == 0 &&
	       sender_is_empty(path->sender) && attempts_are_stored(path->worker->attempts);
}
