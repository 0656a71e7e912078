/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The inside of a snapshot: catalog_parse.c fills it, catalog.c answers from it. */
#include "db/catalog.h"
#include "db/catalog_fields.h"

/* The largest document that is read: a hundred thousand NAS records are a third of it. A larger one
 * is refused and the last good snapshot stays. */
#define CATALOG_SIZE_MAX ((size_t)64 << 20)

#define PER_PLAN_MAX LOGIN_FILTERS_MAX /* filters, and attributes */
#define CHOICE_MAX (PER_PLAN_MAX + 2 * IMPOSED_FILTERS_MAX)

/* What NASes have in common for which a plan's filters are rendered once. */
struct nas_view {
	const struct nas_kind *kind;
	enum nas_form form;
	bool is_own_network;
	const struct imposed *imposed; /* by the group; NULL = nothing */
};
/* Far more than kinds and forms that a provider has, with groups that impose each their own; bounds
 * the work. */
#define NAS_VIEWS_MAX 1024

/* A realm or a NAS group that imposes filters. */
struct imposer {
	const char *name;
	int32_t nas_group_id; /* of a group */
	struct imposed imposed;
};

/* A filter of each direction, or one: equipment may know them by one name. */
struct filter_set {
	int32_t filter_set_id;
	const char *name;
	const struct filter *in, *out; /* NULL = none */
	const char **kind_names;       /* by the index of nas_kind_at; NULL = the set's own name */
};

/* The filters of a login that apply to a view, in their order. */
struct filter_choice {
	const struct filter *filters[CHOICE_MAX];
	size_t count;
	size_t imposed_count; /* the first ones, which nothing takes the place of */
	bool is_forced;       /* no attribute that is given may take their place */
};

struct catalog {
	unsigned holders;
	int64_t version;
	bool has_quotas;
	struct prefix_map *nas_by_prefix;
	struct addr *learned; /* in order */
	size_t learned_count;
	struct plan *plans; /* in order of plan_id */
	size_t plan_count;
	struct pool_range *ranges; /* in the order of the document */
	size_t range_count;
	struct filter *filters; /* in order of filter_id */
	size_t filter_count;
	struct filter_set *filter_sets; /* in the order of the document */
	size_t filter_set_count;
	struct filter_pools filter_pools; /* those that rules name */
	struct imposer *realms;           /* that impose something, in order of their names */
	size_t realm_count;
	struct imposer *nas_groups; /* likewise, in order of nas_group_id */
	size_t nas_group_count;
	struct tunnel *tunnels; /* in order of their names */
	size_t tunnel_count;
	struct nas_view *views;
	unsigned view_count;
	struct combinations *combinations; /* own_filters.c */
	struct plan_refusal *refusals;
	size_t refusal_count;
	struct plan_refusal *remarks;
	size_t remark_count;
};

/* The index of that view, which is added if it is new; NAS_VIEWS_MAX: there are too many. */
unsigned catalog_add_view(struct catalog *catalog, const struct nas_view *wanted);
/* Reads the tables realms and nas_groups, behind the filters. */
void catalog_read_imposed(struct reader *reader, const json_t *document, struct catalog *catalog);
/* The same filters, whoever imposes them; both may be NULL. */
bool imposed_is_same(const struct imposed *one, const struct imposed *other);
/* Reads the tables pools, filters and filter_sets. */
void catalog_read_filters(struct reader *reader, const json_t *document, struct catalog *catalog);
/* The filter of that number, or NULL. */
const struct filter *catalog_find_filter(const struct catalog *catalog, const json_t *number);
/* Reads the table tunnels, before the plans. */
void catalog_read_tunnels(struct reader *reader, const json_t *document, struct catalog *catalog);
/* Renders the tunnels of all plans, once everything is read. */
void catalog_render_all_tunnels(struct catalog *catalog);
/* Renders what all plans provide, once everything is read. */
void catalog_render_provisions(struct catalog *catalog);
/* Keeps what is said of a plan; why is copied. base: its name, or NULL as in plan_refusal. What is
 * past REFUSALS_MAX is not kept: whoever compares two catalogs takes all that are new among so many
 * for a fault, and where there have been as many before, one more is no news. The second is for
 * what is no fault: one for each plan and group, and not more than REMARKS_MAX. */
#define REFUSALS_MAX 4096
#define REMARKS_MAX 256
void catalog_refuse(struct catalog *catalog, const char *plan, const char *base,
	enum plan_part part, const struct nas_view *view, bool is_login_refused, const char *why);
void catalog_remark(
	struct catalog *catalog, const char *plan, const struct nas_view *view, const char *remark);
/* Octets of a reply that the plan's own attributes and what it provides there leave to filters. */
size_t catalog_octets_left(const struct plan *plan, unsigned view);
/* A filter for routers is no NAS's business, and one for our own network only makes sense where the
 * traffic crosses it: a virtual POP's does not. */
bool filter_applies(const struct filter *filter, const struct nas_view *view);
/* Renders the filters of all plans, behind what they provide. */
void catalog_render_filters(struct catalog *catalog);
/* Which filters apply there: those that are imposed, then those of the quarantine or the plan's. */
void catalog_choose_filters(const struct catalog *catalog, const struct plan *plan,
	const struct imposed *by_realm, const struct own_filters *own, unsigned view,
	struct filter_choice *choice);
/* Renders a choice beside that plan's attributes; the octets belong to owner. */
struct render_verdict {
	const char *why;    /* what is wrong, owned by the work's context; NULL = nothing */
	const char *remark; /* what is no fault, likewise */
};
struct render_verdict catalog_render_choice(TALLOC_CTX *owner, TALLOC_CTX *ctx,
	const struct catalog *catalog, const struct plan *plan, const struct filter_choice *choice,
	unsigned view, struct rendered_filters *to);

/* Renders what realms impose beside each plan, so that it is known what does not do. */
void catalog_check_realms(struct catalog *catalog);

struct combinations *combinations_new(TALLOC_CTX *ctx);
/* The same for what subscribers have of their own, which the table own_filters of a document for
 * popradctl says. */
void catalog_check_own_filters(
	struct reader *reader, const json_t *document, struct catalog *catalog);

int catalog_compare_addrs(const void *one, const void *other);
int catalog_compare_plans(const void *one, const void *other);

/* The last good document, in directory/catalog.json, for a start without the database. It holds the
 * secrets, so nobody else may read it. ERR_NOT_FOUND: there is none. ERR_SYSTEM, ERR_RANGE. */
int catalog_copy_read(TALLOC_CTX *ctx, const char *directory, char **json, size_t *size) MUST_CHECK;
/* Replaces the copy in one step; on an error the old one stays. */
int catalog_copy_write(const char *directory, const char *json, size_t size) MUST_CHECK;
