/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Decides what the subscriber's own row and plan decide: may he log in, for this service, and for
 * how long. What depends on other sessions is the database's to decide (auth_admit). */
#include "auth/auth.h"
#include "auth/login.h"
#include "base/log.h"
#include "request/trace.h"
#include <arpa/inet.h>
#include <string.h>

/* Services that open a command line on the access server. */
static bool service_is_login(uint32_t service_type)
{
	switch (service_type) {
	case SERVICE_LOGIN:
	case SERVICE_CALLBACK_LOGIN:
	case SERVICE_ADMINISTRATIVE:
	case SERVICE_NAS_PROMPT:
	case SERVICE_CALLBACK_NAS_PROMPT:
	case SERVICE_CALLBACK_ADMINISTRATIVE:
		return true;
	default:
		return false;
	}
}

/* Why he is not to have what his plan gives; *garden_id: the plan that he is let in with instead,
 * 0 = none. */
static enum reject decide(const struct login *login, int64_t now_us, int32_t *garden_id)
{
	const struct subscriber *subscriber = &login->subscriber;
	if (!subscriber->is_active) {
		*garden_id = login->plan->suspended_plan_id;
		return REJECT_suspended;
	}
	if (subscriber->expires_us <= now_us) {
		*garden_id = login->plan->expired_plan_id;
		return REJECT_expired;
	}
	return REJECT_none;
}

/* In the garden he has nothing of his own. */
static void enter_garden(struct login *login, enum reject reason)
{
	struct subscriber *subscriber = &login->subscriber;
	login->garden_reason = reason;
	login->pool_id = login->plan->pool_id;
	subscriber->policy = NULL;
	subscriber->attributes = NULL;
	subscriber->static_address = (struct addr){0};
	subscriber->static_prefixes = (struct prefixes){0};
	subscriber->expires_us = INT64_MAX;
}

/* A number that the subscriber or the plan gives as an attribute goes before the plan's option. */
static uint32_t given_u32(const struct login *login, uint8_t number, uint32_t otherwise)
{
	const struct encoded_attr *attr = given_find(login, 0, number);
	uint32_t value;
	if (attr == NULL || attr->size != 2 + sizeof value)
		return otherwise;
	memcpy(&value, attr->octets + 2, sizeof value);
	return ntohl(value);
}

/* 0 = none, of both. */
static uint32_t shorter(uint32_t timeout_s, int64_t left_s)
{
	if (left_s == 0 || left_s > UINT32_MAX)
		return timeout_s;
	return timeout_s != 0 && timeout_s < left_s ? timeout_s : (uint32_t)left_s;
}

/* The session ends at that time, INT64_MAX = never, unless it ends before. */
static uint32_t cut_at(uint32_t timeout_s, int64_t end_us, int64_t now_us)
{
	if (end_us == INT64_MAX)
		return timeout_s;
	int64_t left_s = (end_us - now_us + US_PER_S - 1) / US_PER_S;
	if (left_s > UINT32_MAX)
		return timeout_s;
	if (timeout_s != 0 && timeout_s < left_s)
		return timeout_s;
	return (uint32_t)left_s;
}

/* False: what the subscriber has of his own cannot be read, so nothing can be said. The database
 * checks it, so that this is another version's. */
static bool policy_choose(struct login *login)
{
	static struct log_limit limit;
	char *why = NULL;
	login->policy = &login->plan->policy;
	if (login->subscriber.policy == NULL ||
		policy_overlay(login->request->pool, &login->plan->policy, login->subscriber.policy,
			&login->policy, &why) == 0)
		return true;
	log_event_limited(&limit, LOG_LEVEL_ERROR, "subscriber_policy_unreadable",
		"subscriber_id=%d why=%s", login->subscriber.subscriber_id, log_quote_text(why));
	return false;
}

int64_t login_hours_end_us(const struct login *login, int64_t now_us)
{
	int64_t end_s;
	const struct policy *policy = login->policy;
	if (policy->login_hours == NULL)
		return INT64_MAX;
	/* Reading the policy has found the zone. */
	if (!hours_have(policy->login_hours, zone_find(policy->time_zone, now_us / US_PER_S),
		    now_us / US_PER_S, &end_s))
		return 0;
	return end_s == INT64_MAX ? INT64_MAX : end_s * US_PER_S;
}

