/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a plan says of its subscribers' sessions, and what a subscriber may have of his own instead.
 * poprad.plan and poprad.subscriber_policy have columns of the same names. The catalog, a login and
 * popradctl read them with the same code; a plan gives all of them, a subscriber those that are not
 * as in his plan. */
#include "base/hours.h"
#include "db/binding.h"
#include "db/catalog_fields.h"
#include "db/provision.h"
#include "db/tunnel.h"

#define INTERIM_MIN_S 60 /* RFC 2869 section 5.16 */

/* Bits of policy.own are 1 << these. */
enum policy_field {
	POLICY_SESSION_LIMIT,
	POLICY_SESSION_TIMEOUT,
	POLICY_IDLE_TIMEOUT,
	POLICY_INTERIM,
	POLICY_RATE_IN,
	POLICY_RATE_OUT,
	POLICY_DNS_SERVERS,
	POLICY_ROUTES,
	POLICY_LOGIN_HOURS,
	POLICY_TIME_ZONE,
	POLICY_ADDRESS_LIST,
	POLICY_CALLING_STATIONS,
	POLICY_LEARN_CALLING_STATION,
	POLICY_CALLED_STATIONS,
	POLICY_NAS_PORT_TYPES,
	POLICY_NAS_GROUPS,
	POLICY_TUNNELS,
	POLICY_TUNNEL_ADDRESS,
	POLICY_QUOTA_DAY_TIME,
	POLICY_QUOTA_DAY_VOLUME,
	POLICY_QUOTA_MONTH_TIME,
	POLICY_QUOTA_MONTH_VOLUME,
	POLICY_QUOTA_COUNTS,
	POLICY_PREPAID,
	POLICY_FIELDS
};

/* A login may have that many filters at most: more would not fit into an Access-Accept. */
#define LOGIN_FILTERS_MAX 64

/* What a subscriber has of his own of filters. */
struct own_filters {
	int32_t quarantine_filter_set_id; /* stands in the place of the plan's; 0 = none */
	size_t exempt_count;
	int32_t exempt_filter_ids[LOGIN_FILTERS_MAX];
};

/* How much he may use of time and of octets, in all his sessions; 0 = as much as he likes. */
struct quota {
	uint32_t day_s, month_s;
	uint64_t day_octets, month_octets;
	enum quota_counts { QUOTA_COUNTS_BOTH, QUOTA_COUNTS_IN, QUOTA_COUNTS_OUT } counts;
};

struct quota_period_used {
	uint64_t seconds, octets_in, octets_out; /* INT64_MAX at most */
	int64_t ends_s;                          /* when the period ends, since 1970 */
};

/* What he had used when he was looked up. */
struct quota_used {
	struct quota_period_used day, month;
};

/* What is left of what he has bought when he was looked up; negative = he never bought any. */
struct prepaid_left {
	int64_t seconds, octets;
};

struct policy {
	unsigned own; /* what is the subscriber's own; in a plan 0 */
	uint32_t session_limit, session_timeout_s, idle_timeout_s, interim_s; /* 0 = none */
	struct provision provision;
	const struct hours *login_hours; /* NULL = always */
	const char *time_zone;           /* whose clock they go by */
	struct binding binding;
	const struct tunnel_names *tunnels; /* that lines are put into; NULL = none */
	bool tunnel_address;                /* they get an address here all the same */
	const struct own_filters *filters;  /* NULL = the plan's alone */
	struct quota quota;
	bool prepaid;                            /* he may use what he has bought, and no more */
	const struct prepaid_left *prepaid_left; /* NULL = not known; a plan's always */
	const struct quota_used *quota_used;     /* NULL = not known; a plan's always */
};

/* Of policy.own: what is in policy.provision. */
#define POLICY_OWN_RATES (1u << POLICY_RATE_IN | 1u << POLICY_RATE_OUT)
#define POLICY_OWN_DNS_SERVERS (1u << POLICY_DNS_SERVERS)
#define POLICY_OWN_ROUTES (1u << POLICY_ROUTES)
#define POLICY_OWN_ADDRESS_LIST (1u << POLICY_ADDRESS_LIST)
#define POLICY_OWN_PROVISION \
	(POLICY_OWN_RATES | POLICY_OWN_DNS_SERVERS | POLICY_OWN_ROUTES | POLICY_OWN_ADDRESS_LIST)

struct policy_field_info {
	const char *column; /* of both tables, and member of both documents */
	const char *option; /* of popradctl plan set and subscriber set */
	enum { POLICY_NUMBER, POLICY_TEXT, POLICY_FLAG, POLICY_LIST } type; /* of its value */
	uint8_t attribute;     /* the standard attribute that says the same; 0 = none */
	const char *no_option; /* that it is to be empty, a list or a text; NULL = there is none */
	bool is_own_alone;     /* a plan has nothing of the kind */
	bool is_rare;          /* a plan's document leaves it out where nothing is said */
};
const struct policy_field_info *policy_field_info(enum policy_field field);

/* Reads all fields of a plan's row. */
void policy_read(struct reader *reader, struct policy *policy);

/* Reads what is there of it. */
void own_filters_read(struct reader *reader, struct own_filters *own);

/* The plan's policy with what is in own, the text of a JSON object, in its place; owned by ctx.
 * ERR_SYNTAX, ERR_RANGE: *why (owned by ctx) names the field, and what is allowed. */
int policy_overlay(TALLOC_CTX *ctx, const struct policy *plan, const char *own,
	const struct policy **policy, char **why) MUST_CHECK;
