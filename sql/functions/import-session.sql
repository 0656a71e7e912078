-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Sessions of FreeRADIUS's table radacct, some hundred rows a transaction. A session's key is made of when it began and of
-- acctuniqueid, so that the same row has the same key in every import. Those that have ended go into history, and what was used
-- is booked to their days; open ones go on here with the next record of their access server.

-- Null: it is none. zone: of a time that names none.
create or replace function poprad.import_time(given text, zone text) returns timestamptz
language plpgsql stable set search_path = poprad, pg_temp as $$
begin
	return case when given !~ '^[0-9]{4}-' or given like '0000%' then null
		when given ~ '([+-][0-9:]+|Z)$' and given ~ ':' then given::timestamptz else given::timestamp at time zone zone end;
exception
	when data_exception then return null;
end
$$;

create or replace function poprad.import_prefix(given text) returns cidr
language plpgsql immutable set search_path = poprad, pg_temp as $$
begin
	return network(nullif(given, '')::inet);
exception
	when data_exception then return null;
end
$$;

create or replace function poprad.import_session_key(began_at timestamptz, unique_id text) returns uuid
language sql immutable as $$
	select (lpad(to_hex((extract(epoch from began_at) * 1000)::bigint), 12, '0') || '7' || substr(md5(unique_id), 1, 3) || '8'
		|| substr(md5(unique_id), 4, 15))::uuid
$$;

-- Counters that cannot be are nothing.
create or replace function poprad.import_counter(given text) returns bigint
language sql immutable as $$
	select greatest(poprad.import_number(given), 0)
$$;

-- The rows behind that place, up to as many, as sessions: closed ones with cause_rank 4, those that have not been heard of for a day
-- with 1, which is a guess. A row of which nothing says when it was is left out.
drop function if exists poprad.import_sessions_read;
create function poprad.import_sessions_read(behind bigint, many int, zone text) returns table (place bigint, made poprad.session)
language plpgsql stable set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return query
	select i.place, case when b.began_at is null then null else jsonb_populate_record(null::session, jsonb_build_object(
		'session_key', import_session_key(b.began_at, coalesce(nullif(i.acctuniqueid, ''), i.radacctid)),
		'state', case when e.ended_at is null then 'active' else 'closed' end,
		'subscriber_id', s.subscriber_id, 'plan_id', s.plan_id, 'nas_id', coalesce(n.nas_id, 0), 'nas_address', coalesce(a.nas, '0.0.0.0'),
		'nas_ip_address', a.nas, 'nas_port_id', nullif(i.nasportid, ''), 'nas_port', case when i.nasportid ~ '^[0-9]{1,10}$' then i.nasportid end,
		'nas_port_type', nullif(i.nasporttype, ''), 'calling_station_id', nullif(i.callingstationid, ''),
		'called_station_id', nullif(i.calledstationid, ''), 'user_name', coalesce(i.username, ''), 'acct_session_id', coalesce(i.acctsessionid, ''),
		'class', nullif(i.class, ''), 'framed_address', import_address(i.framedipaddress),
		'framed_ipv6_address', import_address(i.framedipv6address), 'framed_ipv6_prefix', import_prefix(i.framedipv6prefix),
		'framed_interface_id', nullif(i.framedinterfaceid, ''), 'delegated_ipv6_prefix', import_prefix(i.delegatedipv6prefix),
		'service_type', nullif(i.servicetype, ''), 'framed_protocol', nullif(i.framedprotocol, ''), 'authentic', nullif(i.acctauthentic, ''),
		'connect_info_start', nullif(i.connectinfo_start, ''), 'connect_info_stop', nullif(i.connectinfo_stop, ''))
		|| jsonb_build_object('started_at', b.began_at, 'updated_at', e.heard_at, 'last_heard', e.heard_at, 'stopped_at', e.ended_at,
		'closed_at', e.ended_at, 'terminate_cause', case when t.stopped_at is not null then coalesce(nullif(i.acctterminatecause, ''), 'User-Request')
			when e.ended_at is not null then 'Lost-Service' end,
		'cause_rank', case when t.stopped_at is not null then 4 when e.ended_at is not null then 1 else 0 end,
		'interim_s', case when e.ended_at is null then coalesce(p.interim_s, 0) else 0 end,
		'session_time', case when i.acctsessiontime ~ '^[0-9]+$' then import_counter(i.acctsessiontime)
			else greatest(extract(epoch from e.heard_at - b.began_at), 0)::bigint end,
		'in_octets', import_counter(i.acctinputoctets), 'out_octets', import_counter(i.acctoutputoctets),
		'day_ends', case when s.subscriber_id is null then 'infinity'::timestamptz end)) end
	from import_radacct i
	cross join lateral (select import_time(i.acctstarttime, zone) as started_at, import_time(i.acctupdatetime, zone) as updated_at,
		import_time(i.acctstoptime, zone) as stopped_at offset 0) t
	cross join lateral (select coalesce(t.started_at, coalesce(t.stopped_at, t.updated_at)
		- least(import_counter(i.acctsessiontime), 10 ^ 9) * interval '1 second') as began_at offset 0) b
	cross join lateral (select least(greatest(coalesce(t.stopped_at, t.updated_at, b.began_at), b.began_at), now()) as heard_at offset 0) h
	cross join lateral (select h.heard_at, case when t.stopped_at is not null or h.heard_at < now() - interval '1 day' then h.heard_at end as ended_at offset 0) e
	cross join lateral (select import_address(i.nasipaddress) as nas offset 0) a
	left join lateral (select n.nas_id from nas n where n.prefix >>= a.nas order by masklen(n.prefix) desc limit 1) n on true
	left join subscriber s on s.login = import_login(i.username)
	left join plan p on p.plan_id = s.plan_id
	where i.place > behind and i.place <= behind + many
	order by i.place;
