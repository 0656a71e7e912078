/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What is left of a subscriber's quotas: it cuts Session-Timeout, and the octets of the session
 * where the access server can be told. The database has added up what he has used, with what his
 * open sessions had counted by their newest record. */
#include "auth/auth.h"
#include "auth/login.h"
#include <arpa/inet.h>
#include <string.h>

/* What he may use in all until then, and what he has used. */
struct period {
	uint32_t quota_s;
	uint64_t quota_octets;
	const struct quota_period_used *used;
};

static uint64_t used_octets(const struct quota *quota, const struct quota_period_used *used)
{
	switch (quota->counts) {
	case QUOTA_COUNTS_IN:
		return used->octets_in;
	case QUOTA_COUNTS_OUT:
		return used->octets_out;
	case QUOTA_COUNTS_BOTH:
		break;
	}
	return used->octets_in + used->octets_out; /* each is at most INT64_MAX */
}

/* A session may go on into the next period, and use what there is then. */
static bool cut_time(struct quota_left *left, const struct period *period, int64_t now_s)
{
	if (period->quota_s == 0)
		return true;
	if (period->used->seconds >= period->quota_s)
		return false;
	int64_t seconds = period->quota_s - (int64_t)period->used->seconds;
	int64_t until_end = period->used->ends_s - now_s;
	if (until_end > 0 && seconds >= until_end)
		seconds = until_end + period->quota_s;
	if (left->seconds == 0 || seconds < left->seconds)
		left->seconds = seconds;
	return true;
}

static bool cut_octets(
	struct quota_left *left, const struct quota *quota, const struct period *period)
{
	if (period->quota_octets == 0)
		return true;
	uint64_t used = used_octets(quota, period->used);
	if (used >= period->quota_octets)
		return false;
	uint64_t octets = period->quota_octets - used;
	if (left->octets == 0 || octets < left->octets)
		left->octets = octets;
	return true;
}

/* The balance is one more quota, which no period fills again. */
static bool cut_balance(struct quota_left *left, const struct prepaid_left *balance)
{
	if (balance->seconds == 0 || balance->octets == 0 ||
		(balance->seconds < 0 && balance->octets < 0))
		return false;
	if (balance->seconds > 0 && (left->seconds == 0 || balance->seconds < left->seconds))
		left->seconds = balance->seconds;
	if (balance->octets > 0 && (left->octets == 0 || (uint64_t)balance->octets < left->octets))
		left->octets = (uint64_t)balance->octets;
	return true;
}

bool quota_is_left(const struct policy *policy, int64_t now_s, struct quota_left *left)
{
	const struct quota *quota = &policy->quota;
	const struct quota_used *used = policy->quota_used;
	*left = (struct quota_left){.counts = quota->counts};
	/* The catalog tells of a quota that was not there yet when he was looked up. */
	if (used == NULL)
		return true;
	struct period day = {quota->day_s, quota->day_octets, &used->day};
	struct period month = {quota->month_s, quota->month_octets, &used->month};
	return cut_time(left, &day, now_s) && cut_time(left, &month, now_s) &&
	       cut_octets(left, quota, &day) && cut_octets(left, quota, &month) &&
	       (!policy->prepaid || policy->prepaid_left == NULL ||
		       cut_balance(left, policy->prepaid_left));
}

bool quota_is_unread(const struct login *login)
{
	const struct policy *policy = login->policy;
	const struct quota *quota = &policy->quota;
	return login->item.call == &auth_find_call &&
	       (policy->prepaid || quota->day_s != 0 || quota->day_octets != 0 ||
		       quota->month_s != 0 || quota->month_octets != 0);
}

bool quota_is_watched(const struct quota_left *left)
{
	return left->seconds > 0 || left->octets > 0;
}

struct quota_allowance quota_allowance(const struct quota_left *left, uint32_t session_limit)
{
	struct quota_allowance allowance = {-1, -1, -1};
	bool is_alone = session_limit == 1;
	int64_t octets = left->octets < INT64_MAX ? (int64_t)left->octets : INT64_MAX;
	if (left->seconds > 0)
		allowance.seconds = is_alone ? left->seconds : 0;
	if (left->octets == 0)
		return allowance;
	if (left->counts == QUOTA_COUNTS_BOTH)
		octets /= 2;
	if (left->counts != QUOTA_COUNTS_OUT)
		allowance.octets_in = is_alone ? octets : 0;
	if (left->counts != QUOTA_COUNTS_IN)
		allowance.octets_out = is_alone ? octets : 0;
	return allowance;
}

/* What the router receives is in. */
static const struct limit {
	uint8_t octets, gigawords;
} limits[] = {
	[QUOTA_COUNTS_BOTH] = {MIKROTIK_TOTAL_LIMIT, MIKROTIK_TOTAL_LIMIT_GIGAWORDS},
	[QUOTA_COUNTS_IN] = {MIKROTIK_RECV_LIMIT, MIKROTIK_RECV_LIMIT_GIGAWORDS},
	[QUOTA_COUNTS_OUT] = {MIKROTIK_XMIT_LIMIT, MIKROTIK_XMIT_LIMIT_GIGAWORDS},
};

static void add_limit(struct request *request, uint8_t number, uint32_t value)
{
	uint8_t octets[4];
	value = htonl(value);
	memcpy(octets, &value, sizeof octets);
	reply_add_vendor(&request->reply, VENDOR_MIKROTIK, number, octets, sizeof octets);
}

void quota_add(struct request *request)
{
	const struct login *login = login_of(request);
	const struct quota_left *left = &login->quota_left;
	const struct limit *limit = &limits[left->counts];
	if (left->octets == 0 || !request->nas->kind->has_octet_limits ||
		given_find(login, VENDOR_MIKROTIK, limit->octets) != NULL ||
		given_find(login, VENDOR_MIKROTIK, limit->gigawords) != NULL)
		return;
	add_limit(request, limit->octets, (uint32_t)(left->octets & UINT32_MAX));
	if (left->octets > UINT32_MAX)
		add_limit(request, limit->gigawords, (uint32_t)(left->octets >> 32));
}
