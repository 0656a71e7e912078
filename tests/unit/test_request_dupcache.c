/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/request/dupcache.h. */
#include "base/clock.h"
#include "request/dupcache.h"
#include "suite.h"
#include <string.h>

#define KEEP_S 10
#define MAX 4

static TALLOC_CTX *ctx;
static struct dupcache *cache;
static struct dupcache_entry *entry;
static void *superseded;
static int one, other; /* owners */

static const uint8_t first_authenticator[RADIUS_AUTHENTICATOR_SIZE] = {1};
static const uint8_t second_authenticator[RADIUS_AUTHENTICATOR_SIZE] = {2};

static struct dupcache_key key_with_id(uint8_t id)
{
	return (struct dupcache_key){.remote = addr_from_v4(0x0a000307),
		.local = addr_from_v4(0x0a000101),
		.remote_port = 40000,
		.local_port = 1812,
		.code = CODE_ACCESS_REQUEST,
		.id = id};
}

static enum dupcache_verdict enter_key(
	const struct dupcache_key *key, const uint8_t *authenticator, void *owner, int64_t now_ns)
{
	return dupcache_enter(cache, key, authenticator, owner, now_ns, &entry, &superseded);
}

static enum dupcache_verdict enter(
	uint8_t id, const uint8_t *authenticator, void *owner, int64_t now_ns)
{
	const struct dupcache_key key = key_with_id(id);
	return enter_key(&key, authenticator, owner, now_ns);
}

static void begin(void)
{
	talloc_free(ctx);
	ctx = talloc_new(NULL);
	cache = dupcache_new(ctx, MAX, KEEP_S);
}

static void test_answered(void)
{
	static const uint8_t reply[] = "the same octets";
	size_t size;
	begin();
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &one, 0), DUPCACHE_NEW);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 1), DUPCACHE_IN_PROGRESS);
	CU_ASSERT_PTR_NULL(superseded);
	dupcache_answer(cache, entry, reply, sizeof reply, 2);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 3), DUPCACHE_ANSWERED);
	const uint8_t *again = dupcache_reply(entry, &size);
	CU_ASSERT_EQUAL_FATAL(size, sizeof reply);
	CU_ASSERT_EQUAL(memcmp(again, reply, size), 0);
}

/* The longest that a packet may be, then one of an octet in the same entry. */
static void test_long_answer(void)
{
	static uint8_t reply[RADIUS_MAX_PACKET];
	size_t size;
	memset(reply, 'r', sizeof reply);
	begin();
	enter(1, first_authenticator, &one, 0);
	dupcache_answer(cache, entry, reply, sizeof reply, 1);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &one, 2), DUPCACHE_ANSWERED);
	const uint8_t *again = dupcache_reply(entry, &size);
	CU_ASSERT_EQUAL_FATAL(size, sizeof reply);
	CU_ASSERT_EQUAL(memcmp(again, reply, size), 0);
	enter(1, second_authenticator, &one, 3);
	dupcache_answer(cache, entry, reply, 1, 4);
	CU_ASSERT_EQUAL(enter(1, second_authenticator, &one, 5), DUPCACHE_ANSWERED);
	again = dupcache_reply(entry, &size);
	CU_ASSERT_EQUAL(size, 1);
	CU_ASSERT_EQUAL(again[0], 'r');
}

static void test_time_is_over(void)
{
	begin();
	enter(1, first_authenticator, &one, 0);
	dupcache_answer(cache, entry, (const uint8_t *)"x", 1, 0);
	CU_ASSERT_EQUAL(
		enter(1, first_authenticator, &other, KEEP_S * NS_PER_S - 1), DUPCACHE_ANSWERED);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, KEEP_S * NS_PER_S), DUPCACHE_NEW);
}

/* However long a request takes, it is never forgotten while somebody works on it. */
static void test_open_ones_stay(void)
{
	begin();
	for (uint8_t id = 0; id < 2 * MAX; id++)
		CU_ASSERT_EQUAL(enter(id, first_authenticator, &one, 0), DUPCACHE_NEW);
	for (uint8_t id = 0; id < 2 * MAX; id++)
		CU_ASSERT_EQUAL(enter(id, first_authenticator, &one, 1000 * NS_PER_S),
			DUPCACHE_IN_PROGRESS);
}

static void test_superseded(void)
{
	static const uint8_t reply[] = "newer";
	begin();
	enter(1, first_authenticator, &one, 0);
	CU_ASSERT_EQUAL(enter(1, second_authenticator, &other, 1), DUPCACHE_NEW);
	CU_ASSERT_PTR_EQUAL(superseded, &one);
	CU_ASSERT_EQUAL(dupcache_count(cache), 1);
	dupcache_answer(cache, entry, reply, sizeof reply, 2);
	CU_ASSERT_EQUAL(enter(1, second_authenticator, &one, 3), DUPCACHE_ANSWERED);
	/* An answer that has left supersedes nothing, and is no answer to another packet. */
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &one, 4), DUPCACHE_NEW);
	CU_ASSERT_PTR_NULL(superseded);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 5), DUPCACHE_IN_PROGRESS);
}

