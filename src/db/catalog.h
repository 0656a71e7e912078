/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The catalog: small, slowly changing tables (nas, plan, filter, pool) held in memory as one
 * immutable snapshot. poprad.catalog() returns the whole of it as one JSON document, so that a
 * snapshot is one statement, and the same reader serves the database and the last good copy on
 * disk. */
#include "base/addr.h"
#include "base/err.h"
#include "filter/filter.h"
#include "radius/dictionary.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

enum message_authenticator_policy {
	MESSAGE_AUTHENTICATOR_AUTO,
	MESSAGE_AUTHENTICATOR_YES,
	MESSAGE_AUTHENTICATOR_NO
};

/* How a kind of access server takes the name of a filter (table in nas_kind.c). */
enum filter_style {
	FILTER_ID_WITH_DIRECTION, /* "name.in", "name.out": one Filter-Id each */
	FILTER_ID_BASE,           /* "name" once: the NAS appends .in and .out itself */
	FILTER_NONE,              /* Filter-Id means something else there */
};

struct nas_kind {
	const char *name; /* "cisco" */
	enum filter_style filter_style;
	const char *sentence;     /* for the manual */
	unsigned filter_name_max; /* octets of a filter's name there; 0: as long as it fits */
};
const struct nas_kind *nas_kind_find(const char *name);
/* NULL at the end of the table. */
const struct nas_kind *nas_kind_at(size_t index);

struct nas {
	int32_t nas_id;
	const char *name;
	struct prefix prefix;
	const char *secret;
	size_t secret_size;
	const struct nas_kind *kind;
	int32_t nas_group_id; /* 0 = none */
	bool is_own_network;  /* false: a virtual POP, traffic does not cross our network */
	enum message_authenticator_policy require_message_authenticator;
	bool limit_proxy_state;
	bool no_accounting;  /* keeps leases until Session-Timeout */
	uint32_t timeout_ms; /* its patience; 0 = request_deadline */
};

enum filter_scope { FILTER_ANYWHERE, FILTER_OWN_NETWORK, FILTER_ROUTER };

struct filter {
	const char *name;
	enum filter_direction direction;
	enum filter_scope scope;
};

struct plan {
	int32_t plan_id;
	const char *name;
	int32_t pool_id;                                       /* 0 = none */
	uint32_t session_limit;                                /* 0 = none */
	uint32_t session_timeout_s, idle_timeout_s, interim_s; /* 0 = none */
	struct addr netmask;
	bool allows_login; /* Service-Type Login, NAS-Prompt, Administrative */
	size_t filter_count;
	const struct filter *const *filters;
	size_t attribute_count;
	const struct encoded_attr *attributes;
};

/* A contiguous range of a pool, in first..last. */
struct pool_range {
	int32_t pool_range_id, pool_id;
	int32_t nas_group_id; /* 0 = serves every group */
	struct addr first, last;
};

struct catalog;

/* Reads the document; the snapshot belongs to ctx and to one holder, the caller. ERR_SYNTAX or
 * ERR_RANGE: *why (owned by ctx) names the table, the row and what is wrong; a bad row never
 * becomes a half-loaded catalog. An attribute that the dictionary does not know is logged and left
 * out of its plan. */
int catalog_parse(TALLOC_CTX *ctx, const char *json, size_t size, struct catalog **catalog,
	char **why) MUST_CHECK;

int64_t catalog_version(const struct catalog *catalog);
const struct nas *catalog_find_nas(const struct catalog *catalog, const struct addr *source);
const struct plan *catalog_find_plan(const struct catalog *catalog, int32_t plan_id);
/* All ranges, in the order of the document. */
const struct pool_range *catalog_ranges(const struct catalog *catalog, size_t *count);
/* True if Message-Authenticator was learned from this source address (decision 12). */
bool catalog_has_learned(const struct catalog *catalog, const struct addr *source);

/* Snapshots are shared by the watch, the worker and its open requests; the last one that lets go
 * frees it. */
struct catalog *catalog_hold(struct catalog *catalog);
void catalog_release(struct catalog *catalog);

/* Keeps the current snapshot up to date: loads the copy on disk at once (changed is then called
 * from inside catalog_watch_new), then listens, polls and reloads; worker 0 rewrites the copy.
 * changed gets each new snapshot, to hold if it keeps it. A document that cannot be read is logged
 * and counted, and the last good snapshot stays. */
struct catalog_watch;
struct event_base;
struct timer_queue;
struct conf;
struct catalog_watch *catalog_watch_new(TALLOC_CTX *ctx, struct event_base *base,
	struct timer_queue *timers, const struct conf *conf, unsigned worker,
	void (*changed)(void *owner, struct catalog *catalog), void *owner);
