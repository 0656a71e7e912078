-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Books what sessions count to the days on which it was used (usage_day). Always true: what is in usage_day and what
-- sessions have not booked yet (poprad.usage adds both) are together what the sessions have counted, to the octet.
--
-- A session books when it must: when a record comes that is not of its present day any more (session.day_ends), and when it
-- moves into history. In between its row alone is written, as for every record. So no Stop and hardly any interim writes
-- a second row, and nothing that closes a session need know of days.
--
-- What was counted between two records of different days is spread over the time between them. What a late record adds
-- belongs to the session's present day. Sessions of nobody we know are not booked.

-- Whose clock a subscriber's days go by.
create or replace function poprad.usage_zone(subscriber_id int, plan_id int)
returns text language sql stable as $$
	select coalesce((select o.time_zone from poprad.subscriber_policy o where o.subscriber_id = $1),
		(select p.time_zone from poprad.plan p where p.plan_id = $2), 'UTC')
$$;

create or replace function poprad.usage_day_ends(at timestamptz, zone text)
returns timestamptz language sql stable as $$
	select (date_trunc('day', at at time zone zone) + interval '1 day') at time zone zone
$$;

-- When the day ends that it is then for a subscriber.
drop function if exists poprad.usage_present_day_ends;
create function poprad.usage_present_day_ends(at timestamptz, subscriber_id int, plan_id int)
returns timestamptz language plpgsql stable set search_path = poprad, pg_temp as $$
begin
	return usage_day_ends(at, usage_zone(subscriber_id, plan_id));
end
$$;

-- The hours around now in which no midnight lies, wherever somebody's days begin. A session that starts in them needs no clock of
-- its own yet: its day lasts until their end at least, and the first record behind that asks for the subscriber's.
drop function if exists poprad.usage_hours;
create function poprad.usage_hours(out begin_at timestamptz, out end_at timestamptz)
language plpgsql stable set search_path = poprad, pg_temp as $$
begin
	select max(m.midnight at time zone m.time_zone), min(usage_day_ends(now(), m.time_zone)) into begin_at, end_at
	from (select c.time_zone, date_trunc('day', now() at time zone c.time_zone) as midnight from usage_clock c offset 0) m;
end
$$;

create or replace function poprad.usage_clock_new() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	insert into usage_clock values (new.time_zone) on conflict do nothing;
	return null;
end
$$;
create or replace trigger usage_clock after insert or update of time_zone on poprad.plan
for each row execute function poprad.usage_clock_new();
create or replace trigger usage_clock after insert or update of time_zone on poprad.subscriber_policy
for each row when (new.time_zone is not null) execute function poprad.usage_clock_new();

-- How what a session has counted beyond that, from then until its newest record, falls on days. Every day has the
-- difference between what was counted by its end and by its beginning, in whole seconds and octets; the first one also what
-- had not been booked before. A year and a month are the longest time that is looked at.
drop function if exists poprad.usage_split;
create function poprad.usage_split(s poprad.session, zone text, since timestamptz, seconds bigint, octets_in bigint,
	octets_out bigint)
returns table (day date, day_ends timestamptz, is_last boolean, seconds numeric, octets_in numeric, octets_out numeric,
	sessions int)
language sql stable as $$
	select c.day::date, c.ends, c.is_last, c.seconds - lag(c.seconds, 1, coalesce(s.booked_seconds, 0)::numeric) over w,
		c.octets_in - lag(c.octets_in, 1, coalesce(s.booked_in, 0)::numeric) over w,
		c.octets_out - lag(c.octets_out, 1, coalesce(s.booked_out, 0)::numeric) over w,
		(s.booked_seconds is null and row_number() over w = 1)::int
	from (
		select d.day, e.ends, l.is_last,
			case when l.is_last then s.session_time else seconds + div((s.session_time - seconds) * l.elapsed, l.span) end as seconds,
			case when l.is_last then s.in_octets else octets_in + div((s.in_octets - octets_in) * l.elapsed, l.span) end as octets_in,
			case when l.is_last then s.out_octets else octets_out + div((s.out_octets - octets_out) * l.elapsed, l.span) end
				as octets_out
		from (select greatest(least(since, s.updated_at), s.updated_at - interval '13 months') as since) b
		cross join lateral generate_series(date_trunc('day', b.since at time zone zone),
			date_trunc('day', s.updated_at at time zone zone), interval '1 day') d (day)
		cross join lateral (select (d.day + interval '1 day') at time zone zone as ends) e
		cross join lateral (
			select e.ends > s.updated_at as is_last, extract(epoch from e.ends - b.since) as elapsed,
				extract(epoch from s.updated_at - b.since) as span
		) l
	) c
	window w as (order by c.day)
$$;

-- The sessions of packets that are not of their session's present day, as they are before they are folded.
drop function if exists poprad.usage_turns;
create function poprad.usage_turns(turn int[], keys uuid[], events_at timestamptz[])
returns poprad.session[] language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	return nullif(array(
		select row(s.*)::session from unnest(turn, keys) t (ord, session_key)
		cross join lateral (select * from session s where s.session_key = t.session_key offset 0) s
		where (events_at[t.ord] < s.day_ends) is not true), '{}');