/* Dropped octets may come again as a new request, under the session key that they had. */
static void test_dropped(void)
{
	begin();
	enter(1, first_authenticator, &one, 0);
	memset(dupcache_session_key(entry), 7, SESSION_KEY_SIZE);
	dupcache_drop(cache, entry, 1);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 2), DUPCACHE_AGAIN);
	CU_ASSERT_EQUAL(dupcache_session_key(entry)[0], 7);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &one, 3), DUPCACHE_IN_PROGRESS);
	dupcache_drop(cache, entry, 4);
	CU_ASSERT_EQUAL(enter(1, second_authenticator, &one, 5), DUPCACHE_NEW);
}

/* What dupcache_enter would say, without entering anything. */
static void test_has(void)
{
	const struct dupcache_key key = key_with_id(1);
	begin();
	CU_ASSERT_FALSE(dupcache_has(cache, &key, first_authenticator, 0));
	CU_ASSERT_EQUAL(dupcache_count(cache), 0);
	enter(1, first_authenticator, &one, 0);
	CU_ASSERT_TRUE(dupcache_has(cache, &key, first_authenticator, 1));
	CU_ASSERT_FALSE(dupcache_has(cache, &key, second_authenticator, 1));
	CU_ASSERT_PTR_EQUAL(dupcache_owner(entry), &one);
	dupcache_drop(cache, entry, 2);
	CU_ASSERT_FALSE(dupcache_has(cache, &key, first_authenticator, 3));
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 4), DUPCACHE_AGAIN);
	dupcache_answer(cache, entry, (const uint8_t *)"x", 1, 5);
	CU_ASSERT_TRUE(dupcache_has(cache, &key, first_authenticator, 6));
	CU_ASSERT_FALSE(dupcache_has(cache, &key, first_authenticator, 5 + KEEP_S * NS_PER_S));
}

static void test_everything_in_the_key_counts(void)
{
	struct dupcache_key key = key_with_id(1);
	begin();
	enter_key(&key, first_authenticator, &one, 0);
	key.local_port = 1813;
	CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, 0), DUPCACHE_NEW);
	key.local = addr_from_v4(0x0a000102);
	CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, 0), DUPCACHE_NEW);
	key.remote_port = 40001;
	CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, 0), DUPCACHE_NEW);
	key.remote = addr_from_v4(0x0a000308);
	CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, 0), DUPCACHE_NEW);
	key.code = CODE_ACCOUNTING_REQUEST;
	CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, 0), DUPCACHE_NEW);
	CU_ASSERT_EQUAL(dupcache_count(cache), 6);
}

/* Each is found with its own answer, also after the cache has become larger, and is forgotten in
 * its turn. */
static void test_many(void)
{
	enum { MANY = 5000 };
	size_t size;
	begin();
	cache = dupcache_new(ctx, MANY, KEEP_S);
	for (uint16_t n = 0; n < 2 * MANY; n++) {
		struct dupcache_key key = key_with_id((uint8_t)n);
		key.remote_port = n;
		CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, n), DUPCACHE_NEW);
		dupcache_answer(cache, entry, (const uint8_t *)&n, sizeof n, n);
	}
	CU_ASSERT_EQUAL(dupcache_count(cache), MANY);
	for (uint16_t n = MANY; n < 2 * MANY; n++) {
		struct dupcache_key key = key_with_id((uint8_t)n);
		key.remote_port = n;
		CU_ASSERT_EQUAL(
			enter_key(&key, first_authenticator, &one, 2 * MANY), DUPCACHE_ANSWERED);
		CU_ASSERT_EQUAL(memcmp(dupcache_reply(entry, &size), &n, sizeof n), 0);
	}
	for (uint16_t n = 0; n < MANY; n++) {
		struct dupcache_key key = key_with_id((uint8_t)n);
		key.remote_port = n;
		CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, 2 * MANY), DUPCACHE_NEW);
		dupcache_drop(cache, entry, 2 * MANY);
	}
	CU_ASSERT_EQUAL(dupcache_count(cache), MANY);
}

static void test_bound(void)
{
	begin();
	for (uint8_t id = 0; id < MAX + 1; id++) {
		enter(id, first_authenticator, &one, id);
		dupcache_answer(cache, entry, &id, 1, id);
	}
	CU_ASSERT_EQUAL(dupcache_count(cache), MAX);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &one, 10), DUPCACHE_ANSWERED);
	CU_ASSERT_EQUAL(enter(0, first_authenticator, &one, 10), DUPCACHE_NEW);
	talloc_free(ctx);
	ctx = NULL;
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"an answer is sent again", test_answered},
		{"an answer of any size", test_long_answer},
		{"an answer is forgotten after its time", test_time_is_over},
		{"what is worked on stays", test_open_ones_stay},
		{"a used ID", test_superseded},
		{"a dropped packet", test_dropped},
		{"a look without entering", test_has},
		{"everything in the key counts", test_everything_in_the_key_counts},
		{"many of them", test_many},
		{"the oldest goes at the bound", test_bound},
		CU_TEST_INFO_NULL,
	};
	return suite_run("request/dupcache", tests);
}
