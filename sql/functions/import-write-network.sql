-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Access servers and pools of FreeRADIUS's tables nas and radippool.

-- A name that popradctl takes and no other has.
create or replace function poprad.import_nas_named() returns table (row_of poprad.import_nas, name text)
language sql stable set search_path = poprad, pg_temp as $$
	select n.row_of, case when row_number() over (partition by n.plain order by (n.row_of).place) > 1
		then import_name(n.plain || '-' || (n.row_of).nasname) else n.plain end
	from (select i as row_of, import_name(coalesce(nullif(trim(i.shortname), ''), i.nasname)) as plain from import_nas i) n
	order by (n.row_of).place
$$;

-- Of an address, however long its prefix; a host's name stays one, for which it will be refused.
create or replace function poprad.import_network(nasname text) returns text
language sql immutable as $$
	select case when nasname ~ '^[0-9A-Fa-f:.]+/[0-9]+$' then network(nasname::inet)::text else nasname end
$$;

create or replace function poprad.import_nas_row(named text, n poprad.import_nas, is_forced boolean) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	network text := import_network(n.nasname);
	wants text := md5(format('%s %s %s %s %s %s %s', network, n.type, n.ports, n.secret, n.server, n.community, n.description));
	ports_given int := case when n.ports ~ '^[0-9]{1,9}$' then n.ports::int end;
	fate text := import_decide('nas', named, wants, exists (select from nas e where e.name = named), is_forced);
begin
	if fate = 'new' then
		insert into radius.nas (nasname, shortname, type, ports, secret, server, community, description)
		values (network, named, n.type, ports_given, n.secret, n.server, n.community, n.description);
	elsif fate = 'changed' then
		update radius.nas e set nasname = network, type = n.type, ports = ports_given, secret = n.secret, server = n.server,
			community = n.community, description = n.description
		where e.shortname = named;
	else
		return;
	end if;
	perform import_remember('nas', named, wants);
	insert into import_report (fate, source, id, subject, message)
	select 'change', 'nas', n.id, n.nasname, m.message
	from (values (named <> coalesce(n.shortname, ''), format('its name here is %s', named)),
		(network <> n.nasname, format('it is the network %s', network)),
		((select e.kind from nas e where e.name = named) <> n.type, format('it is of kind other, for %s is not known', n.type))) m (is_so, message)
	where m.is_so;
end
$$;

create or replace function poprad.import_nas_write(is_forced boolean) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	one record;
begin
	for one in select n.* from import_nas_named() n loop
		begin
			perform import_nas_row(one.name, one.row_of, is_forced);
		exception
			when feature_not_supported or data_exception or integrity_constraint_violation or raise_exception or no_data_found then
				insert into import_report (fate, source, id, subject, message) values ('lost', 'nas', (one.row_of).id, (one.row_of).nasname,
					case sqlstate when '23505' then 'another access server has that address' else sqlerrm end);
		end;
	end loop;
end
$$;

-- Pools -------------------------------------------------------------------------------------------------------------

-- Null: it is none.
create or replace function poprad.import_address(given text) returns inet
language plpgsql immutable set search_path = poprad, pg_temp as $$
begin
	return case when masklen(given::inet) = case family(given::inet) when 4 then 32 else 128 end then given::inet end;
exception
	when data_exception then return null;
end
$$;

-- Runs of addresses that follow each other, of those that are in no pool yet.
create or replace function poprad.import_pool_runs() returns table (pool text, first inet, last inet)
language sql stable set search_path = poprad, pg_temp as $$
	select r.pool, min(r.address), max(r.address)
	from (
		select a.pool, a.address, a.address - row_number() over (partition by a.pool, family(a.address) order by a.address) as island
		from (select distinct import_name(i.pool_name) as pool, import_address(i.framedipaddress) as address from import_radippool i) a
		where a.pool <> '' and a.address is not null and not exists (select from address e where e.address = a.address and e.pool_id is not null)
	) r
	group by r.pool, family(r.address), r.island
	order by 1, 2
$$;

-- A run as few networks as hold exactly it.
create or replace function poprad.import_pool_networks(first inet, last inet) returns setof cidr
language plpgsql immutable set search_path = poprad, pg_temp as $$
declare
	at inet := first;
	bits int := case family(first) when 4 then 32 else 128 end;
	length int;
begin
	loop
		length := bits;
		-- as much wider as begins here and ends in time
		while length > bits - 16 and host(network(set_masklen(at, length - 1)))::inet = at
			and host(broadcast(set_masklen(at, length - 1)))::inet <= last
		loop
			length := length - 1;
		end loop;
		return next network(set_masklen(at, length));
		exit when host(broadcast(set_masklen(at, length)))::inet >= last;
		at := host(broadcast(set_masklen(at, length)))::inet + 1;
	end loop;
end
$$;

-- All between the first and the last address of a network is that network; any other run is as many networks as it takes.
create or replace function poprad.import_run_write(pool text, first inet, last inet) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	whole cidr := inet_merge(first, last);
	part cidr;
begin
	if host(whole)::inet + 1 = first and host(broadcast(whole))::inet - 1 = last
		and not exists (select from pool_range r where r.prefix && whole)
		and not exists (select from import_radippool i where import_address(i.framedipaddress) in (host(whole)::inet, host(broadcast(whole))::inet))
	then
		perform pool_add(pool, whole, null, false);
		return;
	end if;
	for part in select n from import_pool_networks(first, last) n loop
		perform pool_add(pool, part, null, true);
	end loop;
end
$$;

create or replace function poprad.import_pools_write() returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	run record;
begin
	insert into import_report (fate, source, id, subject, message)
	select 'lost', 'radippool', i.id, coalesce(i.framedipaddress, ''), case when e.pool is not null then format('it is in pool %s here', e.pool)
		else 'an address and a pool are needed' end
	from import_radippool i
	left join lateral (select p.name as pool from address a join pool p using (pool_id)
		where a.address = import_address(i.framedipaddress) and p.name <> import_name(i.pool_name)) e on true
	where e.pool is not null or import_address(i.framedipaddress) is null or coalesce(i.pool_name, '') = '' order by i.place;
	for run in select r.* from import_pool_runs() r loop
		begin
			perform import_run_write(run.pool, run.first, run.last);
			insert into import_report (fate, source, subject, message)
			values ('new', 'pool', run.pool, format('%s to %s', host(run.first), host(run.last)));
		exception
			when feature_not_supported or data_exception or integrity_constraint_violation or raise_exception or no_data_found then
				insert into import_report (fate, source, subject, message)
				values ('lost', 'radippool', run.pool, format('%s to %s: %s', host(run.first), host(run.last), sqlerrm));
		end;
	end loop;
	insert into import_report (fate, source, subject, message)
	select 'change', 'radippool', n.pool_name, format('the name of the pool here is %s', import_name(n.pool_name))
	from (select distinct i.pool_name from import_radippool i) n where import_name(n.pool_name) <> n.pool_name order by 3;
end
$$;

-- Who had which address last gets it again.
create or replace function poprad.import_last_addresses() returns void
language sql set search_path = poprad, pg_temp as $$
	update subscriber_state t set last_address = w.address
	from (
		select distinct on (s.subscriber_id) s.subscriber_id, a.address
		from import_radippool i join subscriber s on s.login = import_login(i.username)
		join address a on a.address = import_address(i.framedipaddress)
		where i.username <> '' order by s.subscriber_id, i.expiry_time desc, i.place
	) w
	where t.subscriber_id = w.subscriber_id and t.last_address is null
$$;
