/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Entries are found by hash. Those without owner also stand on one list in the order in which they
 * were let go, so that the oldest is always at its head, whichever limit calls for it.
 *
 * A busy cache is far larger than the processor's, and each place in it that a packet touches has
 * to be fetched. So an entry is one piece of memory with its answer in it, chains are short, and
 * the entry that was forgotten last is the next one used. */
#include "request/dupcache.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include <assert.h>
#include <string.h>
#include <sys/queue.h>

static_assert(sizeof(struct dupcache_key) == 40, "padding would be hashed");

#define BUCKETS_MIN 256 /* a power of two */

/* Answers up to this size stand in the entry: nearly all. */
#define REPLY_ROOM 192

/* Entries past their time that one call lets go of: more than come in by one call, so that the
 * list shrinks, and few enough not to be felt. */
#define EXPIRE_PER_CALL 4

struct dupcache_entry {
	SLIST_ENTRY(dupcache_entry) in_bucket; /* of by_hash, or on spare */
	TAILQ_ENTRY(dupcache_entry) entry;     /* on remembered, while owner is NULL */
	uint64_t hash;
	struct dupcache_key key;
	int64_t forget_ns;
	void *owner;
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	uint8_t session_key[SESSION_KEY_SIZE];
	size_t reply_size;   /* 0 = none was sent */
	uint8_t *long_reply; /* where it does not fit in here; else NULL */
	uint8_t short_reply[REPLY_ROOM];
};

SLIST_HEAD(bucket, dupcache_entry);

struct dupcache {
	struct bucket *by_hash;
	size_t bucket_count, entry_count;
	struct bucket spare;
	TAILQ_HEAD(, dupcache_entry) remembered;
	size_t remembered_count, remembered_max;
	int64_t keep_ns;
};

struct dupcache *dupcache_new(TALLOC_CTX *ctx, size_t max, unsigned keep_s)
{
	struct dupcache *cache = mem_must(talloc_zero(ctx, struct dupcache));
	cache->bucket_count = BUCKETS_MIN;
	cache->by_hash = mem_must(talloc_zero_array(cache, struct bucket, BUCKETS_MIN));
	SLIST_INIT(&cache->spare);
	TAILQ_INIT(&cache->remembered);
	cache->remembered_max = max;
	cache->keep_ns = keep_s * NS_PER_S;
	return cache;
}

size_t dupcache_count(const struct dupcache *cache)
{
	return cache->entry_count;
}

/* Entries by key ---------------------------------------------------------------------------- */

static uint64_t hash_of(const struct dupcache_key *key)
{
	uint64_t ports = (uint64_t)key->remote_port << 32 | (uint64_t)key->local_port << 16 |
			 (uint64_t)key->code << 8 | key->id;
	return addr_hash(&key->remote, addr_hash(&key->local, ports));
}

static struct bucket *bucket_of(const struct dupcache *cache, uint64_t hash)
{
	return &cache->by_hash[hash & (cache->bucket_count - 1)];
}

static struct dupcache_entry *find(
	const struct dupcache *cache, const struct dupcache_key *key, uint64_t hash)
{
	struct dupcache_entry *entry;
	SLIST_FOREACH(entry, bucket_of(cache, hash), in_bucket)
	if (entry->hash == hash && memcmp(&entry->key, key, sizeof *key) == 0)
		break;
	return entry;
}

static void grow(struct dupcache *cache)
{
	struct bucket *old = cache->by_hash;
	size_t old_count = cache->bucket_count;
	cache->bucket_count *= 2;
	cache->by_hash =
		mem_must(talloc_zero_array(cache, struct bucket, (unsigned)cache->bucket_count));
	for (size_t i = 0; i < old_count; i++) {
		struct dupcache_entry *entry;
		while ((entry = SLIST_FIRST(&old[i])) != NULL) {
			SLIST_REMOVE_HEAD(&old[i], in_bucket);
			SLIST_INSERT_HEAD(bucket_of(cache, entry->hash), entry, in_bucket);
		}
	}
	talloc_free(old);
}

