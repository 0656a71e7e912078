/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Decoding, typed reads, and attributes entered as text. */
#include "base/mem.h"
#include "hex.h"
#include "radius/describe.h"
#include "radius/dictionary.h"
#include "suite.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static TALLOC_CTX *ctx;

static struct attrs *decode(const char *attributes_hex)
{
	uint8_t *packet = mem_must(talloc_zero_array(ctx, uint8_t, RADIUS_MAX_PACKET));
	struct attrs *attrs = NULL;
	size_t size = RADIUS_HEADER_SIZE + unhex(attributes_hex, packet + RADIUS_HEADER_SIZE,
						   RADIUS_MAX_PACKET - RADIUS_HEADER_SIZE);
	CU_ASSERT_EQUAL_FATAL(attrs_decode(ctx, packet, size, &attrs), 0);
	return attrs;
}

static void assert_attr(
	const struct attrs *attrs, uint32_t vendor, uint32_t number, const char *value_hex)
{
	uint8_t expected[256];
	size_t size = unhex(value_hex, expected, sizeof expected);
	const struct attr *attr = attrs_find(attrs, vendor, number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(attr);
	CU_ASSERT_EQUAL_FATAL(attr->size, size);
	CU_ASSERT_EQUAL(memcmp(attr->value, expected, size), 0);
}

static void test_order_and_repeats(void)
{
	struct attrs *attrs = decode("19 03 61 01 03 62 19 02 19 04 63 64");
	const struct attr *class = attrs_find(attrs, 0, ATTR_CLASS);
	CU_ASSERT_PTR_EQUAL(class, attrs->list);
	CU_ASSERT_EQUAL(class->value[0], 'a');
	class = attr_find_next(class);
	CU_ASSERT_EQUAL(class->size, 0);
	class = attr_find_next(class);
	CU_ASSERT_EQUAL(class->size, 2);
	CU_ASSERT_PTR_NULL(attr_find_next(class));
	CU_ASSERT_PTR_NULL(attrs_find(attrs, 0, ATTR_NAS_PORT));
	CU_ASSERT_PTR_NULL(attrs_find(attrs, 9, ATTR_CLASS));
}

static void test_typed_reads(void)
{
	struct attrs *attrs = decode("05 06 00 01 02 03 04 06 c0 00 02 01 06 05 00 00 01"
				     "5f 12 20010db8000000000000000000000007 1f 02 20 05 41 42 43");
	uint32_t value;
	struct addr addr;
	char text[ADDR_TEXT_MAX];
	CU_ASSERT_TRUE(attrs_get_u32(attrs, ATTR_NAS_PORT, &value));
	CU_ASSERT_EQUAL(value, 0x010203);
	CU_ASSERT_FALSE(attrs_get_u32(attrs, ATTR_SERVICE_TYPE, &value)); /* 3 octets */
	CU_ASSERT_FALSE(attrs_get_u32(attrs, ATTR_SESSION_TIMEOUT, &value));
	CU_ASSERT_TRUE(attrs_get_addr(attrs, ATTR_NAS_IP_ADDRESS, &addr));
	CU_ASSERT_STRING_EQUAL(addr_format(&addr, text), "192.0.2.1");
	CU_ASSERT_TRUE(attrs_get_addr(attrs, ATTR_NAS_IPV6_ADDRESS, &addr));
	CU_ASSERT_STRING_EQUAL(addr_format(&addr, text), "2001:db8::7");
	CU_ASSERT_FALSE(attrs_get_addr(attrs, ATTR_SERVICE_TYPE, &addr));
	CU_ASSERT_PTR_NULL(attrs_get_text(attrs, ATTR_CALLING_STATION_ID)); /* empty */
	CU_ASSERT_PTR_NULL(attrs_get_text(attrs, ATTR_USER_NAME));
	CU_ASSERT_STRING_EQUAL(attrs_get_text(attrs, ATTR_NAS_IDENTIFIER), "ABC");
}

static void test_prefix6(void)
{
	static const struct {
		const char *hex, *text;
	} cases[] = {
		{"61 0c 00 40 20010db800000001", "2001:db8:0:1::/64"},
		{"61 0c 00 38 20010db8000000ff", "2001:db8::/56"},
		{"61 08 00 20 20010db8", "2001:db8::/32"},
		{"61 04 00 00", "::/0"},
		{"61 14 00 80 20010db8000000000000000000000001", "2001:db8::1/128"},
		{"61 08 00 21 20010db8", NULL},
		{"61 04 00 81", NULL},
		{"61 03 00", NULL},
		{"61 15 00 80 20010db800000000000000000000000100", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prefix prefix;
		char text[ADDR_TEXT_MAX];
		struct attrs *attrs = decode(cases[i].hex);
		bool is_read = attrs_get_prefix6(attrs, ATTR_FRAMED_IPV6_PREFIX, &prefix);
		CU_ASSERT_EQUAL(is_read, cases[i].text != NULL);
		if (is_read && cases[i].text)
			CU_ASSERT_STRING_EQUAL(prefix_format(&prefix, text), cases[i].text);
	}
}

static void test_hostile_text(void)
{
	struct attrs *attrs = decode("01 07 61 00 ff 5c 62");
	char *text = attrs_get_text(attrs, ATTR_USER_NAME);
	CU_ASSERT_STRING_EQUAL(text, "a\\x00\\xff\\b");
}

static void test_value_names(void)
{
	struct attrs *attrs = decode("06 06 00 00 00 02 07 06 00 00 00 01 31 06 00 00 00 02"
				     "3d 06 0f ff ff ff 28 06 ff ff ff ff");
	CU_ASSERT_STRING_EQUAL(attrs_get_value_name(attrs, ATTR_SERVICE_TYPE), "Framed-User");
	CU_ASSERT_STRING_EQUAL(attrs_get_value_name(attrs, ATTR_FRAMED_PROTOCOL), "PPP");
	CU_ASSERT_STRING_EQUAL(
		attrs_get_value_name(attrs, ATTR_ACCT_TERMINATE_CAUSE), "Lost-Carrier");
	CU_ASSERT_STRING_EQUAL(attrs_get_value_name(attrs, ATTR_NAS_PORT_TYPE), "268435455");
	CU_ASSERT_STRING_EQUAL(attrs_get_value_name(attrs, ATTR_ACCT_STATUS_TYPE), "4294967295");
	CU_ASSERT_PTR_NULL(attrs_get_value_name(attrs, ATTR_ACCT_AUTHENTIC));
}

/* Vendor formats: usual, USR's 4-octet types without length, Lucent's 2-octet types, several in
 * one, unknown vendor, unknown number, malformed. */
static void test_vendors(void)
{
	struct attrs *attrs = decode("1a 0f 00 00 00 09 01 09 69 70 3a 61 3d 31 00"
				     "1a 0e 00 00 01 ad 00 00 90 02 00 00 00 01"
				     "1a 0d 00 00 12 ee 00 01 07 00 00 00 02"
				     "1a 10 00 00 01 37 07 06 00 00 00 01 0b 04 aa bb"
				     "1a 0c 00 98 96 7f 07 06 61 62 63 64"
				     "1a 09 00 00 00 09 f0 03 7a");
	assert_attr(attrs, 9, 1, "69 70 3a 61 3d 31 00");
	assert_attr(attrs, 429, 0x9002, "00 00 00 01");
	assert_attr(attrs, 4846, 1, "00 00 00 02");
	assert_attr(attrs, VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_POLICY, "00 00 00 01");
	assert_attr(attrs, VENDOR_MICROSOFT, MS_CHAP_CHALLENGE, "aa bb");
	assert_attr(attrs, 10000000 - 1, 7, "61 62 63 64");
	assert_attr(attrs, 9, 240, "7a");
}

static void test_malformed_vendors(void)
{
	static const char *const cases[] = {"1a 02", "1a 03 00", "1a 06 00 00 00 09",
		"1a 07 00 00 00 09 01", "1a 08 00 00 00 09 01 00", "1a 08 00 00 00 09 01 03",
		"1a 09 00 00 00 09 01 02 03", "1a 0a 00 00 01 ad 00 00 90 02"};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char hex[128];
		snprintf(hex, sizeof hex, "%s 01 03 78", cases[i]);
		struct attrs *attrs = decode(hex);
		CU_ASSERT_PTR_NOT_NULL(attrs->list[1].value);
		assert_attr(attrs, 0, ATTR_USER_NAME, "78");
	}
}

/* Hidden values stay as they came; those of unfit size lose nothing. */
static void test_junk(void)
{
	struct attrs *attrs = decode("45 03 01 45 02 45 07 01 80 01 aa bb 02 02"
				     "1a 0c 00 00 01 37 10 06 80 01 aa bb 1a 08 00 00 01 37 10 02"
				     "5c 06 61 00 62 00 05 05 01 02 03 f5 03 01 f1 02 4f 02");
	const struct attr *tunnel = attrs_find(attrs, 0, 69);
	CU_ASSERT_EQUAL(tunnel->size, 1);
	CU_ASSERT_EQUAL(attr_find_next(tunnel)->size, 0);
	CU_ASSERT_EQUAL(attr_find_next(attr_find_next(tunnel))->size, 5);
	assert_attr(attrs, VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, "80 01 aa bb");
	assert_attr(attrs, 0, ATTR_USER_PASSWORD, "");
	assert_attr(attrs, 0, ATTR_NAS_FILTER_RULE, "61 00 62 00");
	assert_attr(attrs, 0, ATTR_NAS_PORT, "01 02 03");
	assert_attr(attrs, 0, 245, "01");
	assert_attr(attrs, 0, 241, "");
}

static void test_longest_values(void)
{
	char hex[8 + 2 * 253 + 1], value_hex[2 * 253 + 1];
	memset(value_hex, '6', sizeof value_hex - 1);
	value_hex[sizeof value_hex - 1] = '\0';
	snprintf(hex, sizeof hex, "1fff%s", value_hex);
	struct attrs *attrs = decode(hex);
	assert_attr(attrs, 0, ATTR_CALLING_STATION_ID, value_hex);
	CU_ASSERT_EQUAL(strlen(attrs_get_text(attrs, ATTR_CALLING_STATION_ID)), 253);
	snprintf(hex, sizeof hex, "1aff0000000901f9%.*s", 2 * 247, value_hex);
	attrs = decode(hex);
	value_hex[2 * 247] = '\0';
	assert_attr(attrs, 9, 1, value_hex);
}

/* 16 Vendor-Specifics with 82 empty attributes each: few for the walk, many for the decoder. */
static void test_many_in_vendors(void)
{
	uint8_t packet[RADIUS_MAX_PACKET] = {CODE_ACCESS_REQUEST};
	size_t at = RADIUS_HEADER_SIZE;
	struct attrs *attrs;
	for (int i = 0; i < 15; i++) {
		static const uint8_t header[] = {26, 252, 0, 0, 0, 9};
		memcpy(packet + at, header, sizeof header);
		for (int j = 0; j < 82; j++)
			memcpy(packet + at + 6 + 3 * j, "\x01\x03x", 3);
		at += 252;
	}
	CU_ASSERT_EQUAL(attrs_decode(ctx, packet, at, &attrs), ERR_FULL);
	CU_ASSERT_EQUAL(attrs_decode(ctx, packet, RADIUS_HEADER_SIZE + 2 * 252, &attrs), 0);
}

static void test_text_good(void)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{"Reply-Message = hello", "12 07 68 65 6c 6c 6f"},
		{"Reply-Message=hello", "12 07 68 65 6c 6c 6f"},
		{"  reply-message  =   two words  ", "12 0b 74 77 6f 20 77 6f 72 64 73"},
		{"Reply-Message = \" x \"", "12 05 20 78 20"},
		{"Reply-Message = a\\n\"b", "12 07 61 5c 6e 22 62"},
		{"Reply-Message = a=b", "12 05 61 3d 62"},
		{"Service-Type = Framed-User", "06 06 00 00 00 02"},
		{"Service-Type = 2", "06 06 00 00 00 02"},
		{"Session-Timeout = 4294967295", "1b 06 ff ff ff ff"},
		{"Framed-Route = 10.0.4.0/22 10.0.3.1 1",
			"16 18 31302e302e342e302f32322031302e302e332e312031"},
		{"Framed-IP-Netmask = 255.255.255.255", "09 06 ff ff ff ff"},
		{"Class = 0x0102ff", "19 05 01 02 ff"},
		{"Framed-IPv6-Prefix = 2001:db8::/32",
			"61 14 00 20 20010db8000000000000000000000000"},
		{"Framed-Interface-Id = 0:0:0:1", "60 0a 00 00 00 00 00 00 00 01"},
		{"Event-Timestamp = 1700000000", "37 06 65 53 f1 00"},
		{"Tunnel-Type:1 = L2TP", "40 06 01 00 00 03"},
		{"Tunnel-Server-Endpoint:3 = lns", "43 06 03 6c 6e 73"},
		{"Tunnel-Server-Endpoint = lns", "43 05 6c 6e 73"},
		{"NAS-Filter-Rule = permit ip", "5c 0b 7065726d6974206970"},
		{"Cisco-AVPair = ip:outacl=101",
			"1a 15 00 00 00 09 01 0f 69703a6f757461636c3d313031"},
		{"Cisco-AVPair = \"ip:outacl=101\"",
			"1a 15 00 00 00 09 01 0f 69703a6f757461636c3d313031"},
		{"Mikrotik-Rate-Limit = 10M/20M", "1a 0f 00 00 3a 8c 08 09 31304d2f32304d"},
		{"USR-Port-Tap = 1", NULL},
		{"LE-Terminate-Detail = x", NULL},
		{"WiMAX-Release = 1.0", NULL},
		{"Ascend-Client-Primary-DNS = 192.0.2.53", "1a0c 00000211 87 06 c0000235"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct encoded_attr attr;
		char *why = NULL;
		int error = attr_from_text(ctx, cases[i].text, &attr, &why);
		if (error)
			printf("%s: %s\n", cases[i].text, why);
		CU_ASSERT_EQUAL(error, 0);
		if (error || !cases[i].hex)
			continue;
		uint8_t expected[256];
		size_t size = unhex(cases[i].hex, expected, sizeof expected);
		CU_ASSERT_EQUAL_FATAL(attr.size, size);
		if (memcmp(attr.octets, expected, size))
			CU_ASSERT_EQUAL(memcmp(attr.octets, expected, size), 0);
		CU_ASSERT_EQUAL(attr.encryption, ATTR_CLEAR);
	}
}

