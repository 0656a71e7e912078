/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "acct/event_time.h"
#include "base/clock.h"

/* A clock that is further off than this is not set, or set to another century. */
#define CLOCK_OFF_MAX_US (24 * 3600 * US_PER_S)

/* Longer than any NAS or relay keeps a packet. A longer delay is junk, and counts as none: a
 * session dated back by a century would end up in no one's bill. */
#define DELAY_MAX_S (30 * 24 * 3600)

int64_t event_time_us(const struct attrs *attrs, int64_t arrival_us)
{
	uint32_t stamp_s, delay_s;
	if (attrs_get_u32(attrs, ATTR_EVENT_TIMESTAMP, &stamp_s)) {
		int64_t stamp_us = stamp_s * US_PER_S;
		int64_t off_us = stamp_us - arrival_us;
		if (off_us <= CLOCK_OFF_MAX_US && off_us >= -CLOCK_OFF_MAX_US)
			return stamp_us;
	}
	if (!attrs_get_u32(attrs, ATTR_ACCT_DELAY_TIME, &delay_s) || delay_s > DELAY_MAX_S)
		delay_s = 0;
	return arrival_us - delay_s * US_PER_S;
}
