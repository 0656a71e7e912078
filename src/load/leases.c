/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Addresses, from the Access-Accept that brings them until the Stop is sent. */
#include "load/run.h"
#include <stdio.h>

#define DOUBLES_SHOWN 5 /* lines on stderr; the rest is only counted */

static void double_tell(const struct load *load, const struct line *line, const struct line *other)
{
	char text[ADDR_TEXT_MAX];
	fprintf(stderr, "popradload: %s is with two sessions: subscribers %llu and %llu\n",
		addr_format(&line->address, text),
		(unsigned long long)(load->settings->first + other->number),
		(unsigned long long)(load->settings->first + line->number));
}

void lease_hold(struct load *load, struct line *line)
{
	struct line *other;
	if (!addr_is_set(&line->address)) {
		load->stats->without_address++;
		return;
	}
	load->stats->addresses_given++;
	if (load->settings->mode == LOAD_AUTH)
		return;
	HASH_FIND(hh, load->by_address, &line->address, sizeof line->address, other);
	if (other) {
		if (load->stats->double_addresses++ < DOUBLES_SHOWN)
			double_tell(load, line, other);
		return;
	}
	HASH_ADD(hh, load->by_address, address, sizeof line->address, line);
	line->holds_address = true;
}

void lease_release(struct load *load, struct line *line)
{
	if (line->holds_address)
		HASH_DEL(load->by_address, line);
	line->holds_address = false;
}
