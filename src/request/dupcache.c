/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Entries are found by hash. Those without owner also stand on a list in the order in which they
 * were let go, so that the oldest is always at its head, whichever limit calls for it.
 *
 * A busy cache is far larger than the processor's, and each place in it that a packet touches has
 * to be fetched. So an entry is two lines of the processor's cache with the answer to a record in
 * it, chains are short, and the memory that was given back last is the next used.
 *
 * It is also most of what a busy worker holds. An access server may use new ports at any time, with
 * 256 IDs each, so memory must not follow all that is worth remembering: what takes the place of
 * old records' answers takes theirs, once they have been kept for as long as they must. */
#include "request/dupcache.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/slab.h"
#include <assert.h>
#include <string.h>
#include <sys/queue.h>

static_assert(sizeof(struct dupcache_key) == 40, "padding would be hashed");

#define BUCKETS_MIN 256 /* a power of two */

#define PIECE_SIZE 128 /* an entry; or a part of an answer that does not fit into its entry */

/* The least time that an answer is kept, RFC 5080 section 2.2.2. An Accounting-Response is kept for
 * longer only while that takes no more memory: the database knows the record again if it comes
 * again, whereas a login would be admitted anew. */
#define RECORD_KEEP_NS (5 * NS_PER_S)

/* Entries past their time that one call lets go of: more than come in by one call, so that the
 * list shrinks, and few enough not to be felt. */
#define EXPIRE_PER_CALL 4
#define EXPIRE_AT_REST 8192 /* in a call: less than a millisecond */

#define BEING_WORKED_ON INT64_MAX

/* An answer that is longer than its entry has room for. */
struct part {
	struct part *next;
	uint8_t octets[PIECE_SIZE - sizeof(struct part *)];
};

struct dupcache_entry {
	SLIST_ENTRY(dupcache_entry) in_bucket;
	struct dupcache_key key;
	union {
		void *owner;                       /* while it is being worked on */
		TAILQ_ENTRY(dupcache_entry) entry; /* then: on the list of its kind */
	};
	int64_t forget_ns; /* or BEING_WORKED_ON */
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	uint16_t reply_size; /* 0 = none was sent */
	union {
		uint8_t session_key[SESSION_KEY_SIZE]; /* until an answer is sent */
		uint8_t reply[32];                     /* its octets if they fit, else: */
		struct part *parts;
	};
};

static_assert(sizeof(struct dupcache_entry) <= PIECE_SIZE, "an entry is a piece");
static_assert(sizeof(struct part) == PIECE_SIZE, "a part is a piece");

SLIST_HEAD(bucket, dupcache_entry);
TAILQ_HEAD(kind, dupcache_entry);

struct dupcache {
	struct bucket *by_hash;
	size_t bucket_count, entry_count;
	struct slab *pieces;
	/* What is remembered, oldest first: records that were answered, and all else. */
	struct kind records, others;
	size_t remembered_count, remembered_max;
	int64_t keep_ns;
};

struct dupcache *dupcache_new(TALLOC_CTX *ctx, size_t max, unsigned keep_s)
{
	struct dupcache *cache = mem_must(talloc_zero(ctx, struct dupcache));
	cache->bucket_count = BUCKETS_MIN;
	while (cache->bucket_count < max)
		cache->bucket_count *= 2;
	cache->by_hash =
		mem_must(talloc_zero_array(cache, struct bucket, (unsigned)cache->bucket_count));
	cache->pieces = slab_new(cache, PIECE_SIZE);
	TAILQ_INIT(&cache->records);
	TAILQ_INIT(&cache->others);
	cache->remembered_max = max;
	cache->keep_ns = keep_s * NS_PER_S;
	return cache;
}

size_t dupcache_count(const struct dupcache *cache)
{
	return cache->entry_count;
}

size_t dupcache_size(const struct dupcache *cache)
{
	return slab_size(cache->pieces);
}

/* Entries by key ---------------------------------------------------------------------------- */

