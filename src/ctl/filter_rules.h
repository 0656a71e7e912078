/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Filter rules between the operator's lines and the database's rows. */
#include "ctl/pg.h"
#include "filter/filter.h"

/* Why text is no rule, as one clause with the column; NULL: it is one, and *normal (owned by ctx)
 * is its canonical text. */
const char *filter_rule_fault(TALLOC_CTX *ctx, const char *text, const char **normal);

/* The rules of --rule or of --file, as the functions of the database take them: a JSON array. NULL
 * if neither was given. CTL_USAGE: each wrong line of the file was named. */
int filter_rules_given(struct call *call, const char **json) MUST_CHECK;
/* One rule that has been checked, in the same form. */
const char *filter_rules_single(TALLOC_CTX *ctx, const char *text);

/* A filter of the database, or all of them in the order of their names (name == NULL). Owned by the
 * call. CTL_REFUSED if it is not there, or has a rule that is none. */
int filter_lists_load(
	struct pg *pg, const char *name, struct filter_list **lists, size_t *count) MUST_CHECK;
/* All pools. */
int filter_pools_load(struct pg *pg, struct filter_pools *pools) MUST_CHECK;
