/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Digests, signatures and the authentication methods, against the examples of the RFCs. */
#include "hex.h"
#include "radius/admit.h"
#include "radius/chap.h"
#include "radius/digest.h"
#include "radius/mschap.h"
#include "radius/pap.h"
#include "radius/sign.h"
#include "suite.h"

static const char secret[] = "xyzzy5461"; /* of RFC 2865 section 7 and RFC 5997 section 6 */
#define SECRET_SIZE (sizeof secret - 1)

/* RFC 2865 section 7.1: a login with User-Password, and its answer. */
static const char telnet_request[] =
	"01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f"
	"02 12 0d be 70 8d 93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03";
static const char telnet_accept[] = "02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2"
				    "06 06 00 00 00 01 0f 06 00 00 00 00 0e 06 c0 a8 01 03";
/* Section 7.2: CHAP with the request authenticator as challenge. */
static const char chap_request[] =
	"01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79"
	"03 13 16 e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10"
	"05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01";
static const char chap_accept[] =
	"02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02"
	"07 06 00 00 00 01 08 06 ff ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc";
/* Section 7.3: a challenge. */
static const char challenge_request[] =
	"01 02 00 39 f3 a4 7a 1f 6a 6d 76 71 0b 94 7a b9 30 41 a0 39 01 07 6d 6f 70 73 79"
	"02 12 33 65 75 73 77 82 89 b5 70 88 5e 15 08 48 25 c5 04 06 c0 a8 01 10 05 06 00 00 00 07";
static const char challenge_reply[] =
	"0b 02 00 4e 36 f3 c8 76 4a e8 c7 11 57 40 3c 0c 71 ff 9c 45 12 30 43 68 61 6c 6c 65"
	"6e 67 65 20 33 32 37 36 39 34 33 30 2e 20 20 45 6e 74 65 72 20 72 65 73 70 6f 6e 73"
	"65 20 61 74 20 70 72 6f 6d 70 74 2e 18 0a 33 32 37 36 39 34 33 30";
/* RFC 5997 section 6: Status-Server on either port. */
static const char status_request[] = "0c da 00 26 8a 54 f4 68 6f b3 94 c5 28 66 e3 02 18 5d 06 23"
				     "50 12 5a 66 5e 2e 1e 84 11 f3 e2 43 82 20 97 c8 4f a3";
static const char status_accept[] = "02 da 00 14 ef 0d 55 2a 4b f2 d6 93 ec 2b 6f e8 b5 41 1d 66";
static const char status_acct_request[] =
	"0c b3 00 26 92 5f 6b 66 dd 5f ed 57 1f cb 1d b7 ad 38 82 60"
	"50 12 e8 d6 ea bd a9 10 87 5c d9 1f da de 26 36 78 58";

static void check_pair(const char *request_hex, const char *reply_hex)
{
	uint8_t request[128], reply[128];
	struct packet_facts facts, reply_facts;
	size_t request_size = unhex(request_hex, request, sizeof request);
	size_t reply_size = unhex(reply_hex, reply, sizeof reply);
	CU_ASSERT_EQUAL(packet_check(request, request_size, &facts), DROP_none);
	CU_ASSERT_EQUAL(packet_check(reply, reply_size, &reply_facts), DROP_none);
	CU_ASSERT_TRUE(reply_verify(reply, &reply_facts, request + 4, secret, SECRET_SIZE));
	reply[reply_size - 1] ^= 1;
	CU_ASSERT_FALSE(reply_verify(reply, &reply_facts, request + 4, secret, SECRET_SIZE));
	reply[reply_size - 1] ^= 1;
	CU_ASSERT_FALSE(reply_verify(reply, &reply_facts, request + 4, "other", 5));
}

static void test_response_authenticators(void)
{
	check_pair(telnet_request, telnet_accept);
	check_pair(chap_request, chap_accept);
	check_pair(challenge_request, challenge_reply);
	check_pair(status_request, status_accept);
}

static void test_message_authenticator(void)
{
	static const char *const requests[] = {status_request, status_acct_request};
	for (size_t i = 0; i < 2; i++) {
		uint8_t packet[64];
		struct packet_facts facts;
		size_t size = unhex(requests[i], packet, sizeof packet);
		CU_ASSERT_EQUAL_FATAL(packet_check(packet, size, &facts), DROP_none);
		CU_ASSERT_EQUAL(facts.message_authenticator, 20);
		CU_ASSERT_TRUE(message_authenticator_verify(packet, &facts, secret, SECRET_SIZE));
		packet[1] ^= 1;
		CU_ASSERT_FALSE(message_authenticator_verify(packet, &facts, secret, SECRET_SIZE));
	}
}

