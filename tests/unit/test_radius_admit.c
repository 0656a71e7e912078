/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The raw-octet checks, and then what hostile packets do to check and decoder together. Each packet
 * ends where an unreadable page begins, so that any read past it stops the test, also one in a
 * library that no sanitizer watches. */
#include "base/mem.h"
#include "hex.h"
#include "radius/admit.h"
#include "radius/dictionary.h"
#include "suite.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUTATIONS 200000
#define SEED UINT64_C(20020401)

static uint8_t *page_end;

static bool page_init(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
		return false;
	page_end = pages + page;
	return true;
}

static const uint8_t *at_page_end(const uint8_t *octets, size_t size)
{
	memcpy(page_end - size, octets, size);
	return page_end - size;
}

static enum drop check_hex(const char *hex, struct packet_facts *facts)
{
	uint8_t octets[512];
	size_t size = unhex(hex, octets, sizeof octets);
	return packet_check(at_page_end(octets, size), size, facts);
}

#define AUTHENTICATOR "00000000000000000000000000000000"
#define MESSAGE_AUTHENTICATOR "5012" AUTHENTICATOR

static void test_header(void)
{
	static const struct {
		const char *hex;
		enum drop drop;
	} cases[] = {
		{"", DROP_too_short},
		{"01 00 00 14", DROP_too_short},
		{"01 00 00 14" AUTHENTICATOR, DROP_none},
		{"01 00 00 13" AUTHENTICATOR, DROP_too_short},
		{"01 00 00 00" AUTHENTICATOR, DROP_too_short},
		{"01 00 00 15" AUTHENTICATOR, DROP_too_short},
		{"01 00 10 00" AUTHENTICATOR, DROP_too_short},
		{"01 00 10 01" AUTHENTICATOR, DROP_too_long},
		{"01 00 ff ff" AUTHENTICATOR, DROP_too_long},
		{"00 00 00 14" AUTHENTICATOR, DROP_bad_code},
		{"33 00 00 14" AUTHENTICATOR, DROP_none},
		{"34 00 00 14" AUTHENTICATOR, DROP_bad_code},
		{"ff 00 00 14" AUTHENTICATOR, DROP_bad_code},
	};
	struct packet_facts facts;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CU_ASSERT_EQUAL(check_hex(cases[i].hex, &facts), cases[i].drop);
}

static void test_attributes(void)
{
	static const struct {
		const char *hex;
		enum drop drop;
	} cases[] = {
		{"01 00 00 15" AUTHENTICATOR "01", DROP_bad_attribute},
		{"01 00 00 16" AUTHENTICATOR "01 00", DROP_bad_attribute},
		{"01 00 00 16" AUTHENTICATOR "01 01", DROP_bad_attribute},
		{"01 00 00 16" AUTHENTICATOR "01 02", DROP_none},
		{"01 00 00 16" AUTHENTICATOR "01 03", DROP_bad_attribute},
		{"01 00 00 17" AUTHENTICATOR "01 ff 61", DROP_bad_attribute},
		{"01 00 00 17" AUTHENTICATOR "00 03 61", DROP_bad_attribute},
		{"01 00 00 26" AUTHENTICATOR MESSAGE_AUTHENTICATOR, DROP_none},
		{"01 00 00 38" AUTHENTICATOR MESSAGE_AUTHENTICATOR MESSAGE_AUTHENTICATOR,
			DROP_bad_message_authenticator},
		{"01 00 00 25" AUTHENTICATOR "5011 000000000000000000000000000000",
			DROP_bad_message_authenticator},
		{"01 00 00 27" AUTHENTICATOR "5013 0000000000000000000000000000000000",
			DROP_bad_message_authenticator},
		{"01 00 00 16" AUTHENTICATOR "50 02", DROP_bad_message_authenticator},
	};
	struct packet_facts facts;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CU_ASSERT_EQUAL(check_hex(cases[i].hex, &facts), cases[i].drop);
}

