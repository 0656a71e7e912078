/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Source addresses from which this worker has just learned that they sign their Access-Requests
 * (require_message_authenticator = auto). What is learned counts at once here, goes to the
 * database, and comes back to every worker with the catalog, which then holds it alone: so
 * `popradctl nas forget` needs to change one table only. */
#include "db/catalog.h"
#include "db/lane.h"
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/* poprad.learn_message_authenticator */
extern const struct lane_call learned_call;

struct learned;
struct learned *learned_new(TALLOC_CTX *ctx, struct lane *lane);

bool learned_has(const struct learned *learned, const struct addr *source);

/* Harmless if it is known. */
void learned_add(struct learned *learned, const struct addr *source, int32_t nas_id);

/* A new snapshot came: what has been stored is left to it. */
void learned_use_catalog(struct learned *learned);
