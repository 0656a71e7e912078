-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The catalog as one document, and its version. A worker reads it whole, in one statement and therefore one snapshot;
-- it learns of changes by NOTIFY poprad_catalog, and by asking for the version now and then, should a notice be lost.
-- 0 stands for "none" in numbers that name another row.

-- What few plans say, and the document leaves out of the others: where their subscribers may log in from, tunnels,
-- and quotas.
drop function if exists poprad.plan_binding; -- of an earlier version
create or replace function poprad.plan_rare(p poprad.plan) returns jsonb
language sql stable set search_path = poprad, pg_temp as $$
	select coalesce(jsonb_object_agg(b.key, b.value), '{}')
	from jsonb_each(jsonb_build_object('calling_stations', p.calling_stations, 'called_stations', p.called_stations,
		'nas_port_types', p.nas_port_types, 'nas_groups', p.nas_groups, 'learn_calling_station', p.learn_calling_station,
		'tunnels', p.tunnels, 'tunnel_address', p.tunnel_address, 'quota_day_s', p.quota_day_s,
		'quota_day_octets', p.quota_day_octets, 'quota_month_s', p.quota_month_s, 'quota_month_octets', p.quota_month_octets,
		'quota_counts', p.quota_counts, 'prepaid', p.prepaid, 'exhausted_plan_id', p.exhausted_plan_id)) b
	where b.value not in ('[]', 'false', '0', 'null', '"both"')
$$;

-- Where a plan's subscribers get prefixes from: the same.
create or replace function poprad.plan_prefixes(p poprad.plan) returns jsonb
language sql stable set search_path = poprad, pg_temp as $$
	select case when num_nonnulls(p.framed_ipv6_pool_id, p.delegated_ipv6_pool_id) = 0 then '{}'
		else jsonb_build_object('framed_ipv6_pool_id', coalesce(p.framed_ipv6_pool_id, 0), 'delegated_ipv6_pool_id',
			coalesce(p.delegated_ipv6_pool_id, 0), 'prefix_required', p.prefix_required) end
$$;

-- wanted: of these NASes alone; null: of all.
create or replace function poprad.catalog_document(wanted int[]) returns jsonb
language sql stable security definer set search_path = poprad, pg_temp as $$
	select jsonb_build_object(
		'version', (select version from catalog_version),
		'has_quotas', (select has_quotas from catalog_version),
		'nas', (
			select coalesce(jsonb_agg(jsonb_build_object('nas_id', n.nas_id, 'name', n.name, 'prefix', n.prefix,
				'secret', n.secret, 'kind', n.kind, 'nas_group_id', coalesce(n.nas_group_id, 0), 'nas_group', coalesce(g.name, ''),
				'is_own_network', coalesce(g.is_own_network, true),
				'require_message_authenticator', n.require_message_authenticator,
				'limit_proxy_state', n.limit_proxy_state, 'no_accounting', n.no_accounting,
				'timeout_ms', n.timeout_ms, 'filter_form', n.filter_form)
				|| case n.filter_form when 'filter-server' then jsonb_build_object('filter_password', coalesce(n.filter_password, 'cisco'))
					else '{}' end || case when n.ends_tunnels then '{"ends_tunnels": true}'::jsonb else '{}' end order by n.nas_id), '[]')
			from nas n left join nas_group g on g.nas_group_id = n.nas_group_id
			where wanted is null or n.nas_id = any (wanted)),
		'learned', (select coalesce(jsonb_agg(host(l.source) order by l.source), '[]') from nas_learned l),
		'pool_ranges', (
			select coalesce(jsonb_agg(jsonb_build_object('pool_range_id', r.pool_range_id, 'pool_id', r.pool_id,
				'nas_group_id', coalesce(r.nas_group_id, 0), 'first', host(r.first_address),
				'last', host(r.last_address)) order by r.pool_range_id), '[]')
			from pool_range r where masklen(r.first_address) = case family(r.first_address) when 4 then 32 else 128 end), -- of addresses
		-- those that rules name
		'pools', (
			select coalesce(jsonb_agg(jsonb_build_object('name', p.name, 'networks', (
					select coalesce(jsonb_agg(r.prefix order by r.prefix), '[]')
					from pool_range r where r.pool_id = p.pool_id)) order by p.name), '[]')
			from pool p
			where p.pool_id in (select r.source_pool_id from filter_rule r union select r.destination_pool_id from filter_rule r)),
		'filters', (
			select coalesce(jsonb_agg(jsonb_build_object('filter_id', f.filter_id, 'name', f.name,
				'direction', f.direction, 'scope', f.scope, 'rules', (
					select coalesce(jsonb_agg(filter_rule_text(r) order by r.position), '[]')
					from filter_rule r where r.filter_id = f.filter_id)) order by f.filter_id), '[]')
			from filter f),
		'filter_sets', (
			select coalesce(jsonb_agg(jsonb_build_object('filter_set_id', s.filter_set_id, 'name', s.name, 'in_filter_id', coalesce(s.in_filter_id, 0),
				'out_filter_id', coalesce(s.out_filter_id, 0), 'names', (
					select coalesce(jsonb_object_agg(n.kind, n.name order by n.kind), '{}')
					from filter_set_name n where n.filter_set_id = s.filter_set_id)) order by s.name), '[]')
			from filter_set s),
		-- those that impose filters
		'realms', (
			select coalesce(jsonb_agg(jsonb_build_object('name', r.name, 'filters', (
					select jsonb_agg(i.filter_id order by i.position) from realm_filter i where i.realm_id = r.realm_id))
				order by r.name), '[]')
			from realm r where exists (select from realm_filter i where i.realm_id = r.realm_id)),
		'nas_groups', (
			select coalesce(jsonb_agg(jsonb_build_object('nas_group_id', g.nas_group_id, 'name', g.name, 'filters', (
					select jsonb_agg(i.filter_id order by i.position) from nas_group_filter i
					where i.nas_group_id = g.nas_group_id)) order by g.nas_group_id), '[]')
			from nas_group g where exists (select from nas_group_filter i where i.nas_group_id = g.nas_group_id)),
		'tunnels', (
			select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(t) - 'tunnel_id') order by t.name), '[]') from tunnel t),
		'plans', (
			select coalesce(jsonb_agg(jsonb_build_object('plan_id', p.plan_id, 'name', p.name,
				'pool_id', coalesce(p.pool_id, 0), 'session_limit', p.session_limit,
				'session_timeout_s', p.session_timeout_s, 'idle_timeout_s', p.idle_timeout_s,
				'interim_s', p.interim_s, 'rate_in_kbit', p.rate_in_kbit, 'rate_out_kbit', p.rate_out_kbit,
				'dns_servers', to_jsonb(p.dns_servers), 'login_hours', p.login_hours::text, 'time_zone', p.time_zone,
				'address_list', p.address_list,
				'suspended_plan_id', coalesce(p.suspended_plan_id, 0), 'expired_plan_id', coalesce(p.expired_plan_id, 0),
				'netmask', host(p.netmask), 'allows_login', p.allows_login,
				'filters', (
					select coalesce(jsonb_agg(f.filter_id order by f.position), '[]')
					from plan_filter f where f.plan_id = p.plan_id),
				'attributes', to_jsonb(p.attributes)) || plan_rare(p) || plan_prefixes(p) order by p.plan_id), '[]')
			from plan p))
