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
#define OCTETS_A_STEP 1500000   /* of traffic, in each direction, between two records */
#define CLASSES_MAX 512         /* octets; those that do not fit are not sent back */
#define MICROSOFT_HEADER_SIZE 6 /* vendor, type and length before a value of Microsoft's */
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
	uint8_t octets[MICROSOFT_HEADER_SIZE + MSCHAP_RESPONSE_SIZE] = {
		0, 0, VENDOR_MICROSOFT >> 8, VENDOR_MICROSOFT & 0xff, number, (uint8_t)(size + 2)};
	assert(size <= MSCHAP_RESPONSE_SIZE);
	memcpy(octets + MICROSOFT_HEADER_SIZE, value, size);
	put(exchange, ATTR_VENDOR_SPECIFIC, octets, MICROSOFT_HEADER_SIZE + size);
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

/* A password that is no UTF-8 has no NT hash; the server then rejects, which is seen. */
static const uint8_t *nt_hash_get(struct line *line, const struct load_settings *settings)
{
	char text[PAP_PASSWORD_MAX + 1];
	if (!line->has_nt_hash && nt_hash(text, password(line, settings, text), line->nt_hash) != 0)
		memset(line->nt_hash, 0, sizeof line->nt_hash);
	line->has_nt_hash = true;
	return line->nt_hash;
}

static void put_mschap2(
	struct line *line, struct exchange *exchange, const struct load_settings *settings)
{
	char name[LOAD_NAME_MAX + 1];
	const uint8_t *challenge = exchange->packet + 4;
	uint8_t peer[MSCHAP2_CHALLENGE_SIZE], response[MSCHAP_RESPONSE_SIZE];
	size_t name_size = user_name(line, settings, name);
	for (size_t i = 0; i < sizeof peer; i++)
		peer[i] = challenge[i] ^ 0xa5;
	mschap2_respond(exchange->packet[1], nt_hash_get(line, settings), challenge, peer, name,
		name_size, response);
	put_microsoft(exchange, MS_CHAP_CHALLENGE, challenge, MSCHAP2_CHALLENGE_SIZE);
	exchange->mschap2_response = exchange->length + 2 + MICROSOFT_HEADER_SIZE;
	put_microsoft(exchange, MS_CHAP2_RESPONSE, response, sizeof response);
}

