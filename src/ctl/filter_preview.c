/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl filter preview: what a subscriber would be sent at an access server. */
#include "auth/preview.h"
#include "base/mem.h"
#include "ctl/attribute.h"
#include "ctl/commands.h"
#include "ctl/field.h"
#include "ctl/pg.h"
#include "radius/describe.h"
#include <jansson.h>
#include <string.h>

/* NULL (nothing): there is none of that name. */
static int load_catalog(struct pg *pg, const char *nas, struct catalog **catalog)
{
	struct params params = {0};
	const char *json = NULL;
	char *why = NULL;
	int code;

	*catalog = NULL;
	params_add(&params, nas);
	code = pg_value(pg, "select poprad.catalog_for_nas($1)::text", &params, &json);
	if (code != CTL_OK)
		return code;
	if (json == NULL)
		return call_fail(
			pg->call, CTL_REFUSED, "there is no nas %s (see popradctl nas list)", nas);
	if (catalog_parse(pg->call->ctx, json, strlen(json), catalog, &why) != 0)
		return call_fail(pg->call, CTL_REFUSED, "no worker can read the catalog: %s", why);
	return CTL_OK;
}

static int find_nas(
	struct pg *pg, const char *name, const struct catalog *catalog, const struct nas **nas)
{
	struct params params = {0};
	const char *text = NULL;
	struct addr source;
	int code;

	params_add(&params, name);
	code = pg_value(pg, "select host(prefix) from poprad.nas where name = $1", &params, &text);
	if (code != CTL_OK)
		return code;
	*nas = text != NULL && addr_parse(text, &source) == 0 ? catalog_find_nas(catalog, &source)
							      : NULL;
	return *nas != NULL ? CTL_OK
			    : call_fail(pg->call, CTL_REFUSED, "nas %s has just changed", name);
}

/* A column that is null leaves *prefix none. */
static int read_prefix(
	const struct call *call, const json_t *row, const char *column, struct prefix *prefix)
{
	const char *text = json_string_value(json_object_get(row, column));

	if (text != NULL && prefix_parse(text, prefix) != 0)
		return call_fail(call, CTL_REFUSED, "%s is no prefix", text);
	return CTL_OK;
}

/* Its texts belong to *row, which the caller lets go of. */
static int find_subscriber(
	struct pg *pg, const char *login, json_t **row, struct preview_subscriber *subscriber)
{
	struct params params = {0};
	const char *text = NULL;
	int code;

	params_add(&params, login);
	code = pg_value(pg,
		"select json_build_object('plan_id', s.plan_id, 'is_active', s.status = 'active', "
		"'expires_us', case when isfinite(s.expires_at) then (extract(epoch from "
		"s.expires_at) * 1000000)::bigint when s.expires_at < now() then 0 end, "
		"'static_address', host(s.static_address), 'framed_prefix', s.framed_ipv6_prefix, "
		"'delegated_prefix', s.delegated_ipv6_prefix, 'policy', "
		"poprad.subscriber_document(s.login), "
		"'attributes', "
		"nullif(array_to_string(s.attributes, E'\\n'), ''))::text "
		"from poprad.subscriber s where s.login = $1",
		&params, &text);
	if (code != CTL_OK)
		return code;
	if (text == NULL)
		return subscriber_not_there(pg->call, login);
	*row = mem_must(json_loads(text, 0, NULL));
	subscriber->login = login;
	subscriber->plan_id = (int32_t)json_integer_value(json_object_get(*row, "plan_id"));
	subscriber->is_active = json_is_true(json_object_get(*row, "is_active"));
	subscriber->expires_us = json_is_integer(json_object_get(*row, "expires_us"))
					 ? json_integer_value(json_object_get(*row, "expires_us"))
					 : INT64_MAX;
	text = json_string_value(json_object_get(*row, "static_address"));
	if (text != NULL && addr_parse(text, &subscriber->static_address) != 0)
		return call_fail(pg->call, CTL_REFUSED, "%s is no address", text);
	subscriber->policy = json_string_value(json_object_get(*row, "policy"));
	subscriber->attributes = json_string_value(json_object_get(*row, "attributes"));
	code = read_prefix(pg->call, *row, "framed_prefix", &subscriber->framed_prefix);
	return code != CTL_OK ? code
			      : read_prefix(pg->call, *row, "delegated_prefix",
					&subscriber->delegated_prefix);
}

static void add_attribute(void *owner, const struct described *described)
{
	json_array_append_new(
		owner, mem_must(json_pack("{s:s, s:s}", "attribute", described->name, "value",
			       described->value != NULL ? described->value : "(not shown)")));
}

/* A plan's pools by name; "" = none. */
struct pools {
	const char *address, *framed_prefix, *delegated_prefix;
};