end
$$;

-- The same after they have been folded, when their rows are ours: what was used up to the newest day is booked, and that
-- day is the present one. Returns what is to be added to usage_day.
drop function if exists poprad.usage_turn;
create function poprad.usage_turn(before poprad.session[])
returns poprad.usage_day[] language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	shares usage_day[];
begin
	with day as (
		select s.session_key, s.subscriber_id, s.plan_id, d.*
		from unnest(before) b
		cross join lateral (select * from session s where s.session_key = b.session_key offset 0) s
		cross join lateral (select usage_zone(s.subscriber_id, s.plan_id) as zone offset 0) z
		cross join lateral (
			select case when s.day_ends is null then s.started_at else coalesce(b.updated_at, s.started_at) end as since,
				case when s.day_ends is not null then b.session_time end as seconds,
				case when s.day_ends is not null then b.in_octets end as octets_in,
				case when s.day_ends is not null then b.out_octets end as octets_out
			offset 0
		) f
		cross join lateral usage_split(row(s.*)::session, z.zone, f.since, greatest(s.booked_seconds, f.seconds, 0),
			greatest(s.booked_in, f.octets_in, 0), greatest(s.booked_out, f.octets_out, 0)) d
		where s.subscriber_id is not null and (s.updated_at < s.day_ends) is not true
			and (s.updated_at, s.session_time, s.in_octets, s.out_octets) -- else nothing was written
				is distinct from (b.updated_at, b.session_time, b.in_octets, b.out_octets)
	), booked as (
		update session s set day_ends = n.day_ends,
			booked_seconds = case when n.is_turned then s.session_time - n.seconds else s.booked_seconds end,
			booked_in = case when n.is_turned then s.in_octets - n.octets_in else s.booked_in end,
			booked_out = case when n.is_turned then s.out_octets - n.octets_out else s.booked_out end
		from (
			select d.session_key, d.day_ends, d.seconds, d.octets_in, d.octets_out, d.sessions = 0 as is_turned
			from day d where d.is_last
			union all
			select b.session_key, 'infinity', 0, 0, 0, false from unnest(before) b where b.subscriber_id is null
		) n
		where s.session_key = any (array[n.session_key])
	)
	select array_agg(row(d.subscriber_id, d.day, coalesce(d.plan_id, 0), d.seconds, d.octets_in, d.octets_out,
		d.sessions)::usage_day)
	into shares from day d where not d.is_last;
	return shares;
end
$$;

-- What these sessions, which move into history, have not booked yet.
drop function if exists poprad.usage_rest;
create function poprad.usage_rest(keys uuid[])
returns poprad.usage_day[] language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return array(
		select row(s.subscriber_id, d.day, coalesce(s.plan_id, 0), d.seconds, d.octets_in, d.octets_out, d.sessions)::usage_day
		from unnest(keys) k (session_key)
		cross join lateral (select * from session s where s.session_key = k.session_key offset 0) s
		cross join lateral (select usage_zone(s.subscriber_id, s.plan_id) as zone offset 0) z
		cross join lateral usage_split(row(s.*)::session, z.zone,
			case when s.day_ends is null then s.started_at else s.updated_at end, coalesce(s.booked_seconds, 0),
			coalesce(s.booked_in, 0), coalesce(s.booked_out, 0)) d
		where s.subscriber_id is not null and s.updated_at is not null);
end
$$;

-- Adds to usage_day, in the order of its keys, and then to usage_month.
drop function if exists poprad.usage_add;
create function poprad.usage_add(shares poprad.usage_day[])
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	insert into usage_day as u (subscriber_id, day, plan_id, seconds, octets_in, octets_out, sessions)
	select n.subscriber_id, n.day, n.plan_id, sum(n.seconds), sum(n.octets_in), sum(n.octets_out), sum(n.sessions)
	from unnest(shares) n
	where (n.seconds, n.octets_in, n.octets_out, n.sessions) <> (0, 0, 0, 0)
	group by n.subscriber_id, n.day, n.plan_id
	order by n.subscriber_id, n.day, n.plan_id
	on conflict (subscriber_id, day, plan_id) do update set seconds = u.seconds + excluded.seconds,
		octets_in = u.octets_in + excluded.octets_in, octets_out = u.octets_out + excluded.octets_out,
		sessions = u.sessions + excluded.sessions;
	insert into usage_month as u (subscriber_id, month, seconds, octets_in, octets_out)
	select n.subscriber_id, date_trunc('month', n.day::timestamp), sum(n.seconds), sum(n.octets_in), sum(n.octets_out)
	from unnest(shares) n
	group by 1, 2
	order by 1, 2
	on conflict (subscriber_id, month) do update set seconds = u.seconds + excluded.seconds,
		octets_in = u.octets_in + excluded.octets_in, octets_out = u.octets_out + excluded.octets_out;
end
$$;
