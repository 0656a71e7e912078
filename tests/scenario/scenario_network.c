/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The network of a scenario: builds packets as an access server would, and checks what comes back
 * as one would. */
#include "scenario.h"
#include "base/mem.h"
#include "base/text.h"
#include "radius/chap.h"
#include "radius/digest.h"
#include "radius/mschap.h"
#include "radius/pap.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECRET "testing123"

static const struct {
	const char *name;
	enum radius_code code;
} codes[] = {
	{"Access-Request", CODE_ACCESS_REQUEST},
	{"Access-Accept", CODE_ACCESS_ACCEPT},
	{"Access-Reject", CODE_ACCESS_REJECT},
	{"Accounting-Request", CODE_ACCOUNTING_REQUEST},
	{"Accounting-Response", CODE_ACCOUNTING_RESPONSE},
	{"Access-Challenge", CODE_ACCESS_CHALLENGE},
	{"Status-Server", CODE_STATUS_SERVER},
};

static enum radius_code find_code(struct scenario *scenario, const char *name)
{
	for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++)
		if (strcasecmp(codes[n].name, name) == 0)
			return codes[n].code;
	scenario_fail(scenario, "%s is no packet code", name);
}

static struct packet *find_packet(struct scenario *scenario, struct packet *list, const char *name)
{
	for (; list != NULL; list = list->next)
		if (list->name != NULL && strcmp(list->name, name) == 0)
			return list;
	scenario_fail(scenario, "there is no packet %s", name);
}

/* Attributes that an operator may not enter, but a packet has: the values are addresses or hex. */
static const struct {
	const char *name;
	uint8_t number;
	bool is_addr;
} raw_attributes[] = {
	{"Framed-IP-Address", ATTR_FRAMED_IP_ADDRESS, true},
	{"Proxy-State", ATTR_PROXY_STATE, false},
	{"EAP-Message", ATTR_EAP_MESSAGE, false},
};

static bool encode_raw(const char *line, struct encoded_attr *attr)
{
	char name[64], value[512];
	struct addr addr;
	if (sscanf(line, "%63s = %511s", name, value) != 2)
		return false;
	for (size_t n = 0; n < sizeof raw_attributes / sizeof raw_attributes[0]; n++) {
		if (strcmp(name, raw_attributes[n].name) != 0)
			continue;
		size_t size = raw_attributes[n].is_addr ? 4 : (strlen(value) - 2) / 2;
		attr->octets[0] = raw_attributes[n].number;
		attr->octets[1] = (uint8_t)(size + 2);
		attr->size = size + 2;
		if (!raw_attributes[n].is_addr)
			return text_from_hex(value + 2, attr->octets + 2, size);
		if (addr_parse(value, &addr) != 0)
			return false;
		memcpy(attr->octets + 2, addr.bytes, size);
		return true;
	}
	return false;
}

/* "Name = value" */
static void encode(struct scenario *scenario, const char *line, struct encoded_attr *attr)
{
	char *why = NULL;
	if (!encode_raw(line, attr) && attr_from_text(scenario, line, attr, &why) != 0)
		scenario_fail(scenario, "%s: %s", line, why);
}

/* Building --------------------------------------------------------------------------------- */

struct builder {
	struct scenario *scenario;
	struct packet *packet;
	const char *secret;
	size_t message_authenticator; /* offset, 0 = none */
	bool is_damaged;              /* its Message-Authenticator is to be wrong */
	long long length_field;       /* -1 = the size */
};

static void put(struct builder *builder, const void *octets, size_t size)
{
	struct packet *packet = builder->packet;
	if (size > sizeof packet->octets - packet->size)
		scenario_fail(builder->scenario, "the packet is too long for a scenario");
	memcpy(packet->octets + packet->size, octets, size);
	packet->size += size;
}

static void put_attribute(struct builder *builder, uint8_t number, const void *value, size_t size)
{
	const uint8_t header[2] = {number, (uint8_t)(size + 2)};
	put(builder, header, sizeof header);
	put(builder, value, size);
}

