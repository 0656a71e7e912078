/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Each stored form against each method. The stored texts were made by Python's hashlib and by
 * crypt(3) from the password "dial-up". */
#include "auth/password.h"
#include "hex.h"
#include "suite.h"

static const char right[] = "dial-up";
#define RIGHT_SIZE (sizeof right - 1)

static const struct {
	const char *stored;
	enum password_form form;
} stored[] = {
	{"dial-up", PASSWORD_CLEAR},
	{"{clear}dial-up", PASSWORD_CLEAR},
	{"{CLEAR}dial-up", PASSWORD_CLEAR},
	{"{nt}936cf2208031f80a79307dbf202a227d", PASSWORD_NT},
	{"{NT}936CF2208031F80A79307DBF202A227D", PASSWORD_NT},
	{"{MD5}ihdrnQHHUvw7nwLtRwW7ZQ==", PASSWORD_DIGEST},
	{"{SMD5}UCtbshW75Nypao26WYojjHNhbHRzYWx0", PASSWORD_DIGEST},
	{"{SHA}WHCZLCTAZes+GVGwlY/0nUoyp/0=", PASSWORD_DIGEST},
	{"{SSHA}hAQnFSIPGI+1H0WnVi12XmqrmGJzYWx0c2FsdA==", PASSWORD_DIGEST},
	{"{ssha}hAQnFSIPGI+1H0WnVi12XmqrmGJzYWx0c2FsdA==", PASSWORD_DIGEST},
	{"{SHA256}9s2x/mSjd1/KL48KAClAPraKOIWiKNni3hMsQoFNSZ8=", PASSWORD_DIGEST},
	{"{SSHA256}PhrCvIqEj2vw2zMKMoepgbptJYkB244Qx6Q0f1GVky9zYWx0c2FsdA==", PASSWORD_DIGEST},
	{"{SHA384}iseiokzTSwMeEBBtC0FTHgkMsvBi3nfqgKOmHFLG98000FBHudiJ28HSu2XnPBTf",
		PASSWORD_DIGEST},
	{"{SSHA384}QWftmfgjm5gti/0oCTMyxX6QbNTo3eg1hM11Sipxs+F/rXOvyMtQkzQuOSdtoRkVc2FsdHNhbHQ=",
		PASSWORD_DIGEST},
	{"{SHA512}Cy+t3DNNRiOnAqF6xL+4yCU87nMpdqjTbPgDTxSkb9HBqVPlg/YoLIS1z7Bn815yKpY8eAlimDBo3r+"
	 "8jHemuw==",
		PASSWORD_DIGEST},
	{"{SSHA512}WLcXMeXxnxif2ayFFvcf8tbdZtQ0cW67uNiOmubJ/"
	 "XQgr4WkCDPtw+vmm+Nx/qSsv1fdNuqq8hfwUzU6H8tRrXNhbHRzYWx0",
		PASSWORD_DIGEST},
	{"$6$rounds=1000$saltstring$9VDN1o5wZru.oE9MpZdknplQXnByni/7JjW8xM0lx/"
	 "tV5fmCS4sxSkSUpjMvDjLNQaua7VxRTSk41J/vOMYEj.",
		PASSWORD_CRYPT},
	{"$5$rounds=1000$saltstring$OnU1vv17eYi3FPPnf5YlJnvtR9KQYsS6OrYtee3CUi4", PASSWORD_CRYPT},
	{"{crypt}$1$saltsalt$YTS4vM8MDAGbDUoqEpONc0", PASSWORD_CRYPT},
	{"$1$saltsalt$YTS4vM8MDAGbDUoqEpONc0", PASSWORD_CRYPT},
	{"$2b$04$abcdefghijklmnopqrstuufxDEsgUQH3PcsDQzIoDrN2J6QfSgEM2", PASSWORD_CRYPT},
	{"$2y$04$abcdefghijklmnopqrstuufxDEsgUQH3PcsDQzIoDrN2J6QfSgEM2", PASSWORD_CRYPT},
	{"$2a$04$abcdefghijklmnopqrstuufxDEsgUQH3PcsDQzIoDrN2J6QfSgEM2", PASSWORD_CRYPT},
	{"$y$j75$saltsalt$ssSGG7jIZCPbJYRtwhGgW.kYB4yD2JAlhYiudExXLKB", PASSWORD_CRYPT},
};
#define STORED (sizeof stored / sizeof *stored)

