/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The inside of a snapshot: catalog_parse.c fills it, catalog.c answers from it. */
#include "db/catalog.h"

/* The largest document that is read: a hundred thousand NAS records are a third of it. A larger one
 * is refused and the last good snapshot stays. */
#define CATALOG_SIZE_MAX ((size_t)64 << 20)

struct catalog {
	unsigned holders;
	int64_t version;
	struct prefix_map *nas_by_prefix;
	struct addr *learned; /* in order */
	size_t learned_count;
	struct plan *plans; /* in order of plan_id */
	size_t plan_count;
	struct pool_range *ranges; /* in the order of the document */
	size_t range_count;
};

int catalog_compare_addrs(const void *one, const void *other);
int catalog_compare_plans(const void *one, const void *other);

/* The last good document, in directory/catalog.json, for a start without the database. It holds the
 * secrets, so nobody else may read it. ERR_NOT_FOUND: there is none. ERR_SYSTEM, ERR_RANGE. */
int catalog_copy_read(TALLOC_CTX *ctx, const char *directory, char **json, size_t *size) MUST_CHECK;
/* Replaces the copy in one step; on an error the old one stays. */
int catalog_copy_write(const char *directory, const char *json, size_t size) MUST_CHECK;
