/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The attributes are those that dial-up and PPPoE access servers send. Records describe a session
 * of plausible size, growing with each Interim-Update. */
#include "load/line.h"
#include "base/clock.h"
#include "base/mem.h"
#include "radius/chap.h"
#include "radius/digest.h"
#include "radius/mschap.h"
#include "radius/pap.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAS_PORT_TYPE_VIRTUAL 5
#define AUTHENTIC_RADIUS 1
#define CAUSE_USER_REQUEST 1
#define OCTETS_A_STEP 1500000 /* of traffic, in each direction, between two records */
#define CLASSES_MAX 512       /* octets; those that do not fit are not sent back */
/* RFC 2544 appendix C: addresses of tests, for records of sessions that had no login. */
#define TEST_NETWORK UINT32_C(0xc6120000)
#define TEST_NETWORK_SIZE (UINT32_C(1) << 17)

static void put(struct exchange *exchange, uint8_t number, const void *value, size_t size)
{
	assert(size <= 253 && exchange->length + 2 + size <= EXCHANGE_PACKET_MAX);
	uint8_t *at = exchange->packet + exchange->length;
	at[0] = number;
	at[1] = (uint8_t)(size + 2);
	memcpy(at + 2, value, size);
	exchange->length += size + 2;
}

static void put_u32(struct exchange *exchange, uint8_t number, uint32_t value)
{
	const uint8_t octets[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16 & 0xff),
		(uint8_t)(value >> 8 & 0xff), (uint8_t)(value & 0xff)};
	put(exchange, number, octets, sizeof octets);
}

static void put_addr(
	struct exchange *exchange, uint8_t number4, uint8_t number6, const struct addr *addr)
{
	if (addr->family == 4)
		put(exchange, number4, addr->bytes, 4);
	else if (addr->family == 6)
		put(exchange, number6, addr->bytes, 16);
}

static void put_microsoft(struct exchange *exchange, uint8_t number, const void *value, size_t size)
{
	uint8_t octets[6 + MSCHAP_RESPONSE_SIZE] = {
		0, 0, VENDOR_MICROSOFT >> 8, VENDOR_MICROSOFT & 0xff, number, (uint8_t)(size + 2)};
	assert(size <= MSCHAP_RESPONSE_SIZE);
	memcpy(octets + 6, value, size);
	put(exchange, ATTR_VENDOR_SPECIFIC, octets, 6 + size);
}

static size_t user_name(
	const struct line *line, const struct load_settings *settings, char text[LOAD_NAME_MAX + 1])
{
	return (size_t)pattern_expand(
		settings->login, settings->first + line->number, text, LOAD_NAME_MAX);
}

static size_t password(const struct line *line, const struct load_settings *settings,
	char text[PAP_PASSWORD_MAX + 1])
{
	return (size_t)pattern_expand(
		settings->password, settings->first + line->number, text, PAP_PASSWORD_MAX);
}

static void put_pap(struct exchange *exchange, const struct load_settings *settings,
	const char *text, size_t size)
{
	uint8_t hidden[PAP_PASSWORD_MAX];
	size_t hidden_size;
	/* The settings bound the password. */
	if (pap_hide(text, size, exchange->packet + 4, settings->secret, strlen(settings->secret),
		    hidden, &hidden_size))
		abort();
	put(exchange, ATTR_USER_PASSWORD, hidden, hidden_size);
}

/* The authenticator is random anyway and serves as challenge, identifier and peer's challenge. */
static void put_chap(struct exchange *exchange, const char *text, size_t size)
{
	uint8_t response[CHAP_PASSWORD_SIZE];
	chap_respond(exchange->packet[1], exchange->packet + 4, RADIUS_AUTHENTICATOR_SIZE, text,
		size, response);
	put(exchange, ATTR_CHAP_PASSWORD, response, sizeof response);
}

