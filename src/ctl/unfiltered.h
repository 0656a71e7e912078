/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Access servers that are sent no filters, because their kind takes none or their form is none. */
#include "ctl/pg.h"

/* Names those of that group (NULL: all) in one line on call->errors, with what that means; nothing
 * if there are none. */
int unfiltered_note(struct pg *pg, const char *group, const char *meaning) MUST_CHECK;
