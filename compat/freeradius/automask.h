/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Debian's libfreeradius-dev includes this header but does not ship it (upstream pull request
 * 5777). Nothing is needed from it: the empty file lets <freeradius/build.h> compile. */
