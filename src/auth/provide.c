/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * What a login's session is provided with. A plan's was said with the catalog; for the few who have
 * something of their own it is said here: theirs and, apart from it, what is left of the plan's,
 * because the plan's attributes go before the one and not before the other. */
#include "auth/login.h"

/* parts: bits of policy.own. */
static void keep(struct provision *provision, unsigned parts)
{
	if ((parts & POLICY_OWN_RATES) == 0)
		provision->rate_in_kbit = provision->rate_out_kbit = 0;
	if ((parts & POLICY_OWN_DNS_SERVERS) == 0)
		provision->dns_server_count = 0;
	if ((parts & POLICY_OWN_ADDRESS_LIST) == 0)
		provision->address_list = NULL;
}

static void render_own(struct login *login, const struct nas *nas)
{
	TALLOC_CTX *pool = login->request->pool;
	struct provision own = login->policy->provision, rest = own;
	keep(&own, login->policy->own);
	keep(&rest, ~login->policy->own);
	rest.route_count = 0; /* a plan has none */
	login->own_provision = provision_render(pool, &own, nas->kind, nas->is_old);
	login->provision = provision_render(pool, &rest, nas->kind, nas->is_old);
}

void provide_choose(struct login *login, const struct nas *nas)
{
	if (!login->wants_address)
		return;
	if ((login->policy->own & POLICY_OWN_PROVISION) != 0)
		render_own(login, nas);
	else if (login->plan->provisions != NULL)
		login->provision = login->plan->provisions[nas->filter_view];
}

bool provide_has_own(const struct login *login, const struct encoded_attr *attr)
{
	const struct rendered_provision *own = &login->own_provision;
	for (size_t at = 0; at < own->size; at += own->octets[at + 1])
		if (attribute_is_same_type(own->octets + at, attr->octets))
			return true;
	return false;
}

static bool is_given(const struct login *login, const uint8_t *attribute)
{
	for (const struct given_attr *given = login->given; given != NULL; given = given->next)
		if (attribute_is_same_type(given->attr->octets, attribute))
			return true;
	return false;
}

static void add(struct request *request, const struct rendered_provision *provision)
{
	for (size_t at = 0; at < provision->size; at += provision->octets[at + 1]) {
		const uint8_t *attribute = provision->octets + at;
		if (!is_given(login_of(request), attribute) &&
			!reply_add_part(&request->reply, attribute, attribute[1]))
			return; /* the reply knows that it is overfull, and so the log will */
	}
}

void provide_add(struct request *request)
{
	add(request, &login_of(request)->own_provision);
	add(request, &login_of(request)->provision);
}
