/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A line that the access server puts into a tunnel: PPP ends at the other end, and so that end
 * gives the address. Attributes that set up a tunnel are taken as a whole: one that the subscriber
 * or the plan gives takes the place of all tunnels that are only named. */
#include "auth/login.h"
#include "request/trace.h"

static bool is_given(const struct login *login)
{
	for (const struct given_attr *given = login->given; given != NULL; given = given->next)
		if (tunnel_is_attribute(given->attr))
			return true;
	return false;
}

static bool has_own(const struct login *login)
{
	return (login->policy->own & 1u << POLICY_TUNNELS) != 0;
}

static void enter(struct login *login, const struct rendered_tunnels *tunnels)
{
	login->tunnels = tunnels;
	/* An access server asks so before PPP, with the realm for a name: nobody goes online
	 * (RFC 2868 section 2). */
	if (login->service_type == SERVICE_OUTBOUND)
		login->wants_address = false;
	if (login->policy->tunnel_address)
		return;
	login->pool_id = 0;
	login->subscriber.static_address = (struct addr){0};
	login->subscriber.static_prefixes = (struct prefixes){0};
}

bool tunnels_are_known(const struct login *login)
{
	return !has_own(login) || login->policy->tunnels == NULL ||
	       catalog_knows_tunnels(login->request->catalog, login->policy->tunnels);
}

bool tunnels_choose(struct login *login, const struct nas *nas)
{
	const struct tunnel_names *names = login->policy->tunnels;
	if (!login->wants_address || names == NULL || nas->ends_tunnels || is_given(login))
		return true;
	if (has_own(login)) {
		login->own_tunnels = catalog_render_tunnels(
			login->request->pool, login->request->catalog, names);
		enter(login, &login->own_tunnels);
	} else {
		if (login->plan->has_unknown_tunnel)
			return false;
		enter(login, &login->plan->tunnels);
	}
	TRACE_SAY(login->request, "%zu tunnel%s, the first is %s", names->count,
		names->count == 1 ? "" : "s", names->names[0]);
	return true;
}

bool tunnels_add(struct request *request)
{
	const struct rendered_tunnels *tunnels = login_of(request)->tunnels;
	if (tunnels == NULL)
		return true;
	for (size_t i = 0; i < tunnels->count; i++)
		reply_add_encoded(&request->reply, &tunnels->attributes[i]);
	return !request->reply.is_overfull;
}
