/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A change after which the filters of every plan must still be such that each NAS that there is can
 * be sent them. The statements between begin and end are one transaction. */
#include "ctl/pg.h"

struct catalog_change;

int catalog_change_begin(struct pg *pg, struct catalog_change **change) MUST_CHECK;
/* Commits, and says what is not sent as it was meant from now on. CTL_REFUSED, and nothing is
 * changed, if some plan's filters have become unfit for some sort of NAS; what was unfit before
 * does not stand in the way. */
int catalog_change_end(struct catalog_change *change) MUST_CHECK;

/* A change of one statement. */
int catalog_change_run(struct pg *pg, const char *sql, const struct params *params) MUST_CHECK;
/* As pg_remove_named. */
int catalog_change_remove(struct call *call, const char *sql, const char *argument) MUST_CHECK;
