-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What the operator changes in plans. A null argument leaves the column as it is.

-- Changes a plan. pool_name '' takes its pool away; filters and attributes replace the whole list. policy: columns that
-- subscriber_policy has too, by their names. suspended_plan, expired_plan and exhausted_plan: with which plan such subscribers are let in,
-- 'reject': not at all.
drop function if exists poprad.plan_set;
create function poprad.plan_set(plan_name text, pool_name text, netmask inet, allows_login boolean, filters text[],
	attributes text[], policy jsonb, suspended_plan text, expired_plan text, exhausted_plan text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_plan_id int;
	wanted_pool_id int;
	wanted plan;
begin
	select p.plan_id into wanted_plan_id from plan p where p.name = plan_name for update;
	if not found then
		raise exception 'there is no plan %', plan_name using errcode = 'P0002', hint = 'see popradctl plan list';
	end if;
	select p.pool_id into wanted_pool_id from pool p where p.name = pool_name;
	if not found and pool_name <> '' then
		raise exception 'there is no pool %', pool_name using errcode = 'P0002', hint = format('popradctl pool add %s CIDR', pool_name);
	end if;
	if exists (select from pool p where p.pool_id = wanted_pool_id and p.lease_length is not null) then
		raise exception 'pool % leases prefixes', pool_name using hint = 'see --framed-ipv6-pool and --delegated-ipv6-pool';
	end if;
	select n.* into wanted from plan p, jsonb_populate_record(p, coalesce(policy, '{}')) n where p.plan_id = wanted_plan_id;
	perform nas_groups_check(wanted.nas_groups);
	perform provision_check(wanted.rate_in_kbit, wanted.rate_out_kbit, wanted.dns_servers);
	update plan p set
		pool_id = case when plan_set.pool_name is null then p.pool_id else wanted_pool_id end,
		session_limit = wanted.session_limit,
		session_timeout_s = wanted.session_timeout_s,
		idle_timeout_s = wanted.idle_timeout_s,
		interim_s = wanted.interim_s,
		rate_in_kbit = wanted.rate_in_kbit,
		rate_out_kbit = wanted.rate_out_kbit,
		dns_servers = wanted.dns_servers,
		login_hours = wanted.login_hours,
		time_zone = wanted.time_zone,
		address_list = wanted.address_list,
		calling_stations = wanted.calling_stations,
		learn_calling_station = wanted.learn_calling_station,
		called_stations = wanted.called_stations,
		nas_port_types = wanted.nas_port_types,
		nas_groups = wanted.nas_groups,
		tunnels = wanted.tunnels,
		tunnel_address = wanted.tunnel_address,
		quota_day_s = wanted.quota_day_s,
		quota_day_octets = wanted.quota_day_octets,
		quota_month_s = wanted.quota_month_s,
		quota_month_octets = wanted.quota_month_octets,
		quota_counts = wanted.quota_counts,
		prepaid = wanted.prepaid,
		netmask = coalesce(plan_set.netmask, p.netmask),
		allows_login = coalesce(plan_set.allows_login, p.allows_login),
		suspended_plan_id = case when suspended_plan is null then p.suspended_plan_id
			else plan_get(nullif(suspended_plan, 'reject')) end,
		expired_plan_id = case when expired_plan is null then p.expired_plan_id
			else plan_get(nullif(expired_plan, 'reject')) end,
		exhausted_plan_id = case when exhausted_plan is null then p.exhausted_plan_id
			else plan_get(nullif(exhausted_plan, 'reject')) end,
		attributes = coalesce(plan_set.attributes, p.attributes)
	where p.plan_id = wanted_plan_id;
	if filters is null then
		return;
	end if;
	delete from plan_filter where plan_id = wanted_plan_id;
	insert into plan_filter (plan_id, position, filter_id)
	select wanted_plan_id, f.place, f.filter_id from filters_get(filters) f;
end
$$;

drop function if exists poprad.plan_add;
create function poprad.plan_add(plan_name text, pool_name text, netmask inet, allows_login boolean, filters text[],
	attributes text[], policy jsonb, suspended_plan text, expired_plan text, exhausted_plan text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	insert into plan (name) values (plan_name);
	perform plan_set(plan_name, pool_name, netmask, allows_login, filters, attributes, policy,
		suspended_plan, expired_plan, exhausted_plan);
end
$$;
