/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The IPv6 prefixes of a login: which it asks for, and how the answer says them (RFC 3162, RFC
 * 4818). */
#include "auth/exhausted.h"
#include "auth/login.h"
#include <stdio.h>

static bool is_set(const struct prefix *prefix)
{
	return addr_is_set(&prefix->addr);
}

bool prefixes_are_set(const struct prefixes *prefixes)
{
	return is_set(&prefixes->framed) || is_set(&prefixes->delegated);
}

bool prefixes_replace(const struct login *login, const struct encoded_attr *attr)
{
	const struct prefixes *fixed = &login->subscriber.static_prefixes;
	if (attr->vendor != 0)
		return false;
	return (attr->number == ATTR_FRAMED_IPV6_PREFIX && is_set(&fixed->framed)) ||
	       (attr->number == ATTR_DELEGATED_IPV6_PREFIX && is_set(&fixed->delegated));
}

void prefixes_choose(struct login *login)
{
	const struct prefixes *fixed = &login->subscriber.static_prefixes;
	const struct plan *plan = login->plan;
	/* The other end of a tunnel gives them. */
	if (login->tunnels != NULL && !login->policy->tunnel_address)
		return;
	if (!login->wants_address ||
		(plan->framed_ipv6_pool_id == 0 && plan->delegated_ipv6_pool_id == 0 &&
			!prefixes_are_set(fixed)))
		return;
	/* Those of the plan's that a static prefix goes before are left out already. */
	if (given_find(login, 0, ATTR_FRAMED_IPV6_PREFIX) == NULL) {
		login->prefixes.framed = fixed->framed;
		login->framed_pool_id = is_set(&fixed->framed) ? 0 : plan->framed_ipv6_pool_id;
	}
	if (given_find(login, 0, ATTR_DELEGATED_IPV6_PREFIX) == NULL) {
		login->prefixes.delegated = fixed->delegated;
		login->delegated_pool_id =
			is_set(&fixed->delegated) ? 0 : plan->delegated_ipv6_pool_id;
	}
}

bool prefixes_are_wanted(const struct login *login)
{
	return login->framed_pool_id != 0 || login->delegated_pool_id != 0 ||
	       prefixes_are_set(&login->prefixes);
}

static bool is_exhausted(const struct login *login, int32_t pool_id)
{
	const struct request *request = login->request;
	return pool_id != 0 && exhausted_has(request->worker->exhausted, pool_id,
				       request->nas->nas_group_id, clock_mono_ns());
}

void prefixes_look_at_pools(struct login *login)
{
	login->prefix_search = !is_exhausted(login, login->framed_pool_id) &&
			       !is_exhausted(login, login->delegated_pool_id);
}

static void mark(const struct login *login, int32_t pool_id)
{
	const struct request *request = login->request;
	exhausted_mark(
		request->worker->exhausted, pool_id, request->nas->nas_group_id, clock_mono_ns());
}

void prefixes_mark_exhausted(const struct login *login)
{
	const struct prefixes *given = &login->admission.prefixes;
	bool is_admitted = login->verdict == REJECT_none && !login->admission.is_outrun;
	bool lacks_framed = is_admitted && login->framed_pool_id != 0 && !is_set(&given->framed);
	bool lacks_delegated =
		is_admitted && login->delegated_pool_id != 0 && !is_set(&given->delegated);
	if (lacks_framed || lacks_delegated)
		metric_add(METRIC_prefixes_lacking, 1);
	if (!login->prefix_search)
		return;
	if (lacks_framed || login->verdict == REJECT_framed_pool_exhausted)
		mark(login, login->framed_pool_id);
	if (lacks_delegated || login->verdict == REJECT_delegated_pool_exhausted)
		mark(login, login->delegated_pool_id);
}

void prefixes_add(struct reply *reply, const struct prefixes *prefixes)
{
	if (is_set(&prefixes->framed))
		reply_add_prefix6(reply, ATTR_FRAMED_IPV6_PREFIX, &prefixes->framed);
	if (is_set(&prefixes->delegated))
		reply_add_prefix6(reply, ATTR_DELEGATED_IPV6_PREFIX, &prefixes->delegated);
}

const char *prefixes_format(const struct prefixes *prefixes, char text[PREFIXES_TEXT_MAX])
{
	char framed[ADDR_TEXT_MAX], delegated[ADDR_TEXT_MAX];
	text[0] = '\0';
	if (prefixes_are_set(prefixes))
		snprintf(text, PREFIXES_TEXT_MAX, " framed_ipv6_prefix=%s delegated_ipv6_prefix=%s",
			is_set(&prefixes->framed) ? prefix_format(&prefixes->framed, framed) : "-",
			is_set(&prefixes->delegated)
				? prefix_format(&prefixes->delegated, delegated)
				: "-");
	return text;
}
