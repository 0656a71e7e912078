-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Tunnels stand in plans and policies by their names. Whoever writes those, each name is there, and stays as long as it is
-- used: a line whose tunnel is not known could not be let in.

create or replace function poprad.tunnels_named() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	known text[];
	missing text;
begin
	-- The lock lets none of them go until this is committed.
	known := array(select k.name from (select t.name from tunnel t where t.name = any (new.tunnels) order by t.name for key share) k);
	missing := (select n.name from unnest(new.tunnels) n (name) where n.name <> all (known) limit 1);
	if missing is not null then
		raise exception 'there is no tunnel %', missing using errcode = 'P0002', hint = 'see popradctl tunnel list';
	end if;
	return new;
end
$$;

create or replace trigger tunnels_named before insert or update of tunnels on poprad.plan
for each row when (new.tunnels <> '{}') execute function poprad.tunnels_named();
create or replace trigger tunnels_named before insert or update of tunnels on poprad.subscriber_policy
for each row when (new.tunnels <> '{}') execute function poprad.tunnels_named();

create or replace function poprad.tunnel_leaves() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	holder text := (select format('plan %s', p.name) from plan p where old.name = any (p.tunnels) order by p.name limit 1);
begin
	if holder is null then
		holder := (select format('subscriber %s', s.login) from subscriber_policy p join subscriber s using (subscriber_id)
			where old.name = any (p.tunnels) order by s.login limit 1);
	end if;
	if holder is not null then
		raise exception '% uses tunnel %', holder, old.name using hint = 'give it another --tunnel first, or --no-tunnels';
	end if;
	return null;
end
$$;

create or replace trigger tunnel_leaves after delete or update of name on poprad.tunnel
for each row execute function poprad.tunnel_leaves();
