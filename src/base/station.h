/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Calling-Station-Id and Called-Station-Id: whence somebody calls, and where he is answered. What
 * one device sends as 0011.2233.4455 another sends as 00-11-22-33-44-55, and a number comes with
 * or without its plus sign, so they are compared in a form of our own. */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#define STATION_TEXT_MAX 253 /* octets */

/* The form in which stations compare, owned by ctx: a MAC address as 12 lower-case digits, also
 * before a colon and more (an access point's network); a number without its plus sign; all else in
 * lower case. It is its own form. */
char *station_normalise(TALLOC_CTX *ctx, const char *text);

/* Stations as an operator writes them: a MAC address in any form, a telephone number with marks
 * between its digits, or the text as it is sent; a * at the end stands for whatever follows. */
struct station_pattern {
	const char *text; /* without the * */
	const char *bare; /* the digits alone of a MAC address or a telephone number; else NULL */
	bool is_prefix;
};

/* What it points to belongs to ctx. ERR_SYNTAX or ERR_RANGE: *fault is one clause. */
int station_pattern_parse(TALLOC_CTX *ctx, const char *text, struct station_pattern *pattern,
	const char **fault) MUST_CHECK;

/* station: as station_normalise makes it. */
bool station_pattern_fits(const struct station_pattern *pattern, const char *station);