end
$$;

-- Goes on behind that place. Returns up to where it came (null: there is nothing more), and how many were made, were corrected, were here
-- already, and could not be.
drop function if exists poprad.import_sessions;
create function poprad.import_sessions(behind bigint, zone text)
returns table (reached bigint, made int, corrected int, same int, lost int)
language plpgsql security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	rows_max constant int := 500; -- that one transaction may hold
	read session[];
	fresh uuid[];
	unclear bigint[]; -- places of rows that could not be read
begin
	if not exists (select from import_radacct i where i.place > behind) then
		return;
	end if;
	reached := behind + rows_max;
	select array_agg(distinct r.made) filter (where (r.made).session_key is not null),
		coalesce(array_agg(r.place) filter (where (r.made).session_key is null), '{}') into read, unclear
	from import_sessions_read(behind, rows_max, zone) r;
	lost := cardinality(unclear);
	insert into import_report (fate, source, id, subject, message)
	select 'lost', 'radacct', i.radacctid, coalesce(i.username, ''), 'nothing says when it was'
	from import_radacct i where i.place = any (unclear) order by i.place;
	corrected := import_sessions_correct(read);
	fresh := import_sessions_insert(read);
	made := coalesce(cardinality(fresh), 0);
	same := (select count(*) from import_radacct i where i.place > behind and i.place <= reached) - lost - corrected - made;
	return next;
end
$$;

-- Those that are open here, and of which the source knows something newer.
create or replace function poprad.import_sessions_correct(read poprad.session[]) returns int
language plpgsql set search_path = poprad, pg_temp as $$
declare
	keys uuid[];
begin
	perform from session s where s.session_key = any (array(select r.session_key from unnest(read) r)) order by s.session_key for update;
	keys := array(select s.session_key from unnest(read) r join session s on s.session_key = r.session_key
		where s.state = 'active' and s.updated_at < r.updated_at and r.cause_rank <> 1);
	perform account_leases(array_agg(s.session_key), array_agg(s.address), null, null)
	from unnest(read) r join session s on s.session_key = r.session_key where s.session_key = any (keys) and r.state = 'closed' and s.address is not null;
	update session s set state = r.state, updated_at = r.updated_at, last_heard = greatest(s.last_heard, r.last_heard), stopped_at = r.stopped_at,
		closed_at = case when r.state = 'closed' then now() end, terminate_cause = r.terminate_cause, cause_rank = r.cause_rank,
		session_time = greatest(s.session_time, r.session_time), in_octets = greatest(s.in_octets, r.in_octets),
		out_octets = greatest(s.out_octets, r.out_octets), connect_info_stop = r.connect_info_stop
	from unnest(read) r where r.session_key = s.session_key and s.session_key = any (keys);
	return cardinality(keys);
end
$$;

-- Those that are not here yet. Returns their keys.
create or replace function poprad.import_sessions_insert(read poprad.session[]) returns uuid[]
language plpgsql set search_path = poprad, pg_temp as $$
declare
	fresh uuid[];
	past uuid[];
begin
	with inserted as (
		insert into session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, nas_ip_address, nas_port, nas_port_id, nas_port_type,
			calling_station_id, called_station_id, user_name, acct_session_id, class, framed_address, framed_ipv6_address, framed_ipv6_prefix,
			framed_interface_id, delegated_ipv6_prefix, service_type, framed_protocol, authentic, connect_info_start, connect_info_stop,
			started_at, updated_at, last_heard, stopped_at, closed_at, terminate_cause, cause_rank, interim_s, session_time, in_octets,
			out_octets, day_ends)
		select r.session_key, r.state, r.subscriber_id, r.plan_id, r.nas_id, r.nas_address, r.nas_ip_address, r.nas_port,
			r.nas_port_id, r.nas_port_type, r.calling_station_id, r.called_station_id, r.user_name, r.acct_session_id, r.class,
			r.framed_address, r.framed_ipv6_address, r.framed_ipv6_prefix, r.framed_interface_id, r.delegated_ipv6_prefix,
			r.service_type, r.framed_protocol, r.authentic, r.connect_info_start, r.connect_info_stop, r.started_at, r.updated_at,
			r.last_heard, r.stopped_at, r.closed_at, r.terminate_cause, r.cause_rank, r.interim_s, r.session_time, r.in_octets,
			r.out_octets, r.day_ends
		from unnest(read) r
		where not exists (select from session_history h where h.session_key = r.session_key)
		order by r.session_key
		on conflict (session_key) do nothing returning session_key)
	select array_agg(i.session_key) into fresh from inserted i;
	insert into session_alias (session_key, nas_id, acct_session_id, login)
	select r.session_key, r.nas_id, r.acct_session_id, import_login(r.user_name) from unnest(read) r
	where r.session_key = any (fresh) and (r.closed_at > now() - interval '1 day' or r.state = 'active')
	on conflict (session_key) do nothing;
	perform account_leases(null, null, array_agg(r.session_key order by r.session_key), array_agg(r.framed_address order by r.session_key))
	from unnest(read) r where r.session_key = any (fresh) and r.state = 'active' and r.framed_address is not null having count(*) > 0;
	past := array(select r.session_key from unnest(read) r where r.session_key = any (fresh) and r.state = 'closed');
	perform usage_add(usage_rest(past));
	-- without change numbers: the next move_closed() gives them
	perform session_to_history(past, array_fill(null::bigint, array[cardinality(past)]));
	return fresh;
end
$$;
