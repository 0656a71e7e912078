/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What popradctl trace says of a packet (request/trace.h) to people. */
#include <jansson.h>
#include <stdio.h>

void trace_print(FILE *out, const json_t *line);
