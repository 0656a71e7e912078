-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What subscribers have of their own of filters. The login path reads it from poprad.subscriber_policy.

create or replace function poprad.subscriber_exemption_changed() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
	ids int[];
begin
	foreach owner in array array(select distinct o from unnest(array[old.subscriber_id, new.subscriber_id]) o
			where o is not null order by o) loop
		select array_agg(e.filter_id order by e.filter_id) into ids from subscriber_exemption e where e.subscriber_id = owner;
		if ids is null then
			update subscriber_policy p set exempt_filter_ids = null where p.subscriber_id = owner;
		else
			insert into subscriber_policy as p (subscriber_id, exempt_filter_ids) values (owner, ids)
			on conflict (subscriber_id) do update set exempt_filter_ids = excluded.exempt_filter_ids;
		end if;
	end loop;
	return null;
end
$$;

create or replace trigger subscriber_exemption_changed after insert or update or delete on poprad.subscriber_exemption
for each row execute function poprad.subscriber_exemption_changed();

-- subscriber_lock(), and what popradctl has checked of the catalog stays so.
create or replace function poprad.subscriber_filters_lock(wanted text) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	perform from catalog_version for share;
	return subscriber_lock(wanted);
end
$$;

-- Refuses an exemption that would do nothing: the plan must have the filter, and the realm must not impose it.
create or replace function poprad.subscriber_exempt_check(owner int, wanted_filter_id int, filter_name text) returns void
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
declare
	imposing text;
	plan_name text;
begin
	select 'realm ' || r.name into imposing
	from subscriber s join realm_filter i using (realm_id) join realm r using (realm_id)
	where s.subscriber_id = owner and i.filter_id = wanted_filter_id;
	select p.name into plan_name from subscriber s join plan p using (plan_id) where s.subscriber_id = owner
		and not exists (select from plan_filter f where f.plan_id = p.plan_id and f.filter_id = wanted_filter_id);
	if imposing is null and plan_name is not null then
		select 'group ' || g.name into imposing from nas_group_filter i join nas_group g using (nas_group_id)
		where i.filter_id = wanted_filter_id order by g.name limit 1;
	end if;
	if imposing is not null then
		raise exception '% imposes filter %, and nobody is exempt from it', imposing, filter_name
			using hint = format('popradctl %s set %s', split_part(imposing, ' ', 1), split_part(imposing, ' ', 2));
	end if;
	if plan_name is not null then
		raise exception 'plan % does not have filter %', plan_name, filter_name using hint = format('popradctl plan show %s', plan_name);
	end if;
end
$$;

-- He goes without that filter of his plan. Given again, reason and time are those of the last call.
create or replace function poprad.subscriber_exempt(wanted text, filter_name text, reason text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_filters_lock(wanted);
	wanted_filter_id int := (select f.filter_id from filter f where f.name = filter_name);
begin
	if wanted_filter_id is null then
		raise exception 'there is no filter %', filter_name using errcode = 'P0002', hint = 'see popradctl filter list';
	end if;
	perform subscriber_exempt_check(owner, wanted_filter_id, filter_name);
	insert into subscriber_exemption as e (subscriber_id, filter_id, reason)
	values (owner, wanted_filter_id, subscriber_exempt.reason)
	on conflict (subscriber_id, filter_id) do update set reason = excluded.reason, exempted_at = excluded.exempted_at;
end
$$;

create or replace function poprad.subscriber_exempt_end(wanted text, filter_name text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_filters_lock(wanted);
begin
	delete from subscriber_exemption e
	where e.subscriber_id = owner and e.filter_id = (select f.filter_id from filter f where f.name = filter_name);
	if not found then
		raise exception '% is not exempt from filter %', wanted, filter_name using errcode = 'P0002', hint = 'see popradctl subscriber show';
	end if;
end
$$;

-- The filter set stands in the place of the plan's filters. set_name null: no longer.
create or replace function poprad.subscriber_quarantine(wanted text, set_name text, reason text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_filters_lock(wanted);
	wanted_id int := (select s.filter_set_id from filter_set s where s.name = set_name);
begin
	if set_name is not null and wanted_id is null then
		raise exception 'there is no filter set %', set_name using errcode = 'P0002', hint = 'see popradctl filterset list';
	end if;
	if set_name is null and not exists (select from subscriber_policy p
			where p.subscriber_id = owner and p.quarantine_filter_set_id is not null) then
		raise exception '% is not in quarantine', wanted using errcode = 'P0002', hint = 'see popradctl subscriber show';
	end if;
	perform subscriber_policy_set(wanted, jsonb_build_object('quarantine_filter_set_id', wanted_id, 'quarantine_reason', reason,
		'quarantined_at', case when set_name is not null then now() end));
end
$$;

-- For people: the filters that he is exempt from, and his quarantine or null.
drop function if exists poprad.subscriber_exemptions;
create function poprad.subscriber_exemptions(owner int) returns jsonb
language sql stable set search_path = poprad, pg_temp as $$
	select coalesce(jsonb_agg(jsonb_build_object('filter', f.name, 'reason', e.reason, 'since', iso_time(e.exempted_at)) order by f.name), '[]')
	from subscriber_exemption e join filter f using (filter_id) where e.subscriber_id = owner
$$;

drop function if exists poprad.subscriber_quarantined;
create function poprad.subscriber_quarantined(owner int) returns jsonb
language sql stable set search_path = poprad, pg_temp as $$
	select jsonb_build_object('filter_set', s.name, 'reason', p.quarantine_reason, 'since',
		iso_time(p.quarantined_at))
	from subscriber_policy p join filter_set s on s.filter_set_id = p.quarantine_filter_set_id where p.subscriber_id = owner
$$;
