-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Makes plans and subscribers of what was resolved, through the functions that also serve tools which write FreeRADIUS's
-- tables, so that an attribute becomes the same either way. What they refuse is reported with their sentence.

-- What the views of the schema radius show of one, so that a change can be told from none.
create or replace function poprad.import_shown(kind text, named text) returns text
language plpgsql stable set search_path = poprad, pg_temp as $$
begin
	return case kind
		when 'plan' then (select md5(coalesce(string_agg(r::text, '|' order by r::text), '')) from (
			select attribute, value from radius.radgroupcheck where groupname = named
			union all select attribute, value from radius.radgroupreply where groupname = named) r)
		when 'subscriber' then (select md5(coalesce(string_agg(r::text, '|' order by r::text), '')) from (
			select attribute, value from radius.radcheck where username = named
			union all select attribute, value from radius.radreply where username = named
			union all select 'group', groupname from radius.radusergroup where username = named) r)
		else (select md5(n::text) from (select nasname, shortname, type, ports, secret, server, community, description
			from radius.nas where shortname = named) n)
	end;
end
$$;

create or replace function poprad.import_digest(list jsonb) returns text
language sql immutable as $$
	select md5(coalesce(string_agg(format('%s %s %s', l.value ->> 'name', l.value ->> 'op', l.value ->> 'value'), '|' order by l.place), ''))
	from jsonb_array_elements(list) with ordinality l (value, place)
$$;

-- Whether it is to be written: 'new' and 'changed' are. What has been changed here since stays as it is, and so does what did not
-- come from an import, unless is_forced.
create or replace function poprad.import_decide(of_kind text, named text, wants text, is_there boolean, is_forced boolean)
returns text language plpgsql set search_path = poprad, pg_temp as $$
declare
	before imported;
	fate text;
	message text;
begin
	select m.* into before from imported m where m.kind = of_kind and m.name = named;
	fate := case
		when not is_there and (before.name is null or is_forced) then 'new'
		when not is_there then 'left'
		when before.wanted = wants then 'same'
		when is_forced or before.shown = import_shown(of_kind, named) then 'changed'
		else 'left' end;
	message := case when fate <> 'left' then null when not is_there then 'it has been removed here since'
		when before.name is null then 'it is here already, and was not imported' else 'it has been changed here since, and there too' end;
	insert into import_report (fate, source, subject, message) values (fate, of_kind, named, message);
	return fate;
end
$$;

create or replace function poprad.import_remember(of_kind text, named text, wants text) returns void
language sql set search_path = poprad, pg_temp as $$
	insert into imported (kind, name, wanted, shown) values (of_kind, named, wants, import_shown(of_kind, named))
	on conflict (kind, name) do update set wanted = excluded.wanted, shown = excluded.shown, imported_at = now()
$$;

create or replace function poprad.import_lose(item jsonb, subject text, state text, message text) returns void
language sql set search_path = poprad, pg_temp as $$
	insert into import_report (fate, source, id, subject, message)
	values ('lost', item ->> 'source', item ->> 'id', subject, case state when '23505' then format('%s: another one has it already',
		item ->> 'attribute') else message end)
$$;

-- A plan whose row is ours, as the lists say.
create or replace function poprad.import_plan_write(named text, lists jsonb) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	item jsonb;
begin
	perform radius.group_get(named);
	perform plan_set(named, '', null, null, null, '{}', '{"session_limit": 0, "session_timeout_s": 0, "idle_timeout_s": 0, "interim_s": 0}',
		null, null, null);
	for item in select l.value from jsonb_array_elements(lists) l loop
		begin
			if item ->> 'source' in ('radgroupreply', 'radreply') then
				insert into radius.radgroupreply (groupname, attribute, op, value) values (named, item ->> 'attribute', '+=', item ->> 'value');
			elsif import_check_place(item ->> 'name') = 'plan' then
				insert into radius.radgroupcheck (groupname, attribute, op, value) values (named, item ->> 'attribute', ':=', item ->> 'value');
			end if;
		exception
			when feature_not_supported or data_exception or integrity_constraint_violation or raise_exception or no_data_found then
				perform import_lose(item, named, sqlstate, sqlerrm);
		end;
	end loop;
end
$$;

create or replace function poprad.import_plans_write(is_forced boolean) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	one record;
begin
	for one in
		select p.plan, p.checks || p.replies as lists, import_digest(p.checks || p.replies) as wants,
			exists (select from plan e where e.name = p.plan) as is_there
		from import_plan p order by p.plan
	loop
		if import_decide('plan', one.plan, one.wants, one.is_there, is_forced) in ('new', 'changed') then
			perform import_plan_write(one.plan, one.lists);
			perform import_remember('plan', one.plan, one.wants);
		end if;
	end loop;
	insert into import_report (fate, source, id, subject, message)
	select 'change', 'radgroupcheck', i.id, i.owner, format('%s: it is held by each of his subscribers', i.attribute)
	from import_understood i where i.source = 'radgroupcheck' and i.is_understood and import_check_place(i.name) <> 'plan' order by i.place;
end
$$;

