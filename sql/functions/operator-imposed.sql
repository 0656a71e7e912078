-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Filters that realms and groups of access servers impose.

-- The filters of those names, in their order; each must be there, once.
create or replace function poprad.filters_get(names text[]) returns table (place int, filter_id int)
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	missing text;
begin
	select n.name into missing from unnest(names) as n(name) where not exists (select from filter f where f.name = n.name) limit 1;
	if found then
		raise exception 'there is no filter %', missing using errcode = 'P0002', hint = format('popradctl filter add %s ...', missing);
	end if;
	if (select count(*) <> count(distinct n.name) from unnest(names) as n(name)) then
		raise exception 'a filter is given twice' using hint = 'name each filter once';
	end if;
	return query
	select n.place::int, f.filter_id from unnest(names) with ordinality as n(name, place) join filter f using (name);
end
$$;

-- What cannot be imposed: too many, and what no access server is ever sent.
create or replace function poprad.imposed_check(names text[]) returns void
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
declare
	wrong text;
begin
	if cardinality(names) > 8 then
		raise exception 'at most 8 filters can be imposed' using hint = 'put their rules into fewer filters';
	end if;
	select f.name into wrong from filter f where f.name = any (names) and f.scope = 'router' limit 1;
	if found then
		raise exception 'filter % is for routers and is not sent to any access server', wrong using hint = 'see popradctl filter set --scope';
	end if;
end
$$;

-- The filters that a realm imposes; they replace the present ones.
create or replace function poprad.realm_set(realm_name text, filters text[]) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_id int;
begin
	select r.realm_id into wanted_id from realm r where r.name = realm_name for update;
	if not found then
		raise exception 'there is no realm %', realm_name using errcode = 'P0002', hint = 'see popradctl realm list';
	end if;
	perform imposed_check(filters);
	delete from realm_filter where realm_id = wanted_id;
	insert into realm_filter (realm_id, position, filter_id) select wanted_id, g.place, g.filter_id from filters_get(filters) g;
end
$$;

-- The same for a group of access servers. A null argument leaves what there is.
create or replace function poprad.nas_group_set(group_name text, own_network boolean, filters text[]) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_id int;
begin
	select g.nas_group_id into wanted_id from nas_group g where g.name = group_name for update;
	if not found then
		raise exception 'there is no group %', group_name using errcode = 'P0002', hint = 'see popradctl group list';
	end if;
	update nas_group g set is_own_network = coalesce(own_network, g.is_own_network) where g.nas_group_id = wanted_id;
	if filters is null then
		return;
	end if;
	perform imposed_check(filters);
	delete from nas_group_filter where nas_group_id = wanted_id;
	insert into nas_group_filter (nas_group_id, position, filter_id)
	select wanted_id, f.place, f.filter_id from filters_get(filters) f;
end
$$;

-- Names of the filters that a realm or a group imposes, in their order.
create or replace function poprad.realm_filters(wanted int) returns jsonb
language sql stable security definer set search_path = poprad, pg_temp as $$
	select coalesce(jsonb_agg(f.name order by i.position), '[]')
	from realm_filter i join filter f using (filter_id) where i.realm_id = wanted
$$;

create or replace function poprad.nas_group_filters(wanted int) returns jsonb
language sql stable security definer set search_path = poprad, pg_temp as $$
	select coalesce(jsonb_agg(f.name order by i.position), '[]')
	from nas_group_filter i join filter f using (filter_id) where i.nas_group_id = wanted
$$;
