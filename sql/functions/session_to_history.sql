-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Moving closed sessions out of the way: session stays small, and session_history has one partition per month in which
-- a session's key was born, so that the key alone names the partition. The first 48 bits of a key (UUID version 7)
-- are its birth in milliseconds since 1970.

drop function if exists poprad.session_key_birth;
create function poprad.session_key_birth(session_key uuid)
returns timestamptz language sql immutable as $$
	select to_timestamp(('x' || translate(left(session_key::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
$$;

-- The first key that can be born at that time. Stable, as extract() is: else PostgreSQL would not inline it.
drop function if exists poprad.session_key_first;
create function poprad.session_key_first(born_at timestamptz)
returns uuid language sql stable as $$
	select rpad(lpad(to_hex((extract(epoch from born_at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- Makes the partition of the month that begins at month_start (UTC) unless it is there. It is made beside its parent and
-- then attached, because that does not lock out whoever reads or writes the others.
drop function if exists poprad.session_history_partition;
create function poprad.session_history_partition(month_start timestamp)
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
declare
	partition text := 'session_history_' || to_char(month_start, 'YYYYMM');
begin
	if to_regclass(partition) is not null then
		return;
	end if;
	perform pg_advisory_xact_lock(hashtextextended(partition, 0));
	-- to_regclass() would still remember that it was not there.
	if exists (select from pg_class c where c.relnamespace = 'poprad'::regnamespace and c.relname = partition) then
		return;
	end if;
	execute format('create table %I (like session_history including all)', partition);
	execute format('alter table session_history attach partition %I for values from (%L) to (%L)', partition,
		session_key_first(month_start at time zone 'UTC'),
		session_key_first((month_start + interval '1 month') at time zone 'UTC'));
end
$$;

do $$
begin
	perform poprad.history_months_ahead(); -- history.sql
end
$$;

-- Moves these sessions, whose rows the caller has locked, and of which it books what is not booked yet, with these numbers
-- (billing.sql). Returns how many.
drop function if exists poprad.session_to_history;
create function poprad.session_to_history(session_keys uuid[], change_numbers bigint[])
returns int language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	moved int;
begin
	perform session_history_partition(m.month_start)
	from (
		select distinct date_trunc('month', session_key_birth(k) at time zone 'UTC') as month_start
		from unnest(session_keys) k
	) m;
	with gone as (
		delete from session s using unnest(session_keys, change_numbers) k (session_key, change_number)
		where s.session_key = any (array[k.session_key])
		returning row(s.*)::session as s, k.change_number
	)
	insert into session_history
	select n.* from gone g cross join lateral session_numbered(g.s, g.change_number) n;
	get diagnostics moved = row_count;
	update session_alias a set moved_at = now() where a.session_key = any (session_keys) and a.moved_at is null;
	return moved;
end
$$;

-- Brings these back, for packets that came late; the caller moves those into history again that are still closed when it is
-- done: one key is never in both. Their names are bound anew, if they had been forgotten. Returns them as they were.
drop function if exists poprad.session_from_history;
create function poprad.session_from_history(session_keys uuid[])
returns poprad.session[] language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	before session[];
begin
	with past as (delete from session_history h where h.session_key = any (session_keys) returning h.*),
	present as (insert into session select p.* from past p)
	insert into session_alias (session_key, nas_id, acct_session_id, login)
	select p.session_key, p.nas_id, p.acct_session_id, coalesce(
		(select u.login from subscriber u where u.subscriber_id = p.subscriber_id), p.user_name)
	from past p
	where p.acct_session_id is not null
	on conflict (session_key) do update set moved_at = null;
	before := array(
		select row(s.*)::session from unnest(session_keys) k (session_key)
		cross join lateral (select * from session s where s.session_key = k.session_key offset 0) s);
	update session s set booked_seconds = s.session_time, booked_in = s.in_octets, booked_out = s.out_octets
	where s.session_key = any (session_keys);
	if (select count(*) from session s where s.session_key = any (session_keys)) <> cardinality(session_keys) then
		raise serialization_failure using message = 'session moved while a packet for it was recorded';
	end if;
	return before;
end
$$;
