/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What became of imported rows. The database knows most of it (poprad.import_report); what only the
 * dictionary and the readers of passwords know is told here. */
#include "ctl/pg.h"

/* Adds attributes and passwords that no login could use. The dictionary has been loaded. */
int import_check_texts(struct pg *pg) MUST_CHECK;
/* Writes all rows that became something else or nothing, and then how many of each. */
int import_print_settings(struct pg *pg) MUST_CHECK;
/* Goes through the sessions, and writes the same of them. Each part of them is a transaction of its
 * own, unless one is open. zone: of times that name none. */
int import_sessions(struct pg *pg, const char *zone) MUST_CHECK;
