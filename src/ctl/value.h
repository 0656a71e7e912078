/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Checks of single texts, shared by the command line and the import of subscribers. Each returns
 * NULL, or what is wrong ("is too long"). */
#include <stdbool.h>
#include <stddef.h>

/* Not empty, bounded, valid UTF-8, no control characters. */
const char *text_fault(const char *text, size_t max_octets);

/* user or user@realm; the realm becomes lower case in place (RFC 7542 section 2.4). */
const char *login_normalise(char *login);

const char *password_fault(const char *password);

/* A UUID as PostgreSQL writes it. */
bool text_is_key(const char *text);
