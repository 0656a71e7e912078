/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The step table that every packet starts with. */
#include "request/request.h"

extern const struct step path_steps[];