static void test_text_bad(void)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", ERR_SYNTAX},
		{"=", ERR_SYNTAX},
		{"Reply-Message", ERR_SYNTAX},
		{"Reply-Message =", ERR_SYNTAX},
		{"Reply-Message = \"\"", ERR_SYNTAX},
		{"Reply-Message += x", ERR_SYNTAX},
		{"Reply-Message := x", ERR_SYNTAX},
		{"Reply-Message == x", ERR_SYNTAX},
		{"Reply-Message =~ x", ERR_SYNTAX},
		{"No-Such-Thing = x", ERR_NOT_FOUND},
		{"Attr-26.9.1 = 0x00", ERR_NOT_FOUND},
		{"Service-Type = Frobnicate", ERR_SYNTAX},
		{"Session-Timeout = 4294967296", ERR_RANGE},
		{"Session-Timeout = -1", ERR_RANGE},
		{"Session-Timeout = 8h", ERR_SYNTAX},
		{"Session-Timeout = 99999999999999999999", ERR_RANGE},
		{"Framed-IP-Netmask = 1", ERR_RANGE},
		{"Event-Timestamp = 4294967296", ERR_RANGE},
		{"Event-Timestamp = tomorrow", ERR_SYNTAX},
		{"Framed-IP-Netmask = localhost", ERR_RANGE},
		{"Framed-IP-Netmask = 300.1.1.1", ERR_RANGE},
		{"Framed-IPv6-Prefix = 2001:db8::/129", ERR_SYNTAX},
		{"Class = 0x0", ERR_SYNTAX},
		{"Class = 0xzz", ERR_SYNTAX},
		{"Tunnel-Type:32 = L2TP", ERR_SYNTAX},
		{"Tunnel-Type:x = L2TP", ERR_SYNTAX},
		{"Tunnel-Type: = L2TP", ERR_SYNTAX},
		{"Reply-Message:1 = x", ERR_SYNTAX},
		{"Message-Authenticator = 0x00", ERR_RANGE},
		{"Proxy-State = 0x00", ERR_RANGE},
		{"State = 0x00", ERR_RANGE},
		{"EAP-Message = 0x00", ERR_RANGE},
		{"User-Password = x", ERR_RANGE},
		{"CHAP-Password = 0x00", ERR_RANGE},
		{"CHAP-Challenge = 0x00", ERR_RANGE},
		{"Framed-IP-Address = 192.0.2.1", ERR_RANGE},
		{"MS-CHAP2-Success = 0x00", ERR_RANGE},
		{"MS-CHAP-MPPE-Keys = 0x00", ERR_RANGE},
		{"Cleartext-Password = x", ERR_RANGE},
		{"Auth-Type = Accept", ERR_RANGE},
		{"Vendor-Specific = 0x00", ERR_RANGE},
		{"Ascend-Send-Secret = x", ERR_RANGE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct encoded_attr attr;
		char *why = NULL;
		int error = attr_from_text(ctx, cases[i].text, &attr, &why);
		if (error != cases[i].error)
			printf("%s: %d %s\n", cases[i].text, error, why ? why : "-");
		CU_ASSERT_EQUAL(error, cases[i].error);
		CU_ASSERT_PTR_NOT_NULL(why);
		CU_ASSERT_PTR_EQUAL(talloc_parent(why), ctx);
	}
}