static void put_microsoft(struct builder *builder, uint8_t number, const void *value, size_t size)
{
	uint8_t vendor[255] = {0, 0, VENDOR_MICROSOFT >> 8, VENDOR_MICROSOFT & 255};
	vendor[4] = number;
	vendor[5] = (uint8_t)(size + 2);
	memcpy(vendor + 6, value, size);
	put_attribute(builder, ATTR_VENDOR_SPECIFIC, vendor, size + 6);
}

static void put_pap(struct builder *builder, char *rest)
{
	const char *password = scenario_word(&rest);
	uint8_t hidden[PAP_PASSWORD_MAX];
	size_t size;
	if (password == NULL)
		password = "";
	if (pap_hide(password, strlen(password), builder->packet->octets + 4, builder->secret,
		    strlen(builder->secret), hidden, &size) != 0)
		scenario_fail(builder->scenario, "the password is too long");
	put_attribute(builder, ATTR_USER_PASSWORD, hidden, size);
}

/* "chap PASSWORD" with CHAP-Challenge, "chap PASSWORD authenticator" without. */
static void put_chap(struct builder *builder, char *rest)
{
	const char *password = scenario_word_needed(builder->scenario, &rest, "the password");
	static const uint8_t own[] = "a challenge of 20 oc";
	bool has_own = scenario_word(&rest) == NULL;
	uint8_t chap_password[CHAP_PASSWORD_SIZE];
	chap_respond(7, has_own ? own : builder->packet->octets + 4, has_own ? sizeof own : 16,
		password, strlen(password), chap_password);
	put_attribute(builder, ATTR_CHAP_PASSWORD, chap_password, sizeof chap_password);
	if (has_own)
		put_attribute(builder, ATTR_CHAP_CHALLENGE, own, sizeof own);
}

/* "mschap2 USER PASSWORD" */
static void put_mschap2(struct builder *builder, char *rest)
{
	static const uint8_t challenge[MSCHAP2_CHALLENGE_SIZE] = "challenge of 16",
			     peer[16] = "peer";
	const char *user = scenario_word_needed(builder->scenario, &rest, "the user");
	const char *password = scenario_word_needed(builder->scenario, &rest, "the password");
	uint8_t hash[NT_HASH_SIZE], response[MSCHAP_RESPONSE_SIZE];
	if (nt_hash(password, strlen(password), hash) != 0)
		scenario_fail(builder->scenario, "the password has no NT hash");
	mschap2_respond(9, hash, challenge, peer, user, strlen(user), response);
	put_microsoft(builder, MS_CHAP_CHALLENGE, challenge, sizeof challenge);
	put_microsoft(builder, MS_CHAP2_RESPONSE, response, sizeof response);
}

static void put_signature(struct builder *builder, char *rest)
{
	static const uint8_t zero[16];
	const char *word = scenario_word(&rest);
	builder->message_authenticator = builder->packet->size;
	builder->is_damaged = word != NULL && strcmp(word, "damaged") == 0;
	put_attribute(builder, ATTR_MESSAGE_AUTHENTICATOR, zero, sizeof zero);
}

static void put_hex(struct builder *builder, char *rest)
{
	const char *word;
	while ((word = scenario_word(&rest)) != NULL) {
		uint8_t octets[RADIUS_MAX_PACKET];
		size_t size = strlen(word) / 2;
		if (size > sizeof octets || !text_from_hex(word, octets, size))
			scenario_fail(builder->scenario, "%s is no hex", word);
		put(builder, octets, size);
	}
}

/* "fill N": so many octets of an unknown attribute. */
static void put_fill(struct builder *builder, char *rest)
{
	static const uint8_t filler[253];
	long long left = scenario_number(
		builder->scenario, scenario_word_needed(builder->scenario, &rest, "the size"));
	for (; left > 255; left -= 255)
		put_attribute(builder, 192, filler, 253);
	if (left >= 2)
		put_attribute(builder, 192, filler, (size_t)left - 2);
}

