/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The state of a login, from auth_read to auth_reply. It lives in the request's pool, as its
 * feature; each step fills its own part. Only the files of this folder see it. */
#include "auth/hashpool.h"
#include "auth/password.h"
#include "db/session_key.h"
#include "radius/pap.h"
#include "request/line.h"
#include "request/request.h"

enum credential_method {
	CREDENTIAL_PAP,
	CREDENTIAL_CHAP,
	CREDENTIAL_MSCHAP1,
	CREDENTIAL_MSCHAP2,
};

struct credential {
	enum credential_method method;
	bool is_given;                       /* the request has one, be it malformed */
	char password[PAP_PASSWORD_MAX + 1]; /* PAP; wiped once it has been looked at */
	size_t password_size;
	const uint8_t *response; /* CHAP-Password, MS-CHAP-Response or MS-CHAP2-Response */
	const uint8_t *challenge;
	size_t challenge_size;
};

#define PREFIXES_TEXT_MAX (2 * ADDR_TEXT_MAX + 48)

/* The IPv6 prefixes of a session; each may be none. */
struct prefixes {
	struct prefix framed, delegated;
};

/* What poprad.find returned. */
struct subscriber {
	bool is_found;
	int32_t subscriber_id, plan_id;
	bool is_active;
	int64_t expires_us; /* wall clock; INT64_MAX = never */
	char *password;     /* as stored; wiped once it has been looked at */
	struct addr static_address;
	struct prefixes static_prefixes;
	char *policy;     /* what he has of his own, JSON; NULL = nothing */
	char *attributes; /* one a line; NULL = none */
};

/* An attribute that the subscriber's record or the plan gives. */
struct given_attr {
	struct given_attr *next;
	const struct encoded_attr *attr;
};

#define CANDIDATES_MAX 4 /* addresses that travel with one request */

/* The addresses that are proposed in one round. */
struct proposal {
	unsigned round; /* from 1 */
	bool is_search; /* the database looks for an address itself */
	size_t count;
	struct addr candidates[CANDIDATES_MAX];
};

/* What poprad.admit returned. */
struct admission {
	bool is_outrun;  /* every candidate was taken by another: nothing was kept */
	bool is_unknown; /* a reason that this server does not know */
	uint8_t session_key[SESSION_KEY_SIZE];
	struct addr address;
	struct prefixes prefixes;
	int64_t used_candidate; /* from 1; 0 = another address, or none */
};

/* What a session may use yet; 0 = as much as it likes. */
struct quota_left {
	int64_t seconds;
	uint64_t octets;
	enum quota_counts counts; /* which octets */
};

struct login {
	struct request *request;
	struct lane_item item;
	/* auth_read */
	struct line line;
	uint32_t service_type; /* Framed if the NAS names none */
	bool wants_address;
	struct credential credential;
	/* auth_find */
	struct subscriber subscriber;
	/* auth_verify, and from auth_admit what the database refused */
	enum reject verdict;
	struct hashpool_job *job; /* NULL = none is running */
	uint8_t nt_hash[NT_HASH_SIZE];
	/* auth_policy */
	const struct plan *plan;
	/* Why plan is the one for suspended, expired or exhausted subscribers of his; none = it is
	 * his own */
	enum reject garden_reason;
	int32_t pool_id;             /* where the address comes from; 0 = none is leased here */
	const struct policy *policy; /* in force: the plan's, or his own before it */
	/* To be the only calling station from now on, as station_normalise makes it; NULL = none */
	const char *learns_station;
	/* his own, which goes before the plan's attributes, and the plan's; zero = nothing */
	struct rendered_provision own_provision, provision;
	const struct rendered_tunnels *tunnels; /* that the line is put into; NULL = none */
	struct rendered_tunnels own_tunnels;    /* what that points to, if they are his own */
	const struct given_attr *given;         /* the subscriber's, then the plan's */
	struct prefixes prefixes;               /* static ones that it asks for */
	/* pools of prefixes that it asks for one; 0 = none */
	int32_t framed_pool_id, delegated_pool_id;
	bool prefix_search; /* the whole of these pools may be searched */
	const struct rendered_filters *filters;
	struct quota_left quota_left;
	uint32_t session_timeout_s, interim_s; /* 0 = none */
	/* what it ends with */
	enum reject refused;
	const char *refusal_detail; /* what came, and what was expected; NULL = nothing to add */
	int64_t duration_us;
	int64_t held_ms; /* that earlier guesses hold the answer back; 0 = reject_delay alone */
	/* auth_admit */
	struct proposal proposal;
	struct admission admission;
	bool is_limit_waived; /* the session limit is not asked about */
};

static inline struct login *login_of(const struct request *request)
{
	return request->feature;
}

static inline struct login *login_of_item(const struct lane_item *item)
{
	return (struct login *)((char *)item - offsetof(struct login, item));
}

