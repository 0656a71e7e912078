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

static bool has_reply(const uint8_t *octets, size_t size)
{
	uint8_t again[RADIUS_MAX_PACKET];
	if (dupcache_reply_size(entry) != size)
		return false;
	dupcache_copy_reply(entry, again);
	return memcmp(again, octets, size) == 0;
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
	begin();
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &one, 0), DUPCACHE_NEW);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 1), DUPCACHE_IN_PROGRESS);
	CU_ASSERT_PTR_NULL(superseded);
	dupcache_answer(cache, entry, reply, sizeof reply, 2);
	CU_ASSERT_EQUAL(enter(1, first_authenticator, &other, 3), DUPCACHE_ANSWERED);
	CU_ASSERT_TRUE(has_reply(reply, sizeof reply));
}

/* Each size that a packet may have, in turn in the same entry; what one took serves the next. */
static void test_any_size(void)
{
	static uint8_t reply[RADIUS_MAX_PACKET];
	size_t most = 0;
	for (size_t n = 0; n < sizeof reply; n++)
		reply[n] = (uint8_t)(n * 7);
	begin();
	for (size_t size = sizeof reply; size > 0; size--) {
		int64_t now_ns = (int64_t)(sizeof reply - size) * 10;
		const uint8_t *authenticator =
			size % 2 == 0 ? first_authenticator : second_authenticator;
		CU_ASSERT_EQUAL(enter(1, authenticator, &one, now_ns), DUPCACHE_NEW);
		dupcache_answer(cache, entry, reply, size, now_ns);
		CU_ASSERT_EQUAL(enter(1, authenticator, &one, now_ns), DUPCACHE_ANSWERED);
		CU_ASSERT_TRUE(has_reply(reply, size));
		if (most == 0)
			most = dupcache_size(cache);
	}
	CU_ASSERT_EQUAL(dupcache_size(cache), most);
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
static void test_memory_is_given_back(void)
{
	begin();
	enter(7, first_authenticator, &one, 0);
	dupcache_answer(cache, entry, (const uint8_t *)"answer", 6, 0);
	enter(8, first_authenticator, &one, 0);
	CU_ASSERT_FALSE(dupcache_give_back(cache, KEEP_S * NS_PER_S));
	CU_ASSERT_EQUAL(dupcache_count(cache), 1); /* what is worked on */
	CU_ASSERT(dupcache_size(cache) > 0);
	dupcache_drop(cache, entry, KEEP_S * NS_PER_S);
	CU_ASSERT_FALSE(dupcache_give_back(cache, 2 * KEEP_S * NS_PER_S - 1));
	CU_ASSERT(dupcache_give_back(cache, 2 * KEEP_S * NS_PER_S));
	CU_ASSERT_EQUAL(dupcache_size(cache), 0);
	CU_ASSERT_FALSE(dupcache_give_back(cache, 2 * KEEP_S * NS_PER_S));
	CU_ASSERT_EQUAL(enter(8, first_authenticator, &one, 3 * KEEP_S * NS_PER_S), DUPCACHE_NEW);
}

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

/* Each is found with its own answer, also among many, and is forgotten in its turn. */
static void test_many(void)
{
	enum { MANY = 5000 };
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
		CU_ASSERT_TRUE(has_reply((const uint8_t *)&n, sizeof n));
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
}

/* Memory ---------------------------------------------------------------------------------------*/

#define PORT_IDS 256 /* as many as a port of an access server has */
#define PORTS 16
#define ROOM (4 * PORTS * PORT_IDS)

/* A packet of each ID of many ports, answered at once. */
static void serve(uint8_t code, uint16_t first_port, size_t reply_size, int64_t now_ns)
{
	static const uint8_t reply[RADIUS_MAX_PACKET];
	for (unsigned n = 0; n < PORTS * PORT_IDS; n++) {
		struct dupcache_key key = key_with_id((uint8_t)n);
		key.code = code;
		key.remote_port = (uint16_t)(first_port + n / PORT_IDS);
		enter_key(&key, first_authenticator, &one, now_ns);
		dupcache_answer(cache, entry, reply, reply_size, now_ns);
	}
}

static bool is_remembered(uint8_t code, uint16_t port, uint8_t id, int64_t now_ns)
{
	struct dupcache_key key = key_with_id(id);
	key.code = code;
	key.remote_port = port;
	return dupcache_has(cache, &key, first_authenticator, now_ns);
}

static void begin_large(void)
{
	begin();
	cache = dupcache_new(ctx, ROOM, KEEP_S);
}

/* What a record costs, and a login with a usual answer. */
static void test_sizes(void)
{
	begin_large();
	serve(CODE_ACCOUNTING_REQUEST, 1000, 20, 0);
	CU_ASSERT_EQUAL(dupcache_size(cache), 128 * PORTS * PORT_IDS);
	begin_large();
	serve(CODE_ACCESS_REQUEST, 1000, 120, 0);
	CU_ASSERT_EQUAL(dupcache_size(cache), 256 * PORTS * PORT_IDS);
}

/* Records from ever new ports take the place of those before them, but no answer's that is younger
 * than 5 seconds, and no login's. */
static void test_records_take_no_more(void)
{
	const int64_t later_ns = 5 * NS_PER_S;
	begin_large();
	serve(CODE_ACCESS_REQUEST, 1000, 120, 0);
	serve(CODE_ACCOUNTING_REQUEST, 2000, 20, 0);
	size_t size = dupcache_size(cache);
	serve(CODE_ACCOUNTING_REQUEST, 3000, 20, later_ns);
	CU_ASSERT_EQUAL(dupcache_size(cache), size);
	CU_ASSERT_FALSE(is_remembered(CODE_ACCOUNTING_REQUEST, 2000, 0, later_ns));
	CU_ASSERT_TRUE(is_remembered(CODE_ACCOUNTING_REQUEST, 3000, 0, later_ns));
	CU_ASSERT_TRUE(is_remembered(CODE_ACCESS_REQUEST, 1000, 0, later_ns));

	serve(CODE_ACCOUNTING_REQUEST, 4000, 20, 2 * later_ns - 1);
	CU_ASSERT_TRUE(dupcache_size(cache) > size);
	CU_ASSERT_TRUE(is_remembered(CODE_ACCOUNTING_REQUEST, 3000, 0, 2 * later_ns - 1));
}

/* While there is room a record's answer is kept as long as any other. */
static void test_records_keep_their_time(void)
{
	begin_large();
	serve(CODE_ACCOUNTING_REQUEST, 1000, 20, 0);
	CU_ASSERT_TRUE(is_remembered(CODE_ACCOUNTING_REQUEST, 1000, 0, KEEP_S * NS_PER_S - 1));
	CU_ASSERT_FALSE(is_remembered(CODE_ACCOUNTING_REQUEST, 1000, 0, KEEP_S * NS_PER_S));
}

/* A record that was dropped keeps its session key, however many are answered. */
static void test_dropped_record_stays(void)
{
	struct dupcache_key key = key_with_id(1);
	const int64_t later_ns = 5 * NS_PER_S;
	key.code = CODE_ACCOUNTING_REQUEST;
	begin_large();
	enter_key(&key, first_authenticator, &one, 0);
	memset(dupcache_session_key(entry), 7, SESSION_KEY_SIZE);
	dupcache_drop(cache, entry, 0);
	for (uint16_t port = 1000; port < 1000 + 3 * PORTS; port += PORTS)
		serve(CODE_ACCOUNTING_REQUEST, port, 20, later_ns);
	CU_ASSERT_EQUAL(enter_key(&key, first_authenticator, &one, later_ns), DUPCACHE_AGAIN);
	CU_ASSERT_EQUAL(dupcache_session_key(entry)[0], 7);
}

/* Records and logins share the bound, and the oldest goes of whatever kind it is. */
static void test_bound_of_both(void)
{
	begin();
	for (uint8_t id = 0; id < MAX + 2; id++) {
		struct dupcache_key key = key_with_id(id);
		key.code = id % 2 == 0 ? CODE_ACCESS_REQUEST : CODE_ACCOUNTING_REQUEST;
		enter_key(&key, first_authenticator, &one, id);
		dupcache_answer(cache, entry, &id, 1, id);
	}
	CU_ASSERT_EQUAL(dupcache_count(cache), MAX);
	CU_ASSERT_FALSE(is_remembered(CODE_ACCESS_REQUEST, 40000, 0, 10));
	CU_ASSERT_FALSE(is_remembered(CODE_ACCOUNTING_REQUEST, 40000, 1, 10));
	CU_ASSERT_TRUE(is_remembered(CODE_ACCESS_REQUEST, 40000, 2, 10));
	CU_ASSERT_TRUE(is_remembered(CODE_ACCOUNTING_REQUEST, 40000, 3, 10));
	talloc_free(ctx);
	ctx = NULL;
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"an answer is sent again", test_answered},
		{"an answer of any size", test_any_size},
		{"an answer is forgotten after its time", test_time_is_over},
		{"memory is given back", test_memory_is_given_back},
		{"what is worked on stays", test_open_ones_stay},
		{"a used ID", test_superseded},
		{"a dropped packet", test_dropped},
		{"a look without entering", test_has},
		{"everything in the key counts", test_everything_in_the_key_counts},
		{"many of them", test_many},
		{"the oldest goes at the bound", test_bound},
		{"what an answer takes", test_sizes},
		{"records do not make it grow", test_records_take_no_more},
		{"records keep their time while there is room", test_records_keep_their_time},
		{"a record without answer stays", test_dropped_record_stays},
		{"a bound for both kinds", test_bound_of_both},
		CU_TEST_INFO_NULL,
	};
	return suite_run("request/dupcache", tests);
}