static void set_length(struct builder *builder, char *rest)
{
	builder->length_field = scenario_number(
		builder->scenario, scenario_word_needed(builder->scenario, &rest, "the length"));
}

static const struct {
	const char *word;
	void (*put)(struct builder *builder, char *rest);
} parts[] = {
	{"pap", put_pap},
	{"chap", put_chap},
	{"mschap2", put_mschap2},
	{"message-authenticator", put_signature},
	{"hex", put_hex},
	{"fill", put_fill},
	{"length", set_length},
};

static void put_line(struct builder *builder, const char *line)
{
	struct encoded_attr attr;
	char *rest = mem_must(talloc_strdup(builder->scenario, line));
	if (strchr(line, '=') == NULL) {
		const char *word = scenario_word_needed(builder->scenario, &rest, "an attribute");
		for (size_t n = 0; n < sizeof parts / sizeof parts[0]; n++) {
			if (strcmp(parts[n].word, word) == 0) {
				parts[n].put(builder, rest);
				return;
			}
		}
		scenario_fail(builder->scenario, "%s is no part of a packet", word);
	}
	encode(builder->scenario, line, &attr);
	put(builder, attr.octets, attr.size);
}

static void finish(struct builder *builder)
{
	struct packet *packet = builder->packet;
	uint8_t *octets = packet->octets, *authenticator = octets + 4;
	size_t length = builder->length_field >= 0 ? (size_t)builder->length_field : packet->size;
	const struct octets whole = {octets, packet->size};
	const struct octets signed_parts[] = {
		{octets, packet->size}, {builder->secret, strlen(builder->secret)}};
	octets[2] = (uint8_t)(length >> 8);
	octets[3] = (uint8_t)length;
	if (builder->message_authenticator != 0) {
		uint8_t *value = octets + builder->message_authenticator + 2;
		digest_hmac_md5(builder->secret, strlen(builder->secret), &whole, 1, value);
		value[0] ^= builder->is_damaged;
	}
	if (octets[0] == CODE_ACCOUNTING_REQUEST)
		digest_md5(signed_parts, 2, authenticator);
}

static void read_endpoint(struct builder *builder, char *rest)
{
	struct scenario *scenario = builder->scenario;
	struct endpoint *endpoint = &builder->packet->endpoint;
	const char *word;
	while ((word = scenario_word(&rest)) != NULL) {
		const char *value = scenario_word_needed(scenario, &rest, word);
		if (strcmp(word, "id") == 0)
			builder->packet->octets[1] = (uint8_t)scenario_number(scenario, value);
		else if (strcmp(word, "authenticator") == 0)
			memset(builder->packet->octets + 4, (int)scenario_number(scenario, value),
				16);
		else if (strcmp(word, "secret") == 0)
			builder->secret = value;
		else if (strcmp(word, "port") == 0)
			endpoint->remote_port = (uint16_t)scenario_number(scenario, value);
		else if (strcmp(word, "on") == 0)
			endpoint->role = strcmp(value, "accounting") == 0 ? PORT_ACCT : PORT_AUTH;
		else if (strcmp(word, "from") != 0 || addr_parse(value, &endpoint->remote) != 0)
			scenario_fail(scenario, "%s %s?", word, value);
	}
	endpoint->local_port = endpoint->role == PORT_AUTH ? 1812 : 1813;
}

static bool is_interim(const struct packet *packet)
{
	struct packet_facts facts;
	return packet_check(packet->octets, packet->size, &facts) == DROP_none &&
	       facts.code == CODE_ACCOUNTING_REQUEST && facts.is_interim;
}

void network_bar_interims(struct worker *worker, bool is_barred)
{
	struct scenario *scenario = worker->network;
	scenario->are_interims_barred = is_barred;
}