static void put_mschap2(struct line *line, struct exchange *exchange,
	const struct load_settings *settings, const char *text, size_t size)
{
	char name[LOAD_NAME_MAX + 1];
	uint8_t hash[NT_HASH_SIZE] = {0}, peer[MSCHAP2_CHALLENGE_SIZE];
	size_t name_size = user_name(line, settings, name);
	/* A pattern that is no UTF-8 has no NT hash; the server then rejects, which is seen. */
	if (nt_hash(text, size, hash))
		memset(hash, 0, sizeof hash);
	memcpy(line->mschap_challenge, exchange->packet + 4, sizeof line->mschap_challenge);
	for (size_t i = 0; i < sizeof peer; i++)
		peer[i] = line->mschap_challenge[i] ^ 0xa5;
	mschap2_respond(exchange->packet[1], hash, line->mschap_challenge, peer, name, name_size,
		line->mschap_response);
	put_microsoft(
		exchange, MS_CHAP_CHALLENGE, line->mschap_challenge, sizeof line->mschap_challenge);
	put_microsoft(
		exchange, MS_CHAP2_RESPONSE, line->mschap_response, sizeof line->mschap_response);
}

static void put_credential(
	struct line *line, struct exchange *exchange, const struct load_settings *settings)
{
	char text[PAP_PASSWORD_MAX + 1];
	size_t size = password(line, settings, text);
	switch (settings->method) {
	case LOAD_PAP:
		put_pap(exchange, settings, text, size);
		break;
	case LOAD_CHAP:
		put_chap(exchange, text, size);
		break;
	case LOAD_MSCHAP2:
		put_mschap2(line, exchange, settings, text, size);
		break;
	}
}

/* What both kinds of request carry. */
static void put_identity(struct exchange *exchange, const struct line *line,
	const struct load_settings *settings, const struct addr *nas)
{
	char text[LOAD_NAME_MAX + 1];
	size_t size = user_name(line, settings, text);
	put(exchange, ATTR_USER_NAME, text, size);
	put_addr(exchange, ATTR_NAS_IP_ADDRESS, ATTR_NAS_IPV6_ADDRESS, nas);
	if (!addr_is_set(nas))
		put(exchange, ATTR_NAS_IDENTIFIER, "popradload", 10);
	put_u32(exchange, ATTR_NAS_PORT, (uint32_t)line->number);
	put_u32(exchange, ATTR_NAS_PORT_TYPE, NAS_PORT_TYPE_VIRTUAL);
	put_u32(exchange, ATTR_SERVICE_TYPE, SERVICE_FRAMED);
	put_u32(exchange, ATTR_FRAMED_PROTOCOL, 1);
	int used = snprintf(text, sizeof text, "line-%llu", (unsigned long long)line->number);
	put(exchange, ATTR_CALLING_STATION_ID, text, (size_t)used);
}

static void write_login(struct line *line, const struct load_settings *settings,
	const struct addr *nas, struct exchange *exchange)
{
	static const uint8_t zeros[RADIUS_AUTHENTICATOR_SIZE];
	if (!settings->is_unsigned) {
		exchange->message_authenticator = exchange->length;
		put(exchange, ATTR_MESSAGE_AUTHENTICATOR, zeros, sizeof zeros);
	}
	put_identity(exchange, line, settings, nas);
	put_credential(line, exchange, settings);
}

static void put_counters(struct exchange *exchange, const struct line *line, int64_t now_ns)
{
	uint64_t octets = OCTETS_A_STEP * line->position;
	put_u32(exchange, ATTR_ACCT_SESSION_TIME, (uint32_t)((now_ns - line->login_ns) / NS_PER_S));
	put_u32(exchange, ATTR_ACCT_INPUT_OCTETS, (uint32_t)(octets & UINT32_MAX));
	put_u32(exchange, ATTR_ACCT_OUTPUT_OCTETS, (uint32_t)(octets * 8 & UINT32_MAX));
	put_u32(exchange, ATTR_ACCT_INPUT_GIGAWORDS, (uint32_t)(octets >> 32));
	put_u32(exchange, ATTR_ACCT_OUTPUT_GIGAWORDS, (uint32_t)(octets * 8 >> 32));
	put_u32(exchange, ATTR_ACCT_INPUT_PACKETS, (uint32_t)(octets / 600));
	put_u32(exchange, ATTR_ACCT_OUTPUT_PACKETS, (uint32_t)(octets * 8 / 1200));
}

