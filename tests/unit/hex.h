/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Octets written as hex in a test, with blanks wherever they help the reader. */
#include <CUnit/CUnit.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t unhex(const char *hex, uint8_t *octets, size_t max)
{
	static const char digits[] = "0123456789abcdef";
	size_t nibbles = 0;
	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		const char *digit = strchr(digits, tolower((unsigned char)*hex));
		CU_ASSERT_PTR_NOT_NULL_FATAL(digit);
		CU_ASSERT_FATAL(nibbles / 2 < max);
		uint8_t value = (uint8_t)(digit - digits);
		octets[nibbles / 2] =
			(uint8_t)(nibbles % 2 ? octets[nibbles / 2] | value : value << 4);
		nibbles++;
	}
	CU_ASSERT_FATAL(nibbles % 2 == 0);
	return nibbles / 2;
}

#define ASSERT_OCTETS(actual, hex)                                               \
	do {                                                                     \
		uint8_t expected_[4096];                                         \
		size_t expected_size_ = unhex(hex, expected_, sizeof expected_); \
		CU_ASSERT_EQUAL(memcmp(actual, expected_, expected_size_), 0);   \
	} while (0)
