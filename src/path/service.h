/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Builds what a worker serves its requests with: lanes, free addresses, duplicate detection, hash
 * threads, the catalog and its chores. */
#include "request/request.h"

struct event_base;

/* The dictionary is loaded and digest_init has been called. NULL: the hash threads cannot be
 * started (errno). Nothing connects before service_start. */
struct worker *service_new(TALLOC_CTX *ctx, struct event_base *base, struct timer_queue *timers,
	const struct conf *conf, unsigned index);

/* Connects the lanes, loads the catalog and begins the chores. */
void service_start(struct worker *worker);

/* A new snapshot, which the worker holds from now on instead of the old one. catalog_watch brings
 * it; tests call this directly. */
void service_use_catalog(struct worker *worker, struct catalog *catalog);