static struct bucket *bucket_of(const struct dupcache *cache, const struct dupcache_key *key)
{
	uint64_t ports = (uint64_t)key->remote_port << 32 | (uint64_t)key->local_port << 16 |
			 (uint64_t)key->code << 8 | key->id;
	uint64_t hash = addr_hash(&key->remote, addr_hash(&key->local, ports));
	return &cache->by_hash[hash & (cache->bucket_count - 1)];
}

static struct dupcache_entry *find(const struct bucket *bucket, const struct dupcache_key *key)
{
	struct dupcache_entry *entry;
	SLIST_FOREACH(entry, bucket, in_bucket)
	if (memcmp(&entry->key, key, sizeof *key) == 0)
		break;
	return entry;
}

static bool is_open(const struct dupcache_entry *entry)
{
	return entry->forget_ns == BEING_WORKED_ON;
}

/* What is remembered -------------------------------------------------------------------------- */

static struct kind *kind_of(struct dupcache *cache, const struct dupcache_entry *entry)
{
	bool is_record = entry->key.code == CODE_ACCOUNTING_REQUEST && entry->reply_size > 0;
	return is_record ? &cache->records : &cache->others;
}

static void unlink_remembered(struct dupcache *cache, struct dupcache_entry *entry)
{
	TAILQ_REMOVE(kind_of(cache, entry), entry, entry);
	cache->remembered_count--;
}

static void forget_reply(struct dupcache *cache, struct dupcache_entry *entry)
{
	struct part *part = entry->reply_size > sizeof entry->reply ? entry->parts : NULL;
	while (part != NULL) {
		struct part *next = part->next;
		slab_give(cache->pieces, part);
		part = next;
	}
	entry->reply_size = 0;
}

static void forget(struct dupcache *cache, struct dupcache_entry *entry)
{
	unlink_remembered(cache, entry);
	forget_reply(cache, entry);
	SLIST_REMOVE(bucket_of(cache, &entry->key), entry, dupcache_entry, in_bucket);
	slab_give(cache->pieces, entry);
	cache->entry_count--;
}

static struct dupcache_entry *oldest(const struct dupcache *cache)
{
	struct dupcache_entry *record = TAILQ_FIRST(&cache->records);
	struct dupcache_entry *other = TAILQ_FIRST(&cache->others);
	if (record == NULL || other == NULL)
		return record != NULL ? record : other;
	return record->forget_ns < other->forget_ns ? record : other;
}

static void forget_expired(struct dupcache *cache, unsigned max, int64_t now_ns)
{
	for (unsigned n = 0; n < max; n++) {
		struct dupcache_entry *entry = oldest(cache);
		if (entry == NULL || entry->forget_ns > now_ns)
			break;
		forget(cache, entry);
	}
	metric_set(METRIC_dupcache_entries, cache->entry_count);
}

/* Memory -------------------------------------------------------------------------------------- */

static void *take_piece(struct dupcache *cache, int64_t now_ns)
{
	struct dupcache_entry *record = TAILQ_FIRST(&cache->records);
	if (slab_is_used_up(cache->pieces) && record != NULL &&
		record->forget_ns - cache->keep_ns + RECORD_KEEP_NS <= now_ns)
		forget(cache, record);
	return slab_take(cache->pieces);
}

bool dupcache_give_back(struct dupcache *cache, int64_t now_ns)
{
	forget_expired(cache, EXPIRE_AT_REST, now_ns);
	if (cache->entry_count > 0 || slab_size(cache->pieces) == 0)
		return false;
	talloc_free(cache->pieces);
	cache->pieces = slab_new(cache, PIECE_SIZE);
	return true;
}

static struct dupcache_entry *add(struct dupcache *cache, struct bucket *bucket,
	const struct dupcache_key *key, int64_t now_ns)
{
	struct dupcache_entry *entry = take_piece(cache, now_ns);
	entry->key = *key;
	entry->reply_size = 0;
	SLIST_INSERT_HEAD(bucket, entry, in_bucket);
	cache->entry_count++;
	return entry;
}

