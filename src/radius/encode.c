/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Builds a reply. Room for the request's Proxy-States is set aside at the start, because a proxy
 * cannot match a reply without them: it is our own attributes that must give way. */
#include "radius/encode.h"
#include "radius/digest.h"
#include "radius/pap.h"
#include "radius/sign.h"
#include <string.h>

#define ATTRIBUTE_HEADER 2
#define VALUE_MAX 253
/* 26, length, vendor, vendor type, vendor length (RFC 2865 section 5.26). */
#define VENDOR_HEADER 8
#define VENDOR_VALUE_MAX 247
#define MESSAGE_AUTHENTICATOR_LENGTH 18
#define SALT_SIZE 2
/* Tag, salt and the largest padded value: a length octet and ENCRYPTED_VALUE_MAX. */
#define ENCRYPTED_MAX (1 + SALT_SIZE + 1 + ENCRYPTED_VALUE_MAX)

static size_t proxy_state_size(const uint8_t *request, size_t length)
{
	size_t size = 0;
	for (size_t at = RADIUS_HEADER_SIZE; at < length; at += request[at + 1])
		if (request[at] == ATTR_PROXY_STATE)
			size += request[at + 1];
	return size;
}

/* CVE-2024-3596: signing every Access-* reply, with the signature first, defeats the forgery. The
 * answer to an Accounting-Request is not open to it and goes without, even if the request had one:
 * RFC 3579 counts the request's authenticator, FreeRADIUS 3.2.1 (radclient, and as a proxy) counts
 * zeros and takes what is right by the RFC for a forgery. Both agree on answers to Status-Server.
 */
static bool must_be_signed(uint8_t request_code)
{
	return request_code == CODE_ACCESS_REQUEST || request_code == CODE_STATUS_SERVER;
}

void reply_init(struct reply *reply, uint8_t octets[RADIUS_MAX_PACKET], enum radius_code code,
	const uint8_t *request, size_t request_length, const char *secret, size_t secret_size)
{
	size_t proxy_states = proxy_state_size(request, request_length);
	*reply = (struct reply){
		.octets = octets,
		.length = RADIUS_HEADER_SIZE,
		.request = request,
		.request_length = request_length,
		.secret = secret,
		.secret_size = secret_size,
		.room = RADIUS_MAX_PACKET,
	};
	memset(octets, 0, RADIUS_HEADER_SIZE + MESSAGE_AUTHENTICATOR_LENGTH);
	octets[0] = (uint8_t)code;
	octets[1] = request[1];
	if (must_be_signed(request[0])) {
		reply->message_authenticator = reply->length;
		octets[reply->length] = ATTR_MESSAGE_AUTHENTICATOR;
		octets[reply->length + 1] = MESSAGE_AUTHENTICATOR_LENGTH;
		reply->length += MESSAGE_AUTHENTICATOR_LENGTH;
	}
	/* Only a request that is almost nothing but Proxy-State leaves less than this. */
	size_t most = RADIUS_MAX_PACKET - reply->length;
	reply->room -= proxy_states < most ? proxy_states : most;
}

/* Where size more octets go, or NULL: they do not fit. */
static uint8_t *reply_extend(struct reply *reply, size_t size)
{
	if (size > reply->room - reply->length) {
		reply->is_overfull = true;
		return NULL;
	}
	uint8_t *at = reply->octets + reply->length;
	reply->length += size;
	return at;
}

static void put_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16 & 0xff);
	at[2] = (uint8_t)(value >> 8 & 0xff);
	at[3] = (uint8_t)(value & 0xff);
}

void reply_add_octets(struct reply *reply, uint8_t number, const void *value, size_t size)
{
	if (size > VALUE_MAX)
		size = VALUE_MAX;
	uint8_t *at = reply_extend(reply, ATTRIBUTE_HEADER + size);
	if (!at)
		return;
	at[0] = number;
	at[1] = (uint8_t)(ATTRIBUTE_HEADER + size);
	if (size > 0)
		memcpy(at + ATTRIBUTE_HEADER, value, size);
}

void reply_add_u32(struct reply *reply, uint8_t number, uint32_t value)
{
	uint8_t octets[4];
	put_u32(octets, value);
	reply_add_octets(reply, number, octets, sizeof octets);
}

void reply_add_addr(struct reply *reply, uint8_t number, const struct addr *addr)
{
	reply_add_octets(reply, number, addr->bytes, addr->family == 4 ? 4 : 16);
}

void reply_add_prefix6(struct reply *reply, uint8_t number, const struct prefix *prefix)
{
	uint8_t octets[2 + sizeof prefix->addr.bytes] = {0, prefix->bits};
	memcpy(octets + 2, prefix->addr.bytes, sizeof prefix->addr.bytes);
	reply_add_octets(reply, number, octets, sizeof octets);
}

void reply_add_text(struct reply *reply, uint8_t number, const char *text)
{
	reply_add_octets(reply, number, text, strlen(text));
}

/* The header; returns where the value goes, or NULL. */
static uint8_t *vendor_extend(struct reply *reply, uint32_t vendor, uint8_t number, size_t size)
{
	uint8_t *at = reply_extend(reply, VENDOR_HEADER + size);
	if (!at)
		return NULL;
	at[0] = ATTR_VENDOR_SPECIFIC;
	at[1] = (uint8_t)(VENDOR_HEADER + size);
	put_u32(at + 2, vendor);
	at[6] = number;
	at[7] = (uint8_t)(ATTRIBUTE_HEADER + size);
	return at + VENDOR_HEADER;
}

