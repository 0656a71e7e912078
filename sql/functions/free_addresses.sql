-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Reads on in pool ranges for the workers' lists of free addresses: behind `after` (null: from the start), at most
-- max_examined addresses, so that no call takes long however full the pool is. The last row of each ord has no address;
-- its last_seen is where to go on, null at the end of the range. A range that is gone is at its end.

drop function if exists poprad.free_addresses;
create function poprad.free_addresses(pool_range_ids int[], afters inet[], max_examined int[])
returns table (ord int, address inet, changed_at timestamptz, last_seen inet)
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	scan record;
begin
	for scan in
		select s.ord::int as ord, s.max_examined, r.pool_range_id, r.last_address,
			case when coalesce(s.after < r.first_address, true) then r.first_address
				when s.after < r.last_address then s.after + 1 end as first_address
		from unnest(pool_range_ids, afters, max_examined) with ordinality s (pool_range_id, after, max_examined, ord)
		left join pool_range r on r.pool_range_id = s.pool_range_id
		order by s.ord
	loop
		return query
		select scan.ord, e.address, e.changed_at, null::inet
		from (
			select * from address a
			where a.address between scan.first_address and scan.last_address
			order by a.address
			limit scan.max_examined
		) e
		where e.session_key is null and not e.is_static and e.changed_at <= now() and e.pool_range_id = scan.pool_range_id;
		return query
		select scan.ord, null::inet, null::timestamptz, (
			select a.address from address a
			where a.address between scan.first_address and scan.last_address
			order by a.address
			offset scan.max_examined - 1
			limit 1);
	end loop;
end
$$;
