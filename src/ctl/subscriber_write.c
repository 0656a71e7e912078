/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber add and set: his row, and what he has of his own, in one transaction. */
#include "ctl/attribute.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/policy_option.h"
#include <string.h>

/* $1 to $8, the same for add and set. */
static int add_subscriber_options(struct call *call, struct params *params)
{
	const char *password;
	int code = call_load_conf(call);

	if (code == CTL_OK)
		code = call_secret(call, "password", &password);
	if (code != CTL_OK)
		return code;
	params_add(params, call_value(call, "LOGIN"));
	params_add(params, call_value(call, "plan"));
	params_add(params, password);
	params_add(params, call_value(call, "expires"));
	params_add(params, call_value(call, "static-address"));
	params_add(params, call_value(call, "framed-ipv6-prefix"));
	params_add(params, call_value(call, "delegated-ipv6-prefix"));
	return attribute_params(call, params);
}

/* In the caller's transaction, so that a subscriber who is refused leaves no realm behind. */
static int add_realm(struct pg *pg, const char *login)
{
	struct params params = {0};
	const char *at = strrchr(login, '@');
	long added = 0;
	int code;

	if (at == NULL)
		return CTL_OK;
	params_add(&params, at + 1);
	code = pg_change(pg,
		"insert into poprad.realm (name) values ($1) on conflict (name) do nothing",
		&params, &added);
	if (code == CTL_OK && added > 0)
		fprintf(pg->call->out, "realm %s is new\n", at + 1);
	return code;
}

/* What the subscriber is to have of his own, in the caller's transaction. */
static int set_policy(struct pg *pg, const struct params *policy)
{
	return policy->values[1] == NULL ? CTL_OK
					 : pg_run(pg,
						   "select poprad.subscriber_policy_set($1, "
						   "$2::jsonb)",
						   policy, NULL);
}

int subscriber_add(struct call *call)
{
	struct params params = {0}, policy = {0};
	struct pg *pg;
	int code = add_subscriber_options(call, &params);

	if (code == CTL_OK && params.values[2] == NULL)
		return call_fail(call, CTL_USAGE,
			"a subscriber needs a password: --password P, or --password-stdin");
	params_add(&policy, params.values[0]);
	if (code == CTL_OK)
		code = policy_params(call, true, &policy);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = pg_run(pg, "begin", NULL, NULL);
	if (code == CTL_OK)
		code = add_realm(pg, params.values[0]);
	if (code == CTL_OK)
		code = pg_run(pg,
			"insert into poprad.subscriber (login, realm_id, plan_id, password, "
			"expires_at, static_address, framed_ipv6_prefix, delegated_ipv6_prefix, "
			"attributes) values ($1, "
			"(select realm_id from poprad.realm "
			"where name = substring($1 from '@([^@]*)$')), poprad.plan_get($2), $3, "
			"nullif($4, 'never')::timestamptz, $5::inet, $6::cidr, $7::cidr, "
			"coalesce($8::text[], '{}'))",
			&params, NULL);
	if (code == CTL_OK)
		code = set_policy(pg, &policy);
	return code != CTL_OK ? code : pg_run(pg, "commit", NULL, NULL);
}

/* *change is NULL unless he gets another plan, with which what he has of his own of filters must
 * fit. */
static int begin_set(struct pg *pg, const char *login, struct catalog_change **change)
{
	struct params params = {0};
	int code;

	*change = NULL;
	if (!call_has(pg->call, "plan"))
		return pg_run(pg, "begin", NULL, NULL);
	params_add(&params, login);
	code = catalog_change_begin(pg, change);
	return code != CTL_OK
		       ? code
		       : pg_run(pg, "select poprad.subscriber_filters_lock($1)", &params, NULL);
}

/* What he is exempt from stays, for the day when he has that filter again. */
static int note_exemptions(struct pg *pg, const char *login)
{
	struct params params = {0};
	const char *names = NULL;
	int code;

	params_add(&params, login);
	code = pg_value(pg,
		"select string_agg(f.name, ', ' order by f.name) from poprad.subscriber s "
		"join poprad.subscriber_exemption e using (subscriber_id) "
		"join poprad.filter f using (filter_id) where s.login = $1 and not exists (select "
		"from poprad.plan_filter p where p.plan_id = s.plan_id and p.filter_id = "
		"e.filter_id)",
		&params, &names);
	if (code == CTL_OK && names != NULL)
		fprintf(pg->call->errors,
			"popradctl: note: still exempt from what his plan does not have: %s\n",
			names);
	return code;
}

/* $9 to $11: what he no longer has. */
static int add_taken_away(struct call *call, struct params *params)
{
	static const char *const options[][2] = {
		{"static-address", "no-static-address"},
		{"framed-ipv6-prefix", "no-framed-ipv6-prefix"},
		{"delegated-ipv6-prefix", "no-delegated-ipv6-prefix"},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (call_has(call, options[i][0]) && call_has(call, options[i][1]))
			return call_fail(call, CTL_USAGE, "--%s and --%s exclude each other",
				options[i][0], options[i][1]);
		params_add(params, call_has(call, options[i][1]) ? "true" : "false");
	}
	return CTL_OK;
}

int subscriber_set(struct call *call)
{
	struct params params = {0}, policy = {0};
	struct catalog_change *change = NULL;
	struct pg *pg;
	long changed = 0;
	int code;

	code = add_subscriber_options(call, &params);
	if (code == CTL_OK)
		code = add_taken_away(call, &params);
	params_add(&policy, params.values[0]);
	if (code == CTL_OK)
		code = policy_params(call, true, &policy);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = begin_set(pg, params.values[0], &change);
	if (code == CTL_OK)
		code = pg_change(pg,
			"update poprad.subscriber set "
			"plan_id = coalesce(poprad.plan_get($2), plan_id), "
			"password = coalesce($3, password), expires_at = case when $4::text is "
			"null "
			"then expires_at else nullif($4, 'never')::timestamptz end, "
			"static_address = case when $9::boolean then null "
			"else coalesce($5::inet, static_address) end, "
			"framed_ipv6_prefix = case when $10::boolean then null "
			"else coalesce($6::cidr, framed_ipv6_prefix) end, "
			"delegated_ipv6_prefix = case when $11::boolean then null "
			"else coalesce($7::cidr, delegated_ipv6_prefix) end, "
			"attributes = coalesce($8::text[], attributes) where login = $1",
			&params, &changed);
	if (code == CTL_OK && changed == 0)
		return subscriber_not_there(call, params.values[0]);
	if (code == CTL_OK)
		code = set_policy(pg, &policy);
	if (code == CTL_OK)
		code = change != NULL ? catalog_change_end(change)
				      : pg_run(pg, "commit", NULL, NULL);
	return code == CTL_OK && change != NULL ? note_exemptions(pg, params.values[0]) : code;
}
