/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A filter rule as an operator writes it:
 *   permit|deny PROTOCOL from SOURCE to DESTINATION [port N[,N...]] */
#include <jansson.h>
#include <talloc.h>

/* The rule as poprad.filter_set takes it: {"action", "protocol", "source", "destination", "ports"}.
 * NULL: *why (owned by ctx) is one clause. */
json_t *filter_rule_parse(TALLOC_CTX *ctx, const char *text, const char **why);