void reply_add_vendor(
	struct reply *reply, uint32_t vendor, uint8_t number, const void *value, size_t size)
{
	if (size > VENDOR_VALUE_MAX)
		size = VENDOR_VALUE_MAX;
	uint8_t *at = vendor_extend(reply, vendor, number, size);
	if (at && size > 0)
		memcpy(at, value, size);
}

/* RFC 2868 section 3.5: the top bit is set, and no two salts in a packet are equal. */
static uint16_t salt_next(struct reply *reply)
{
	if (reply->salt == 0)
		random_octets(&reply->salt, sizeof reply->salt);
	else
		reply->salt++;
	reply->salt |= 0x8000;
	return reply->salt;
}

/* A length octet and the value, to whole blocks. */
static size_t padded_size(size_t size)
{
	return (1 + size + MD5_SIZE - 1) / MD5_SIZE * MD5_SIZE;
}

/* Salt, then the encrypted length and value, padded; returns its size. */
static size_t salt_encrypt(struct reply *reply, const void *value, size_t size, uint8_t *octets)
{
	uint16_t salt = salt_next(reply);
	uint8_t start[RADIUS_AUTHENTICATOR_SIZE + SALT_SIZE];
	uint8_t *clear = octets + SALT_SIZE;
	size_t padded = padded_size(size);

	octets[0] = (uint8_t)(salt >> 8);
	octets[1] = (uint8_t)(salt & 0xff);
	memset(clear, 0, padded);
	clear[0] = (uint8_t)size;
	if (size > 0)
		memcpy(clear + 1, value, size);
	memcpy(start, reply->request + 4, RADIUS_AUTHENTICATOR_SIZE);
	memcpy(start + RADIUS_AUTHENTICATOR_SIZE, octets, SALT_SIZE);
	secret_hide(clear, padded, start, sizeof start, reply->secret, reply->secret_size);
	return SALT_SIZE + padded;
}

void reply_add_vendor_encrypted(
	struct reply *reply, uint32_t vendor, uint8_t number, const void *value, size_t size)
{
	uint8_t encrypted[ENCRYPTED_MAX];
	if (size > ENCRYPTED_VALUE_MAX) {
		reply->is_overfull = true;
		return;
	}
	size_t encrypted_size = salt_encrypt(reply, value, size, encrypted);
	reply_add_vendor(reply, vendor, number, encrypted, encrypted_size);
}

static size_t header_size(const struct encoded_attr *attr)
{
	return attr->vendor == 0 ? ATTRIBUTE_HEADER : VENDOR_HEADER;
}

size_t encoded_attr_octets(const struct encoded_attr *attr)
{
	size_t header = header_size(attr);
	return attr->encryption == ATTR_CLEAR
		       ? attr->size
		       : header + attr->has_tag + SALT_SIZE + padded_size(attr->size - header);
}

static void add_salted(struct reply *reply, const struct encoded_attr *attr)
{
	uint8_t encrypted[ENCRYPTED_MAX] = {0};
	size_t header = header_size(attr);
	size_t size = attr->has_tag ? 1 : 0;
	encrypted[0] = attr->tag;
	if (reply->request != NULL)
		size += salt_encrypt(
			reply, attr->octets + header, attr->size - header, encrypted + size);
	else
		size = encoded_attr_octets(attr) - header;
	if (attr->vendor == 0)
		reply_add_octets(reply, (uint8_t)attr->number, encrypted, size);
	else
		reply_add_vendor(reply, attr->vendor, (uint8_t)attr->number, encrypted, size);
}

void reply_add_encoded(struct reply *reply, const struct encoded_attr *attr)
{
	if (attr->encryption == ATTR_SALTED) {
		add_salted(reply, attr);
		return;
	}
	uint8_t *at = reply_extend(reply, attr->size);
	if (at)
		memcpy(at, attr->octets, attr->size);
}

void reply_init_part(struct reply *part, uint8_t octets[RADIUS_MAX_PACKET])
{
	*part = (struct reply){.octets = octets, .room = RADIUS_MAX_PACKET};
}

bool reply_add_part(struct reply *reply, const uint8_t *octets, size_t size)
{
	uint8_t *at = size > 0 ? reply_extend(reply, size) : NULL;
	if (at)
		memcpy(at, octets, size);
	return at || size == 0;
}

void reply_add_mschap1_mppe_keys(struct reply *reply, const uint8_t keys[32])
{
	uint8_t *at = vendor_extend(reply, VENDOR_MICROSOFT, MS_CHAP_MPPE_KEYS, 32);
	if (!at)
		return;
	memcpy(at, keys, 32);
	secret_hide(at, 32, reply->request + 4, RADIUS_AUTHENTICATOR_SIZE, reply->secret,
		reply->secret_size);
}

static void copy_proxy_states(struct reply *reply)
{
	const uint8_t *request = reply->request;
	reply->room = RADIUS_MAX_PACKET;
	for (size_t at = RADIUS_HEADER_SIZE; at < reply->request_length; at += request[at + 1]) {
		if (request[at] != ATTR_PROXY_STATE)
			continue;
		uint8_t *to = reply_extend(reply, request[at + 1]);
		if (to)
			memcpy(to, request + at, request[at + 1]);
	}
}

int reply_finish(struct reply *reply)
{
	copy_proxy_states(reply);
	reply->octets[2] = (uint8_t)(reply->length >> 8);
	reply->octets[3] = (uint8_t)(reply->length & 0xff);
	reply_sign(reply->octets, reply->length, reply->message_authenticator, reply->request + 4,
		reply->secret, reply->secret_size);
	return reply->is_overfull ? ERR_FULL : 0;
}
