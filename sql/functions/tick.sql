-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Called by every worker about once a second: refreshes its row of worker_state, then ends authorised sessions that no
-- Start has followed, 500 at most, without waiting for rows that others have locked. They are closed with the cause
-- Never-Started, the lowest rank: a Start that comes after all still begins them. Their addresses become free as of now,
-- and so come last in the order of least recent use.
--
-- A session runs out after as long as it was authorised for, counting only time in which its Start could have been
-- stored: from when the last worker found the database again, up to the arrival before which every worker has stored
-- all accounting. Workers that have not called for 10 s do not count. No worker's clock runs ahead of ours.
-- On a NAS without accounting nothing is waited for: there Session-Timeout ends the session by the wall clock.

drop function if exists poprad.tick;
create function poprad.tick(nodes text[], workers int[], available_sinces timestamptz[], accounted_untils timestamptz[])
returns table (ord int, expired int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	sessions_max constant int := 500;
	accounted_until timestamptz;
	available_since timestamptz;
	keys uuid[];
	addresses inet[];
begin
	insert into worker_state as w (node, worker, available_since, accounted_until, updated_at)
	select distinct on (t.node, t.worker) t.node, t.worker, t.available_since, t.accounted_until, clock_timestamp()
	from unnest(nodes, workers, available_sinces, accounted_untils) t (node, worker, available_since, accounted_until)
	order by t.node, t.worker
	on conflict (node, worker) do update set available_since = excluded.available_since,
		accounted_until = excluded.accounted_until, updated_at = excluded.updated_at;

	select min(w.accounted_until), max(w.available_since) into accounted_until, available_since
	from worker_state w where w.updated_at > now() - interval '10 seconds';
	accounted_until := least(accounted_until, now());

	keys := array(
		select s.session_key
		from session s
		where s.authorised_until <= now() and s.state = 'authorised'
			and ((select n.no_accounting from nas n where n.nas_id = s.nas_id)
				or accounted_until - greatest(s.authorised_at, available_since) >= s.authorised_until - s.authorised_at)
		order by s.authorised_until, s.session_key
		limit sessions_max
		for update of s skip locked);
	if cardinality(keys) > 0 then
		addresses := array(select s.address from session s where s.session_key = any (keys));
		perform from address a where a.address = any (addresses) order by a.address for update;
		update address a set session_key = null, changed_at = now()
		where a.address = any (addresses) and a.session_key = any (keys);
		update session s set state = 'closed', authorised_until = null, stopped_at = now(), closed_at = now(),
			terminate_cause = 'Never-Started', cause_rank = 1
		where s.session_key = any (keys);
	end if;
	return query select t.ord::int, cardinality(keys)
	from unnest(nodes) with ordinality t (node, ord);
end
$$;
