-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Takes an address of the pool for every admission that needs one: what the subscriber had last, else what the worker
-- proposes, else, if asked to, whatever the pool has. Called by admit_turn(). Returns the addresses by the requests' ord.
-- A row that another transaction has locked counts as taken: nobody waits for an address, so that nobody can wait in a
-- circle, and two requests of a batch that are offered the same address are told apart by their order.

drop function if exists poprad.admit_lease;
create function poprad.admit_lease(admissions poprad.admission[]) returns inet[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	proposals constant int := 5;
	pending admission[] := array(select a from unnest(admissions) a where a.needs_address);
	leased inet[] := '{}';
	ords int[];
	keys uuid[];
	owners int[];
	taken inet[];
	rows tid[];
begin
	for proposal in 1 .. proposals loop
		exit when cardinality(pending) = 0;
		select array_agg(p.ord), array_agg(p.session_key), array_agg(p.subscriber_id), array_agg(a.address),
			array_agg(a.row)
		into ords, keys, owners, taken, rows
		from (
			select distinct on (c.address) c.address, r.ord, d.session_key, r.subscriber_id, r.pool_id, r.nas_group_id
			from unnest(pending) d
			cross join lateral (select (d.request).*) r
			cross join lateral (
				select case proposal when 1 then coalesce(d.last_address, r.candidate_1) when 2 then r.candidate_1
					when 3 then r.candidate_2 when 4 then r.candidate_3 else r.candidate_4 end as address
			) c
			where c.address is not null
			order by c.address, r.ord
		) p
		cross join lateral (
			select a.address, a.ctid as row from address a
			left join pool_range g on g.pool_range_id = a.pool_range_id
			where a.address = p.address and a.session_key is null
				and is_address_for(a.address, a.pool_id, a.is_static, g.nas_group_id, null, p.pool_id, p.nas_group_id)
			for update of a skip locked
		) a;
		if ords is not null then
			update address a set session_key = t.session_key, subscriber_id = t.subscriber_id, changed_at = now()
			from unnest(keys, owners, rows) t (session_key, subscriber_id, row)
			where a.ctid = t.row;
			for i in 1 .. cardinality(ords) loop
				leased[ords[i]] := taken[i];
			end loop;
			pending := array(select d from unnest(pending) d where leased[(d.request).ord] is null);
		end if;
	end loop;
	if exists (select from unnest(pending) d where (d.request).search) then
		leased := admit_search(pending, leased);
	end if;
	return leased;
end
$$;

-- The database-side search, when every proposal was lost: range by range in the order of addresses, until everybody has
-- one. It reads the whole pool only if that is exhausted; callers remember that answer for a while. Addresses that are
-- locked at this moment are being taken.
drop function if exists poprad.admit_search;
create function poprad.admit_search(pending poprad.admission[], leased inet[]) returns inet[]
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
		select r.pool_id, r.nas_group_id, array_agg(r.ord order by r.ord) as ords,
			array_agg(d.session_key order by r.ord) as keys, array_agg(r.subscriber_id order by r.ord) as owners
		from unnest(pending) d
		cross join lateral (select (d.request).*) r
		where r.search
		group by r.pool_id, r.nas_group_id
		order by r.pool_id, r.nas_group_id
	loop
		found_count := 0;
		for range in
			select p.pool_range_id, p.first_address, p.last_address from pool_range p
			where p.pool_id = place.pool_id and coalesce(p.nas_group_id = place.nas_group_id, true)
			order by p.pool_range_id
		loop
			exit when found_count = cardinality(place.ords);
			select coalesce(array_agg(f.address), '{}'), array_agg(f.row) into taken, rows
			from (
				select a.address, a.ctid as row from address a
				where a.address between range.first_address and range.last_address
					and a.pool_range_id = range.pool_range_id and a.session_key is null and not a.is_static
				order by a.address
				limit cardinality(place.ords) - found_count
				for update skip locked
			) f;
			update address a set session_key = t.session_key, subscriber_id = t.subscriber_id, changed_at = now()
			from unnest(place.keys[found_count + 1:], place.owners[found_count + 1:], rows)
				t (session_key, subscriber_id, row)
			where a.ctid = t.row;
			for i in 1 .. cardinality(taken) loop
				leased[place.ords[found_count + i]] := taken[i];
			end loop;
			found_count := found_count + cardinality(taken);
		end loop;
	end loop;
	return leased;
end
$$;