-- As if he had just been entered with that plan, but for what has no place in FreeRADIUS's tables.
create or replace function poprad.import_subscriber_clear(named text, plan text) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_lock(named);
begin
	update subscriber s set plan_id = plan_get(plan), password = '{none}', expires_at = null, status = 'active', static_address = null, framed_ipv6_prefix = null,
		delegated_ipv6_prefix = null, attributes = '{}'
	where s.subscriber_id = owner;
	if exists (select from subscriber_policy p where p.subscriber_id = owner) then
		perform subscriber_policy_set(named, '{"session_limit": null, "session_timeout_s": null, "idle_timeout_s": null, "interim_s": null,
			"calling_stations": null, "called_stations": null}');
	end if;
end
$$;

-- In UTC, as radcheck's Expiration is read here.
create or replace function poprad.import_expiration(value text, zone text) returns text
language sql stable as $$
	select to_char((case when value ~ '^[0-9]{9,10}$' then to_timestamp(value::float8) else value::timestamp at time zone zone end)
		at time zone 'UTC', 'DD Mon YYYY HH24:MI:SS')
$$;

-- One row of his.
create or replace function poprad.import_item_write(owner int, named text, item jsonb, zone text) returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	if item ->> 'source' in ('radreply', 'radgroupreply') then
		perform radius.reply_set(owner, item ->> 'attribute', '+=', item ->> 'value');
	elsif item ->> 'name' = 'expiration' then
		perform radius.check_set(owner, item ->> 'attribute', ':=', import_expiration(item ->> 'value', zone));
	elsif item ->> 'name' like '%-station-id' then
		perform radius.check_set(owner, item ->> 'attribute', item ->> 'op', item ->> 'value');
	else
		perform radius.check_set(owner, item ->> 'attribute', ':=', item ->> 'value');
	end if;
exception
	when feature_not_supported or data_exception or integrity_constraint_violation or raise_exception or no_data_found then
		perform import_lose(item, named, sqlstate, sqlerrm);
end
$$;

-- Of several rows of which he can have one the first stays; of passwords the one that serves most methods.
create or replace function poprad.import_only(list jsonb) returns table (item jsonb, is_kept boolean, kind text)
language sql immutable as $$
	select l.value, k.kind is null or row_number() over (partition by k.kind order by
		case l.value ->> 'name' when 'cleartext-password' then 1 when 'user-password' then 1 when 'nt-password' then 2 else 3 end, l.place) = 1,
		k.kind
	from jsonb_array_elements(list) with ordinality l (value, place)
	cross join lateral (select case
		when l.value ->> 'source' in ('radcheck', 'radgroupcheck') then
			case poprad.import_check_place(l.value ->> 'name') when 'password' then 'password'
				else (select n from unnest(array['simultaneous-use', 'expiration']) n where n = l.value ->> 'name') end
		else (select n from unnest(array['session-timeout', 'idle-timeout', 'acct-interim-interval', 'framed-ip-address', 'framed-ipv6-address',
			'framed-ipv6-prefix', 'delegated-ipv6-prefix']) n where n = l.value ->> 'name') end as kind) k
	order by l.place
$$;

-- Nothing of his is set yet.
create or replace function poprad.import_subscriber_write(named text, list jsonb, is_kept_out boolean, zone text) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_lock(named);
	one record;
begin
	for one in select o.* from import_only(list) o loop
		if one.is_kept then
			perform import_item_write(owner, named, one.item, zone);
		else
			insert into import_report (fate, source, id, subject, message)
			values ('change', one.item ->> 'source', one.item ->> 'id', named, format('%s: he has another %s already', one.item ->> 'attribute',
				one.kind));
		end if;
	end loop;
	if is_kept_out then
		update subscriber s set status = 'suspended' where s.subscriber_id = owner;
		insert into import_report (fate, source, subject, message)
		values ('change', 'subscriber', named, 'suspended: a condition of his or of his group is lost, which might have kept him out');
	end if;
end
$$;

-- Those who are new have no password at first.
create or replace function poprad.import_subscribers_write(is_forced boolean, zone text) returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	one record;
begin
	insert into realm (name) select distinct substring(u.login from '@([^@]+)$') from import_user u where u.login ~ '@[^@]+$'
	on conflict (name) do nothing;
	for one in
		select u.login, p.plan, u.checks || u.replies as list, w.is_kept_out,
			md5(format('%s %s %s', import_digest(u.checks || u.replies), p.plan, w.is_kept_out)) as wants,
			exists (select from subscriber s where s.login = u.login) as is_there
		from import_user u join import_plan p on p.chain = u.chain and p.pool = u.pool
		cross join lateral (select u.is_kept_out or p.is_conditional as is_kept_out) w
		order by u.login
	loop
		case import_decide('subscriber', one.login, one.wants, one.is_there, is_forced)
		when 'new' then
			insert into subscriber (login, plan_id, password) values (one.login, plan_get(one.plan), '{none}');
		when 'changed' then
			perform import_subscriber_clear(one.login, one.plan);
		else
			continue;
		end case;
		perform import_subscriber_write(one.login, one.list, one.is_kept_out, zone);
		perform import_remember('subscriber', one.login, one.wants);
	end loop;
	insert into import_report (fate, source, subject, message)
	select 'left', m.kind, m.name, 'it is no longer in the source'
	from imported m
	where m.kind = 'subscriber' and not exists (select from import_user u where u.login = m.name)
		and exists (select from subscriber s where s.login = m.name)
	order by m.name;
end
$$;
