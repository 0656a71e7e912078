-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Takes an address of the pool for every request that needs one: what the subscriber had last, else what the worker
-- proposes, else, if asked to, whatever the pool has. Called by admit(); pending are the requests' ords, which subscript
-- the other arrays, and the result: leased with what was taken.
-- A row that another transaction has locked counts as taken: nobody waits for an address, so that nobody can wait in a
-- circle, and two requests of a batch that are offered the same address are told apart by their order.

-- Whether a range of a pool serves a NAS group. range_group_id: null for every group.
drop function if exists poprad.pool_range_serves;
create function poprad.pool_range_serves(range_group_id int, nas_group_id int) returns boolean
language sql immutable as $$
	select coalesce(range_group_id = nas_group_id, true)
$$;

drop function if exists poprad.admit_lease;
create function poprad.admit_lease(leased inet[], pending int[], session_keys uuid[], subscriber_ids int[],
	pool_ids int[], nas_group_ids int[], last_addresses inet[], candidates_1 inet[], candidates_2 inet[],
	candidates_3 inet[], candidates_4 inet[], searches boolean[])
returns inet[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	proposals constant int := 5;
	ords int[];
	taken inet[];
	rows tid[];
begin
	for proposal in 1 .. proposals loop
		-- One place is a pool as a NAS group sees it; few in a batch, so that their ranges are looked up but once.
		with place as materialized (
			select d.pool_id, d.nas_group_id, array(
				select g.pool_range_id from pool_range g
				where g.pool_id = d.pool_id and pool_range_serves(g.nas_group_id, d.nas_group_id)) as ranges
			from (select distinct pool_ids[i] as pool_id, nas_group_ids[i] as nas_group_id from unnest(pending) i) d
		)
		select array_agg(p.ord), array_agg(p.address), array_agg(a.row) into ords, taken, rows
		from (
			select distinct on (c.address) c.*
			from (
				select i as ord, pool_ids[i] as pool_id, nas_group_ids[i] as nas_group_id,
					case proposal when 1 then coalesce(last_addresses[i], candidates_1[i]) when 2 then candidates_1[i]
						when 3 then candidates_2[i] when 4 then candidates_3[i] else candidates_4[i] end as address
				from unnest(pending) i
			) c
			where c.address is not null
			order by c.address, c.ord
		) p
		join place on place.pool_id = p.pool_id and place.nas_group_id = p.nas_group_id
		cross join lateral (
			select a.ctid as row from address a
			where a.address = p.address and a.session_key is null and not a.is_static and a.changed_at <= now()
				and a.pool_range_id = any (place.ranges)
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
			if cardinality(ords) = cardinality(pending) then
				return leased;
			end if;
			pending := array(select i from unnest(pending) i where leased[i] is null);
		end if;
	end loop;
	return admit_search(leased, array(select i from unnest(pending) i where searches[i]), session_keys, subscriber_ids,
		pool_ids, nas_group_ids);
end
$$;

-- The database-side search, when every proposal was lost: range by range in the order of addresses, until everybody has
-- one. It reads the whole pool only if that is exhausted; callers remember that answer for a while. Addresses that are
-- locked at this moment are being taken.
drop function if exists poprad.admit_search;
create function poprad.admit_search(leased inet[], pending int[], session_keys uuid[], subscriber_ids int[],
	pool_ids int[], nas_group_ids int[])
returns inet[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	place record;
	range record;
	found_count int;
	taken inet[];
	rows tid[];
begin
	for place in
		select pool_ids[i] as pool_id, nas_group_ids[i] as nas_group_id, array_agg(i order by i) as ords
		from unnest(pending) i
		group by 1, 2
		order by 1, 2
	loop
		found_count := 0;
		for range in
			select p.pool_range_id, p.first_address, p.last_address from pool_range p
			where p.pool_id = place.pool_id and pool_range_serves(p.nas_group_id, place.nas_group_id)
			order by p.pool_range_id
		loop
			exit when found_count = cardinality(place.ords);
			select coalesce(array_agg(f.address), '{}'), array_agg(f.row) into taken, rows
			from (
				select a.address, a.ctid as row from address a
				where a.address between range.first_address and range.last_address
					and a.pool_range_id = range.pool_range_id and a.session_key is null and not a.is_static and a.changed_at <= now()
				order by a.address
				limit cardinality(place.ords) - found_count
				for update skip locked
			) f;
			update address a
			set session_key = session_keys[t.ord], subscriber_id = subscriber_ids[t.ord], changed_at = now()
			from unnest(place.ords[found_count + 1:], rows) t (ord, row)
			where a.ctid = t.row;
			for n in 1 .. cardinality(taken) loop
				leased[place.ords[found_count + n]] := taken[n];
			end loop;
			found_count := found_count + cardinality(taken);
		end loop;
	end loop;
	return leased;
end
$$;
