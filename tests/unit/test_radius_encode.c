/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Replies: what stands where, what gives way when there is no room, hidden values, signatures. */
#include "hex.h"
#include "radius/admit.h"
#include "radius/digest.h"
#include "radius/encode.h"
#include "radius/pap.h"
#include "radius/sign.h"
#include "suite.h"

static const char secret[] = "testing123";
#define SECRET_SIZE (sizeof secret - 1)

static uint8_t request[RADIUS_MAX_PACKET], octets[RADIUS_MAX_PACKET];
static size_t request_length;

static void request_begin(uint8_t code)
{
	memset(request, 0, RADIUS_HEADER_SIZE);
	request[0] = code;
	request[1] = 42;
	memcpy(request + 4, "sixteen  octets!", 16);
	request_length = RADIUS_HEADER_SIZE;
}

static void request_add(uint8_t number, size_t size)
{
	request[request_length] = number;
	request[request_length + 1] = (uint8_t)(size + 2);
	memset(request + request_length + 2, (int)('a' + request_length % 26), size);
	request_length += size + 2;
}

static void begin(struct reply *reply, enum radius_code code)
{
	reply_init(reply, octets, code, request, request_length, secret, SECRET_SIZE);
}

/* Signs, and checks that what came out is a packet that its requester accepts. */
static int finish(struct reply *reply, struct packet_facts *facts)
{
	int error = reply_finish(reply);
	CU_ASSERT_EQUAL_FATAL(packet_check(octets, reply->length, facts), DROP_none);
	CU_ASSERT_EQUAL(facts->length, reply->length);
	CU_ASSERT_TRUE(reply_verify(octets, facts, request + 4, secret, SECRET_SIZE));
	return error;
}

static void test_access(void)
{
	static const enum radius_code codes[] = {
		CODE_ACCESS_ACCEPT, CODE_ACCESS_REJECT, CODE_ACCESS_CHALLENGE};
	for (size_t i = 0; i < 3; i++) {
		struct reply reply;
		struct packet_facts facts;
		request_begin(CODE_ACCESS_REQUEST);
		begin(&reply, codes[i]);
		reply_add_text(&reply, ATTR_REPLY_MESSAGE, "hello");
		CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
		CU_ASSERT_EQUAL(facts.code, codes[i]);
		CU_ASSERT_EQUAL(facts.id, 42);
		CU_ASSERT_EQUAL(facts.message_authenticator, RADIUS_HEADER_SIZE);
	}
}

static void signed_or_not(
	uint8_t code, bool request_is_signed, enum radius_code answer, bool is_signed)
{
	struct reply reply;
	struct packet_facts facts;
	request_begin(code);
	if (request_is_signed)
		request_add(ATTR_MESSAGE_AUTHENTICATOR, 16);
	begin(&reply, answer);
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	CU_ASSERT_EQUAL(facts.message_authenticator, is_signed ? RADIUS_HEADER_SIZE : 0);
}

static void test_which_are_signed(void)
{
	signed_or_not(CODE_ACCESS_REQUEST, false, CODE_ACCESS_ACCEPT, true);
	signed_or_not(CODE_STATUS_SERVER, true, CODE_ACCESS_ACCEPT, true);
	signed_or_not(CODE_STATUS_SERVER, true, CODE_ACCOUNTING_RESPONSE, true);
	signed_or_not(CODE_ACCOUNTING_REQUEST, false, CODE_ACCOUNTING_RESPONSE, false);
	signed_or_not(CODE_ACCOUNTING_REQUEST, true, CODE_ACCOUNTING_RESPONSE, false);
}

