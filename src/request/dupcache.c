/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Entries are found by hash. Those without owner also stand on one list in the order in which they
 * were let go, so that the oldest is always at its head, whichever limit calls for it. */
#include "request/dupcache.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include <assert.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

static_assert(sizeof(struct dupcache_key) == 40, "padding would be hashed");

/* Entries past their time that one call lets go of: more than come in by one call, so that the
 * list shrinks, and few enough not to be felt. */
#define EXPIRE_PER_CALL 4

struct dupcache_entry {
	UT_hash_handle hh;
	TAILQ_ENTRY(dupcache_entry) entry; /* on remembered, while owner is NULL */
	struct dupcache_key key;
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	uint8_t session_key[SESSION_KEY_SIZE];
	void *owner;
	uint8_t *reply; /* NULL = none was sent */
	size_t reply_size;
	int64_t forget_ns;
};

struct dupcache {
	struct dupcache_entry *by_key;
	TAILQ_HEAD(, dupcache_entry) remembered;
	size_t remembered_count, remembered_max;
	int64_t keep_ns;
};

static int dupcache_free_hash(struct dupcache *cache)
{
	HASH_CLEAR(hh, cache->by_key);
	return 0;
}

struct dupcache *dupcache_new(TALLOC_CTX *ctx, size_t max, unsigned keep_s)
{
	struct dupcache *cache = mem_must(talloc_zero(ctx, struct dupcache));
	TAILQ_INIT(&cache->remembered);
	cache->remembered_max = max;
	cache->keep_ns = keep_s * NS_PER_S;
	talloc_set_destructor(cache, dupcache_free_hash);
	return cache;
}

size_t dupcache_count(const struct dupcache *cache)
{
	return HASH_COUNT(cache->by_key);
}

static void unlink_remembered(struct dupcache *cache, struct dupcache_entry *entry)
{
	TAILQ_REMOVE(&cache->remembered, entry, entry);
	cache->remembered_count--;
}

static void forget_oldest(struct dupcache *cache)
{
	struct dupcache_entry *entry = TAILQ_FIRST(&cache->remembered);
	unlink_remembered(cache, entry);
	HASH_DEL(cache->by_key, entry);
	talloc_free(entry);
}

static void forget_expired(struct dupcache *cache, int64_t now_ns)
{
	for (unsigned n = 0; n < EXPIRE_PER_CALL; n++) {
		const struct dupcache_entry *oldest = TAILQ_FIRST(&cache->remembered);
		if (oldest == NULL || oldest->forget_ns > now_ns)
			break;
		forget_oldest(cache);
	}
	metric_set(METRIC_dupcache_entries, HASH_COUNT(cache->by_key));
}

static struct dupcache_entry *add_entry(struct dupcache *cache, const struct dupcache_key *key)
{
	struct dupcache_entry *entry = mem_must(talloc_zero(cache, struct dupcache_entry));
	entry->key = *key;
	HASH_ADD(hh, cache->by_key, key, sizeof entry->key, entry);
	return entry;
}

static void forget_reply(struct dupcache_entry *entry)
{
	TALLOC_FREE(entry->reply);
	entry->reply_size = 0;
}

enum dupcache_verdict dupcache_enter(struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], void *owner, int64_t now_ns,
	struct dupcache_entry **found, void **superseded)
{
	enum dupcache_verdict verdict = DUPCACHE_NEW;
	*superseded = NULL;
	forget_expired(cache, now_ns);

	struct dupcache_entry *entry;
	HASH_FIND(hh, cache->by_key, key, sizeof *key, entry);
	bool is_same = entry != NULL &&
		       memcmp(entry->authenticator, authenticator, RADIUS_AUTHENTICATOR_SIZE) == 0;
	/* One that forget_expired had no turn for is past its time all the same. */
	if (is_same && entry->owner == NULL && entry->forget_ns <= now_ns)
		is_same = false;
	*found = entry;
	if (is_same && entry->owner != NULL)
		return DUPCACHE_IN_PROGRESS;
	if (is_same && entry->reply != NULL)
		return DUPCACHE_ANSWERED;
	if (is_same)
		verdict = DUPCACHE_AGAIN;

	if (entry == NULL)
		*found = entry = add_entry(cache, key);
	else if (entry->owner != NULL)
		*superseded = entry->owner;
	else
		unlink_remembered(cache, entry);
	forget_reply(entry);
	memcpy(entry->authenticator, authenticator, RADIUS_AUTHENTICATOR_SIZE);
	entry->owner = owner;
	return verdict;
}

uint8_t *dupcache_session_key(struct dupcache_entry *entry)
{
	return entry->session_key;
}

const uint8_t *dupcache_reply(const struct dupcache_entry *entry, size_t *size)
{
	*size = entry->reply_size;
	return entry->reply;
}

void dupcache_drop(struct dupcache *cache, struct dupcache_entry *entry, int64_t now_ns)
{
	assert(entry->owner != NULL);
	entry->owner = NULL;
	entry->forget_ns = now_ns + cache->keep_ns;
	TAILQ_INSERT_TAIL(&cache->remembered, entry, entry);
	cache->remembered_count++;
	while (cache->remembered_count > cache->remembered_max)
		forget_oldest(cache);
}

void dupcache_answer(struct dupcache *cache, struct dupcache_entry *entry, const uint8_t *octets,
	size_t size, int64_t now_ns)
{
	entry->reply = mem_must(talloc_memdup(entry, octets, size));
	entry->reply_size = size;
	dupcache_drop(cache, entry, now_ns);
}