static void put_credential(
	struct line *line, struct exchange *exchange, const struct load_settings *settings)
{
	char text[PAP_PASSWORD_MAX + 1];
	size_t size = 0;
	if (settings->method != LOAD_MSCHAP2)
		size = password(line, settings, text);
	switch (settings->method) {
	case LOAD_PAP:
		put_pap(exchange, settings, text, size);
		break;
	case LOAD_CHAP:
		put_chap(exchange, text, size);
		break;
	case LOAD_MSCHAP2:
		put_mschap2(line, exchange, settings);
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
	memcpy(text, "line-", 5);
	put(exchange, ATTR_CALLING_STATION_ID, text, 5 + number_write(line->number, text + 5));
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
	uint64_t steps = line->interims + (line->step == STEP_STOP ? 1 : 0);
	uint64_t octets = OCTETS_A_STEP * steps;
	put_u32(exchange, ATTR_ACCT_SESSION_TIME, (uint32_t)((now_ns - line->login_ns) / NS_PER_S));
	put_u32(exchange, ATTR_ACCT_INPUT_OCTETS, (uint32_t)(octets & UINT32_MAX));
	put_u32(exchange, ATTR_ACCT_OUTPUT_OCTETS, (uint32_t)(octets * 8 & UINT32_MAX));
	put_u32(exchange, ATTR_ACCT_INPUT_GIGAWORDS, (uint32_t)(octets >> 32));
	put_u32(exchange, ATTR_ACCT_OUTPUT_GIGAWORDS, (uint32_t)(octets * 8 >> 32));
	put_u32(exchange, ATTR_ACCT_INPUT_PACKETS, (uint32_t)(octets / 600));
	put_u32(exchange, ATTR_ACCT_OUTPUT_PACKETS, (uint32_t)(octets * 8 / 1200));
}

/* Run, line and session of the line, so that no two runs share an Acct-Session-Id. */
static void put_session_id(
	struct exchange *exchange, const struct line *line, const struct load_settings *settings)
{
	char id[3 * NUMBER_DIGITS_MAX + 2];
	size_t size = number_write(settings->run, id);
	id[size++] = '-';
	size += number_write(line->number, id + size);
	id[size++] = '-';
	size += number_write(line->session, id + size);
	put(exchange, ATTR_ACCT_SESSION_ID, id, size);
}

static void write_record(const struct line *line, const struct load_settings *settings,
	const struct addr *nas, int64_t now_ns, struct exchange *exchange)
{
	static const uint32_t statuses[] = {
		[STEP_START] = ACCT_START, [STEP_INTERIM] = ACCT_INTERIM, [STEP_STOP] = ACCT_STOP};
	put_u32(exchange, ATTR_ACCT_STATUS_TYPE, statuses[line->step]);
	put_identity(exchange, line, settings, nas);
	put_session_id(exchange, line, settings);
	put_u32(exchange, ATTR_ACCT_AUTHENTIC, AUTHENTIC_RADIUS);
	put_u32(exchange, ATTR_EVENT_TIMESTAMP, (uint32_t)(clock_wall_us() / US_PER_S));
	struct addr address = line->address;
	if (settings->mode == LOAD_ACCT)
		address = addr_from_v4(TEST_NETWORK + (uint32_t)(line->number % TEST_NETWORK_SIZE));
	put_addr(exchange, ATTR_FRAMED_IP_ADDRESS, ATTR_FRAMED_IPV6_ADDRESS, &address);
	if (line->step != STEP_START)
		put_counters(exchange, line, now_ns);
	if (line->step == STEP_STOP)
		put_u32(exchange, ATTR_ACCT_TERMINATE_CAUSE, CAUSE_USER_REQUEST);
	if (line->classes) {
		memcpy(exchange->packet + exchange->length, line->classes, line->classes_size);
		exchange->length += line->classes_size;
	}
}

void line_write_request(struct line *line, const struct load_settings *settings,
	const struct addr *nas, int64_t now_ns, struct exchange *exchange)
{
	if (line->step == STEP_LOGIN)
		write_login(line, settings, nas, exchange);
	else
		write_record(line, settings, nas, now_ns, exchange);
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

static bool success_is_right(struct line *line, const struct load_settings *settings,
	const struct exchange *exchange, const uint8_t *success)
{
	char name[LOAD_NAME_MAX + 1];
	uint8_t expected[MSCHAP2_SUCCESS_SIZE];
	if (!success)
		return false;
	mschap2_success(nt_hash_get(line, settings), exchange->packet + 4,
		exchange->packet + exchange->mschap2_response, name,
		user_name(line, settings, name), expected);
	return octets_equal(success, expected, sizeof expected);
}

/* The value of MS-CHAP2-Success if the Vendor-Specific holds it, whole. */
static const uint8_t *success_find(const uint8_t *attribute)
{
	static const uint8_t header[] = {0, 0, VENDOR_MICROSOFT >> 8, VENDOR_MICROSOFT & 0xff,
		MS_CHAP2_SUCCESS, MSCHAP2_SUCCESS_SIZE + 2};
	bool is_it = attribute[1] == 2 + sizeof header + MSCHAP2_SUCCESS_SIZE &&
		     memcmp(attribute + 2, header, sizeof header) == 0;
	return is_it ? attribute + 2 + sizeof header : NULL;
}

bool line_read_accept(struct line *line, const struct load_settings *settings,
	const struct exchange *exchange, const uint8_t *reply, const struct packet_facts *facts)
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
		else if (attribute[0] == ATTR_VENDOR_SPECIFIC && success_find(attribute))
			success = success_find(attribute);
	}
	return settings->method != LOAD_MSCHAP2 ||
	       success_is_right(line, settings, exchange, success);
}