static int from_filled(const char *name, size_t size, struct encoded_attr *attr)
{
	char text[700], *why;
	int used = snprintf(text, sizeof text, "%s = ", name);
	memset(text + used, 'v', size);
	text[(size_t)used + size] = '\0';
	return attr_from_text(ctx, text, attr, &why);
}

/* Nothing is cut without a word. */
static void test_text_length(void)
{
	static const struct {
		const char *name;
		size_t most;
	} cases[] = {
		{"Reply-Message", 253},
		{"NAS-Filter-Rule", 252}, /* the encoder keeps an octet for the separator */
		{"Cisco-AVPair", 247},
		{"Tunnel-Server-Endpoint", 253},
		{"Tunnel-Server-Endpoint:1", 252},
		{"Tunnel-Password:1", ENCRYPTED_VALUE_MAX},
		{"Tunnel-Password", ENCRYPTED_VALUE_MAX},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct encoded_attr attr;
		if (from_filled(cases[i].name, cases[i].most, &attr))
			CU_ASSERT_EQUAL(from_filled(cases[i].name, cases[i].most, &attr), 0);
		for (size_t size = cases[i].most + 1; size < 300; size++)
			CU_ASSERT_EQUAL(from_filled(cases[i].name, size, &attr), ERR_RANGE);
		CU_ASSERT_EQUAL(from_filled(cases[i].name, 600, &attr), ERR_RANGE);
	}
}