static void test_values(void)
{
	struct reply reply;
	struct packet_facts facts;
	const struct addr v4 = {.family = 4, .bytes = {10, 0, 8, 1}};
	const struct addr v6 = {.family = 6, .bytes = {0x20, 1, 0xd, 0xb8}};
	const struct encoded_attr encoded = {.size = 4, .octets = {18, 4, 'o', 'k'}};
	request_begin(CODE_ACCESS_REQUEST);
	begin(&reply, CODE_ACCESS_ACCEPT);
	reply_add_u32(&reply, ATTR_SESSION_TIMEOUT, 0x01020304);
	reply_add_addr(&reply, ATTR_FRAMED_IP_ADDRESS, &v4);
	reply_add_addr(&reply, ATTR_FRAMED_IPV6_ADDRESS, &v6);
	reply_add_octets(&reply, ATTR_CLASS, "a\0b", 3);
	reply_add_octets(&reply, ATTR_CLASS, NULL, 0);
	reply_add_vendor(&reply, 9, 1, "x", 1);
	reply_add_encoded(&reply, &encoded);
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	ASSERT_OCTETS(octets + 38,
		"1b 06 01020304 08 06 0a000801 a8 12 20010db8000000000000000000000000"
		"19 05 61 00 62 19 02 1a 09 00000009 01 03 78 12 04 6f 6b");
	CU_ASSERT_EQUAL(reply.length, 38 + 50);
}

static void test_long_values(void)
{
	static const char text[400] = "t";
	struct reply reply;
	struct packet_facts facts;
	request_begin(CODE_ACCESS_REQUEST);
	begin(&reply, CODE_ACCESS_REJECT);
	reply_add_octets(&reply, ATTR_REPLY_MESSAGE, text, sizeof text);
	reply_add_vendor(&reply, 9, 1, text, sizeof text);
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	CU_ASSERT_EQUAL(octets[39], 255);
	CU_ASSERT_EQUAL(octets[38 + 255 + 1], 255);
	CU_ASSERT_EQUAL(octets[38 + 255 + 7], 249);
	CU_ASSERT_EQUAL(reply.length, 38 + 510);
}

static void test_proxy_state(void)
{
	struct reply reply;
	struct packet_facts facts;
	request_begin(CODE_ACCESS_REQUEST);
	request_add(ATTR_PROXY_STATE, 3);
	request_add(ATTR_USER_NAME, 5);
	request_add(ATTR_PROXY_STATE, 0);
	request_add(ATTR_PROXY_STATE, 253);
	begin(&reply, CODE_ACCESS_REJECT);
	reply_add_text(&reply, ATTR_REPLY_MESSAGE, "no");
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	CU_ASSERT_EQUAL(reply.length, 38 + 4 + 5 + 2 + 255);
	CU_ASSERT_EQUAL(memcmp(octets + 42, request + 20, 5), 0);
	CU_ASSERT_EQUAL(memcmp(octets + 47, request + 32, 2 + 255), 0);
}

/* Our attributes give way, Proxy-State never does. */
static void test_overfull(void)
{
	struct reply reply;
	struct packet_facts facts;
	uint8_t value[253] = {0};
	request_begin(CODE_ACCESS_REQUEST);
	for (int i = 0; i < 8; i++)
		request_add(ATTR_PROXY_STATE, 253);
	begin(&reply, CODE_ACCESS_ACCEPT);
	for (int i = 0; i < 16; i++)
		reply_add_octets(&reply, ATTR_CLASS, value, sizeof value);
	CU_ASSERT_TRUE(reply.is_overfull);
	reply_add_u32(&reply, ATTR_SESSION_TIMEOUT, 1); /* small enough still */
	CU_ASSERT_EQUAL(finish(&reply, &facts), ERR_FULL);
	CU_ASSERT_TRUE(facts.length <= RADIUS_MAX_PACKET);
	size_t states = 0, timeouts = 0;
	for (size_t at = RADIUS_HEADER_SIZE; at < facts.length; at += octets[at + 1]) {
		states += octets[at] == ATTR_PROXY_STATE;
		timeouts += octets[at] == ATTR_SESSION_TIMEOUT;
	}
	CU_ASSERT_EQUAL(states, 8);
	CU_ASSERT_EQUAL(timeouts, 1);
}