static void test_no_message_authenticator(void)
{
	uint8_t packet[64];
	struct packet_facts facts;
	size_t size = unhex(telnet_request, packet, sizeof packet);
	CU_ASSERT_EQUAL_FATAL(packet_check(packet, size, &facts), DROP_none);
	CU_ASSERT_FALSE(message_authenticator_verify(packet, &facts, secret, SECRET_SIZE));
}

/* An Accounting-Request's authenticator is a digest; its Message-Authenticator counts it as zero.
 */
static void test_accounting(void)
{
	uint8_t packet[64] = {CODE_ACCOUNTING_REQUEST, 9, 0, 44};
	struct packet_facts facts;
	packet[20] = ATTR_MESSAGE_AUTHENTICATOR;
	packet[21] = 18;
	memcpy(packet + 38, "\x28\x06\0\0\0\x01", 6);
	request_sign(packet, 44, 20, secret, SECRET_SIZE);
	CU_ASSERT_EQUAL_FATAL(packet_check(packet, 44, &facts), DROP_none);
	CU_ASSERT_TRUE(accounting_authenticator_verify(packet, 44, secret, SECRET_SIZE));
	CU_ASSERT_TRUE(message_authenticator_verify(packet, &facts, secret, SECRET_SIZE));
	CU_ASSERT_FALSE(accounting_authenticator_verify(packet, 44, "xyzzy5462", 9));
	packet[43] = 2;
	CU_ASSERT_FALSE(accounting_authenticator_verify(packet, 44, secret, SECRET_SIZE));
	CU_ASSERT_FALSE(message_authenticator_verify(packet, &facts, secret, SECRET_SIZE));
}

static void reveal(const char *hex, const char *password)
{
	uint8_t packet[64];
	char clear[PAP_PASSWORD_MAX + 1];
	size_t size = unhex(hex, packet, sizeof packet), at = 20;
	while (packet[at] != ATTR_USER_PASSWORD && at < size)
		at += packet[at + 1];
	CU_ASSERT_EQUAL(pap_reveal(packet + at + 2, packet[at + 1] - 2U, packet + 4, secret,
				SECRET_SIZE, clear, &size),
		0);
	CU_ASSERT_EQUAL(size, strlen(password));
	CU_ASSERT_STRING_EQUAL(clear, password);
}

static void test_pap_vectors(void)
{
	reveal(telnet_request, "arctangent");
	reveal(challenge_request, "challenge");
}

static void test_pap_round_trip(void)
{
	static const uint8_t authenticator[16] = "0123456789abcdef";
	char password[PAP_PASSWORD_MAX], clear[PAP_PASSWORD_MAX + 1];
	uint8_t hidden[PAP_PASSWORD_MAX];
	memset(password, 'p', sizeof password);
	for (size_t size = 0; size <= sizeof password; size++) {
		size_t hidden_size, revealed;
		CU_ASSERT_EQUAL_FATAL(pap_hide(password, size, authenticator, secret, SECRET_SIZE,
					      hidden, &hidden_size),
			0);
		CU_ASSERT_EQUAL(hidden_size, size == 0 ? 16 : (size + 15) / 16 * 16);
		CU_ASSERT_EQUAL_FATAL(pap_reveal(hidden, hidden_size, authenticator, secret,
					      SECRET_SIZE, clear, &revealed),
			0);
		CU_ASSERT_EQUAL(revealed, size);
		CU_ASSERT_EQUAL(memcmp(clear, password, size), 0);
	}
}

static void test_pap_bad_sizes(void)
{
	static const size_t sizes[] = {0, 1, 15, 17, 31, 127, 129, 144, 253};
	static const uint8_t value[256], authenticator[16];
	char clear[PAP_PASSWORD_MAX + 1];
	uint8_t hidden[PAP_PASSWORD_MAX];
	size_t size;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		CU_ASSERT_EQUAL(pap_reveal(value, sizes[i], authenticator, "s", 1, clear, &size),
			ERR_SYNTAX);
	CU_ASSERT_EQUAL(pap_hide("", PAP_PASSWORD_MAX + 1, authenticator, "s", 1, hidden, &size),
		ERR_RANGE);
}

static void test_chap(void)
{
	uint8_t packet[128], response[CHAP_PASSWORD_SIZE];
	unhex(chap_request, packet, sizeof packet);
	CU_ASSERT_TRUE(chap_verify(packet + 30, packet + 4, 16, "arctangent", 10));
	CU_ASSERT_FALSE(chap_verify(packet + 30, packet + 4, 16, "arctangenT", 10));
	CU_ASSERT_FALSE(chap_verify(packet + 30, packet + 4, 15, "arctangent", 10));
	chap_respond(0x16, packet + 4, 16, "arctangent", 10, response);
	CU_ASSERT_EQUAL(memcmp(response, packet + 30, sizeof response), 0);
	CU_ASSERT_FALSE(chap_verify(packet + 30, packet + 4, 0, "", 0));
}

