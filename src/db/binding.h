/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Where a subscriber may log in from. Each list is NULL where nothing is said; else what the NAS
 * tells of the line must be in it. */
#include "base/station.h"
#include "db/catalog_fields.h"

#define BINDING_MAX 32 /* entries of a list */

struct station_list {
	size_t count;
	struct station_pattern patterns[];
};

struct word_list {
	size_t count;
	const char *words[];
};

struct binding {
	const struct station_list *calling_stations, *called_stations;
	const struct word_list *nas_port_types, *nas_groups;
	/* Where no calling station is said, the first that is let in is the only one from then on.
	 */
	bool learns;
	const char *learned; /* as station_normalise makes it; NULL = none yet */
};

/* The row's list; NULL if it is empty, or after a fault. */
const struct station_list *binding_read_stations(struct reader *reader, const char *name);
const struct word_list *binding_read_words(struct reader *reader, const char *name);
/* A station that was learned. */
const char *binding_read_station(struct reader *reader, const char *name);

bool station_list_has(const struct station_list *list, const char *station);
/* Words compare without case. */
bool word_list_has(const struct word_list *list, const char *word);