static struct dupcache_entry *add(
	struct dupcache *cache, const struct dupcache_key *key, uint64_t hash)
{
	struct dupcache_entry *entry = SLIST_FIRST(&cache->spare);
	if (entry != NULL)
		SLIST_REMOVE_HEAD(&cache->spare, in_bucket);
	else
		entry = mem_must(talloc(cache, struct dupcache_entry));
	entry->hash = hash;
	entry->key = *key;
	entry->owner = NULL;
	entry->reply_size = 0;
	entry->long_reply = NULL;
	if (cache->entry_count == cache->bucket_count)
		grow(cache);
	SLIST_INSERT_HEAD(bucket_of(cache, hash), entry, in_bucket);
	cache->entry_count++;
	return entry;
}

static void forget_reply(struct dupcache_entry *entry)
{
	TALLOC_FREE(entry->long_reply);
	entry->reply_size = 0;
}

/* What is remembered, oldest first ----------------------------------------------------------- */

static void unlink_remembered(struct dupcache *cache, struct dupcache_entry *entry)
{
	TAILQ_REMOVE(&cache->remembered, entry, entry);
	cache->remembered_count--;
}

static void forget_oldest(struct dupcache *cache)
{
	struct dupcache_entry *entry = TAILQ_FIRST(&cache->remembered);
	unlink_remembered(cache, entry);
	forget_reply(entry);
	SLIST_REMOVE(bucket_of(cache, entry->hash), entry, dupcache_entry, in_bucket);
	SLIST_INSERT_HEAD(&cache->spare, entry, in_bucket);
	cache->entry_count--;
}

static void forget_expired(struct dupcache *cache, int64_t now_ns)
{
	for (unsigned n = 0; n < EXPIRE_PER_CALL; n++) {
		const struct dupcache_entry *oldest = TAILQ_FIRST(&cache->remembered);
		if (oldest == NULL || oldest->forget_ns > now_ns)
			break;
		forget_oldest(cache);
	}
	metric_set(METRIC_dupcache_entries, cache->entry_count);
}

/* One that forget_expired had no turn for is past its time all the same. */
static bool is_same(const struct dupcache_entry *entry,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], int64_t now_ns)
{
	return entry != NULL && (entry->owner != NULL || entry->forget_ns > now_ns) &&
	       memcmp(entry->authenticator, authenticator, RADIUS_AUTHENTICATOR_SIZE) == 0;
}

bool dupcache_has(const struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], int64_t now_ns)
{
	const struct dupcache_entry *entry = find(cache, key, hash_of(key));
	return is_same(entry, authenticator, now_ns) &&
	       (entry->owner != NULL || entry->reply_size > 0);
}

enum dupcache_verdict dupcache_enter(struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], void *owner, int64_t now_ns,
	struct dupcache_entry **found, void **superseded)
{
	enum dupcache_verdict verdict = DUPCACHE_NEW;
	*superseded = NULL;
	forget_expired(cache, now_ns);

	uint64_t hash = hash_of(key);
	struct dupcache_entry *entry = find(cache, key, hash);
	*found = entry;
	if (is_same(entry, authenticator, now_ns)) {
		if (entry->owner != NULL)
			return DUPCACHE_IN_PROGRESS;
		if (entry->reply_size > 0)
			return DUPCACHE_ANSWERED;
		verdict = DUPCACHE_AGAIN;
	}

	if (entry == NULL)
		*found = entry = add(cache, key, hash);
	else if (entry->owner != NULL)
		*superseded = entry->owner;
	else
		unlink_remembered(cache, entry);
	forget_reply(entry);
	memcpy(entry->authenticator, authenticator, RADIUS_AUTHENTICATOR_SIZE);
	entry->owner = owner;
	return verdict;
}

void *dupcache_owner(const struct dupcache_entry *entry)
{
	return entry->owner;
}

uint8_t *dupcache_session_key(struct dupcache_entry *entry)
{
	return entry->session_key;
}

const uint8_t *dupcache_reply(const struct dupcache_entry *entry, size_t *size)
{
	*size = entry->reply_size;
	return entry->long_reply != NULL ? entry->long_reply : entry->short_reply;
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
	assert(size > 0);
	if (size > sizeof entry->short_reply)
		entry->long_reply = mem_must(talloc_memdup(cache, octets, size));
	else
		memcpy(entry->short_reply, octets, size);
	entry->reply_size = size;
	dupcache_drop(cache, entry, now_ns);
}
