-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Finds the session of one accounting packet, or makes its row: called by account() for packets that do not name a
-- known session by Class or a well-known Acct-Session-Id. account() holds the lock on NAS + Acct-Session-Id, so no other
-- worker is looking for the same session, and the row locks of every session in question. In this order:
-- 1. the session of the Class, if NAS and subscriber are that session's, and no other Acct-Session-Id is bound to it
--    (the same Class under a second Acct-Session-Id is a record of its own, without a lease);
-- 2. a session of that NAS and Acct-Session-Id (account_is_session), the newest that began no later than the packet;
-- 3. the subscriber's authorised session on that device: the one with the Framed-IP-Address, else the one on the
--    same line, else the only one. It began no later than the packet's own session;
-- 4. a new row, under the packet's new key.
-- The row in session_alias binds the session to this Acct-Session-Id, at once; account_fold() writes it into the session.
-- A session that has gone into history comes back into session (is_recalled), and account() moves it into history again
-- when it is done, if it is still closed: one key is never in both.

drop function if exists poprad.account_session;
create function poprad.account_session(e poprad.account_event, out session_key uuid,
	out class_matched boolean, out is_recalled boolean)
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	known session;
	is_past boolean := false;
begin
	class_matched := false;
	is_recalled := false;

	if e.class_key is not null then
		select s.* into known from session s where s.session_key = e.class_key;
		if not found then
			select h.* into known from session_history h where h.session_key = e.class_key;
			is_past := found;
		end if;
		class_matched := coalesce(known.nas_id = e.nas_id
			and (e.login = '' or known.user_name = e.user_name or e.login = (
				select u.login from subscriber u where u.subscriber_id = known.subscriber_id)), false);
		if class_matched and e.acct_session_id = coalesce(known.acct_session_id,
				(select a.acct_session_id from session_alias a where a.session_key = e.class_key), e.acct_session_id) then
			session_key := known.session_key;
		end if;
	end if;

	if session_key is null then
		with named as (
			select a.session_key, a.login, a.moved_at is not null as is_moved
			from session_alias a
			where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and a.login = any (array[e.login, ''])
			union all
			select a.session_key, a.login, a.moved_at is not null
			from session_alias a
			where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and a.login <> '' and e.login = ''
		)
		select c.session_key, c.is_past into session_key, is_past
		from (
			select s.session_key, s.started_at, false as is_past
			from named n
			cross join lateral (select * from session s where s.session_key = n.session_key offset 0) s
			where account_is_session(row(s.*)::session, n.login, e)
			union all
			select h.session_key, h.started_at, true
			from named n
			cross join lateral (select * from session_history h where h.session_key = n.session_key offset 0) h
			where n.is_moved and account_is_session(row(h.*)::session, n.login, e)
		) c
		order by c.started_at <= e.event_at desc nulls last, c.started_at desc nulls last, c.session_key desc
		limit 1;
		is_past := coalesce(is_past, false);
	end if;

	if session_key is null and not class_matched and e.login <> '' then
		select c.session_key into session_key
		from (
			select s.session_key, s.address = e.framed_address as has_address,
				account_is_line(row(s.*)::session, e) as is_line, count(*) over () = 1 as is_only
			from (select u.subscriber_id from subscriber u where u.login = e.login offset 0) u
			cross join lateral (select * from session s where s.subscriber_id = u.subscriber_id offset 0) s
			where s.nas_id = e.nas_id and s.state = 'authorised'
				and (select a.session_key from session_alias a where a.session_key = s.session_key) is null
				and account_is_device(row(s.*)::session, e.nas_address, e.nas_ip_address, e.nas_identifier)
				and (s.address <> e.framed_address) is not true
				and (s.calling_station_id <> e.calling_station_id) is not true
				-- by our clock, less the 5 s that rounding and the way may take
				and e.received_at - make_interval(secs => coalesce(e.session_time, 0))
					>= s.authorised_at - interval '5 seconds'
		) c
		where c.has_address or c.is_line or c.is_only
		order by c.has_address is true desc, c.is_line desc, c.session_key
		limit 1;
	end if;

	if session_key is null then
		session_key := e.new_key;
		-- There already if this very batch was carried out before and its answer was lost.
		if not exists (select from session s where s.session_key = e.new_key) then
			is_past := exists (select from session_history h where h.session_key = e.new_key);
			if not is_past then
				insert into session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, user_name)
				select e.new_key, 'authorised', u.subscriber_id, u.plan_id, e.nas_id, e.nas_address, e.user_name
				from (select) one
				left join subscriber u on u.login = e.login;
			end if;
		end if;
	end if;

	if is_past then
		with past as (delete from session_history h where h.session_key = account_session.session_key returning h.*)
		insert into session select p.* from past p;
		if not found then
			raise serialization_failure using message = 'session moved while a packet for it was recorded';
		end if;
		is_recalled := true;
	end if;
	insert into session_alias (session_key, nas_id, acct_session_id, login)
	values (session_key, e.nas_id, e.acct_session_id, e.login)
	on conflict (session_key) do update set moved_at = null where session_alias.moved_at is not null;
end
$$;
