-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Where subscribers may log in from, as far as operators change it.

-- Groups stand in plans and policies by their names.
create or replace function poprad.nas_groups_check(names text[]) returns void
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
declare
	missing text := (select n.name from unnest(names) n (name) where not exists (select from nas_group g where g.name = n.name) limit 1);
begin
	if missing is not null then
		raise exception 'there is no NAS group %', missing using errcode = 'P0002', hint = 'see popradctl group list';
	end if;
end
$$;

-- A group that somebody is bound to stays: without it he could not log in at all.
create or replace function poprad.nas_group_leaves() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	holder text := (select format('plan %s', p.name) from plan p where old.name = any (p.nas_groups) order by p.name limit 1);
begin
	if holder is null then
		holder := (select format('subscriber %s', s.login) from subscriber_policy p join subscriber s using (subscriber_id)
			where old.name = any (p.nas_groups) order by s.login limit 1);
	end if;
	if holder is not null then
		raise exception '% is bound to NAS group %', holder, old.name using hint = 'give it another --nas-group first, or --no-nas-groups';
	end if;
	return null;
end
$$;

create or replace trigger nas_group_leaves after delete or update of name on poprad.nas_group
for each row execute function poprad.nas_group_leaves();

-- The next login that is let in teaches another station.
create or replace function poprad.subscriber_forget_station(wanted text) returns text
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_lock(wanted);
	station text := (select p.learned_calling_station from subscriber_policy p where p.subscriber_id = owner);
begin
	if station is null then
		raise exception '% has learned no calling station', wanted using errcode = 'P0002', hint = 'see popradctl subscriber show';
	end if;
	update subscriber_policy p set learned_calling_station = null, learned_at = null where p.subscriber_id = owner;
	return station;
end
$$;