enum reject plan_choose(struct login *login, int64_t now_us)
{
	const struct catalog *catalog = login->request->catalog;
	login->plan = catalog_find_plan(catalog, login->subscriber.plan_id);
	if (login->plan == NULL)
		return REJECT_none;
	login->pool_id = login->plan->pool_id;
	int32_t garden_id = 0;
	enum reject reason = decide(login, now_us, &garden_id);
	if (reason == REJECT_none || garden_id == 0)
		return reason;
	login->plan = catalog_find_plan(catalog, garden_id);
	if (login->plan != NULL)
		enter_garden(login, reason);
	return REJECT_none;
}

/* Only whose quota is used up is let in with another plan here; then plan is NULL if the catalog
 * does not have it yet. */
enum reject quota_check(struct login *login, int64_t now_us)
{
	if (quota_is_left(login->policy, now_us / US_PER_S, &login->quota_left))
		return REJECT_none;
	int32_t garden_id = login->plan->exhausted_plan_id;
	if (garden_id == 0)
		return REJECT_quota_used_up;
	login->quota_left = (struct quota_left){0};
	login->plan = catalog_find_plan(login->request->catalog, garden_id);
	if (login->plan != NULL) {
		enter_garden(login, REJECT_quota_used_up);
		login->policy = &login->plan->policy;
	}
	return REJECT_none;
}

void times_choose(struct login *login, int64_t hours_end_us, int64_t now_us)
{
	login->interim_s = given_u32(login, ATTR_ACCT_INTERIM_INTERVAL, login->policy->interim_s);
	uint32_t timeout_s =
		given_u32(login, ATTR_SESSION_TIMEOUT, login->policy->session_timeout_s);
	timeout_s = cut_at(timeout_s, login->subscriber.expires_us, now_us);
	timeout_s = cut_at(timeout_s, hours_end_us, now_us);
	login->session_timeout_s = shorter(timeout_s, login->quota_left.seconds);
}

enum reject answer_choose(struct login *login, const struct nas *nas)
{
	provide_choose(login, nas);
	login->given = given_collect(login);
	bool is_tunnel_unfit = !tunnels_choose(login, nas);
	prefixes_choose(login);
	login->filters = filters_choose(login, nas);
	if (is_tunnel_unfit)
		return REJECT_tunnel_unfit;
	return login->filters->is_refused ? REJECT_filter_unfit : REJECT_none;
}

struct step_result auth_policy(struct request *request)
{
	struct login *login = login_of(request);
	int64_t now_us = clock_wall_us();
	if (login->verdict != REJECT_none)
		return auth_reject(request, login->verdict);
	enum reject reason = plan_choose(login, now_us);
	if (reason != REJECT_none)
		return auth_reject(request, reason);
	/* The database refers to a plan, so it exists: it was added a moment ago. */
	if (login->plan == NULL)
		return request_await_catalog(request);
	if (service_is_login(login->service_type) && !login->plan->allows_login)
		return auth_reject(request, REJECT_service_not_allowed);

	if (!policy_choose(login)) {
		request->note = "why=\"what the subscriber has of his own cannot be read\"";
		return DROP_BECAUSE(DROP_database);
	}
	if (quota_is_unread(login))
		return auth_find_again(request);
	reason = quota_check(login, now_us);
	if (reason != REJECT_none)
		return auth_reject(request, reason);
	if (login->plan == NULL)
		return request_await_catalog(request);
	reason = bound_check(login);
	if (reason != REJECT_none)
		return auth_reject(request, reason);
	int64_t hours_end_us = login_hours_end_us(login, now_us);
	if (hours_end_us == 0)
		return auth_reject(request, REJECT_outside_login_hours);

	/* So does the filter set that he is in quarantine with, and so do his own tunnels. */
	if (!catalog_knows_own_filters(request->catalog, login->policy->filters) ||
		!tunnels_are_known(login))
		return request_await_catalog(request);
	reason = answer_choose(login, request->nas);
	if (reason != REJECT_none)
		return auth_reject(request, reason);
	times_choose(login, hours_end_us, now_us);
	TRACE_SAY(
		request, "plan %s, %zu octets of filters", login->plan->name, login->filters->size);
	return NEXT;
}
