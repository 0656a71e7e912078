-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Finds the sessions of accounting packets that do not name a known one: called by account(), which holds the locks on
-- their NAS + Acct-Session-Id, so that no other worker is looking for the same sessions. In this order:
-- 1. the session of the Class, if NAS and subscriber are that session's, and no other Acct-Session-Id is bound to it
--    (the same Class under a second Acct-Session-Id is a record of its own, without a lease);
-- 2. a session of that NAS and Acct-Session-Id (account_is_session), the newest that began no later than the packet;
-- 3. the subscriber's authorised session on that device: the one with the Framed-IP-Address, else the one on the
--    same line, else the only one. It began no later than the packet's own session;
-- 4. none: a session of its own (is_new), under the packet's new key. There is one already if this very batch was
--    carried out before and its answer was lost.
-- is_past: the session is in history. is_first: this is its first packet, 3 or 4. subscriber_id, plan_id: by the login.
--
-- History is asked by a function, which is called for those alone who may be there: a statement that named it would
-- open every month each time, whoever is looked for.

-- The session of this key, if it is in history; else null.
drop function if exists poprad.session_past;
create function poprad.session_past(key uuid)
returns poprad.session language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	found_one session;
begin
	select * into found_one from session_history h where h.session_key = key;
	return found_one;
end
$$;

drop function if exists poprad.account_session;
create function poprad.account_session(events poprad.account_event[])
returns table (ord int, session_key uuid, class_matched boolean, is_past boolean, is_new boolean,
	is_first boolean, subscriber_id int, plan_id int)
language plpgsql stable set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	-- Keys between are too young: a session goes into history an hour after its end, not before (session_is_past). Should
	-- the clock that minted it have been far ahead, session_alias has its key for a day more.
	young_first uuid := session_key_first(now() - interval '30 minutes');
	young_last uuid := session_key_first(now() + interval '1 minute');
begin
	return query
	select e.ord, coalesce(o.session_key, n.session_key, a.session_key, e.new_key),
		case when e.class_key is not null then c.session_key is not null end,
		coalesce(o.is_past, n.is_past, p.is_past, false),
		coalesce(o.session_key, n.session_key, a.session_key) is null and p.is_past is null,
		coalesce(o.session_key, n.session_key) is null and p.is_past is null, u.subscriber_id, u.plan_id
	from unnest(events) e
	left join lateral (
		select u.subscriber_id, u.plan_id from subscriber u where u.login = e.login offset 0
	) u on true
	left join lateral (
		select k.session_key, k.acct_session_id, k.is_past
		from (
			select s.session_key, s.nas_id, s.user_name, s.subscriber_id, s.acct_session_id, false as is_past
			from session s where s.session_key = e.class_key
			union all
			select (h.s).session_key, (h.s).nas_id, (h.s).user_name, (h.s).subscriber_id, (h.s).acct_session_id, true
			from (select session_past(e.class_key) as s where e.class_key is not null offset 0) h
			offset 0
		) k
		where k.nas_id = e.nas_id and (e.login = '' or k.user_name = e.user_name
			or e.login = (select u.login from subscriber u where u.subscriber_id = k.subscriber_id))
		limit 1
	) c on true
	left join lateral (
		select c.session_key, c.is_past
		where c.session_key is not null and coalesce(c.acct_session_id, e.acct_session_id) = e.acct_session_id
		offset 0
	) o on true
	left join lateral (
		with named as (
			select a.session_key, a.login, a.moved_at is not null as is_moved
			from session_alias a
			where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and a.login = any (array[e.login, ''])
			union all
			select a.session_key, a.login, a.moved_at is not null
			from session_alias a
			where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and a.login <> '' and e.login = ''
		)
		select f.session_key, f.is_past
		from (
			select s.session_key, s.started_at, false as is_past
			from named n
			cross join lateral (select * from session s where s.session_key = n.session_key offset 0) s
			where account_is_session(row(s.*)::session, n.login, e.login, e.status, e.nas_address, e.nas_ip_address,
				e.nas_identifier, e.nas_port, e.nas_port_id, e.calling_station_id, e.framed_address, e.event_at,
				e.session_time)
			union all
			select (h.s).session_key, (h.s).started_at, true
			from named n
			cross join lateral (select session_past(n.session_key) as s where n.is_moved offset 0) h
			where account_is_session(h.s, n.login, e.login, e.status, e.nas_address,
				e.nas_ip_address, e.nas_identifier, e.nas_port, e.nas_port_id, e.calling_station_id, e.framed_address,
				e.event_at, e.session_time)
		) f
		where o.session_key is null
		order by f.started_at <= e.event_at desc nulls last, f.started_at desc nulls last, f.session_key desc
		limit 1
	) n on true
	left join lateral (
		select f.session_key
		from (
			select s.session_key, s.address = e.framed_address as has_address,
				account_is_line(row(s.*)::session, e.nas_port, e.nas_port_id, e.calling_station_id) as is_line, count(*) over () = 1 as is_only
			from (select * from session s where s.subscriber_id = u.subscriber_id offset 0) s
			where s.nas_id = e.nas_id and s.state = 'authorised' and s.acct_session_id is null
				and account_is_device(row(s.*)::session, e.nas_address, e.nas_ip_address, e.nas_identifier)
				and (s.address <> e.framed_address) is not true
				and (s.calling_station_id <> e.calling_station_id) is not true
				-- by our clock, less the 5 s that rounding and the way may take
				and e.received_at - make_interval(secs => coalesce(e.session_time, 0))
					>= s.authorised_at - interval '5 seconds'
		) f
		where (f.has_address or f.is_line or f.is_only)
			and c.session_key is null and n.session_key is null and e.login <> ''
		order by f.has_address is true desc, f.is_line desc, f.session_key
		limit 1
	) a on true
	left join lateral (
		select b.is_past
		from (
			select false as is_past from session s where s.session_key = e.new_key
			union all
			select true
			from (select session_past(e.new_key) as s
				where (e.new_key between young_first and young_last) is not true
					or exists (select from session_alias a where a.session_key = e.new_key)
				offset 0) h
			where (h.s).session_key is not null
			offset 0
		) b
		where coalesce(o.session_key, n.session_key, a.session_key) is null
		limit 1
	) p on true;
end
$$;