static void test_text_hidden(void)
{
	struct encoded_attr attr;
	char *why;
	CU_ASSERT_EQUAL(attr_from_text(ctx, "Tunnel-Password:2 = abc", &attr, &why), 0);
	CU_ASSERT_EQUAL(attr.encryption, ATTR_SALTED);
	CU_ASSERT_TRUE(attr.has_tag);
	CU_ASSERT_EQUAL(attr.tag, 2);
	CU_ASSERT_EQUAL(attr.size, 5);
	ASSERT_OCTETS(attr.octets, "45 05 61 62 63");
	CU_ASSERT_EQUAL(attr_from_text(ctx, "MS-MPPE-Send-Key = 0x0102", &attr, &why), 0);
	CU_ASSERT_EQUAL(attr.encryption, ATTR_SALTED);
	CU_ASSERT_FALSE(attr.has_tag);
	CU_ASSERT_EQUAL(attr.vendor, VENDOR_MICROSOFT);
	CU_ASSERT_EQUAL(attr.size, 10);
	ASSERT_OCTETS(attr.octets, "1a 0a 00 00 01 37 10 04 01 02");
}

static void test_load_again(void)
{
	char *why = NULL;
	CU_ASSERT_EQUAL(dictionary_load(ctx, getenv("POPRAD_DICTIONARY_DIR"), &why), ERR_EXISTS);
	CU_ASSERT_PTR_NOT_NULL(why);
}

