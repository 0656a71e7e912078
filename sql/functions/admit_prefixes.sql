-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Takes prefixes of pools for the requests that need one: what the subscriber had last, else one that nobody has had yet,
-- else, if asked to, one that is not used any more. Called by admit(); pending are the requests' ords, which subscript
-- the other arrays, and the result: leased with what was taken.
--
-- A range may have millions of prefixes, and few are used: they have rows from when they are given first, in the order of
-- addresses, and prefix_range counts them. So a prefix stays its last holder's until every one of the range has been
-- given. After that a hand goes round over the rows; of the next ones that are free it takes those that have been so
-- longest. Nothing has to be kept in order for it while prefixes come and go.
-- The counters are locked for this, those of all pools of the batch at once and in their order, and last of all locks.

-- The nth prefix of that length in a network, from 0. Lengths are 64 at most, so the upper half of the address is counted.
drop function if exists poprad.prefix_at;
create function poprad.prefix_at(network cidr, length int, n bigint) returns inet
language sql immutable set search_path = poprad, pg_temp as $$
	select set_masklen(network::inet | (regexp_replace(lpad(to_hex(n << (64 - length)), 16, '0'), '(....)(?!$)', '\1:', 'g') || '::')::inet, length)
$$;

-- The prefixes that these requests' subscribers had last.
drop function if exists poprad.admit_prefix_last;
create function poprad.admit_prefix_last(leased inet[], pending int[], session_keys uuid[], subscriber_ids int[],
	pool_ids int[], nas_group_ids int[], is_framed boolean)
