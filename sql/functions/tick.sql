-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Called by every worker about once a second: refreshes its row of worker_state, then ends authorised sessions that no
-- Start has followed, 500 at most, without waiting for rows that others have locked. They are closed with the cause
-- Never-Started, the lowest rank: a Start that comes after all still begins them. Their addresses become free as of now,
-- and so come last in the order of least recent use. Active sessions that have fallen silent end too (sweep).
--
-- A session runs out after as long as it was authorised for, counting only time in which its Start could have been
-- stored: from when the last worker found the database again, up to the arrival before which every worker has stored
-- all accounting. Workers that have not called for 10 s do not count. No worker's clock runs ahead of ours.
-- On a NAS without accounting nothing is waited for: there Session-Timeout ends the session by the wall clock.
--
-- No index tells which sessions are due: it would have to change with every Start. Keys are ordered by their birth, so
-- two walks over the keys find them (session_walk keeps how far each has come, whoever calls next goes on from there):
-- expire_recent sees each key once, soon after its birth, and waits at the first session that may still run out in the
-- ordinary way; expire_all goes round and round at leisure, and finds what the other has passed: rows that were locked,
-- sessions that may wait for long or were taken over by a later login, keys of a clock that was wrong.

drop function if exists poprad.tick;
create function poprad.tick(nodes text[], workers int[], available_sinces timestamptz[], accounted_untils timestamptz[],
	lost_afters int[], silence_maxima_s int[])
returns table (ord int, expired int, swept int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	sessions_max constant int := 500;
	in_flight constant interval := '30 seconds'; -- a younger key's login may not be committed yet
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

	keys := tick_walk('expire_recent', session_key_first(now() - in_flight), 20000, sessions_max, accounted_until,
		available_since);
	keys := keys || tick_walk('expire_all', null, 1000, sessions_max - cardinality(keys), accounted_until,
		available_since);
	keys := array(
		select s.session_key
		from (select distinct k from unnest(keys) k order by k) u (session_key)
		cross join lateral (
			select s.session_key from session s
			where s.session_key = u.session_key and session_has_run_out(s.state, s.authorised_at, s.authorised_until,
				(select n.no_accounting from nas n where n.nas_id = s.nas_id), accounted_until, available_since)
			for update of s skip locked
		) s);
	if keys <> '{}' then
		addresses := array(select s.address from session s where s.session_key = any (keys));
		perform from address a where a.address = any (addresses) order by a.address for update;
		update address a set session_key = null, changed_at = now()
		where a.address = any (addresses) and a.session_key = any (keys);
		perform prefixes_release(keys);
		update session s set state = 'closed', authorised_until = null, stopped_at = now(), closed_at = now(),
			terminate_cause = 'Never-Started', cause_rank = 1
		where s.session_key = any (keys);
	end if;
	swept := sweep(lost_afters[1], silence_maxima_s[1], accounted_until, available_since);
	return query select t.ord::int, cardinality(keys), swept
	from unnest(nodes) with ordinality t (node, ord);
end
$$;

drop function if exists poprad.session_has_run_out;
create function poprad.session_has_run_out(state text, authorised_at timestamptz, authorised_until timestamptz,
	no_accounting boolean, accounted_until timestamptz, available_since timestamptz)
returns boolean language sql stable as $$
	select state = 'authorised' and authorised_until <= now()
		and (no_accounting or accounted_until - greatest(authorised_at, available_since) >= authorised_until - authorised_at)
$$;

-- Goes on with a walk, over rows_max keys up to `until` at most (null: in laps over all of them).
-- Returns the keys of sessions that have run out, keys_max at most; none while another worker is walking.
drop function if exists poprad.tick_walk;
create function poprad.tick_walk(walk_name text, until uuid, rows_max int, keys_max int, accounted_until timestamptz,
	available_since timestamptz)
returns uuid[]
language plpgsql volatile set search_path = poprad, pg_temp
set enable_bitmapscan = off -- the index is read in its order, even if the plan was made while the table was empty
as $$
#variable_conflict use_column
declare
	longest_wait constant interval := '1 hour'; -- that the option authorised allows
	part record; -- session_walk_part
	next_key uuid; -- null: the walk is at its end
	keys uuid[] := '{}';
	one record;
begin
	-- least: the database's clock may have been set back.
	select least(w.reached, until) as first_key, coalesce(until, p.last_key) as last_key,
		case when until is null then p.unborn end as unborn, p.lap_start
	into part
	from session_walk w
	cross join lateral session_walk_part(w.reached, w.lap_end) p
	where w.name = walk_name
	for update of w skip locked;
	if not found then
		return keys;
	end if;
	for one in
		select e.session_key, e.place, r.has_run_out,
			not r.has_run_out and e.login_key is null and n.no_accounting is not true
				and e.authorised_until - e.authorised_at <= longest_wait as will_run_out
		from (
			select s.session_key, s.state, s.login_key, s.nas_id, s.authorised_at, s.authorised_until,
				row_number() over () as place
			from session_walk_rows(part.first_key, part.last_key, part.unborn, rows_max) s
		) e
		left join lateral (select n.no_accounting from nas n where n.nas_id = e.nas_id offset 0) n on true
		cross join lateral (
			select coalesce(session_has_run_out(e.state, e.authorised_at, e.authorised_until, n.no_accounting,
				accounted_until, available_since), false) as has_run_out
			offset 0
		) r
		where (e.state = 'authorised' or e.place = rows_max)
			and (r.has_run_out or until is not null or e.place = rows_max)
	loop
		next_key := one.session_key;
		exit when cardinality(keys) = keys_max or one.will_run_out and until is not null;
		if one.has_run_out then
			keys := keys || one.session_key;
		end if;
		exit when one.place = rows_max;
		next_key := null;
	end loop;
	update session_walk w set reached = coalesce(next_key, until, part.lap_start), lap_end = part.last_key
	where w.name = walk_name;
	return keys;
end
$$;