static void test_classes(void)
{
	for (size_t i = 0; i < STORED; i++) {
		struct password password;
		password_classify(stored[i].stored, &password);
		CU_ASSERT_EQUAL(password.form, stored[i].form);
		CU_ASSERT_EQUAL(password_is_slow(&password), stored[i].form == PASSWORD_CRYPT);
	}
}

static void test_pap(void)
{
	for (size_t i = 0; i < STORED; i++) {
		struct password password;
		password_classify(stored[i].stored, &password);
		CU_ASSERT_EQUAL(password_verify_pap(&password, right, RIGHT_SIZE), REJECT_none);
		CU_ASSERT_EQUAL(
			password_verify_pap(&password, "dial-uP", 7), REJECT_wrong_password);
		CU_ASSERT_EQUAL(password_verify_pap(&password, right, 6), REJECT_wrong_password);
		CU_ASSERT_EQUAL(password_verify_pap(&password, "", 0), REJECT_wrong_password);
		CU_ASSERT_EQUAL(
			password_verify_pap(&password, "dial-up\0x", 9), REJECT_wrong_password);
	}
}

static void test_chap(void)
{
	uint8_t response[CHAP_PASSWORD_SIZE];
	static const uint8_t challenge[16] = "challenge";
	chap_respond(3, challenge, sizeof challenge, right, RIGHT_SIZE, response);
	for (size_t i = 0; i < STORED; i++) {
		struct password password;
		password_classify(stored[i].stored, &password);
		CU_ASSERT_EQUAL(
			password_verify_chap(&password, response, challenge, sizeof challenge),
			stored[i].form == PASSWORD_CLEAR ? REJECT_none : REJECT_password_form_chap);
	}
	struct password other;
	password_classify("other", &other);
	CU_ASSERT_EQUAL(password_verify_chap(&other, response, challenge, sizeof challenge),
		REJECT_wrong_password);
}

static enum reject mschap_expected(enum password_form form)
{
	return form == PASSWORD_CLEAR || form == PASSWORD_NT ? REJECT_none
							     : REJECT_password_form_mschap;
}

static void test_mschap(void)
{
	static const uint8_t challenge[16] = "sixteen octets..", peer[16] = "peer's challenge";
	uint8_t hash[NT_HASH_SIZE], made[NT_HASH_SIZE], response[MSCHAP_RESPONSE_SIZE];
	CU_ASSERT_EQUAL(nt_hash(right, RIGHT_SIZE, hash), 0);
	mschap2_respond(1, hash, challenge, peer, "demo", 4, response);
	for (size_t i = 0; i < STORED; i++) {
		struct password password;
		password_classify(stored[i].stored, &password);
		enum reject expected = mschap_expected(stored[i].form);
		CU_ASSERT_EQUAL(
			password_verify_mschap2(&password, challenge, response, "demo", 4, made),
			expected);
		if (expected != REJECT_none)
			continue;
		CU_ASSERT_EQUAL(memcmp(made, hash, sizeof hash), 0);
		CU_ASSERT_EQUAL(
			password_verify_mschap2(&password, challenge, response, "demO", 4, made),
			REJECT_wrong_password);
	}
}

/* RFC 2433 appendix B, password "MyPw". */
static void test_mschap1(void)
{
	struct password password;
	uint8_t challenge[8], response[MSCHAP_RESPONSE_SIZE] = {1, 1}, hash[NT_HASH_SIZE];
	unhex("102DB5DF085D3041", challenge, sizeof challenge);
	unhex("4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61", response + 26, 24);
	password_classify("{nt}fc156af7edcd6c0edde3337d427f4eac", &password);
	CU_ASSERT_EQUAL(password_verify_mschap1(&password, challenge, response, hash), REJECT_none);
	password_classify("mypw", &password);
	CU_ASSERT_EQUAL(password_verify_mschap1(&password, challenge, response, hash),
		REJECT_wrong_password);
	password_classify("not UTF-8: \xff", &password);
	CU_ASSERT_EQUAL(password_verify_mschap1(&password, challenge, response, hash),
		REJECT_password_form_mschap);
}

