-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The locks that account() takes, each kind in the order of its keys.

-- NAS + Acct-Session-Id, so that two workers do not make two rows of one session.
drop function if exists poprad.account_lock_identities;
create function poprad.account_lock_identities(events poprad.account_event[])
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	perform pg_advisory_xact_lock(i.identity)
	from (
		select distinct hashtextextended(e.nas_id || ' ' || e.acct_session_id, 0) as identity
		from unnest(events) e
		order by 1
	) i;
end
$$;

-- The subscribers of these packets, and every session that they may be written to. Returns those sessions.
drop function if exists poprad.account_lock;
create function poprad.account_lock(events poprad.account_event[])
returns uuid[] language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	owners int[];
	keys uuid[];
begin
	owners := array(
		select u.subscriber_id from unnest(events) e
		cross join lateral (select u.subscriber_id from subscriber u where u.login = e.login offset 0) u
		union
		select s.subscriber_id from unnest(events) e
		cross join lateral (select s.subscriber_id from session s where s.session_key = e.class_key offset 0) s);
	perform from subscriber_state t
	where t.subscriber_id = any (owners)
	order by t.subscriber_id
	for update;

	keys := array(
		select s.session_key
		from (
			select e.class_key from unnest(events) e
			union all
			select e.new_key from unnest(events) e
			union all
			select a.session_key from unnest(events) e
			cross join lateral (
				select a.session_key from session_alias a
				where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id
					and a.login = any (array[e.login, ''])
				offset 0
			) a
			union all
			select a.session_key from unnest(events) e
			cross join lateral (
				select a.session_key from session_alias a
				where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and e.login = ''
				offset 0
			) a
		) c (session_key)
		cross join lateral (select s.session_key from session s where s.session_key = c.session_key offset 0) s
		union
		select s.session_key
		from unnest(owners) o (subscriber_id)
		cross join lateral (
			select s.session_key, s.state from session s where s.subscriber_id = o.subscriber_id offset 0
		) s
		where s.state = 'authorised');
	keys := array(select s.session_key from session s where s.session_key = any (keys) order by s.session_key for update);

	-- A session that is not there any more may be in a partition of session_history that was not there yet when this
	-- transaction first read it. Only a lock that it does not hold already makes PostgreSQL look at the table anew.
	lock table only session_history in row exclusive mode;
	return keys;
end
$$;
