/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The server's answer to {"command": "status"} (master/control.h), laid out for people. */
#include <jansson.h>
#include <stdio.h>

void status_print(FILE *out, const json_t *status);
