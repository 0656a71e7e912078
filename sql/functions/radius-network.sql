-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Access servers, sessions and addresses as tools write them.

create or replace function radius.nas_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	known constant text[] := array['cisco', 'mikrotik', 'juniper', 'usr', 'portmaster', 'ascend', 'nokia', 'huawei', 'accel-ppp',
		'l2tpns', 'pppd', 'other'];
	changed_id int;
begin
	if tg_op = 'DELETE' then
		delete from nas n where n.nas_id = old.id;
		return old;
	end if;
	if new.nasname !~ '^[0-9A-Fa-f:.]+(/[0-9]+)?$' then
		perform radius.refuse('nas ' || coalesce(new.nasname, ''), 'an access server is known by its address or network, not by a name',
			'give the address');
	end if;
	new.type := case when new.type = any (known) then new.type else 'other' end;
	if tg_op = 'INSERT' then
		insert into nas (name, prefix, secret, kind) values (new.shortname, new.nasname::cidr, new.secret, new.type)
		returning nas_id into changed_id;
	else
		changed_id := old.id;
		update nas n set name = new.shortname, prefix = new.nasname::cidr, secret = new.secret, kind = new.type where n.nas_id = old.id;
	end if;
	insert into nas_note (nas_id, ports, server, community, description)
	values (changed_id, new.ports, new.server, new.community, new.description)
	on conflict (nas_id) do update set ports = excluded.ports, server = excluded.server, community = excluded.community,
		description = excluded.description;
	new.id := changed_id;
	return new;
end
$$;

-- A session that is shown as open is closed; one that has ended is shown no more.
create or replace function radius.radacct_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	ignored constant text[] := array['acctstoptime', 'acctterminatecause', 'acctsessiontime', 'acctupdatetime'];
begin
	if tg_op = 'INSERT' then
		perform radius.refuse('radacct', 'sessions come from access servers alone', null);
	elsif tg_op = 'DELETE' then
		if old.acctstoptime is null then
			perform radius.refuse('session ' || old.acctuniqueid, 'it is open', 'set acctstoptime first, which closes it');
		end if;
		insert into hidden_session (session_key) values (old.acctuniqueid::uuid) on conflict do nothing;
		return old;
	elsif to_jsonb(new) - ignored <> to_jsonb(old) - ignored or old.acctstoptime is not null or new.acctstoptime is null then
		perform radius.refuse('session ' || old.acctuniqueid, 'an open session can be closed, and nothing else of it changed',
			'set acctstoptime and acctterminatecause');
	end if;
	perform session_close(old.acctuniqueid::uuid, coalesce(nullif(new.acctterminatecause, ''), 'Admin-Reset'));
	return new;
end
$$;

create or replace function radius.read_only() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	perform radius.refuse(tg_table_name, case tg_table_name when 'radippool' then 'addresses are leased by the server alone'
		else 'the server alone says who has tried to log in' end,
		case tg_table_name when 'radippool' then 'popradctl pool add' end);
	return null;
end
$$;
