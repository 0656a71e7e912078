/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "auth/preview.h"
#include "auth/login.h"
#include "base/clock.h"
#include "base/mem.h"
#include "radius/encode.h"

static void add_address(struct request *request, struct preview *preview)
{
	const struct login *login = login_of(request);
	const struct addr *address = &login->subscriber.static_address;
	if (address->family == 4)
		reply_add_addr(&request->reply, ATTR_FRAMED_IP_ADDRESS, address);
	else if (address->family == 6)
		reply_add_addr(&request->reply, ATTR_FRAMED_IPV6_ADDRESS, address);
	else
		preview->has_pool_address = login->pool_id != 0;
}

static int look(struct request *request, const struct nas *nas, struct preview *preview)
{
	struct login *login = login_of(request);
	int64_t now_us = clock_wall_us();
	char *why = NULL;
	preview->rejected = plan_choose(login, now_us);
	if (login->plan == NULL)
		return ERR_NOT_FOUND;
	login->policy = &login->plan->policy;
	int err = login->subscriber.policy == NULL
			  ? 0
			  : policy_overlay(request->pool, &login->plan->policy,
				    login->subscriber.policy, &login->policy, &why);
	if (err != 0)
		return err;
	enum reject reason = quota_check(login, now_us);
	if (login->plan == NULL)
		return ERR_NOT_FOUND;
	if (preview->rejected == REJECT_none)
		preview->rejected = reason;
	preview->garden_reason = login->garden_reason;
	preview->plan_id = login->plan->plan_id;
	int64_t hours_end_us = login_hours_end_us(login, now_us);
	if (hours_end_us == 0 && preview->rejected == REJECT_none)
		preview->rejected = REJECT_outside_login_hours;
	/* What he would get when the reason is gone. */
	if (reason != REJECT_none)
		login->quota_left = (struct quota_left){0};
	if (preview->rejected == REJECT_expired)
		login->subscriber.expires_us = INT64_MAX;
	if (hours_end_us == 0)
		hours_end_us = INT64_MAX;
	if (!catalog_knows_own_filters(request->catalog, login->policy->filters) ||
		!tunnels_are_known(login))
		return ERR_NOT_FOUND;
	preview->unfit = answer_choose(login, nas);
	times_choose(login, hours_end_us, now_us);
	reply_init_part(&request->reply, preview->octets);
	if (!tunnels_add(request))
		preview->unfit = REJECT_tunnel_unfit;
	add_address(request, preview);
	prefixes_add(&request->reply, &login->prefixes);
	preview->has_pool_framed_prefix = login->framed_pool_id != 0;
	preview->has_pool_delegated_prefix = login->delegated_pool_id != 0;
	if (login->interim_s != 0 && given_find(login, 0, ATTR_ACCT_INTERIM_INTERVAL) == NULL)
		reply_add_u32(&request->reply, ATTR_ACCT_INTERIM_INTERVAL, login->interim_s);
	if (!reply_add_part(&request->reply, login->filters->octets, login->filters->size))
		preview->unfit = REJECT_filter_unfit;
	provide_add(request);
	quota_add(request);
	times_add(request);
	given_add(request);
	preview->size = request->reply.length;
	return 0;
}

static char *copy(TALLOC_CTX *ctx, const char *text)
{
	return text != NULL ? mem_must(talloc_strdup(ctx, text)) : NULL;
}

int auth_preview(struct catalog *catalog, const struct nas *nas,
	const struct preview_subscriber *subscriber, struct preview *preview)
{
	TALLOC_CTX *pool = mem_must(talloc_new(NULL));
	struct request *request = mem_must(talloc_zero(pool, struct request));
	struct login *login = mem_must(talloc_zero(pool, struct login));
	request->pool = pool;
	request->catalog = catalog;
	request->nas = nas;
	request->feature = login;
	login->request = request;
	login->wants_address = true;
	login->line.login = subscriber->login;
	login->subscriber = (struct subscriber){.is_found = true,
		.plan_id = subscriber->plan_id,
		.is_active = subscriber->is_active,
		.expires_us = subscriber->expires_us,
		.static_address = subscriber->static_address,
		.static_prefixes = {subscriber->framed_prefix, subscriber->delegated_prefix},
		.policy = copy(pool, subscriber->policy),
		.attributes = copy(pool, subscriber->attributes)};
	*preview = (struct preview){.size = 0};
	int err = look(request, nas, preview);
	talloc_free(pool);
	return err;
}