static void test_digests(void)
{
	uint8_t digest[DIGEST_SIZE_MAX];
	const struct octets abc = {"abc", 3},
			    parts[] = {{"what do ya want ", 16}, {"for nothing?", 12}};
	digest_md5(&abc, 1, digest); /* RFC 1321 appendix A.5 */
	ASSERT_OCTETS(digest, "900150983cd24fb0d6963f7d28e17f72");
	digest_md4("abc", 3, digest); /* RFC 1320 appendix A.5 */
	ASSERT_OCTETS(digest, "a448017aaf21d8525fc10ae87aa6729d");
	digest_sha1(&abc, 1, digest); /* RFC 3174 section 7.3 */
	ASSERT_OCTETS(digest, "a9993e364706816aba3e25717850c26c9cd0d89d");
	digest_hmac_md5("Jefe", 4, parts, 2, digest); /* RFC 2202 section 2 */
	ASSERT_OCTETS(digest, "750c783e6ab0b503eaa86e310a5db738");
	digest_hmac_md5("", 0, &abc, 1, digest);
	ASSERT_OCTETS(digest, "dd2701993d29fdd0b032c233cec63403");
	CU_ASSERT_EQUAL(digest_compute(DIGEST_SHA256, &abc, 1, digest), 32);
	ASSERT_OCTETS(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* The key of the call before is kept; a change of key, of its size alone, or to a long one counts.
 */
static void test_hmac_keys(void)
{
	static const char *const keys[] = {"k", "k", "kk", "k", "", "k",
		"a key that is longer than the 64 octets of a block of MD5 and is digested first",
		"k"};
	const struct octets abc = {"abc", 3};
	uint8_t first[MD5_SIZE], digest[MD5_SIZE];
	digest_hmac_md5("k", 1, &abc, 1, first);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		digest_hmac_md5(keys[i], strlen(keys[i]), &abc, 1, digest);
		bool is_first = strcmp(keys[i], "k") == 0;
		CU_ASSERT_EQUAL(memcmp(digest, first, sizeof first) == 0, is_first);
	}
}

static void test_random(void)
{
	uint8_t one[64] = {0}, other[64] = {0};
	random_octets(one, sizeof one);
	random_octets(other, sizeof other);
	CU_ASSERT_FALSE(octets_equal(one, other, sizeof one));
	CU_ASSERT_TRUE(octets_equal(one, one, sizeof one));
	CU_ASSERT_TRUE(octets_equal(one, other, 0));
}

/* RFC 2759 section 9.2 and RFC 3079 section 3.5.3. */
static void test_mschap2(void)
{
	uint8_t hash[NT_HASH_SIZE], challenge[16], peer[16], response[MSCHAP_RESPONSE_SIZE];
	uint8_t success[MSCHAP2_SUCCESS_SIZE], send[MPPE_KEY_SIZE], receive[MPPE_KEY_SIZE];
	unhex("5B5D7C7D7B3F2F3E3C2C602132262628", challenge, sizeof challenge);
	unhex("21402324255E262A28295F2B3A337C7E", peer, sizeof peer);
	CU_ASSERT_EQUAL(nt_hash("clientPass", 10, hash), 0);
	ASSERT_OCTETS(hash, "44EBBA8D5312B8D611474411F56989AE");
	mschap2_respond(7, hash, challenge, peer, "User", 4, response);
	ASSERT_OCTETS(response + 26, "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF");
	CU_ASSERT_EQUAL(response[0], 7);
	CU_ASSERT_TRUE(mschap2_verify(hash, challenge, response, "User", 4));
	CU_ASSERT_TRUE(mschap2_verify(hash, challenge, response, "DOMAIN\\User", 11));
	CU_ASSERT_FALSE(mschap2_verify(hash, challenge, response, "user", 4));
	mschap2_success(hash, challenge, response, "User", 4, success);
	CU_ASSERT_EQUAL(
		memcmp(success, "\7S=407A5589115FD0D6209F510FE9C04566932CDA56", sizeof success), 0);
	mschap2_mppe_keys(hash, response, send, receive);
	ASSERT_OCTETS(send, "8B7CDC149B993A1BA118CB153F56DCCB");
	response[49] ^= 1;
	CU_ASSERT_FALSE(mschap2_verify(hash, challenge, response, "User", 4));
}

/* What the server receives with is what the client sends with: the other constant, computed here.
 */
static void test_mppe_receive_key(void)
{
	static const char magic[] = "On the client side, this is the send key; "
				    "on the server side, it is the receive key.";
	uint8_t hash[NT_HASH_SIZE], response[MSCHAP_RESPONSE_SIZE] = {0}, digest[SHA1_SIZE];
	uint8_t send[MPPE_KEY_SIZE], receive[MPPE_KEY_SIZE], master[16], zeros[40] = {0}, f2[40];
	memset(f2, 0xf2, sizeof f2);
	unhex("FDECE3717A8C838CB388E527AE3CDD31", master, sizeof master);
	CU_ASSERT_EQUAL(nt_hash("clientPass", 10, hash), 0);
	unhex("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF", response + 26, 24);
	mschap2_mppe_keys(hash, response, send, receive);
	const struct octets parts[] = {
		{master, 16}, {zeros, 40}, {magic, sizeof magic - 1}, {f2, 40}};
	digest_sha1(parts, 4, digest);
	CU_ASSERT_EQUAL(memcmp(receive, digest, sizeof receive), 0);
}

/* RFC 2433 appendix B. */
static void test_mschap1(void)
{
	uint8_t hash[NT_HASH_SIZE], challenge[8], response[MSCHAP_RESPONSE_SIZE] = {3, 1}, keys[32];
	unhex("102DB5DF085D3041", challenge, sizeof challenge);
	CU_ASSERT_EQUAL(nt_hash("MyPw", 4, hash), 0);
	ASSERT_OCTETS(hash, "FC156AF7EDCD6C0EDDE3337D427F4EAC");
	unhex("4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61", response + 26, 24);
	CU_ASSERT_TRUE(mschap1_verify(hash, challenge, response));
	response[1] = 0;
	CU_ASSERT_FALSE(mschap1_verify(hash, challenge, response));
	response[1] = 1;
	challenge[0] ^= 1;
	CU_ASSERT_FALSE(mschap1_verify(hash, challenge, response));

	uint8_t hash_hash[MD4_SIZE];
	digest_md4(hash, sizeof hash, hash_hash);
	mschap1_mppe_keys(hash, keys);
	ASSERT_OCTETS(keys, "0000000000000000");
	CU_ASSERT_EQUAL(memcmp(keys + 8, hash_hash, 16), 0);
	ASSERT_OCTETS(keys + 24, "0000000000000000");
}

/* Expected hashes are MD4 over the UTF-16LE text. */
static void test_nt_hash_utf8(void)
{
	static const char *const bad[] = {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82",
		"\xf4\x90\x80\x80", "a\x80", "\xf8\x88\x80\x80\x80"};
	uint8_t hash[NT_HASH_SIZE], expected[MD4_SIZE];
	static const uint8_t umlaut[] = {0xe4, 0, 0x3d, 0xd8, 0x11, 0xdd};
	CU_ASSERT_EQUAL(nt_hash("\xc3\xa4\xf0\x9f\x94\x91", 6, hash), 0);
	digest_md4(umlaut, sizeof umlaut, expected);
	CU_ASSERT_EQUAL(memcmp(hash, expected, sizeof hash), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CU_ASSERT_EQUAL(nt_hash(bad[i], strlen(bad[i]), hash), ERR_SYNTAX);
	CU_ASSERT_EQUAL(nt_hash("", 0, hash), 0);
	ASSERT_OCTETS(hash, "31d6cfe0d16ae931b73c59d7e0c089c0");
}

static void test_nt_hash_length(void)
{
	char text[4 * 257];
	uint8_t hash[NT_HASH_SIZE];
	memset(text, 'a', sizeof text);
	CU_ASSERT_EQUAL(nt_hash(text, 256, hash), 0);
	CU_ASSERT_EQUAL(nt_hash(text, 257, hash), ERR_RANGE);
	for (size_t i = 0; i < 257; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x94\x91", 4);
	CU_ASSERT_EQUAL(nt_hash(text, 4 * 128, hash), 0);
	CU_ASSERT_EQUAL(nt_hash(text, 4 * 129, hash), ERR_RANGE);
	CU_ASSERT_EQUAL(nt_hash(text, 4 * 257, hash), ERR_RANGE);
	memset(text, 'a', 255);
	memcpy(text + 255, "\xf0\x9f\x94\x91", 4);
	CU_ASSERT_EQUAL(nt_hash(text, 259, hash), ERR_RANGE);
}

int main(void)
{
	if (digest_init())
		return 1;
	CU_TestInfo tests[] = {
		TEST(test_digests),
		TEST(test_hmac_keys),
		TEST(test_random),
		TEST(test_response_authenticators),
		TEST(test_message_authenticator),
		TEST(test_no_message_authenticator),
		TEST(test_accounting),
		TEST(test_pap_vectors),
		TEST(test_pap_round_trip),
		TEST(test_pap_bad_sizes),
		TEST(test_chap),
		TEST(test_mschap1),
		TEST(test_mschap2),
		TEST(test_mppe_receive_key),
		TEST(test_nt_hash_utf8),
		TEST(test_nt_hash_length),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("radius_crypto", tests);
	digest_done();
	return failed;
}