static void test_facts(void)
{
	struct packet_facts facts;
	/* Two octets of padding behind the length; they are no attribute. */
	CU_ASSERT_EQUAL(check_hex("0c 07 00 2c" AUTHENTICATOR
				  "21 03 61 4f 03 62" MESSAGE_AUTHENTICATOR "ff ff",
				&facts),
		DROP_none);
	CU_ASSERT_EQUAL(facts.code, CODE_STATUS_SERVER);
	CU_ASSERT_EQUAL(facts.id, 7);
	CU_ASSERT_EQUAL(facts.length, 44);
	CU_ASSERT_EQUAL(facts.message_authenticator, 26);
	CU_ASSERT_TRUE(facts.has_proxy_state);
	CU_ASSERT_TRUE(facts.has_eap_message);
	CU_ASSERT_EQUAL(check_hex("01 00 00 14" AUTHENTICATOR, &facts), DROP_none);
	CU_ASSERT_FALSE(facts.has_proxy_state || facts.has_eap_message);
	CU_ASSERT_EQUAL(facts.message_authenticator, 0);
}

static void test_interim(void)
{
	struct packet_facts facts;
	CU_ASSERT_EQUAL(check_hex("04 01 00 1a" AUTHENTICATOR "28 06 00000003", &facts), DROP_none);
	CU_ASSERT_TRUE(facts.is_interim);
	CU_ASSERT_EQUAL(check_hex("04 01 00 1a" AUTHENTICATOR "28 06 00000002", &facts), DROP_none);
	CU_ASSERT_FALSE(facts.is_interim);
	CU_ASSERT_EQUAL(check_hex("04 01 00 17" AUTHENTICATOR "28 03 03", &facts), DROP_none);
	CU_ASSERT_FALSE(facts.is_interim);
}

static void packet_of_empty_attributes(uint8_t *packet, size_t count, size_t *length)
{
	*length = RADIUS_HEADER_SIZE + 2 * count;
	memset(packet, 0, RADIUS_HEADER_SIZE);
	packet[0] = CODE_ACCESS_REQUEST;
	packet[2] = (uint8_t)(*length >> 8);
	packet[3] = (uint8_t)(*length & 0xff);
	for (size_t i = 0; i < count; i++)
		memcpy(packet + RADIUS_HEADER_SIZE + 2 * i, "\x12\x02", 2);
}

static void test_attribute_count(void)
{
	uint8_t packet[RADIUS_HEADER_SIZE + 2 * (RADIUS_ATTRIBUTES_MAX + 1)];
	struct packet_facts facts;
	size_t length;
	packet_of_empty_attributes(packet, RADIUS_ATTRIBUTES_MAX, &length);
	CU_ASSERT_EQUAL(packet_check(packet, length, &facts), DROP_none);
	packet_of_empty_attributes(packet, RADIUS_ATTRIBUTES_MAX + 1, &length);
	CU_ASSERT_EQUAL(packet_check(packet, length, &facts), DROP_too_many_attributes);
}

/* Requests of many shapes: plain, vendor formats (Cisco 1/1, USR 4/0, Lucent 2/1, WiMAX, unknown),
 * tagged, hidden, extended, fragmented, NAS-Filter-Rule, IPv6. */
static const char *const seeds[] = {
	"01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79"
	"03 13 16 e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10"
	"05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01",
	"01 02 00 64" AUTHENTICATOR "1a 0f 00 00 00 09 01 09 69 70 3a 61 3d 31 00"
	"1a 0e 00 00 01 ad 00 00 90 02 00 00 00 01 1a 0d 00 00 12 ee 01 10 07 00 00 00 02"
	"1a 0e 00 00 60 b5 01 08 00 01 05 31 2e 30 1a 0c 00 98 96 7f 07 06 61 62 63 64"
	"1a 08 00 00 01 37 0b 02 1a 04 00 00",
	"01 03 00 73" AUTHENTICATOR "40 06 01 00 00 0d 45 15 01 80 01 11 22 33 44 55 66 77 88 99"
	"aa bb cc dd ee ff 00 f1 08 01 00 00 00 01 02 f5 0c 01 80 61 62 63 64 65 66 67 68"
	"f5 07 01 00 69 6a 6b f5 0e 1a 00 00 00 00 09 01 61 62 63 64 65"
	"5c 09 70 65 72 6d 69 74 00 5c 06 64 65 6e 79 61 0c 00 40 20 01 0d b8 00 00 00 00",
	"04 04 00 38" AUTHENTICATOR "28 06 00 00 00 02 2c 08 25 6c 58 36 62 30 2a 06 ff ff ff ff"
	"37 06 65 00 00 00 60 0a 00 00 00 00 00 00 00 01",
};

