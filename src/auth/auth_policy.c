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

static enum reject decide(const struct login *login, int64_t now_us)
{
	const struct subscriber *subscriber = &login->subscriber;
	if (login->verdict != REJECT_none)
		return login->verdict;
	if (!subscriber->is_active)
		return REJECT_suspended;
	if (subscriber->expires_us <= now_us)
		return REJECT_expired;
	return REJECT_none;
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

/* The session ends when the subscriber's time does. */
static uint32_t cut_by_expiry(
	uint32_t timeout_s, const struct subscriber *subscriber, int64_t now_us)
{
	if (subscriber->expires_us == INT64_MAX)
		return timeout_s;
	int64_t left_s = (subscriber->expires_us - now_us + US_PER_S - 1) / US_PER_S;
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

struct step_result auth_policy(struct request *request)
{
	struct login *login = login_of(request);
	int64_t now_us = clock_wall_us();
	enum reject reason = decide(login, now_us);
	if (reason != REJECT_none)
		return auth_reject(request, reason);
	/* The database refers to it, so it exists: it was added a moment ago. */
	login->plan = catalog_find_plan(request->catalog, login->subscriber.plan_id);
	if (login->plan == NULL)
		return request_await_catalog(request);
	if (service_is_login(login->service_type) && !login->plan->allows_login)
		return auth_reject(request, REJECT_service_not_allowed);

	if (!policy_choose(login)) {
		request->note = "why=\"what the subscriber has of his own cannot be read\"";
		return DROP_BECAUSE(DROP_database);
	}

	provide_choose(login, request->nas);
	login->given = given_collect(login);
	login->filters = filters_choose(login, request->nas);
	if (login->filters->is_refused)
		return auth_reject(request, REJECT_filter_unfit);
	login->interim_s = given_u32(login, ATTR_ACCT_INTERIM_INTERVAL, login->policy->interim_s);
	login->session_timeout_s = cut_by_expiry(
		given_u32(login, ATTR_SESSION_TIMEOUT, login->policy->session_timeout_s),
		&login->subscriber, now_us);
	TRACE_SAY(
		request, "plan %s, %zu octets of filters", login->plan->name, login->filters->size);
	return NEXT;
}