static void deliver(struct scenario *scenario, const struct packet *packet)
{
	if (scenario->are_interims_barred && is_interim(packet)) {
		metric_count_drop(DROP_interims_barred);
		return;
	}
	const struct datagram datagram = {
		.endpoint = packet->endpoint,
		.arrival_ns = clock_mono_ns(),
		.arrival_us = clock_wall_us(),
		.octets = packet->octets,
		/* As the listener: what is longer than a packet may be is cut. */
		.size = packet->size < RADIUS_MAX_PACKET ? packet->size : RADIUS_MAX_PACKET,
	};
	request_receive(scenario->worker, &datagram);
}

void network_receive(struct scenario *scenario, char *rest)
{
	struct packet *packet = mem_must(talloc_zero(scenario, struct packet));
	struct builder builder = {scenario, packet, SECRET, .length_field = -1};
	packet->name = mem_must(
		talloc_strdup(packet, scenario_word_needed(scenario, &rest, "the packet's name")));
	packet->octets[0] =
		(uint8_t)find_code(scenario, scenario_word_needed(scenario, &rest, "the code"));
	packet->octets[1] = 1;
	packet->size = RADIUS_HEADER_SIZE;
	packet->endpoint = (struct endpoint){.remote = addr_from_v4(0x0a000307), /* 10.0.3.7 */
		.local = addr_from_v4(0x0a000101),
		.remote_port = 40000,
		.role = packet->octets[0] == CODE_ACCOUNTING_REQUEST ? PORT_ACCT : PORT_AUTH};
	read_endpoint(&builder, rest);
	for (size_t n = 0; n < scenario->statement->block_count; n++)
		put_line(&builder, scenario->statement->block[n]);
	finish(&builder);
	packet->next = scenario->received;
	scenario->received = packet;
	deliver(scenario, packet);
}

void network_again(struct scenario *scenario, char *rest)
{
	const char *name = scenario_word_needed(scenario, &rest, "the packet's name");
	deliver(scenario, find_packet(scenario, scenario->received, name));
}

/* Checking --------------------------------------------------------------------------------- */

void network_send(
	struct worker *worker, const struct endpoint *to, const uint8_t *octets, size_t size)
{
	struct scenario *scenario = worker->network;
	struct packet *packet = mem_must(talloc_zero(scenario, struct packet));
	struct packet **end = &scenario->sent;
	packet->endpoint = *to;
	packet->size = size;
	memcpy(packet->octets, octets, size);
	while (*end != NULL)
		end = &(*end)->next;
	*end = packet;
}

/* The request that a sent packet answers: the newest with its ID and endpoints. */
static const struct packet *request_of(struct scenario *scenario, const struct packet *reply)
{
	for (const struct packet *p = scenario->received; p != NULL; p = p->next)
		if (p->octets[1] == reply->octets[1] &&
			addr_compare(&p->endpoint.remote, &reply->endpoint.remote) == 0 &&
			p->endpoint.remote_port == reply->endpoint.remote_port &&
			p->endpoint.role == reply->endpoint.role)
			return p;
	scenario_fail(scenario, "a packet was sent that answers nothing");
}

/* The reply is signed for the request, and Access-* carry Message-Authenticator first. */
static void check_signature(struct scenario *scenario, const struct packet *reply)
{
	const struct packet *request = request_of(scenario, reply);
	uint8_t copy[RADIUS_MAX_PACKET], digest[MD5_SIZE];
	const struct octets whole = {copy, reply->size};
	const struct octets signed_parts[] = {{copy, reply->size}, {SECRET, strlen(SECRET)}};
	memcpy(copy, reply->octets, reply->size);
	memcpy(copy + 4, request->octets + 4, 16);
	digest_md5(signed_parts, 2, digest);
	if (memcmp(digest, reply->octets + 4, sizeof digest) != 0)
		scenario_fail(scenario, "the Response Authenticator is wrong");
	if (request->octets[0] == CODE_ACCOUNTING_REQUEST)
		return;
	if (reply->size < 38 || copy[20] != ATTR_MESSAGE_AUTHENTICATOR)
		scenario_fail(scenario, "Message-Authenticator is not the first attribute");
	memset(copy + 22, 0, 16);
	digest_hmac_md5(SECRET, strlen(SECRET), &whole, 1, digest);
	if (memcmp(digest, reply->octets + 22, sizeof digest) != 0)
		scenario_fail(scenario, "the Message-Authenticator is wrong");
}

