/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber list and show. */
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/output.h"

#define SUBSCRIBER_COLUMNS                                                                       \
	"s.login, s.subscriber_id, r.name as realm, p.name as plan, s.status, s.expires_at, "    \
	"s.static_address, s.framed_ipv6_prefix, s.delegated_ipv6_prefix, o.session_limit, "     \
	"o.session_timeout_s, o.idle_timeout_s, "                                                \
	"o.interim_s, o.quota_day_s, o.quota_day_octets, o.quota_month_s, "                      \
	"o.quota_month_octets, o.quota_counts, o.prepaid, "                                      \
	"o.login_hours, o.time_zone, o.rate_in_kbit, o.rate_out_kbit, "                          \
	"to_jsonb(o.dns_servers) as dns_servers, o.address_list, to_jsonb(o.routes) as routes, " \
	"to_jsonb(o.calling_stations) as calling_stations, o.learn_calling_station, "            \
	"o.learned_calling_station, o.learned_at, "                                              \
	"to_jsonb(o.called_stations) as called_stations, "                                       \
	"to_jsonb(o.nas_port_types) as nas_port_types, to_jsonb(o.nas_groups) as nas_groups, "   \
	"to_jsonb(o.tunnels) as tunnels, o.tunnel_address, "                                     \
	"to_jsonb(s.attributes) as attributes, "                                                 \
	"s.created_at"
#define SUBSCRIBER_TABLES                                               \
	" from poprad.subscriber s join poprad.plan p using (plan_id) " \
	"left join poprad.realm r on r.realm_id = s.realm_id "          \
	"left join poprad.subscriber_policy o using (subscriber_id) "

int subscriber_list(struct call *call)
{
	struct listing listing = {
		.select = "select " SUBSCRIBER_COLUMNS SUBSCRIBER_TABLES,
		.key = "s.login",
		.after = "coalesce($1, '')",
		.brief = "login plan status static_address expires_at",
	};
	const char *prefix = call_value(call, "prefix");
	struct pg *pg;
	int code = pg_open(call, &pg);

	/* plan_id and realm_id from look-ups of their own, so that the join stays in key order */
	listing_filter(call->ctx, &listing,
		"s.plan_id = (select plan_id from poprad.plan where name = $)",
		call_value(call, "plan"));
	listing_filter(call->ctx, &listing,
		"s.realm_id = (select realm_id from poprad.realm where name = $)",
		call_value(call, "realm"));
	listing_filter(call->ctx, &listing, "s.status = $", call_value(call, "status"));
	/* chr(1114111) is the last character there is: the index range of a prefix ends there. */
	listing_filter(call->ctx, &listing, "s.login >= $", prefix);
	listing_filter(call->ctx, &listing, "s.login <= $ || chr(1114111)", prefix);
	listing_filter(call->ctx, &listing, "starts_with(s.login, $)", prefix);
	return code != CTL_OK ? code : output_list(pg, &listing);
}

int subscriber_show(struct call *call)
{
	struct params params = {0};
	const char *sql = mem_must(talloc_asprintf(call->ctx,
		"select " SUBSCRIBER_COLUMNS ", case when s.password like '{%%' "
		"then lower(substring(s.password from '^{([^}]*)}')) "
		"when s.password like '$%%' then 'crypt' else 'clear' end as password_form, "
		"poprad.realm_filters(s.realm_id) as imposed_filters, "
		"poprad.subscriber_exemptions(s.subscriber_id) as exempt_from, "
		"poprad.subscriber_quarantined(s.subscriber_id) as quarantine, "
		"poprad.quota_state(s, p, o) as quotas, "
		"case when coalesce(o.prepaid, p.prepaid) then (select to_jsonb(l) from "
		"poprad.prepaid_left(s.subscriber_id, coalesce(o.quota_counts, p.quota_counts)) l) "
		"end as prepaid_left, "
		"%s coalesce((select l.address from poprad.session l "
		"where l.subscriber_id = s.subscriber_id and l.address is not null "
		"order by l.session_key desc limit 1), t.last_address) as last_address, "
		"coalesce((select jsonb_agg(jsonb_build_object("
		"'session_key', e.session_key, 'state', e.state, 'nas', n.name, "
		"'nas_address', host(e.nas_address), 'nas_port', e.nas_port, "
		"'calling_station_id', e.calling_station_id, 'address', host(e.address), "
		"'leased_framed_prefix', e.leased_framed_prefix, 'leased_delegated_prefix', "
		"e.leased_delegated_prefix, "
		"'framed_address', host(e.framed_address), "
		"'framed_ipv6_prefix', e.framed_ipv6_prefix, 'delegated_ipv6_prefix', "
		"e.delegated_ipv6_prefix, "
		"'authorised_at', e.authorised_at, "
		"'started_at', e.started_at, 'session_time', e.session_time, "
		"'in_octets', e.in_octets, 'out_octets', e.out_octets, "
		"'flags', e.flags) order by e.session_key) from poprad.session e "
		"left join poprad.nas n using (nas_id) where e.subscriber_id = s.subscriber_id "
		"and e.state <> 'closed'), '[]') as sessions" SUBSCRIBER_TABLES
		"left join poprad.subscriber_state t using (subscriber_id) where s.login = $1",
		call_has(call, "with-password") ? "s.password," : ""));
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "LOGIN"));
	return code != CTL_OK
		       ? code
		       : output_show(pg, sql, &params,
				 "subscriber with that login (see popradctl subscriber list)");
}
