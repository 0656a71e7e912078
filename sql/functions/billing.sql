-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The numbers by which a billing system reads sessions (billing_changes). Always true: whoever sees a number sees every lower
-- one that will ever be given, so a reader who goes on behind the newest number that he has seen misses nothing.
--
-- Numbers are given by whoever holds the row of billing_sequence until his transaction is over, one at a time: move_closed().
-- A session gets its first one when it moves into history, in the very row that is written then. A record that comes late
-- takes it out of history and puts it back: with its number if it has said nothing new for billing, else without one, and the next move_closed()
-- gives it another. Accounting itself never counts and never waits for who does.

-- Returns the newest number, which is then ours to go on from; null while somebody else gives numbers.
drop function if exists poprad.billing_sequence_lock;
create function poprad.billing_sequence_lock()
returns bigint language plpgsql volatile set search_path = poprad, pg_temp as $$
declare
	newest bigint;
begin
	select b.last_number into newest from billing_sequence b for update skip locked;
	if newest is not null then
		insert into billing_day values ((now() at time zone 'UTC')::date, newest) on conflict do nothing;
	end if;
	return newest;
end
$$;

-- The same session with that number.
drop function if exists poprad.session_numbered;
create function poprad.session_numbered(s poprad.session, change_number bigint)
returns poprad.session language plpgsql immutable as $$
begin
	if change_number <> s.change_number or change_number is not null and s.change_number is null then
		s.revision := coalesce(s.revision, 0) + 1;
	end if;
	s.change_number := change_number;
	return s;
end
$$;

-- Gives numbers from there on to sessions in history that have none, at most max of them. Returns how many.
drop function if exists poprad.billing_number_rest;
create function poprad.billing_number_rest(after bigint, max int)
returns int language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	keys uuid[] := array(
		select h.session_key from session_history h
		where h.change_number is null
		order by h.session_key
		limit max
		for update skip locked);
begin
	update session_history h set change_number = after + k.place, revision = coalesce(h.revision, 0) + 1
	from unnest(keys) with ordinality k (session_key, place)
	where h.session_key = any (array[k.session_key]);
	return cardinality(keys);
end
$$;

-- What billing_session says of a session itself: a session that differs in it from what was numbered is a changed one.
drop function if exists poprad.billing_matter;
create function poprad.billing_matter(s poprad.session) returns text
language sql stable as $$
	select row(s.state, s.subscriber_id, s.plan_id, s.user_name, s.nas_id, s.nas_address, s.nas_port, s.nas_port_id, s.nas_port_type,
		s.calling_station_id, s.called_station_id, s.acct_session_id, s.acct_multi_session_id, s.address, s.framed_address,
		s.framed_ipv6_address, s.leased_framed_prefix, s.framed_ipv6_prefix, s.leased_delegated_prefix, s.delegated_ipv6_prefix,
		s.started_at, s.stopped_at, s.session_time, s.in_octets, s.out_octets, s.in_packets, s.out_packets, s.terminate_cause,
		s.flags)::text
$$;

-- Of sessions as they were when they came back from history, those that are closed: which number each may keep.
drop function if exists poprad.billing_numbers_kept;
create function poprad.billing_numbers_kept(before poprad.session[], keys uuid[])
returns bigint[] language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return array(
		select case when billing_matter(row(s.*)::session) = billing_matter(row(b.*)::session) then s.change_number end
		from unnest(keys) with ordinality k (session_key, place)
		cross join lateral (select * from session s where s.session_key = k.session_key offset 0) s
		left join unnest(before) b on b.session_key = k.session_key
		order by k.place);
end
$$;

-- Who a subscriber was, for what he used.
create or replace function poprad.subscriber_remembered() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	insert into former_subscriber (subscriber_id, login, realm, reseller, time_zone)
	values (old.subscriber_id, old.login, (select r.name from realm r where r.realm_id = old.realm_id),
		(select r.reseller from realm r where r.realm_id = old.realm_id),
		(select o.time_zone from subscriber_policy o where o.subscriber_id = old.subscriber_id));
	return old;
end
$$;
create or replace trigger subscriber_remembered before delete on poprad.subscriber
for each row execute function poprad.subscriber_remembered();

-- The newest number.
drop function if exists poprad.billing_newest;
create function poprad.billing_newest()
returns bigint language sql stable security definer set search_path = poprad, pg_temp as $$
	select b.last_number from billing_sequence b
$$;

-- A part of the numbers behind after up to upto: the last one of the next max; null: there is none any more.
drop function if exists poprad.billing_changes_part;
create function poprad.billing_changes_part(after bigint, upto bigint, max int)
returns bigint language sql stable security definer set search_path = poprad, pg_temp as $$
	select max(n.change_number)
	from (
		select h.change_number from session_history h
		where h.change_number > $1 and h.change_number <= $2
		order by h.change_number
		limit $3
	) n
$$;

-- Behind which number all sessions are that ended in that month or later. A session is given its number after it has
-- ended by our clock; the clock of an access server may be a day ahead of that, and months begin and end half a day around ours.
drop function if exists poprad.billing_first;
create function poprad.billing_first(month date)
returns bigint language sql stable security definer set search_path = poprad, pg_temp as $$
	select coalesce((
		select b.last_number from billing_day b where b.day <= $1 - 2 order by b.day desc limit 1), 0)
$$;
