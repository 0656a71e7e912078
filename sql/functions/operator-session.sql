-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Closing sessions by hand: the lease of a session whose Stop was lost comes back. Locks in the order that every
-- function keeps: subscriber_state, session, address.

-- Closes open sessions, ordered by key; the caller holds their subscribers' state rows. Returns the addresses given back.
-- The last sign of life is the best guess of when the session ended; a Stop that comes yet overwrites it.
create or replace function poprad.sessions_close(keys uuid[], cause text) returns inet[]
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	released inet[];
begin
	perform from session s where s.session_key = any (keys) order by s.session_key for update;
	perform from address a
	where a.address in (select s.address from session s where s.session_key = any (keys)) order by a.address for update;
	update session s set
		state = 'closed',
		authorised_until = null,
		stopped_at = coalesce(s.updated_at, s.started_at, s.authorised_at, now()),
		closed_at = now(),
		terminate_cause = sessions_close.cause,
		cause_rank = 3
	where s.session_key = any (keys) and s.state <> 'closed';
	with freed as (
		update address a set session_key = null, changed_at = now()
		from session s where s.session_key = any (keys) and a.address = s.address and a.session_key = s.session_key
		returning a.address)
	select coalesce(array_agg(freed.address), '{}') into released from freed;
	perform prefixes_release(keys);
	return released;
end
$$;

-- Closes one session. Returns the address that it gave back, or null.
create or replace function poprad.session_close(key uuid, cause text) returns inet
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
	released inet[];
begin
	select s.subscriber_id into owner from session s where s.session_key = key;
	if not found then
		raise exception 'there is no open session %', key using errcode = 'P0002', hint = 'see popradctl session list';
	end if;
	perform from subscriber_state where subscriber_id = owner for update;
	perform from session s where s.session_key = key and s.state <> 'closed' for update;
	if not found then
		raise exception 'session % is closed already', key using hint = 'see popradctl session list';
	end if;
	released := sessions_close(array[key], cause);
	return released[1];
end
$$;

-- Closes sessions of a NAS that began before that time, those whose start was never reported too, 500 at most and behind
-- that key. last: to go on behind; null: there is none left. Whoever is busy with one's subscriber is waited for.
drop function if exists poprad.nas_sessions_close;
create function poprad.nas_sessions_close(nas_name text, before timestamptz, cause text, after uuid)
returns table (closed int, last uuid)
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_nas_id int := (select n.nas_id from nas n where n.name = nas_name);
	keys uuid[];
begin
	if wanted_nas_id is null then
		raise exception 'there is no nas %', nas_name using errcode = 'P0002', hint = 'see popradctl nas list';
	end if;
	keys := array(
		select s.session_key from session s
		where s.session_key > after and s.nas_id = wanted_nas_id and s.state <> 'closed'
			and coalesce(s.started_at, s.authorised_at) < before
		order by s.session_key limit 500);
	perform from subscriber_state t
	where t.subscriber_id in (select s.subscriber_id from session s where s.session_key = any (keys))
	order by t.subscriber_id for update;
	perform sessions_close(keys, cause);
	return query select cardinality(keys), keys[cardinality(keys)];
end
$$;

-- Removes a subscriber. Refused while a session of his is active, unless is_forced. Open sessions are closed.
create or replace function poprad.subscriber_remove(wanted_login text, is_forced boolean) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
	keys uuid[];
	active int;
begin
	select subscriber_id into owner from subscriber where login = wanted_login for update;
	if not found then
		raise exception 'there is no subscriber %', wanted_login using errcode = 'P0002', hint = 'see popradctl subscriber list';
	end if;
	perform from subscriber_state where subscriber_id = owner for update;
	select array_agg(session_key), count(*) filter (where state = 'active') into keys, active
	from session where subscriber_id = owner and state <> 'closed';
	if active > 0 and not is_forced then
		raise exception '% has % active session(s)', wanted_login, active
			using hint = 'suspend the subscriber, or add --force to close the sessions';
	end if;
	if keys is not null then
		perform sessions_close(keys, 'Admin-Reset');
	end if;
	delete from subscriber where subscriber_id = owner;
end
$$;
