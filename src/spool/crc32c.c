/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Eight octets a step: table n says what an octet does to the sum once n more have followed it. */
#include "spool/crc32c.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78) /* bits in reverse order */
#define STEP 8

static uint32_t tables[STEP][256];

static void fill_tables(void)
{
	for (uint32_t octet = 0; octet < 256; octet++) {
		uint32_t crc = octet;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
		tables[0][octet] = crc;
	}
	for (unsigned n = 1; n < STEP; n++)
		for (unsigned octet = 0; octet < 256; octet++) {
			uint32_t crc = tables[n - 1][octet];
			tables[n][octet] = crc >> 8 ^ tables[0][crc & 255];
		}
}

static uint32_t step(uint32_t crc, const uint8_t *at)
{
	crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
	return tables[7][crc & 255] ^ tables[6][crc >> 8 & 255] ^ tables[5][crc >> 16 & 255] ^
	       tables[4][crc >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
	       tables[0][at[7]];
}

uint32_t crc32c(uint32_t crc, const void *octets, size_t size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint8_t *at = octets;
	if (pthread_once(&once, fill_tables) != 0)
		abort();
	crc = ~crc;
	for (; size >= STEP; at += STEP, size -= STEP)
		crc = step(crc, at);
	for (; size > 0; at++, size--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 255];
	return ~crc;
}
