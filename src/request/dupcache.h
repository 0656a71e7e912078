/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Duplicate detection (RFC 5080 section 2.2.2): remembers which packets are being worked on and
 * what the others were answered, so that a retransmission costs nothing and changes nothing.
 * The path calls it (step_dupcache); it owns its entries and their copies of the answers. */
#include "base/addr.h"
#include "db/session_key.h"
#include "radius/packet.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* What makes two packets the same exchange, but for the authenticator. No padding: it is hashed. */
struct dupcache_key {
	struct addr remote, local;
	uint16_t remote_port, local_port;
	uint8_t code, id;
};

enum dupcache_verdict {
	DUPCACHE_NEW,   /* *entry is the caller's, its session_key to be filled */
	DUPCACHE_AGAIN, /* as NEW, but these octets were dropped before: session_key is kept */
	DUPCACHE_IN_PROGRESS, /* another owner works on these octets */
	DUPCACHE_ANSWERED,    /* *entry has the answer */
};

struct dupcache;
struct dupcache_entry;

/* Packets that are no longer worked on are remembered for keep_s seconds, max of them at most; at
 * either limit the oldest goes, and its retransmission would be taken as new. Accounting-Requests
 * that were answered go earlier, but not within 5 seconds, where else the cache would have to grow.
 * Packets being worked on are bounded by their owners. */
struct dupcache *dupcache_new(TALLOC_CTX *ctx, size_t max, unsigned keep_s);

/* Enters a packet for its owner. If another packet with the same key and a different authenticator
 * is being worked on, the entry passes on and *superseded is that one's owner; else NULL. */
enum dupcache_verdict dupcache_enter(struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], void *owner, int64_t now_ns,
	struct dupcache_entry **entry, void **superseded);

/* Would dupcache_enter say IN_PROGRESS or ANSWERED? Changes nothing. */
bool dupcache_has(const struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], int64_t now_ns);

/* Who works on it; NULL = nobody does any more. */
void *dupcache_owner(const struct dupcache_entry *entry);
/* Gone once there is an answer. */
uint8_t *dupcache_session_key(struct dupcache_entry *entry);
size_t dupcache_reply_size(const struct dupcache_entry *entry);
void dupcache_copy_reply(const struct dupcache_entry *entry, uint8_t *octets);

/* The owner lets go of its entry: it sent these octets, or nothing. */
void dupcache_answer(struct dupcache *cache, struct dupcache_entry *entry, const uint8_t *octets,
	size_t size, int64_t now_ns);
void dupcache_drop(struct dupcache *cache, struct dupcache_entry *entry, int64_t now_ns);

/* Forgets what is past its time, also if nothing comes. True if nothing is left and its memory was
 * given back. */
bool dupcache_give_back(struct dupcache *cache, int64_t now_ns);

size_t dupcache_count(const struct dupcache *cache);
size_t dupcache_size(const struct dupcache *cache); /* octets, of entries and answers */