/* The credential of an Access-Request. REJECT_none; or why there is none that can be used. */
enum reject credential_read(const struct request *request, struct credential *credential);
/* The name that MS-CHAPv2's digests are made of; size octets in the packet. */
const char *credential_mschap2_user(const struct request *request, size_t *size);
const char *credential_method_name(enum credential_method method);

/* Builds the Access-Reject, delayed, and writes the log line; what a step returns. */
struct step_result auth_reject(struct request *request, enum reject reason);

/* His plan, or the walled garden that it names for him. Why he is to be rejected, or REJECT_none;
 * then plan is NULL if the catalog does not have it yet. */
enum reject plan_choose(struct login *login, int64_t now_us);
/* What the answer carries besides address and times: what is provided, attributes, tunnels,
 * filters. REJECT_none, or what of it cannot be said to that NAS. */
enum reject answer_choose(struct login *login, const struct nas *nas);
/* The same of who has used up a quota; behind plan_choose, with policy in force. */
enum reject quota_check(struct login *login, int64_t now_us);
/* When the login hours end in which it is now. INT64_MAX: never; 0: it is outside. */
int64_t login_hours_end_us(const struct login *login, int64_t now_us);
/* Session-Timeout and interim interval, of policy and given. */
void times_choose(struct login *login, int64_t hours_end_us, int64_t now_us);
/* Adds Session-Timeout and Idle-Timeout. */
void times_add(struct request *request);

/* The NAS asks for a filter by its name, and no subscriber logs in. */
bool filter_server_is_asked(const struct request *request);
/* Answers it, from auth_read; what the step returns. */
struct step_result filter_server_answer(struct request *request);

/* The first attribute of that number that the subscriber or the plan gives, or NULL. */
const struct encoded_attr *given_find(const struct login *login, uint32_t vendor, uint32_t number);
/* The subscriber's attributes, then those of the plan that neither they nor his own policy replace.
 */
const struct given_attr *given_collect(const struct login *login);

/* Adds them to the reply, but for those that something else has taken the place of. */
void given_add(struct request *request);

/* The prefixes that the login asks for: static ones, not where an attribute of the subscriber's
 * says another; else of the plan's pools, not where an attribute says one. After given_collect().
 */
void prefixes_choose(struct login *login);
bool prefixes_are_wanted(const struct login *login);
/* Of these pools it is known that they have no prefix left, and for how long that is believed. */
void prefixes_look_at_pools(struct login *login);
void prefixes_mark_exhausted(const struct login *login);
/* True: a static prefix goes before that attribute of the plan's. */
bool prefixes_replace(const struct login *login, const struct encoded_attr *attr);
bool prefixes_are_set(const struct prefixes *prefixes);
void prefixes_add(struct reply *reply, const struct prefixes *prefixes);
/* " framed_ipv6_prefix=..." for a line of the log; "" for none. */
const char *prefixes_format(const struct prefixes *prefixes, char text[PREFIXES_TEXT_MAX]);

/* Does he come from where his policy binds him to? REJECT_none, or how he does not. */
enum reject bound_check(struct login *login);

/* What a session may count before the database looks at it; -1 = as much as it likes. */
struct quota_allowance {
	int64_t seconds, octets_in, octets_out;
};
/* Several sessions must not be allowed together more than is left: who may have more than one is
 * looked at with each one's first record. */
struct quota_allowance quota_allowance(const struct quota_left *left, uint32_t session_limit);
/* Something limits it. */
bool quota_is_watched(const struct quota_left *left);
/* He has a quota, and was looked up when nobody had one. */
bool quota_is_unread(const struct login *login);
/* Looks him up with what he has used; then the step that is running begins anew. */
struct step_result auth_find_again(struct request *request);
/* False: a quota of his is used up. */
bool quota_is_left(const struct policy *policy, int64_t now_s, struct quota_left *left) MUST_CHECK;
/* Adds how many octets the session may have, for access servers that heed it. */
void quota_add(struct request *request);

/* What the session is provided with, in the attributes that this NAS takes. */
void provide_choose(struct login *login, const struct nas *nas);
/* True: the subscriber's own says something of that type. */
bool provide_has_own(const struct login *login, const struct encoded_attr *attr);
/* False: the subscriber names a tunnel that the catalog does not have yet. */
bool tunnels_are_known(const struct login *login);
/* After given_collect. Whether and with what the access server is to put the line into a tunnel;
 * that leaves it without an address and, for the service Outbound, without a session. False: the
 * plan names one that the catalog has lost. */
bool tunnels_choose(struct login *login, const struct nas *nas);
/* Adds them; false: they do not fit. */
bool tunnels_add(struct request *request);
/* Adds it, but for what the subscriber's or the plan's attributes say instead. */
void provide_add(struct request *request);

/* The plan's filters, with what the subscriber has of his own, as this NAS takes them; none where
 * the login is for no line, or where an attribute that is given takes their place. */
const struct rendered_filters *filters_choose(const struct login *login, const struct nas *nas);