$$;

create or replace function poprad.catalog() returns jsonb
language sql stable security definer set search_path = poprad, pg_temp as $$
	select catalog_document(null)
$$;

-- For whoever wants to know what filters become: the same with one NAS of each sort that matters for them, and what
-- subscribers have of their own of filters, each combination once.
create or replace function poprad.catalog_for_filters() returns jsonb
language sql stable security definer set search_path = poprad, pg_temp as $$
	select catalog_document(array(
		select min(n.nas_id) from nas n left join nas_group g on g.nas_group_id = n.nas_group_id
		group by n.kind, n.filter_form, coalesce(g.is_own_network, true), 
			array(select i.filter_id from nas_group_filter i where i.nas_group_id = g.nas_group_id order by i.position)))
		|| jsonb_build_object('own_filters', (
			select coalesce(jsonb_agg(jsonb_build_object('plan_id', o.plan_id, 'realm', o.realm, 'policy', jsonb_strip_nulls(jsonb_build_object(
				'exempt_filter_ids', o.exempt_filter_ids, 'quarantine_filter_set_id', o.quarantine_filter_set_id)))), '[]')
			from (
				select s.plan_id, i.name as realm, p.exempt_filter_ids, p.quarantine_filter_set_id
				from subscriber_policy p join subscriber s using (subscriber_id)
				left join (select distinct r.realm_id, r.name from realm r join realm_filter f using (realm_id)) i using (realm_id)
				where p.exempt_filter_ids is not null or p.quarantine_filter_set_id is not null
				group by s.plan_id, i.name, p.exempt_filter_ids, p.quarantine_filter_set_id
				order by s.plan_id, i.name, p.exempt_filter_ids, p.quarantine_filter_set_id
			) o))
$$;

-- The same with that NAS alone; null: there is none of that name.
create or replace function poprad.catalog_for_nas(nas_name text) returns jsonb
language sql stable security definer set search_path = poprad, pg_temp as $$
	select catalog_document(array[n.nas_id]) from nas n where n.name = nas_name
$$;

create or replace function poprad.catalog_version() returns bigint
language sql stable security definer set search_path = poprad, pg_temp as $$
	select version from catalog_version
$$;

create or replace function poprad.catalog_changed() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	update catalog_version v set version = v.version + 1, has_quotas = v.has_own_quotas or exists (
		select from plan p
		where p.quota_day_s > 0 or p.quota_day_octets > 0 or p.quota_month_s > 0 or p.quota_month_octets > 0 or p.prepaid);
	notify poprad_catalog;
	return null;
end
$$;

-- A subscriber has a quota of his own, or is prepaid. His open sessions are looked at with their next records.
create or replace function poprad.own_quotas_changed() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	update catalog_version set version = version + 1, has_own_quotas = true, has_quotas = true where not has_own_quotas;
	if found then
		notify poprad_catalog;
	end if;
	update session s set quota_at_s = 0 where s.subscriber_id = new.subscriber_id and s.state <> 'closed';
	return null;
end
$$;
create or replace trigger own_quotas_changed
after insert or update of quota_day_s, quota_day_octets, quota_month_s, quota_month_octets, quota_counts, prepaid
on poprad.subscriber_policy
for each row when (new.quota_day_s > 0 or new.quota_day_octets > 0 or new.quota_month_s > 0 or new.quota_month_octets > 0
	or new.prepaid)
execute function poprad.own_quotas_changed();

do $$
declare
	name text;
begin
	foreach name in array array['nas', 'nas_group', 'nas_learned', 'pool', 'pool_range', 'filter', 'filter_rule',
			'filter_set', 'filter_set_name', 'realm_filter', 'nas_group_filter', 'tunnel', 'plan',
			'plan_filter'] loop
		execute format('create or replace trigger catalog_changed after insert or update or delete or truncate '
			'on poprad.%I for each statement execute function poprad.catalog_changed()', name);
	end loop;
	-- A new realm imposes nothing.
	create or replace trigger catalog_changed after update on poprad.realm
	for each statement execute function poprad.catalog_changed();
end
$$;
