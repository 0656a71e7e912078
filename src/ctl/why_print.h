/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The document of poprad.why (sql/functions/operator-why.sql) in plain words. */
#include <jansson.h>
#include <stdio.h>

/* The document has, besides what poprad.why writes: "password", the stored password's form
 * (absent without a subscriber), and "advice", by reason. */
void why_print(FILE *out, const json_t *why);
