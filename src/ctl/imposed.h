/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Filters that a realm or a group of access servers imposes, as popradctl takes and explains them.
 */
#include "ctl/pg.h"

/* WHO is "realm" or "group". */
#define IMPOSED_OPTIONS(WHO)                                                                \
	{.name = "filter",                                                                  \
		.type = VALUE_NAME,                                                         \
		.form = "F",                                                                \
		.is_repeatable = true,                                                      \
		.sentence = "A filter that the " WHO                                        \
			    " imposes, before all others; up to 8, and all that are given " \
			    "replace the present ones."},                                   \
	{                                                                                   \
		.name = "no-filters", .sentence = "The " WHO " imposes none."               \
	}

/* Adds the values of --filter as an array, empty for --no-filters; NULL if neither was given. */
int filter_names_params(struct call *call, struct params *params) MUST_CHECK;
/* Says of what was just imposed by that realm or that group (the other is NULL) where it does
 * nothing, because no filters are sent there, and how many exemptions do not count any more.
 * Nothing is said if no filter was imposed. */
int imposed_note(struct pg *pg, const char *realm, const char *group) MUST_CHECK;