static void keep_parts(struct dupcache *cache, struct dupcache_entry *entry, const uint8_t *octets,
	size_t size, int64_t now_ns)
{
	struct part **link = &entry->parts;
	while (size > 0) {
		struct part *part = take_piece(cache, now_ns);
		size_t some = size < sizeof part->octets ? size : sizeof part->octets;
		memcpy(part->octets, octets, some);
		octets += some;
		size -= some;
		*link = part;
		link = &part->next;
	}
	*link = NULL;
}

void dupcache_copy_reply(const struct dupcache_entry *entry, uint8_t *octets)
{
	size_t size = entry->reply_size;
	if (size <= sizeof entry->reply) {
		memcpy(octets, entry->reply, size);
		return;
	}
	for (const struct part *part = entry->parts; part != NULL; part = part->next) {
		size_t some = size < sizeof part->octets ? size : sizeof part->octets;
		memcpy(octets, part->octets, some);
		octets += some;
		size -= some;
	}
}

/* Entering and letting go --------------------------------------------------------------------- */

/* One that forget_expired had no turn for is past its time all the same. */
static bool is_same(const struct dupcache_entry *entry,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], int64_t now_ns)
{
	return entry != NULL && entry->forget_ns > now_ns &&
	       memcmp(entry->authenticator, authenticator, RADIUS_AUTHENTICATOR_SIZE) == 0;
}

bool dupcache_has(const struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], int64_t now_ns)
{
	const struct dupcache_entry *entry = find(bucket_of(cache, key), key);
	return is_same(entry, authenticator, now_ns) && (is_open(entry) || entry->reply_size > 0);
}

enum dupcache_verdict dupcache_enter(struct dupcache *cache, const struct dupcache_key *key,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE], void *owner, int64_t now_ns,
	struct dupcache_entry **found, void **superseded)
{
	enum dupcache_verdict verdict = DUPCACHE_NEW;
	*superseded = NULL;
	forget_expired(cache, EXPIRE_PER_CALL, now_ns);

	struct bucket *bucket = bucket_of(cache, key);
	struct dupcache_entry *entry = find(bucket, key);
	*found = entry;
	if (is_same(entry, authenticator, now_ns)) {
		if (is_open(entry))
			return DUPCACHE_IN_PROGRESS;
		if (entry->reply_size > 0)
			return DUPCACHE_ANSWERED;
		verdict = DUPCACHE_AGAIN;
	}

	if (entry == NULL)
		*found = entry = add(cache, bucket, key, now_ns);
	else if (is_open(entry))
		*superseded = entry->owner;
	else
		unlink_remembered(cache, entry);
	forget_reply(cache, entry);
	memcpy(entry->authenticator, authenticator, RADIUS_AUTHENTICATOR_SIZE);
	entry->owner = owner;
	entry->forget_ns = BEING_WORKED_ON;
	return verdict;
}

void *dupcache_owner(const struct dupcache_entry *entry)
{
	return is_open(entry) ? entry->owner : NULL;
}

uint8_t *dupcache_session_key(struct dupcache_entry *entry)
{
	return entry->session_key;
}

size_t dupcache_reply_size(const struct dupcache_entry *entry)
{
	return entry->reply_size;
}

void dupcache_drop(struct dupcache *cache, struct dupcache_entry *entry, int64_t now_ns)
{
	assert(is_open(entry));
	entry->forget_ns = now_ns + cache->keep_ns;
	TAILQ_INSERT_TAIL(kind_of(cache, entry), entry, entry);
	cache->remembered_count++;
	while (cache->remembered_count > cache->remembered_max)
		forget(cache, oldest(cache));
}

void dupcache_answer(struct dupcache *cache, struct dupcache_entry *entry, const uint8_t *octets,
	size_t size, int64_t now_ns)
{
	assert(size > 0 && size <= RADIUS_MAX_PACKET);
	if (size > sizeof entry->reply)
		keep_parts(cache, entry, octets, size, now_ns);
	else
		memcpy(entry->reply, octets, size);
	entry->reply_size = (uint16_t)size;
	dupcache_drop(cache, entry, now_ns);
}