/* Before the real one is loaded, because a process loads one. */
static bool refuses_bad_dictionaries(void)
{
	char directory[] = "/tmp/poprad-dictionary-XXXXXX", path[64], *why = NULL;
	if (!mkdtemp(directory))
		return false;
	snprintf(path, sizeof path, "%s/dictionary", directory);
	bool is_refused = dictionary_load(ctx, directory, &why) == ERR_SYNTAX && why &&
			  strstr(why, directory);
	FILE *file = fopen(path, "w");
	if (file) {
		fputs("ATTRIBUTE\tOne-Good\t1\tstring\nATTRIBUTE broken\n", file);
		fclose(file);
	}
	is_refused = is_refused && file && dictionary_load(ctx, directory, &why) == ERR_SYNTAX &&
		     strstr(why, "[2]");
	unlink(path);
	rmdir(directory);
	return is_refused;
}

static void test_bad_dictionaries(void)
{
	CU_ASSERT_TRUE(refuses_bad_dictionaries());
}

static void test_load(void)
{
	char *why = NULL;
	const char *directory = getenv("POPRAD_DICTIONARY_DIR");
	CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
	int error = dictionary_load(ctx, directory, &why);
	if (error)
		printf("%s\n", why);
	CU_ASSERT_EQUAL_FATAL(error, 0);
}

