/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The catalog: small, slowly changing tables (nas, plan, filter, pool) held in memory as one
 * immutable snapshot. poprad.catalog() returns the whole of it as one JSON document, so that a
 * snapshot is one statement, and the same reader serves the database and the last good copy on
 * disk. */
#include "base/addr.h"
#include "base/err.h"
#include "db/policy.h"
#include "db/provision.h"
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

/* What a plan's filters become. */
enum filter_rendering {
	RENDER_NOTHING,
	RENDER_FILTER_ID,      /* Filter-Id "name.in", "name.out": one each */
	RENDER_FILTER_ID_BASE, /* Filter-Id "name" once: the NAS appends .in and .out itself */
	RENDER_ERX_POLICY,     /* ERX-Ingress-Policy-Name, ERX-Egress-Policy-Name */
	RENDER_CISCO_RULES,    /* Cisco-AVPair "ip:inacl#1=..." */
	RENDER_ASCEND,         /* Ascend-Data-Filter, vendor-specific */
	RENDER_ASCEND_OLD,     /* the same as attribute 242 */
	RENDER_NAS_RULES,      /* NAS-Filter-Rule, RFC 4849 */
};

/* In which form a NAS is sent filters: nas.filter_form. */
enum nas_form {
	NAS_FORM_USUAL, /* the first one that its kind has */
	NAS_FORM_NAMES,
	NAS_FORM_RULES,
	NAS_FORM_OLD_RULES,
	NAS_FORM_FILTER_SERVER, /* names, and it asks for the rules by them */
	NAS_FORM_NONE,
	NAS_FORMS
};
/* "usual", ...; NULL behind the last. */
extern const char *const nas_form_names[NAS_FORMS + 1];

/* A kind of access server (table in nas_kind.c). */
struct nas_kind {
	const char *name;                              /* "cisco" */
	enum filter_rendering names, rules, old_rules; /* nothing: it has no such form */
	enum rate_form rates;
	enum dns_form dns, dns_ipv6;
	bool has_address_lists, has_filter_server;
	bool has_octet_limits;    /* of a session: Mikrotik-Total-Limit */
	const char *sentence;     /* for the manual */
	unsigned filter_name_max; /* octets of a filter's name there; 0: as long as it fits */
	/* of NAS-Filter-Rule: how many rules it takes (0: as many as fit), and how many ports or
	 * ranges of ports in one */
	unsigned filter_rules_max, filter_ports_max;
};
const struct nas_kind *nas_kind_find(const char *name);
/* NULL at the end of the table, which has fewer rows than this. */
#define NAS_KINDS_MAX 32
const struct nas_kind *nas_kind_at(size_t index);
/* False: that kind does not have that form (the database refuses such a NAS). */
bool nas_kind_has_form(const struct nas_kind *kind, enum nas_form form);
/* What that form is for that kind. */
enum filter_rendering nas_kind_rendering(const struct nas_kind *kind, enum nas_form form);

struct nas {
	int32_t nas_id;
	const char *name;
	struct prefix prefix;
	const char *secret;
	size_t secret_size;
	const struct nas_kind *kind;
	unsigned filter_view;  /* of the catalog: what it has in common for filters with others */
	int32_t nas_group_id;  /* 0 = none */
	const char *nas_group; /* NULL = none */
	/* With which it asks for filters, PAP_PASSWORD_MAX octets at most; NULL = it does not */
	const char *filter_password;
	bool is_old;         /* it takes Ascend's attributes in their old form */
	bool is_own_network; /* false: a virtual POP, traffic does not cross our network */
	enum message_authenticator_policy require_message_authenticator;
	bool limit_proxy_state;
	bool ends_tunnels;   /* the lines that it asks about have come through one */
	bool no_accounting;  /* keeps leases until Session-Timeout */
	uint32_t timeout_ms; /* its patience; 0 = request_deadline */
};

enum filter_scope { FILTER_ANYWHERE, FILTER_OWN_NETWORK, FILTER_ROUTER };

struct filter {
	int32_t filter_id;
	struct filter_list list;
	enum filter_scope scope;
	const char
		*fault; /* why its rules cannot be read, and the list has none; NULL = they can */
	struct filter_answer {
		const uint8_t *octets; /* attributes */
		size_t size;
	} answer;                 /* to a NAS that asks for it; made if there is one */
	const char *answer_fault; /* why there is none; NULL = there is */
};

/* Filters that a realm or a group of access servers imposes on whoever logs in there: nothing that
 * a plan or a subscriber has takes their place. */
#define IMPOSED_FILTERS_MAX 8
struct imposed {
	const char *by; /* "realm isp.example", "group west" */
	size_t count;
	const struct filter *filters[IMPOSED_FILTERS_MAX];
};

/* Which attributes speak of filters. Of some no two may be in one reply. */
enum filter_carrier {
	CARRIER_FILTER_ID = 1 << 0,
	CARRIER_NAS_RULES = 1 << 1,
	CARRIER_ASCEND = 1 << 2,
	CARRIER_ERX_POLICY = 1 << 3,
	CARRIER_CISCO_RULES = 1 << 4,
	CARRIER_OTHER = 1 << 5, /* none that filters are sent in, but it names one */
};
#define CARRIERS_ALL ((1u << 6) - 1)
/* 0: it has nothing to do with filters. */
unsigned filter_carrier_of(const struct encoded_attr *attr);

