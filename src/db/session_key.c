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

static void random_fill(uint8_t *octets, size_t size)
{
	/* getrandom gives up to 256 octets whole, without an error, once the kernel's pool is
	 * seeded. */
	if (getrandom(octets, size, 0) != (ssize_t)size)
		abort();
}

void session_key_mint(uint8_t key[SESSION_KEY_SIZE])
{
	static uint64_t last_ms;
	static unsigned last_counter;

	uint8_t random[10];
	random_fill(random, sizeof random);

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

/* CRC-32 of IEEE 802.3. Bit by bit: 128 steps a key are less than a table's cache misses. */
static uint32_t crc32_of_key(const uint8_t key[SESSION_KEY_SIZE])
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < SESSION_KEY_SIZE; i++) {
		crc ^= key[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) ? UINT32_C(0xedb88320) : 0);
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
