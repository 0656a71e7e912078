-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Housekeeping that every node calls now and then: moves sessions that have been closed for an hour into
-- session_history, at most max of them (and never more than 500), passing over rows that somebody works on. The names
-- of sessions that went there a day ago are forgotten: a packet without Class that comes later still makes a record
-- of its own.
-- The last address of their subscribers, which admit() has read from the sessions so far, is kept in subscriber_state
-- then. It is written before the sessions are locked, and whoever holds a subscriber's row keeps his sessions where they
-- are until the next time: nobody waits here.
-- Which sessions are closed no index tells: it would have to change with every Stop. Each call goes on in a walk over all
-- keys that begins anew at its end; session_walk keeps how far it has come.

drop function if exists poprad.move_closed;
create function poprad.move_closed(max int[])
returns table (ord int, moved int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	max_moved constant int := 500; -- rows that one transaction may hold
	many int;
	place int;
	keys uuid[];
	newest bigint := billing_sequence_lock(); -- number
	rest int;
begin
	for many, place in select least(m.max, max_moved), m.ord from unnest(max) with ordinality m (max, ord) loop
		ord := place;
		moved := 0;
		if newest is null then -- another node is at it
			return next;
			continue;
		end if;
		keys := keep_last_addresses(move_closed_walk(many));
		keys := array(
			select s.session_key from unnest(keys) u (session_key)
			cross join lateral (
				select s.session_key from session s
				where s.session_key = u.session_key and session_is_past(s.closed_at)
				for update skip locked
			) s);
		perform usage_add(usage_rest(keys));
		moved := session_to_history(keys, array(select newest + n from generate_series(1, cardinality(keys)) n));
		rest := billing_number_rest(newest + moved, many);
		newest := newest + moved + rest;
		update billing_sequence b set last_number = newest where b.last_number <> newest;
		moved := greatest(moved, rest);
		delete from session_alias a
		where a.session_key = any (array(
			select o.session_key from session_alias o
			where o.moved_at < now() - interval '1 day'
			order by o.moved_at
			limit max_moved
			for update skip locked));
		return next;
	end loop;
end
$$;

-- Keeps the address and the prefixes of the newest of these sessions of each subscriber. Returns those that may be moved.
drop function if exists poprad.keep_last_addresses;
create function poprad.keep_last_addresses(keys uuid[]) returns uuid[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	owners int[];
	addresses inet[];
	framed inet[];
	delegated inet[];
	rows tid[]; -- of those whose last address or prefix is another one
	busy int[]; -- those of them whose row is locked
begin
	select array_agg(n.subscriber_id), array_agg(n.address), array_agg(n.framed), array_agg(n.delegated), array_agg(t.row)
	into owners, addresses, framed, delegated, rows
	from (
		select s.subscriber_id, (array_agg(s.address order by s.session_key desc) filter (where s.address is not null))[1] as address,
			(array_agg(s.framed order by s.session_key desc) filter (where s.framed is not null))[1] as framed,
			(array_agg(s.delegated order by s.session_key desc) filter (where s.delegated is not null))[1] as delegated
		from unnest(keys) u (session_key)
		cross join lateral (
			select s.session_key, s.subscriber_id, s.address, s.leased_framed_prefix::inet as framed,
				s.leased_delegated_prefix::inet as delegated
			from session s where s.session_key = u.session_key offset 0
		) s
		where s.subscriber_id is not null and num_nonnulls(s.address, s.framed, s.delegated) > 0
		group by s.subscriber_id
	) n
	left join lateral (
		select t.ctid as row from subscriber_state t
		where t.subscriber_id = n.subscriber_id and last_lease_differs(t, n.address, n.framed, n.delegated)
		for update skip locked
	) t on true;
	update subscriber_state t set last_address = coalesce(n.address, t.last_address),
		last_framed_prefix = coalesce(n.framed::cidr, t.last_framed_prefix),
		last_delegated_prefix = coalesce(n.delegated::cidr, t.last_delegated_prefix)
	from unnest(rows, addresses, framed, delegated) n (row, address, framed, delegated)
	where n.row is not null and t.ctid = n.row;
	busy := array(
		select n.subscriber_id
		from unnest(owners, addresses, framed, delegated, rows) n (subscriber_id, address, framed, delegated, row)
		cross join lateral (select * from subscriber_state t where t.subscriber_id = n.subscriber_id offset 0) t
		where n.row is null and last_lease_differs(row(t.*)::subscriber_state, n.address, n.framed, n.delegated));
	if busy = '{}' then
		return keys;
	end if;
	return array(
		select u.session_key from unnest(keys) u (session_key)
		cross join lateral (select s.subscriber_id from session s where s.session_key = u.session_key offset 0) s
		where s.subscriber_id = any (busy) is not true);
end
$$;

-- Whether something of it is to be kept that is not kept yet.
drop function if exists poprad.last_lease_differs;
create function poprad.last_lease_differs(t poprad.subscriber_state, address inet, framed inet, delegated inet)
returns boolean language sql immutable as $$
	select coalesce(address <> t.last_address, address is not null) or coalesce(framed <> t.last_framed_prefix, framed is not null)
		or coalesce(delegated <> t.last_delegated_prefix, delegated is not null)
$$;

drop function if exists poprad.session_is_past;
create function poprad.session_is_past(closed_at timestamptz) returns boolean language sql stable as $$
	select closed_at < now() - interval '1 hour'
$$;

-- Goes on with the walk. Returns the keys of sessions to move, keys_max at most; none while another node is walking.
drop function if exists poprad.move_closed_walk;
create function poprad.move_closed_walk(keys_max int) returns uuid[]
language plpgsql volatile set search_path = poprad, pg_temp
set enable_bitmapscan = off -- the index is read in its order, even if the plan was made while the table was empty
as $$
#variable_conflict use_column
declare
	rows_max constant int := 20000; -- some milliseconds
	part record; -- session_walk_part
	next_key uuid; -- null: the lap is at its end
	keys uuid[] := '{}';
	one record;
begin
	select p.* into part
	from session_walk w
	cross join lateral session_walk_part(w.reached, w.lap_end) p
	where w.name = 'move_closed'
	for update of w skip locked;
	if not found then
		return keys;
	end if;
	for one in
		select e.session_key, e.place, session_is_past(e.closed_at) as is_past
		from (
			select s.session_key, s.closed_at, row_number() over () as place
			from session_walk_rows(part.first_key, part.last_key, part.unborn, rows_max) s
		) e
		where session_is_past(e.closed_at) or e.place = rows_max
	loop
		next_key := one.session_key;
		exit when cardinality(keys) = keys_max;
		if one.is_past then
			keys := keys || one.session_key;
		end if;
		exit when one.place = rows_max;
		next_key := null;
	end loop;
	update session_walk w set reached = coalesce(next_key, part.lap_start), lap_end = part.last_key
	where w.name = 'move_closed';
	return keys;
end
$$;
