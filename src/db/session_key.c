/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Mints session keys and writes and reads the Class attribute that carries them. A process is
 * single-threaded, so the last key minted is kept in a static without a lock. */
#include "db/session_key.h"
#include "base/clock.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CLASS_PREFIX "poprad:"
#define CLASS_PREFIX_SIZE (sizeof CLASS_PREFIX - 1)
#define CLASS_HEX_SIZE (2 * (size_t)SESSION_KEY_SIZE)
#define CRC_SIZE 4

/* The counter fills the 12 bits between version and variant. It begins each millisecond in the
 * lower half, so that at least 2048 keys fit before the time part has to run ahead of the clock. */
#define COUNTER_MAX 0xfffu
#define COUNTER_START_MASK 0x7ffu

/* What is asked of the kernel at one time: getrandom gives so much whole, without an error, once
 * its pool is seeded, and asking for every key would cost more than all else about it. */
#define RANDOM_POOL_SIZE 256

static void random_take(uint8_t *octets, size_t size)
{
	static uint8_t pool[RANDOM_POOL_SIZE];
	static size_t left;

	if (left < size) {
		if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
			abort();
		left = sizeof pool;
	}
	left -= size;
	memcpy(octets, pool + left, size);
}

void session_key_mint(uint8_t key[SESSION_KEY_SIZE])
{
	static uint64_t last_ms;
	static unsigned last_counter;

	uint8_t random[10];
	random_take(random, sizeof random);

	/* A clock that was set back must not let keys go backwards: the time part then stands still
	 * until the clock has caught up. */
	int64_t now_us = clock_wall_us();
	uint64_t now_ms = now_us > 0 ? (uint64_t)now_us / 1000 : 0;
	if (now_ms > last_ms) {
		last_ms = now_ms;
		last_counter = (((unsigned)random[8] << 8) | random[9]) & COUNTER_START_MASK;
	} else if (last_counter < COUNTER_MAX) {
		last_counter++;
	} else {
		last_ms++;
		last_counter = 0;
	}

	for (unsigned i = 0; i < 6; i++)
		key[i] = (uint8_t)(last_ms >> (40 - 8 * i));
	key[6] = (uint8_t)(0x70 | (last_counter >> 8)); /* version 7 */
	key[7] = (uint8_t)(last_counter & 0xff);
	memcpy(key + 8, random, 8);
	key[8] = (uint8_t)(0x80 | (key[8] & 0x3f)); /* variant of RFC 9562 section 4.1 */
}

/* CRC-32 of IEEE 802.3, four bits at a time: a table that fits into one cache line. */
static uint32_t crc32_of_key(const uint8_t key[SESSION_KEY_SIZE])
{
	static const uint32_t of_nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, /* 0 to 3 */
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, /* 4 to 7 */
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, /* 8 to 11 */
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c, /* 12 to 15 */
	};
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < SESSION_KEY_SIZE; i++) {
		crc ^= key[i];
		crc = (crc >> 4) ^ of_nibble[crc & 15];
		crc = (crc >> 4) ^ of_nibble[crc & 15];
	}
	return ~crc;
}

static void crc_octets(const uint8_t key[SESSION_KEY_SIZE], uint8_t octets[CRC_SIZE])
{
	uint32_t crc = crc32_of_key(key);
	for (unsigned i = 0; i < CRC_SIZE; i++)
		octets[i] = (uint8_t)(crc >> (24 - 8 * i));
}

void session_class_format(const uint8_t key[SESSION_KEY_SIZE], char text[SESSION_CLASS_SIZE + 1])
{
	uint8_t crc[CRC_SIZE];
	crc_octets(key, crc);
	memcpy(text, CLASS_PREFIX, CLASS_PREFIX_SIZE);
	text_to_hex(key, SESSION_KEY_SIZE, text + CLASS_PREFIX_SIZE);
	text[CLASS_PREFIX_SIZE + CLASS_HEX_SIZE] = ':';
	text_to_hex(crc, CRC_SIZE, text + CLASS_PREFIX_SIZE + CLASS_HEX_SIZE + 1);
}

enum session_class session_class_parse(
	const uint8_t *value, size_t size, uint8_t key[SESSION_KEY_SIZE])
{
	if (size < CLASS_PREFIX_SIZE || memcmp(value, CLASS_PREFIX, CLASS_PREFIX_SIZE) != 0)
		return SESSION_CLASS_FOREIGN;
	if (size != SESSION_CLASS_SIZE)
		return SESSION_CLASS_BROKEN;

	char hex[SESSION_CLASS_SIZE - CLASS_PREFIX_SIZE + 1];
	memcpy(hex, value + CLASS_PREFIX_SIZE, sizeof hex - 1);
	hex[sizeof hex - 1] = '\0';

	if (hex[CLASS_HEX_SIZE] != ':')
		return SESSION_CLASS_BROKEN;
	hex[CLASS_HEX_SIZE] = '\0'; /* two texts now */

	uint8_t found[SESSION_KEY_SIZE], found_crc[CRC_SIZE], crc[CRC_SIZE];
	if (!text_from_hex(hex, found, SESSION_KEY_SIZE) ||
		!text_from_hex(hex + CLASS_HEX_SIZE + 1, found_crc, CRC_SIZE))
		return SESSION_CLASS_BROKEN;
	crc_octets(found, crc);
	if (memcmp(crc, found_crc, CRC_SIZE) != 0)
		return SESSION_CLASS_BROKEN;
	memcpy(key, found, SESSION_KEY_SIZE);
	return SESSION_CLASS_OURS;
}
