/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The NASes' sockets: IDs, sending in batches, retransmission with the same octets (RFC 5080
 * section 2.2.1), matching and verifying replies. Knows nothing of what is asked. */
#include "base/err.h"
#include "load/settings.h"
#include "load/stats.h"
#include "radius/admit.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <talloc.h>

#define EXCHANGE_PACKET_MAX 1024 /* octets; the requests made here have at most 990 */

/* A request that waits for its answer. */
struct exchange {
	TAILQ_ENTRY(exchange) entry; /* in the list of those that wait, by due_ns */
	void *owner;
	int64_t since_ns; /* what latency is counted from */
	int64_t due_ns;
	uint64_t tries_left;
	/* Offsets in the packet, 0 = none. */
	size_t message_authenticator, mschap2_response;
	size_t length;
	unsigned port; /* of wire_port */
	enum load_step step;
	uint8_t packet[EXCHANGE_PACKET_MAX];
};

struct wire;

struct wire_owner {
	/* A reply whose signatures verified. */
	void (*answered)(void *context, struct exchange *exchange, const uint8_t *reply,
		const struct packet_facts *facts, int64_t now_ns);
	/* No answer to any of the retries. */
	void (*lost)(void *context, struct exchange *exchange, int64_t now_ns);
	void *context;
};

/* NULL after a sentence on stderr. */
struct wire *wire_new(TALLOC_CTX *ctx, const struct load_settings *settings,
	struct load_stats *stats, const struct wire_owner *owner);

/* The place from which a NAS sends that step's requests: each source port has one for logins and
 * one for accounting. */
unsigned wire_port(const struct wire *wire, enum load_step step, uint64_t nas, uint64_t port);
unsigned wire_port_count(const struct wire *wire);

/* A free ID there, or NULL: all 256 wait. The caller fills packet and length (the header's code, ID
 * and authenticator are there) and calls wire_send. */
struct exchange *wire_begin(struct wire *wire, enum load_step step, unsigned port, void *owner);
/* Signs and queues it. */
void wire_send(struct wire *wire, struct exchange *exchange, int64_t since_ns, int64_t now_ns);

/* Sends what is queued, waits until until_ns at most, takes replies, sends again or gives up what
 * is due. */
void wire_turn(struct wire *wire, int64_t until_ns);

size_t wire_waiting(const struct wire *wire);
/* The address of a NAS; none if the kernel chose. */
const struct addr *wire_nas_address(const struct wire *wire, uint64_t nas);
