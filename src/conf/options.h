/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The options table (options.def) as data, and the reading of one value. Private to src/conf. */
#include "conf/conf.h"
#include <stddef.h>

enum option_kind {
	OPTION_COUNT,         /* unsigned */
	OPTION_PORT,          /* uint16_t */
	OPTION_WORKERS,       /* unsigned; "auto" or a number */
	OPTION_DURATION_MS,   /* unsigned; "10ms", "5s", ... */
	OPTION_DURATION_S,    /* unsigned; the same in whole seconds */
	OPTION_TEXT,          /* const char * */
	OPTION_CONNECTION,    /* const char *, as libpq reads it */
	OPTION_PATH,          /* const char *, absolute */
	OPTION_OPTIONAL_PATH, /* the same, or empty */
	OPTION_ADDRESSES,     /* listen and listen_count; the only kind that takes several values */
	OPTION_LOG_TARGET,
	OPTION_LOG_LEVEL,
};

struct option {
	const char *group; /* the manual's heading; name is NULL in such a row */
	const char *name;
	enum option_kind kind;
	size_t offset; /* of the field in struct conf */
	const char *default_text;
	int64_t least, greatest;
	const char *unit, *sentence;
};

/* Headings and options in the order of the manual. */
extern const struct option options[];
extern const size_t options_count;

/* Reads one value into its field (an address is added to the list). Returns NULL, or what is
 * wrong with it (owned by *conf). */
const char *option_read(struct conf *conf, const struct option *option, const char *text);

/* Writes the default's value into its field. */
void option_use_default(struct conf *conf, const struct option *option);