/* A part that is made ahead comes in whole or not at all. */
static void test_part(void)
{
	struct reply reply, part;
	struct packet_facts facts;
	uint8_t made[RADIUS_MAX_PACKET], value[253] = {0};
	reply_init_part(&part, made);
	reply_add_text(&part, ATTR_FILTER_ID, "a.in");
	reply_add_vendor(&part, VENDOR_CISCO, CISCO_AVPAIR, "b", 1);
	CU_ASSERT_EQUAL_FATAL(part.length, 15);
	request_begin(CODE_ACCESS_REQUEST);
	begin(&reply, CODE_ACCESS_ACCEPT);
	CU_ASSERT_TRUE(reply_add_part(&reply, made, part.length));
	CU_ASSERT_TRUE(reply_add_part(&reply, NULL, 0));
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	CU_ASSERT_EQUAL(facts.length, 20 + 18 + 15);
	CU_ASSERT_EQUAL(memcmp(octets + 38, made, 15), 0);

	begin(&reply, CODE_ACCESS_ACCEPT);
	for (int i = 0; i < 16; i++)
		CU_ASSERT_TRUE(reply_add_part(&part, value, i < 15 ? sizeof value : 0));
	CU_ASSERT_FALSE(part.is_overfull);
	CU_ASSERT_FALSE(reply_add_part(&part, made, 300));
	CU_ASSERT_EQUAL(part.length, 15 + 15 * 253);
	CU_ASSERT_TRUE(part.is_overfull);
	CU_ASSERT_TRUE(reply_add_part(&reply, made, 15));
}

/* A request that is almost all Proxy-State, without the Message-Authenticator that we add. */
static void test_nothing_but_proxy_state(void)
{
	struct reply reply;
	struct packet_facts facts;
	request_begin(CODE_ACCESS_REQUEST);
	while (request_length + 255 <= RADIUS_MAX_PACKET)
		request_add(ATTR_PROXY_STATE, 253);
	request_add(ATTR_PROXY_STATE, RADIUS_MAX_PACKET - request_length - 2);
	CU_ASSERT_EQUAL(request_length, RADIUS_MAX_PACKET);
	begin(&reply, CODE_ACCESS_ACCEPT);
	reply_add_u32(&reply, ATTR_SESSION_TIMEOUT, 1);
	CU_ASSERT_EQUAL(finish(&reply, &facts), ERR_FULL);
	CU_ASSERT_TRUE(facts.has_proxy_state);
	CU_ASSERT_EQUAL(facts.message_authenticator, RADIUS_HEADER_SIZE);
}

/* RFC 2868 section 3.5, the receiver's side. Returns the size of the value. */
static size_t salt_decrypt(const uint8_t *hidden, size_t size, uint8_t *clear)
{
	uint8_t start[18], plain[256], block[16];
	CU_ASSERT_TRUE_FATAL(size > 2 && (size - 2) % 16 == 0);
	CU_ASSERT_TRUE(hidden[0] & 0x80);
	memcpy(start, request + 4, 16);
	memcpy(start + 16, hidden, 2);
	for (size_t at = 2; at < size; at += 16) {
		const struct octets parts[] = {{secret, SECRET_SIZE},
			{at == 2 ? start : hidden + at - 16, at == 2 ? sizeof start : 16}};
		digest_md5(parts, 2, block);
		for (size_t i = 0; i < 16; i++)
			plain[at - 2 + i] = hidden[at + i] ^ block[i];
	}
	CU_ASSERT_TRUE_FATAL(plain[0] < size - 2);
	memcpy(clear, plain + 1, plain[0]);
	return plain[0];
}

static void test_salt_encryption(void)
{
	uint8_t value[ENCRYPTED_VALUE_MAX], clear[256];
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (uint8_t)i;
	for (size_t size = 0; size <= sizeof value; size++) {
		struct reply reply;
		struct packet_facts facts;
		request_begin(CODE_ACCESS_REQUEST);
		begin(&reply, CODE_ACCESS_ACCEPT);
		reply_add_vendor_encrypted(&reply, VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, value, size);
		CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
		ASSERT_OCTETS(octets + 40, "00 00 01 37 10");
		CU_ASSERT_EQUAL(salt_decrypt(octets + 46, octets[45] - 2U, clear), size);
		CU_ASSERT_EQUAL(memcmp(clear, value, size), 0);
	}
}