/* A plan's filters as attributes for a NAS, ready to be put into a reply. */
struct rendered_filters {
	const uint8_t *octets;
	size_t size;
	/* Carriers. If the plan or the subscriber gives such an attribute itself, that takes the
	 * place of these. */
	unsigned yields_to;
	/* Carriers that are left out of what the plan and the subscriber give, because these
	 * filters must stand whatever they say. */
	unsigned displaces;
	/* The filters cannot be said to this NAS. There are no octets, and nobody may log in,
	 * because his line would be open. */
	bool is_refused;
};

/* What a session is provided with, as attributes for a NAS, ready to be put into a reply. */
struct rendered_provision {
	const uint8_t *octets;
	size_t size;
};
/* Owned by ctx. */
struct rendered_provision provision_render(TALLOC_CTX *ctx, const struct provision *provision,
	const struct nas_kind *kind, bool is_old);

struct plan {
	int32_t plan_id;
	const char *name;
	int32_t pool_id; /* 0 = none */
	int32_t framed_ipv6_pool_id, delegated_ipv6_pool_id;
	bool prefix_required; /* who finds such a pool exhausted is rejected */
	struct policy policy;
	struct rendered_tunnels tunnels; /* policy.tunnels */
	bool has_unknown_tunnel;         /* and nobody may log in where he is to have one */
	/* With which plan subscribers are let in who are suspended, or expired; 0 = they are not */
	int32_t suspended_plan_id, expired_plan_id;
	int32_t exhausted_plan_id; /* likewise, who have used up a quota */
	struct addr netmask;
	bool allows_login; /* Service-Type Login, NAS-Prompt, Administrative */
	size_t filter_count;
	const struct filter *const *filters;
	struct rendered_filters *rendered; /* of each nas.filter_view */
	/* policy.provision, of each nas.filter_view; NULL = nothing */
	const struct rendered_provision *provisions;
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
/* Whether any plan or subscriber has a quota, or is prepaid. */
bool catalog_has_quotas(const struct catalog *catalog);
const struct nas *catalog_find_nas(const struct catalog *catalog, const struct addr *source);
const struct plan *catalog_find_plan(const struct catalog *catalog, int32_t plan_id);
/* In which way that NAS is sent filters. */
enum filter_rendering catalog_rendering(const struct catalog *catalog, const struct nas *nas);
/* What that group imposes (0 = no group); NULL = nothing. */
const struct imposed *catalog_imposed_by_group(const struct catalog *catalog, int32_t nas_group_id);
/* What is imposed on that login by its realm; NULL = nothing. */
const struct imposed *catalog_imposed_by_realm(const struct catalog *catalog, const char *login);
/* False: the catalog is too old for what somebody has of his own (NULL = nothing). */
bool catalog_knows_own_filters(const struct catalog *catalog, const struct own_filters *own);
/* What a plan's filters, with what the subscriber's realm imposes and what he has of his own, which
 * the catalog knows (either may be NULL), are for a NAS of that filter_view. They live as long as
 * both ctx and the catalog. */
const struct rendered_filters *catalog_own_filters(TALLOC_CTX *ctx, const struct catalog *catalog,
	const struct plan *plan, const struct imposed *by_realm, const struct own_filters *own,
	unsigned view);
/* False: one of these is not there. */
bool catalog_knows_tunnels(const struct catalog *catalog, const struct tunnel_names *names);
/* Tunnels that the catalog knows, in the order of their names; owned by ctx. */
struct rendered_tunnels catalog_render_tunnels(
	TALLOC_CTX *ctx, const struct catalog *catalog, const struct tunnel_names *names);
/* All filters. */
const struct filter *catalog_filters(const struct catalog *catalog, size_t *count);
/* All ranges, in the order of the document. */
const struct pool_range *catalog_ranges(const struct catalog *catalog, size_t *count);
/* True if Message-Authenticator was learned from this source address (decision 12). */
bool catalog_has_learned(const struct catalog *catalog, const struct addr *source);

/* What of a plan a NAS that there is cannot be sent as it ought to be. */
enum plan_part { PLAN_FILTERS, PLAN_RATES, PLAN_ATTRIBUTES, PLAN_TUNNELS, PLAN_PARTS };
extern const char *const plan_part_names[PLAN_PARTS]; /* "filters", ... */
struct plan_refusal {
	const char
		*plan; /* "gold"; "gold without no-smtp": for subscribers with that of their own */
	enum plan_part part;
	const struct nas_kind *kind;
	enum nas_form form;
	bool is_own_network;
	const char *group; /* "group west", which imposes filters there; NULL = none does */
	/* the plan's name, if nothing of a subscriber's own plays a part; else NULL */
	const char *base;
	bool is_login_refused; /* else what was meant is sent, and may not do there what it ought to
				*/
	const char *why;       /* one clause */
};
const struct plan_refusal *catalog_refusals(const struct catalog *catalog, size_t *count);
/* What can be sent, but is not all that was meant: for popradctl to say. */
const struct plan_refusal *catalog_remarks(const struct catalog *catalog, size_t *count);
/* "kind cisco, filter form rules, virtual POP, group west" */
char *plan_refusal_place(TALLOC_CTX *ctx, const struct plan_refusal *refusal);

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
