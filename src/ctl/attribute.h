/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Reply attributes that an operator gives to a plan or a subscriber. */
#include "ctl/pg.h"

/* Adds the values of --attribute as a text[], each checked against the dictionary; null if neither
 * --attribute nor --no-attributes is given, the empty array for the latter. */
int attribute_params(struct call *call, struct params *params) MUST_CHECK;

/* Loads the dictionary, once. The configuration has been read. */
int attribute_load_dictionary(const struct call *call) MUST_CHECK;

#define OPTION_ATTRIBUTE                                                                       \
	{                                                                                      \
		.name = "attribute", .type = VALUE_TEXT, .form = "'NAME = VALUE'",             \
		.is_repeatable = true,                                                         \
		.sentence = "An attribute of the dictionary to send with each Access-Accept; " \
			    "all that are given replace the present ones."                     \
	}
