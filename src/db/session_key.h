/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The session key: ours, minted once per login, time-ordered, and its form in the Class attribute
 * (decisions 1 and 2). */
#include "db/pgconn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, then a counter and random bits,
 * so that keys of one process never go backwards. */
void session_key_mint(uint8_t key[SESSION_KEY_SIZE]);

/* "poprad:" 32 hex digits ":" 8 hex digits of a CRC-32 over the key: text, so that operators can
 * search for it. */
#define SESSION_CLASS_SIZE 48
void session_class_format(const uint8_t key[SESSION_KEY_SIZE], char text[SESSION_CLASS_SIZE + 1]);

enum session_class { SESSION_CLASS_FOREIGN, SESSION_CLASS_BROKEN, SESSION_CLASS_OURS };
enum session_class session_class_parse(
	const uint8_t *value, size_t size, uint8_t key[SESSION_KEY_SIZE]);