/* The name of the pool in that column. */
static int find_pool(
	struct pg *pg, const struct params *plan_id, const char *column, const char **pool)
{
	const char *sql = mem_must(talloc_asprintf(pg->call->ctx,
		"select coalesce(o.name, '') from poprad.plan p left join poprad.pool o "
		"on o.pool_id = p.%s where p.plan_id = $1::int",
		column));
	return pg_value(pg, sql, plan_id, pool);
}

/* The plan that all this is of, and its pools. */
static int find_plan(struct pg *pg, int32_t plan_id, const char **plan, struct pools *pools)
{
	struct params params = {0};
	const char *id = mem_must(talloc_asprintf(pg->call->ctx, "%d", plan_id));
	int code;

	params_add(&params, id);
	code = pg_value(pg, "select name from poprad.plan where plan_id = $1::int", &params, plan);
	if (code == CTL_OK)
		code = find_pool(pg, &params, "pool_id", &pools->address);
	if (code == CTL_OK)
		code = find_pool(pg, &params, "framed_ipv6_pool_id", &pools->framed_prefix);
	if (code == CTL_OK)
		code = find_pool(pg, &params, "delegated_ipv6_pool_id", &pools->delegated_prefix);
	if (code == CTL_OK && (*plan == NULL || pools->delegated_prefix == NULL))
		return call_fail(pg->call, CTL_REFUSED, "his plan has just changed");
	return code;
}

/* What the attributes do not say. */
static void note(const struct call *call, const struct preview *preview, const char *plan,
	const struct catalog *catalog, const struct nas *nas)
{
	if (preview->rejected != REJECT_none)
		fprintf(call->errors,
			"popradctl: note: now his logins are rejected (%s); this is what he would "
			"be sent else\n",
			reject_name(preview->rejected));
	if (preview->garden_reason != REJECT_none)
		fprintf(call->errors, "popradctl: note: he is let in with plan %s (%s)\n", plan,
			reject_name(preview->garden_reason));
	if (catalog_rendering(catalog, nas) == RENDER_NOTHING)
		fprintf(call->errors,
			"popradctl: note: to this access server (kind %s) no filters are sent\n",
			nas->kind->name);
}

/* What a login brings from a pool. */
static void add_pooled(
	struct call *call, json_t *list, bool has_one, const char *name, const char *pool)
{
	const char *from = mem_must(talloc_asprintf(call->ctx, "(of pool %s)", pool));

	if (has_one)
		add_attribute(list, &(struct described){.name = name, .value = from});
}

static void print(struct call *call, const struct preview *preview, const struct pools *pools)
{
	json_t *list = mem_must(json_array());
	const json_t *one;
	size_t index;

	add_pooled(call, list, preview->has_pool_address, "Framed-IP-Address", pools->address);
	add_pooled(call, list, preview->has_pool_framed_prefix, "Framed-IPv6-Prefix",
		pools->framed_prefix);
	add_pooled(call, list, preview->has_pool_delegated_prefix, "Delegated-IPv6-Prefix",
		pools->delegated_prefix);
	describe_attributes(preview->octets, preview->size, add_attribute, list);
	if (call_has(call, "json")) {
		json_dumpf(list, call->out, JSON_COMPACT);
		fputc('\n', call->out);
	} else {
		json_array_foreach(list, index, one)
		{
			field_print(call->out,
				mem_must(talloc_asprintf(call->ctx, "%s = %s",
					json_string_value(json_object_get(one, "attribute")),
					json_string_value(json_object_get(one, "value")))));
			fputc('\n', call->out);
		}
	}
	json_decref(list);
}

int filter_preview(struct call *call)
{
	const char *login = call_value(call, "LOGIN"), *name = call_value(call, "nas");
	struct preview_subscriber subscriber = {0};
	struct pools pools = {0};
	const char *plan = NULL;
	struct preview preview;
	struct catalog *catalog;
	const struct nas *nas;
	json_t *row = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code == CTL_OK)
		code = attribute_load_dictionary(call);
	/* Before the catalog, which is then no older than what he has of his own. */
	if (code == CTL_OK)
		code = find_subscriber(pg, login, &row, &subscriber);
	if (code == CTL_OK)
		code = load_catalog(pg, name, &catalog);
	if (code == CTL_OK)
		code = find_nas(pg, name, catalog, &nas);
	if (code == CTL_OK && auth_preview(catalog, nas, &subscriber, &preview) != 0)
		code = call_fail(call, CTL_REFUSED,
			"what %s has of his own cannot be read, and his logins are dropped", login);
	else if (code == CTL_OK && preview.unfit != REJECT_none)
		code = call_fail(call, CTL_REFUSED,
			"his %s cannot be sent to nas %s, and his login would be rejected",
			preview.unfit == REJECT_tunnel_unfit ? "tunnels" : "filters", name);
	else if (code == CTL_OK)
		code = find_plan(pg, preview.plan_id, &plan, &pools);
	if (code == CTL_OK) {
		print(call, &preview, &pools);
		fflush(call->out); /* before the sentences, wherever both go */
		note(call, &preview, plan, catalog, nas);
	}
	json_decref(row);
	return code;
}