static void test_salts_differ(void)
{
	struct reply reply;
	struct packet_facts facts;
	request_begin(CODE_ACCESS_REQUEST);
	begin(&reply, CODE_ACCESS_ACCEPT);
	for (int i = 0; i < 3; i++)
		reply_add_vendor_encrypted(&reply, VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, "0123", 4);
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(octets + 46, octets + 46 + 26, 2), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(octets + 46 + 26, octets + 46 + 52, 2), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(octets + 46, octets + 46 + 52, 2), 0);
	begin(&reply, CODE_ACCESS_ACCEPT);
	reply_add_vendor_encrypted(
		&reply, VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, octets, ENCRYPTED_VALUE_MAX + 1);
	CU_ASSERT_EQUAL(finish(&reply, &facts), ERR_FULL);
}

static void test_tunnel_password(void)
{
	const struct encoded_attr standard = {.number = 69,
		.encryption = ATTR_SALTED,
		.has_tag = true,
		.tag = 2,
		.size = 5,
		.octets = {69, 5, 'a', 'b', 'c'}};
	const struct encoded_attr vendor = {.vendor = 9,
		.number = 7,
		.encryption = ATTR_SALTED,
		.size = 9,
		.octets = {26, 9, 0, 0, 0, 9, 7, 3, 'z'}};
	struct reply reply;
	struct packet_facts facts;
	uint8_t clear[256];
	request_begin(CODE_ACCESS_REQUEST);
	begin(&reply, CODE_ACCESS_ACCEPT);
	reply_add_encoded(&reply, &standard);
	reply_add_encoded(&reply, &vendor);
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	ASSERT_OCTETS(octets + 38, "45 15 02");
	CU_ASSERT_EQUAL(salt_decrypt(octets + 41, 18, clear), 3);
	CU_ASSERT_EQUAL(memcmp(clear, "abc", 3), 0);
	ASSERT_OCTETS(octets + 59, "1a 1a 00 00 00 09 07 14");
	CU_ASSERT_EQUAL(salt_decrypt(octets + 67, 18, clear), 1);
	CU_ASSERT_EQUAL(clear[0], 'z');
	CU_ASSERT_EQUAL(encoded_attr_octets(&standard), 0x15);
	CU_ASSERT_EQUAL(encoded_attr_octets(&vendor), 0x1a);

	uint8_t made[RADIUS_MAX_PACKET];
	struct reply part;
	reply_init_part(&part, made);
	reply_add_encoded(&part, &standard);
	reply_add_encoded(&part, &vendor);
	CU_ASSERT_EQUAL_FATAL(part.length, 0x15 + 0x1a);
	ASSERT_OCTETS(made, "45 15 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
			    "1a 1a 00 00 00 09 07 14 00 00 00");
}

static void test_mschap1_keys(void)
{
	struct reply reply;
	struct packet_facts facts;
	uint8_t keys[32];
	char clear[PAP_PASSWORD_MAX + 1];
	size_t size;
	for (size_t i = 0; i < sizeof keys; i++)
		keys[i] = (uint8_t)(i + 1);
	request_begin(CODE_ACCESS_REQUEST);
	begin(&reply, CODE_ACCESS_ACCEPT);
	reply_add_mschap1_mppe_keys(&reply, keys);
	CU_ASSERT_EQUAL(finish(&reply, &facts), 0);
	ASSERT_OCTETS(octets + 38, "1a 28 00 00 01 37 0c 22");
	CU_ASSERT_EQUAL(
		pap_reveal(octets + 46, 32, request + 4, secret, SECRET_SIZE, clear, &size), 0);
	CU_ASSERT_EQUAL(memcmp(clear, keys, sizeof keys), 0);
}

int main(void)
{
	if (digest_init())
		return 1;
	CU_TestInfo tests[] = {
		TEST(test_access),
		TEST(test_which_are_signed),
		TEST(test_values),
		TEST(test_long_values),
		TEST(test_proxy_state),
		TEST(test_overfull),
		TEST(test_part),
		TEST(test_nothing_but_proxy_state),
		TEST(test_salt_encryption),
		TEST(test_salts_differ),
		TEST(test_tunnel_password),
		TEST(test_mschap1_keys),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("radius_encode", tests);
	digest_done();
	return failed;
}