static void write_record(struct line *line, enum load_step step,
	const struct load_settings *settings, const struct addr *nas, int64_t now_ns,
	struct exchange *exchange)
{
	static const uint32_t statuses[] = {
		[STEP_START] = ACCT_START, [STEP_INTERIM] = ACCT_INTERIM, [STEP_STOP] = ACCT_STOP};
	char id[48];
	put_u32(exchange, ATTR_ACCT_STATUS_TYPE, statuses[step]);
	put_identity(exchange, line, settings, nas);
	/* The first packet's time keeps IDs apart between runs. */
	int used = snprintf(id, sizeof id, "%llx-%llx-%llx", (unsigned long long)line->begun_ns,
		(unsigned long long)line->number, (unsigned long long)line->session);
	put(exchange, ATTR_ACCT_SESSION_ID, id, (size_t)used);
	put_u32(exchange, ATTR_ACCT_AUTHENTIC, AUTHENTIC_RADIUS);
	put_u32(exchange, ATTR_EVENT_TIMESTAMP, (uint32_t)(clock_wall_us() / US_PER_S));
	struct addr address = line->address;
	if (settings->mode == LOAD_ACCT)
		address = addr_from_v4(TEST_NETWORK + (uint32_t)(line->number % TEST_NETWORK_SIZE));
	put_addr(exchange, ATTR_FRAMED_IP_ADDRESS, ATTR_FRAMED_IPV6_ADDRESS, &address);
	if (step != STEP_START)
		put_counters(exchange, line, now_ns);
	if (step == STEP_STOP)
		put_u32(exchange, ATTR_ACCT_TERMINATE_CAUSE, CAUSE_USER_REQUEST);
	if (line->classes) {
		memcpy(exchange->packet + exchange->length, line->classes, line->classes_size);
		exchange->length += line->classes_size;
	}
}

void line_write_request(struct line *line, enum load_step step,
	const struct load_settings *settings, const struct addr *nas, int64_t now_ns,
	struct exchange *exchange)
{
	if (step == STEP_LOGIN)
		write_login(line, settings, nas, exchange);
	else
		write_record(line, step, settings, nas, now_ns, exchange);
}

void line_forget(struct line *line)
{
	free(line->classes);
	line->classes = NULL;
	line->classes_size = 0;
}

static void keep_class(struct line *line, const uint8_t *attribute)
{
	size_t size = attribute[1];
	if (line->classes_size + size > CLASSES_MAX)
		return;
	line->classes = mem_must(realloc(line->classes, line->classes_size + size));
	memcpy(line->classes + line->classes_size, attribute, size);
	line->classes_size += size;
}

static bool success_is_right(
	const struct line *line, const struct load_settings *settings, const uint8_t *success)
{
	char name[LOAD_NAME_MAX + 1], text[PAP_PASSWORD_MAX + 1];
	uint8_t hash[NT_HASH_SIZE], expected[MSCHAP2_SUCCESS_SIZE];
	if (!success || nt_hash(text, password(line, settings, text), hash))
		return false;
	mschap2_success(hash, line->mschap_challenge, line->mschap_response, name,
		user_name(line, settings, name), expected);
	return octets_equal(success, expected, sizeof expected);
}

/* The value of MS-CHAP2-Success if this Vendor-Specific holds it, whole. */
static const uint8_t *success_find(const uint8_t *attribute)
{
	static const uint8_t header[] = {0, 0, VENDOR_MICROSOFT >> 8, VENDOR_MICROSOFT & 0xff,
		MS_CHAP2_SUCCESS, MSCHAP2_SUCCESS_SIZE + 2};
	bool is_it = attribute[0] == ATTR_VENDOR_SPECIFIC &&
		     attribute[1] == 2 + sizeof header + MSCHAP2_SUCCESS_SIZE &&
		     memcmp(attribute + 2, header, sizeof header) == 0;
	return is_it ? attribute + 2 + sizeof header : NULL;
}

bool line_read_accept(struct line *line, const struct load_settings *settings, const uint8_t *reply,
	const struct packet_facts *facts)
{
	const uint8_t *success = NULL;
	line_forget(line);
	line->address = (struct addr){0};
	for (size_t at = RADIUS_HEADER_SIZE; at < facts->length; at += reply[at + 1]) {
		const uint8_t *attribute = reply + at;
		if (attribute[0] == ATTR_CLASS)
			keep_class(line, attribute);
		else if (attribute[0] == ATTR_FRAMED_IP_ADDRESS && attribute[1] == 6)
			line->address = addr_from_bytes(4, attribute + 2);
		else if (success_find(attribute))
			success = success_find(attribute);
	}
	return settings->method != LOAD_MSCHAP2 || success_is_right(line, settings, success);
}