returns inet[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	ords int[];
	taken inet[];
	rows tid[];
begin
	select array_agg(p.ord), array_agg(p.prefix), array_agg(a.row) into ords, taken, rows
	from (
		select distinct on (prefix) i as ord, coalesce(n.prefix, case when is_framed then t.last_framed_prefix else t.last_delegated_prefix end)::inet as prefix
		from unnest(pending) i
		cross join lateral (
			select t.last_framed_prefix, t.last_delegated_prefix from subscriber_state t
			where t.subscriber_id = subscriber_ids[i] offset 0
		) t
		left join lateral (
			select s.prefix from (
				select s.session_key, case when is_framed then s.leased_framed_prefix else s.leased_delegated_prefix end as prefix
				from session s where s.subscriber_id = subscriber_ids[i] offset 0
			) s
			where s.prefix is not null
			order by s.session_key desc
			limit 1
		) n on true
		order by prefix, i
	) p
	cross join lateral (
		select a.ctid as row from address a
		where a.address = p.prefix and a.session_key is null and not a.is_static and a.changed_at <= now()
			and exists (select from pool_range g where g.pool_range_id = a.pool_range_id and g.pool_id = pool_ids[p.ord]
				and pool_range_serves(g.nas_group_id, nas_group_ids[p.ord]))
		for update skip locked
	) a;
	if ords is not null then
		update address a
		set session_key = session_keys[t.ord], subscriber_id = subscriber_ids[t.ord], changed_at = now()
		from unnest(ords, rows) t (ord, row)
		where a.ctid = t.row;
		for n in 1 .. cardinality(ords) loop
			leased[ords[n]] := taken[n];
		end loop;
	end if;
	return leased;
end
$$;

-- The counters of these pools, for those who come behind.
drop function if exists poprad.prefix_ranges_lock;
create function poprad.prefix_ranges_lock(pool_ids int[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	perform from prefix_range x
	where x.pool_range_id in (select g.pool_range_id from pool_range g where g.pool_id = any (pool_ids))
	order by x.pool_range_id for update;
end
$$;

-- Prefixes of a range that nobody has had, one for each of pending at most. Returns the requests that still have none.
-- One that has a row already (it is a static one, or a NAS used it) is passed over.
drop function if exists poprad.prefixes_make;
create function poprad.prefixes_make(inout leased inet[], inout pending int[], session_keys uuid[], subscriber_ids int[],
	range_id int)
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	range record;
	many int;
	place int;
	made inet[];
	owners uuid[];
begin
	select g.pool_id, g.prefix, masklen(g.first_address) as length, x.size, x.made into range
	from pool_range g join prefix_range x using (pool_range_id) where g.pool_range_id = range_id;
	if range.made >= range.size then
		return;
	end if;
	while pending <> '{}' and range.made < range.size loop
		many := least(cardinality(pending), range.size - range.made);
		with made as (
			insert into address (address, pool_id, pool_range_id, subscriber_id, session_key, changed_at)
			select prefix_at(range.prefix, range.length, range.made + n - 1), range.pool_id, range_id,
				subscriber_ids[pending[n]], session_keys[pending[n]], now()
			from generate_series(1, many) n
			on conflict (address) do nothing
			returning address, session_key
		)
		select array_agg(m.address), array_agg(m.session_key) into made, owners from made m;
		-- In the order of pending, so this is one walk over both.
		place := 1;
		for n in 1 .. coalesce(cardinality(made), 0) loop
			while session_keys[pending[place]] <> owners[n] loop
				place := place % many + 1;
			end loop;
			leased[pending[place]] := made[n];
		end loop;
		range.made := range.made + many;
		pending := array(select i from unnest(pending) i where leased[i] is null);
	end loop;
	update prefix_range x set made = range.made where x.pool_range_id = range_id;
end
$$;

-- The same with prefixes that nobody uses any more. It reads the whole range only if all of it is used.
drop function if exists poprad.prefixes_reuse;
create function poprad.prefixes_reuse(inout leased inet[], inout pending int[], session_keys uuid[], subscriber_ids int[],
	range_id int)
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	look_at constant int := 256; -- rows, of which the longest free are taken
	range record;
	walked bigint := 0;
	most int;
	seen record;
	one record;
	place int;
begin
	select g.first_address, g.last_address, x.size, x.hand into range
	from pool_range g join prefix_range x using (pool_range_id) where g.pool_range_id = range_id;
	while pending <> '{}' and walked < range.size loop
		most := greatest(look_at, cardinality(pending));
		select max(e.address) as last, count(*) as many,
			array_agg(e.address order by e.changed_at, e.address) filter (where e.is_free) as free
		into seen
		from (
			select a.address, a.changed_at, a.session_key is null and not a.is_static and a.changed_at <= now() as is_free
			from address a
			where a.address between coalesce(range.hand, range.first_address) and range.last_address
				and (a.address = range.hand) is not true
			order by a.address
			limit most
		) e;
		walked := walked + seen.many;
		place := 0;
		for one in
			select a.address, a.ctid as row from address a
			where a.address = any (seen.free[:cardinality(pending)]) and a.session_key is null and a.changed_at <= now()
			for update skip locked
		loop
			place := place + 1;
			update address a
			set session_key = session_keys[pending[place]], subscriber_id = subscriber_ids[pending[place]], changed_at = now()
			where a.ctid = one.row;
			leased[pending[place]] := one.address;
		end loop;
		pending := pending[place + 1:];
		exit when range.hand is null and seen.many = 0;
		range.hand := case when seen.many = most then seen.last end;
	end loop;
	update prefix_range x set hand = range.hand where x.pool_range_id = range_id;
end
$$;

-- searches: used ones may be sought.
drop function if exists poprad.admit_prefix_take;
create function poprad.admit_prefix_take(leased inet[], pending int[], session_keys uuid[], subscriber_ids int[],
	pool_ids int[], nas_group_ids int[], searches boolean[])
returns inet[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	place record;
	range_id int;
	asking int[];
begin
	for place in
		select pool_ids[i] as pool_id, nas_group_ids[i] as nas_group_id, array_agg(i order by i) as ords,
			(select array_agg(g.pool_range_id order by g.pool_range_id) from pool_range g
				where g.pool_id = pool_ids[i] and pool_range_serves(g.nas_group_id, nas_group_ids[i])) as ranges
		from unnest(pending) i
		group by 1, 2, 4
		order by 1, 2
	loop
		asking := place.ords;
		foreach range_id in array coalesce(place.ranges, '{}') loop
			exit when asking = '{}';
			select m.leased, m.pending into leased, asking
			from prefixes_make(leased, asking, session_keys, subscriber_ids, range_id) m;
		end loop;
		asking := array(select i from unnest(asking) i where searches[i]);
		foreach range_id in array coalesce(place.ranges, '{}') loop
			exit when asking = '{}';
			select m.leased, m.pending into leased, asking
			from prefixes_reuse(leased, asking, session_keys, subscriber_ids, range_id) m;
		end loop;
	end loop;
	return leased;
end
$$;

-- asking_framed, asking_delegated: who asks for a prefix of a pool. framed and delegated are by ord; who gets none has null.
drop function if exists poprad.admit_prefixes;
create function poprad.admit_prefixes(inout framed inet[], inout delegated inet[], asking_framed int[],
	asking_delegated int[], session_keys uuid[], subscriber_ids int[], framed_pool_ids int[], delegated_pool_ids int[],
	nas_group_ids int[], searches boolean[])
language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	framed := admit_prefix_last(framed, asking_framed, session_keys, subscriber_ids, framed_pool_ids, nas_group_ids, true);
	delegated := admit_prefix_last(delegated, asking_delegated, session_keys, subscriber_ids, delegated_pool_ids,
		nas_group_ids, false);
	asking_framed := array(select i from unnest(asking_framed) i where framed[i] is null);
	asking_delegated := array(select i from unnest(asking_delegated) i where delegated[i] is null);
	if asking_framed <> '{}' or asking_delegated <> '{}' then
		perform prefix_ranges_lock(framed_pool_ids || delegated_pool_ids);
		framed := admit_prefix_take(framed, asking_framed, session_keys, subscriber_ids, framed_pool_ids, nas_group_ids,
			searches);
		delegated := admit_prefix_take(delegated, asking_delegated, session_keys, subscriber_ids, delegated_pool_ids,
			nas_group_ids, searches);
	end if;
end
$$;
