-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Ends active sessions that have fallen silent: their Stop is lost. Called by tick(), which walks over all sessions.
-- They keep the counters and the time of their last record and are closed with it as their end, with the cause
-- Lost-Service and rank 1: it is a guess. A Stop that comes after all replaces it, an older record that comes late
-- corrects it, and a newer one makes the session live again (account_fold).
-- Its address rests for an interim interval before anybody is given it, since the NAS may still route it there.
--
-- How long a session may be silent (session_silence):
-- - where the NAS sends Interim-Updates, lost_after of its intervals: the NAS's own if it is known to have one, else
--   what the session was told. That it does send them must have been seen, of this session or of another one of its
--   device, unless an operator has said so;
-- - else until the session should have ended by its Session-Timeout, and a little longer;
-- - else for silence_max_s, or for ever if that is 0.
-- Time in which its records could not be stored does not count (session_is_lost). After an outage a session that sends
-- Interim-Updates has its whole time again, and any other an hour.

drop function if exists poprad.session_interval_s;
create function poprad.session_interval_s(told_s int, own_s int)
returns int language sql immutable as $$
	select coalesce(own_s, told_s)
$$;

drop function if exists poprad.session_silence;
create function poprad.session_silence(interval_s int, sends_interims boolean, session_timeout_s int, lost_after int,
	silence_max_s int)
returns interval language sql immutable as $$
	select case
		when interval_s > 0 and sends_interims then make_interval(secs => interval_s::float8 * lost_after)
		when session_timeout_s > 0 then make_interval(secs => session_timeout_s) + interval '10 minutes'
		when silence_max_s > 0 then make_interval(secs => silence_max_s)
	end
$$;

drop function if exists poprad.session_is_lost;
create function poprad.session_is_lost(last_heard timestamptz, silence interval, sends_interims boolean,
	accounted_until timestamptz, available_since timestamptz)
returns boolean language sql immutable as $$
	select coalesce(last_heard + silence <= accounted_until
		and available_since + case when sends_interims then silence else least(silence, interval '1 hour') end
			<= accounted_until, false)
$$;

-- Whether the records of a session tell that Interim-Updates were sent.
drop function if exists poprad.session_had_interim;
create function poprad.session_had_interim(state text, session_time bigint)
returns boolean language sql immutable as $$
	select state = 'active' and session_time > 0
$$;

-- Goes on with the walk. Returns the keys of sessions that may be lost, if their NAS sends interims; none while another
-- worker is walking.
drop function if exists poprad.sweep_walk;
create function poprad.sweep_walk(lost_after int, silence_max_s int, accounted_until timestamptz)
returns uuid[]
language plpgsql volatile set search_path = poprad, pg_temp
set enable_bitmapscan = off -- the index is read in its order, even if the plan was made while the table was empty
as $$
#variable_conflict use_column
declare
	rows_max constant int := 2000; -- some milliseconds
	keys_max constant int := 500; -- rows that one transaction may hold
	silence_min constant interval := '2 minutes'; -- two intervals of a minute
	part record; -- session_walk_part
	keys uuid[];
	last_key uuid; -- null: the lap is at its end
begin
	select p.* into part
	from session_walk w
	cross join lateral session_walk_part(w.reached, w.lap_end) p
	where w.name = 'sweep'
	for update of w skip locked;
	if not found then
		return null;
	end if;
	select array_agg(e.session_key order by e.place) filter (where e.is_silent),
		(array_agg(e.session_key) filter (where e.place = rows_max))[1]
	into keys, last_key
	from (
		select s.session_key, row_number() over () as place,
			s.state = 'active' and s.last_heard <= accounted_until - silence_min and s.last_heard
				+ session_silence(session_interval_s(s.interim_s, (select n.interim_s from nas n where n.nas_id = s.nas_id)),
					true, s.session_timeout_s, lost_after, silence_max_s) <= accounted_until as is_silent
		from session_walk_rows(part.first_key, part.last_key, part.unborn, rows_max) s
	) e;
	if cardinality(keys) > keys_max then
		keys := keys[:keys_max];
		last_key := keys[keys_max];
	end if;
	update session_walk w set reached = coalesce(last_key, part.lap_start), lap_end = part.last_key
	where w.name = 'sweep';
	return keys;
end
$$;

-- Returns how many sessions it ended.
drop function if exists poprad.sweep;
create function poprad.sweep(lost_after int, silence_max_s int, accounted_until timestamptz, available_since timestamptz)
returns int
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	sample_max constant int := 100; -- sessions of a device that are asked whether it sends interims
	sampled_max constant int := 2000; -- the newest ones under its NAS record, which they are looked for among
	keys uuid[] := sweep_walk(lost_after, silence_max_s, accounted_until);
	addresses inet[];
	rests interval[];
begin
	with silent as materialized (
		select s.*, session_interval_s(s.interim_s, n.interim_s) as interval_s, n.interim_s > 0 as is_known_to
		from unnest(keys) u (session_key)
		cross join lateral (
			select s.session_key, s.nas_id, s.nas_address, s.interim_s, s.session_timeout_s
			from session s where s.session_key = u.session_key offset 0
		) s
		left join nas n on n.nas_id = s.nas_id
	), device as materialized (
		select d.nas_id, d.nas_address, exists (
			select from (
				select e.state, e.session_time from (
					select s.nas_address, s.state, s.session_time from session s where s.nas_id = d.nas_id
					order by s.session_key desc limit sampled_max
				) e
				where e.nas_address = d.nas_address
				limit sample_max
			) e
			where session_had_interim(e.state, e.session_time)) as has_sent
		from (select distinct s.nas_id, s.nas_address from silent s) d
	)
	select array_agg(l.session_key), array_agg(l.address), array_agg(l.rest) into keys, addresses, rests
	from (
		select s.session_key, l.address, make_interval(secs => coalesce(nullif(s.interval_s, 0), 600)) as rest
		from silent s
		join device d using (nas_id, nas_address)
		cross join lateral (
			select l.address from session l
			cross join lateral (
				select coalesce(s.is_known_to, false) or d.has_sent or session_had_interim(l.state, l.session_time)
					as sends_interims
			) i
			where l.session_key = s.session_key and l.state = 'active' and session_is_lost(l.last_heard,
				session_silence(s.interval_s, i.sends_interims, s.session_timeout_s, lost_after, silence_max_s),
				i.sends_interims, accounted_until, available_since)
			for update of l skip locked
		) l
		order by s.session_key
	) l;
	if keys is null then
		return 0;
	end if;
	perform from address a where a.address = any (addresses) order by a.address for update;
	update address a set session_key = null, changed_at = now() + l.rest
	from unnest(keys, addresses, rests) l (session_key, address, rest)
	where a.address = l.address and a.session_key = l.session_key;
	perform prefixes_release(keys, null, (select max(r.rest) from unnest(rests) r (rest)));
	update session s set state = 'closed', stopped_at = s.updated_at, closed_at = now(),
		terminate_cause = 'Lost-Service', cause_rank = 1
	where s.session_key = any (keys);
	return cardinality(keys);
end
$$;