#define SEEDS (sizeof seeds / sizeof *seeds)
#define SEED_MAX 256
static uint8_t seed_packets[SEEDS][SEED_MAX];
static size_t seed_sizes[SEEDS];

/* Unmutated they are well formed, or the mutations would prove little. */
static void test_seeds(void)
{
	for (size_t i = 0; i < SEEDS; i++) {
		struct packet_facts facts;
		struct attrs *attrs;
		seed_sizes[i] = unhex(seeds[i], seed_packets[i], SEED_MAX);
		const uint8_t *exact = at_page_end(seed_packets[i], seed_sizes[i]);
		CU_ASSERT_EQUAL(packet_check(exact, seed_sizes[i], &facts), DROP_none);
		CU_ASSERT_EQUAL(facts.length, seed_sizes[i]);
		CU_ASSERT_EQUAL_FATAL(attrs_decode(NULL, exact, seed_sizes[i], &attrs), 0);
		talloc_free(attrs);
	}
}

static uint64_t random_state = SEED;

static uint32_t next_random(uint32_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % below;
}

/* Mostly small changes that keep the packet's frame, so that they get past the check. */
static size_t mutate(uint8_t *packet, size_t size)
{
	for (uint32_t changes = 1 + next_random(6); changes > 0; changes--) {
		uint32_t at = next_random((uint32_t)size);
		switch (next_random(5)) {
		case 0:
			packet[at] = (uint8_t)next_random(256);
			break;
		case 1:
			packet[at] ^= (uint8_t)(1U << next_random(8));
			break;
		case 2:
			packet[at] = (uint8_t)(next_random(2) ? 0 : 255);
			break;
		case 3:
			if (at >= RADIUS_HEADER_SIZE) { /* a type that exists */
				static const uint8_t types[] = {
					26, 79, 80, 92, 241, 244, 245, 246, 69, 33, 97, 123};
				packet[at] = types[next_random(sizeof types)];
			}
			break;
		default:
			if (size > RADIUS_HEADER_SIZE && next_random(8) == 0)
				size--;
		}
	}
	if (next_random(4) != 0) {
		packet[2] = 0;
		packet[3] = (uint8_t)size;
	}
	return size;
}

/* Every value must be readable to its end. */
static uint32_t read_all(const struct attrs *attrs)
{
	uint32_t sum = 0;
	for (const struct attr *attr = attrs->list; attr->value; attr++)
		for (size_t i = 0; i < attr->size; i++)
			sum += attr->value[i];
	return sum;
}

static void test_mutations(void)
{
	TALLOC_CTX *pool = mem_must(talloc_pool(NULL, 64 * 1024));
	size_t decoded = 0, refused = 0;
	for (size_t round = 0; round < MUTATIONS; round++) {
		uint8_t packet[SEED_MAX];
		struct packet_facts facts;
		struct attrs *attrs;
		size_t seed = round % SEEDS;
		memcpy(packet, seed_packets[seed], SEED_MAX);
		size_t size = mutate(packet, seed_sizes[seed]);
		const uint8_t *exact = at_page_end(packet, size);
		if (packet_check(exact, size, &facts) == DROP_none &&
			attrs_decode(pool, exact, facts.length, &attrs) == 0)
			decoded += read_all(attrs) != UINT32_MAX;
		else
			refused++;
		talloc_free_children(pool);
	}
	CU_ASSERT_TRUE(decoded > MUTATIONS / 20);
	CU_ASSERT_TRUE(refused > MUTATIONS / 20);
	CU_ASSERT_EQUAL(talloc_total_blocks(pool), 1);
	talloc_free(pool);
}

int main(void)
{
	char *why;
	const char *directory = getenv("POPRAD_DICTIONARY_DIR");
	if (!page_init() || !directory || dictionary_load(NULL, directory, &why))
		return 1;
	CU_TestInfo tests[] = {
		TEST(test_header),
		TEST(test_attributes),
		TEST(test_facts),
		TEST(test_interim),
		TEST(test_attribute_count),
		TEST(test_seeds),
		TEST(test_mutations),
		CU_TEST_INFO_NULL,
	};
	return suite_run("radius_admit", tests);
}