static void describe_one(void *owner, const struct described *described)
{
	char **text = owner;
	const char *value = described->value != NULL ? described->value : "-";
	*text = mem_must(talloc_asprintf_append(
		*text, described->is_text ? "%s=\"%s\" " : "%s=%s ", described->name, value));
}

static const char *description(const char *attributes_hex)
{
	uint8_t octets[RADIUS_MAX_PACKET];
	char *text = mem_must(talloc_strdup(ctx, ""));
	size_t size = unhex(attributes_hex, octets, sizeof octets);
	describe_attributes(octets, size, describe_one, &text);
	return text;
}

static void test_description(void)
{
	CU_ASSERT_STRING_EQUAL(
		description("01 03 61  06 06 00000002  08 06 0a000001  05 06 00000007"),
		"User-Name=\"a\" Service-Type=Framed-User Framed-IP-Address=10.0.0.1 NAS-Port=7 ");
	CU_ASSERT_STRING_EQUAL(description("01 04 ff 0a"), "User-Name=\"\\xff\n\" ");
	/* A vendor's, two of them in one, one that nobody knows */
	CU_ASSERT_STRING_EQUAL(
		description("1a 0f 00000009 01 09 73686f773d3141"), "Cisco-AVPair=\"show=1A\" ");
	CU_ASSERT_STRING_EQUAL(description("1a 0c 00000137 07 06 00000001  1b 06 00000e10"),
		"MS-MPPE-Encryption-Policy=Encryption-Allowed Session-Timeout=3600 ");
	CU_ASSERT_STRING_EQUAL(description("5c 06 61626364 12 03 62"),
		"NAS-Filter-Rule=\"abcd\" Reply-Message=\"b\" ");
	CU_ASSERT_STRING_EQUAL(description("19 05 010203"), "Class=0x010203 ");
	/* Nothing, and what is longer than what is left */
	CU_ASSERT_STRING_EQUAL(
		description("04 02  01 03 61  01 09 62"), "NAS-IP-Address=\"\" User-Name=\"a\" ");
}

static void test_hidden_description(void)
{
	static const char *const secrets[] = {
		"02 12 00000000000000000000000000000041",   /* User-Password */
		"03 13 0100000000000000000000000000000041", /* CHAP-Password */
		"45 05 014141",                             /* Tunnel-Password */
		"45 06 01804141", "4f 05 020141",           /* EAP-Message */
		"50 12 00000000000000000000000000000041",   /* Message-Authenticator */
		"1a 0b 00000137 01 05 414141",              /* MS-CHAP-Response of a wrong size */
		"1a 0b 00000137 19 05 414141",              /* MS-CHAP2-Response */
		"1a 0b 00000137 1a 05 414141",              /* MS-CHAP2-Success */
		"1a 0b 00000137 10 05 414141",              /* MS-MPPE-Send-Key */
		"1a 0b 00000137 63 05 414141",              /* none that anybody knows */
		"1a 0b 00000137 01 09 414141",              /* longer than what is left */
		"1a 07 0000013741",
		"1a 19 00000009 01 13 7670646e3a50617373776f72643d41414141", /* vpdn:Password=.. */
		"1a 0b 00003a8c 10 05 414141", /* of a vendor that writes keys in clear */
		"d6 05 414141",                /* Ascend-Send-Secret */
		"f1 05 014141",                /* an extended attribute */
	};
	for (size_t n = 0; n < sizeof secrets / sizeof *secrets; n++) {
		const char *text = description(secrets[n]);
		if (strstr(text, "=-") == NULL || strstr(text, "41") != NULL ||
			strchr(text + 2, '"') != NULL) {
			fprintf(stderr, "%s: %s\n", secrets[n], text);
			CU_FAIL("something is shown");
		}
	}
}

int main(void)
{
	ctx = talloc_new(NULL);
	CU_TestInfo tests[] = {
		TEST(test_bad_dictionaries),
		TEST(test_load),
		TEST(test_load_again),
		TEST(test_order_and_repeats),
		TEST(test_typed_reads),
		TEST(test_prefix6),
		TEST(test_hostile_text),
		TEST(test_value_names),
		TEST(test_vendors),
		TEST(test_malformed_vendors),
		TEST(test_junk),
		TEST(test_longest_values),
		TEST(test_many_in_vendors),
		TEST(test_text_good),
		TEST(test_text_bad),
		TEST(test_text_length),
		TEST(test_text_hidden),
		TEST(test_description),
		TEST(test_hidden_description),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("radius_dictionary", tests);
	talloc_free(ctx);
	return failed;
}
