/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The clock of a place: how far it is from UTC, and when that changes. The rules are the C
 * library's and the machine's tzdata; they are asked once, and what they say of the years around
 * that time is kept, because asking for several zones in turn means reading files. */
#include <stdint.h>
#include <talloc.h>

#define ZONE_NAME_MAX 64 /* octets; the longest IANA name has half of them */

struct zone;

/* The zone of that IANA name ("Europe/Berlin"), for the year before `now_s` and the ten years
 * behind it; later the last offset counts on. UTC is known without tzdata. NULL: this machine knows
 * no such zone. Not to be called while another thread uses the environment. */
struct zone *zone_load(TALLOC_CTX *ctx, const char *name, int64_t now_s);

/* The same, kept for this process, so that who asks often need not read files; what was kept for a
 * day is loaded anew, if it can be, when it is asked for. It is good until the next call. */
const struct zone *zone_find(const char *name, int64_t now_s);

/* Seconds to add to UTC at that time; so it stays until *until_s (INT64_MAX: for ever). */
int32_t zone_offset_s(const struct zone *zone, int64_t at_s, int64_t *until_s);