static void test_malformed(void)
{
	static const char *const texts[] = {"{", "{}", "{clear", "{unknown}x", "{nt}",
		"{nt}936cf2208031f80a79307dbf202a227", "{nt}936cf2208031f80a79307dbf202a227d0",
		"{nt}936cf2208031f80a79307dbf202a227x", "{SHA}",
		"{SHA}====", "{SHA}WHCZLCTAZes=", "{SHA}WHCZLCTAZes+GVGwlY/0nUoyp/0",
		"{SSHA}WHCZLCTAZes+GVGwlY/0nUoyp/0=", "{SHA}!HCZLCTAZes+GVGwlY/0nUoyp/0=",
		"{crypt}dial-up", "$", "$7$x", "$3$$x", "$ecret"};
	static const uint8_t octets[MSCHAP_RESPONSE_SIZE] = {1, 1};
	uint8_t hash[NT_HASH_SIZE];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct password password;
		password_classify(texts[i], &password);
		CU_ASSERT_EQUAL(password.form, PASSWORD_UNKNOWN);
		CU_ASSERT_EQUAL(
			password_verify_pap(&password, "x", 1), REJECT_password_form_unknown);
		CU_ASSERT_EQUAL(password_verify_chap(&password, octets, octets, 16),
			REJECT_password_form_unknown);
		CU_ASSERT_EQUAL(password_verify_mschap1(&password, octets, octets, hash),
			REJECT_password_form_unknown);
	}
}

/* What crypt(3) itself refuses, or answers with its failure token. */
static void test_malformed_crypt(void)
{
	static const char *const texts[] = {"$6$", "$2b$99$x", "$2b$04$short", "$y$", "$y$!$x$x"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct password password;
		password_classify(texts[i], &password);
		CU_ASSERT_NOT_EQUAL(password_verify_pap(&password, "x", 1), REJECT_none);
		CU_ASSERT_NOT_EQUAL(password_verify_pap(&password, "", 0), REJECT_none);
	}
}

static void test_oversized(void)
{
	char text[1000];
	struct password password;
	memset(text, 'A', sizeof text);
	memcpy(text, "{SSHA512}", 9);
	text[sizeof text - 1] = '\0';
	password_classify(text, &password);
	CU_ASSERT_EQUAL(password.form, PASSWORD_UNKNOWN);
	memcpy(text, "{SSHA}AAA", 9);
	text[6 + 120] = '\0'; /* 90 octets: a digest of 20 and a salt of 70 */
	password_classify(text, &password);
	CU_ASSERT_EQUAL(password.form, PASSWORD_UNKNOWN);
	text[6 + 112] = '\0'; /* 84 octets: a salt of 64 */
	password_classify(text, &password);
	CU_ASSERT_EQUAL(password.form, PASSWORD_DIGEST);
	CU_ASSERT_EQUAL(password.salt_size, 64);
}

static void test_empty(void)
{
	struct password password;
	password_classify("", &password);
	CU_ASSERT_EQUAL(password_verify_pap(&password, "", 0), REJECT_none);
	CU_ASSERT_EQUAL(password_verify_pap(&password, "x", 1), REJECT_wrong_password);
	password_classify("{clear}{clear}x", &password);
	CU_ASSERT_EQUAL(password_verify_pap(&password, "{clear}x", 8), REJECT_none);
	password_classify("{clear}$ecret", &password);
	CU_ASSERT_EQUAL(password_verify_pap(&password, "$ecret", 6), REJECT_none);
}

int main(void)
{
	if (digest_init())
		return 1;
	CU_TestInfo tests[] = {
		TEST(test_classes),
		TEST(test_pap),
		TEST(test_chap),
		TEST(test_mschap),
		TEST(test_mschap1),
		TEST(test_malformed),
		TEST(test_malformed_crypt),
		TEST(test_oversized),
		TEST(test_empty),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("auth_password", tests);
	digest_done();
	return failed;
}
