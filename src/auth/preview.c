/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "auth/preview.h"
#include "auth/login.h"
#include "base/mem.h"
#include "radius/encode.h"

static int look(struct request *request, const struct nas *nas,
	const struct preview_subscriber *subscriber, struct preview *preview)
{
	struct login *login = login_of(request);
	char *why = NULL;
	login->plan = catalog_find_plan(request->catalog, subscriber->plan_id);
	if (login->plan == NULL)
		return ERR_NOT_FOUND;
	login->policy = &login->plan->policy;
	int err = subscriber->policy == NULL ? 0
					     : policy_overlay(request->pool, &login->plan->policy,
						       subscriber->policy, &login->policy, &why);
	if (err != 0)
		return err;
	if (!catalog_knows_own_filters(request->catalog, login->policy->filters))
		return ERR_NOT_FOUND;
	provide_choose(login, nas);
	login->given = given_collect(login);
	login->filters = filters_choose(login, nas);
	preview->is_refused = login->filters->is_refused;
	reply_init_part(&request->reply, preview->octets);
	if (!reply_add_part(&request->reply, login->filters->octets, login->filters->size))
		preview->is_refused = true;
	provide_add(request);
	given_add(request);
	preview->size = request->reply.length;
	return 0;
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
	if (subscriber->attributes != NULL)
		login->subscriber.attributes =
			mem_must(talloc_strdup(pool, subscriber->attributes));
	*preview = (struct preview){.size = 0};
	int err = look(request, nas, subscriber, preview);
	talloc_free(pool);
	return err;
}
