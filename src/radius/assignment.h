/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* "Name:3 = value", taken apart. The dictionary has no part in it: dictionary.c gives it sense. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#define TAG_NUMBER_MAX 31 /* RFC 2868 section 3.1 */

struct assignment {
	char *name;
	char *value;
	size_t value_size;
	bool has_tag;
	uint8_t tag;
};

/* ERR_SYNTAX: *why (owned by ctx, like the parts) is one sentence for the operator. */
int assignment_split(
	TALLOC_CTX *ctx, const char *text, struct assignment *parts, char **why) MUST_CHECK;