static unsigned count_attribute(const struct packet *packet, unsigned number)
{
	unsigned count = 0;
	for (size_t at = RADIUS_HEADER_SIZE; at + 2 <= packet->size; at += packet->octets[at + 1])
		count += packet->octets[at] == number;
	return count;
}

static bool has_attribute(const struct packet *packet, const uint8_t *octets, size_t size)
{
	for (size_t at = RADIUS_HEADER_SIZE; at + size <= packet->size;
		at += packet->octets[at + 1])
		if (memcmp(packet->octets + at, octets, size) == 0)
			return true;
	return false;
}

/* "Name = value", "count NUMBER N", "text TEXT" (README.md). */
static void check_line(struct scenario *scenario, const struct packet *packet, const char *line)
{
	struct encoded_attr attr;
	char *rest = mem_must(talloc_strdup(scenario, line));
	if (strncmp(line, "count ", 6) == 0) {
		scenario_word(&rest);
		unsigned number = (unsigned)scenario_number(
			scenario, scenario_word_needed(scenario, &rest, "the attribute"));
		long long expected = scenario_number(
			scenario, scenario_word_needed(scenario, &rest, "the count"));
		unsigned count = count_attribute(packet, number);
		if (count != expected)
			scenario_fail(scenario, "attribute %u is there %u times", number, count);
		return;
	}
	if (strncmp(line, "text ", 5) == 0) {
		scenario_word(&rest);
		const char *text = scenario_word_needed(scenario, &rest, "the text");
		if (memmem(packet->octets, packet->size, text, strlen(text)) == NULL)
			scenario_fail(scenario, "%s is not in the packet", text);
		return;
	}
	encode(scenario, line, &attr);
	if (!has_attribute(packet, attr.octets, attr.size)) {
		char hex[2 * RADIUS_MAX_PACKET + 1];
		text_to_hex(packet->octets, packet->size, hex);
		scenario_fail(scenario, "the packet has no %s: %s", line, hex);
	}
}

static struct packet *take_sent(struct scenario *scenario)
{
	struct packet *packet = scenario->sent;
	if (packet == NULL)
		scenario_fail(scenario, "nothing was sent");
	scenario->sent = packet->next;
	return packet;
}

static void expect_same(struct scenario *scenario, char *rest)
{
	const char *name = scenario_word_needed(scenario, &rest, "the packet's name");
	const struct packet *earlier = find_packet(scenario, scenario->seen, name);
	const struct packet *packet = take_sent(scenario);
	if (packet->size != earlier->size ||
		memcmp(packet->octets, earlier->octets, packet->size) != 0)
		scenario_fail(scenario, "other octets were sent");
}

void network_expect_send(struct scenario *scenario, char *rest)
{
	const char *code = scenario_word_needed(scenario, &rest, "the code");
	if (strcmp(code, "same") == 0) {
		expect_same(scenario, rest);
		return;
	}
	struct packet *packet = take_sent(scenario);
	if (packet->octets[0] != find_code(scenario, code))
		scenario_fail(scenario, "a packet of code %u was sent", packet->octets[0]);
	check_signature(scenario, packet);
	for (size_t n = 0; n < scenario->statement->block_count; n++)
		check_line(scenario, packet, scenario->statement->block[n]);
	const char *as = scenario_word(&rest);
	if (as == NULL)
		return;
	if (strcmp(as, "as") != 0)
		scenario_fail(scenario, "as NAME is expected, not %s", as);
	packet->name =
		mem_must(talloc_strdup(packet, scenario_word_needed(scenario, &rest, "the name")));
	packet->next = scenario->seen;
	scenario->seen = packet;
}

void network_expect_nothing(struct scenario *scenario)
{
	if (scenario->sent != NULL)
		scenario_fail(scenario, "a packet of code %u was sent", scenario->sent->octets[0]);
}
