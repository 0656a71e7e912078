-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Why can somebody not log in? Everything that is known of a login, in one document, for popradctl why. Run with the
-- caller's own rights.

-- Subscribers whose login differs from the asked one by one letter (another, one more, one less, two exchanged) or by
-- upper and lower case; then the same user in other realms. Every such login is made and looked up, so that the index on
-- logins serves. 10 at most.
drop function if exists poprad.similar_logins;
create function poprad.similar_logins(asked text)
returns text[] language sql stable set search_path = poprad, pg_temp as $$
	with place as (
		select p from generate_series(1, length(asked) + 1) p where length(asked) <= 64
	), letter as (
		select c from regexp_split_to_table('abcdefghijklmnopqrstuvwxyz0123456789.-_@', '') c
	), variant as materialized (
		select left(asked, p - 1) || substr(asked, p + 1) as login from place
		union select left(asked, p - 1) || substr(asked, p + 1, 1) || substr(asked, p, 1) || substr(asked, p + 2) from place
		union select left(asked, p - 1) || c || substr(asked, p + 1) from place, letter
		union select left(asked, p - 1) || c || substr(asked, p) from place, letter
		union select lower(asked)
	), person as (
		select regexp_replace(asked, '@[^@]*$', '') collate "C" as name
	), found as (
		(select s.login, 1 as kind from variant v
			cross join lateral (select s.login from subscriber s where s.login = v.login collate "C" offset 0) s
			order by s.login limit 10)
		union all
		(select s.login, 2 from person u
			cross join lateral (
				select s.login from subscriber s where s.login >= u.name || '@' and s.login < u.name || 'A'
				order by s.login limit 10
			) s)
		union all
		select s.login, 2 from person u join subscriber s on s.login = u.name
	)
	select array(
		select f.login from found f where f.login <> asked collate "C"
		group by f.login order by min(f.kind), f.login limit 10)
$$;

-- What the group of an access server imposes: its name and the filters'; null: nothing.
drop function if exists poprad.why_imposed;
create function poprad.why_imposed(wanted int)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	select jsonb_build_object('group', g.name, 'filters', jsonb_agg(f.name order by i.position))
	from nas_group g join nas_group_filter i using (nas_group_id) join filter f using (filter_id)
	where g.nas_group_id = wanted group by g.name
$$;

drop function if exists poprad.why_subscriber;
create function poprad.why_subscriber(asked text)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	select jsonb_build_object('subscriber_id', s.subscriber_id, 'plan', p.name, 'status', s.status,
		'expires_at', iso_time(s.expires_at), 'has_expired', coalesce(s.expires_at <= now(), false),
		'imposed', coalesce((select jsonb_agg(f.name order by i.position) from realm_filter i join filter f using (filter_id)
			where i.realm_id = s.realm_id), '[]'),
		'exempt_from', subscriber_exemptions(s.subscriber_id), 'quarantine', subscriber_quarantined(s.subscriber_id),
		'static_address', host(s.static_address), 'framed_ipv6_prefix', s.framed_ipv6_prefix,
		'delegated_ipv6_prefix', s.delegated_ipv6_prefix, 'session_limit', coalesce(o.session_limit, p.session_limit),
		'login_hours', coalesce(o.login_hours, p.login_hours)::text, 'time_zone', coalesce(o.time_zone, p.time_zone),
		'calling_stations', to_jsonb(coalesce(o.calling_stations, p.calling_stations)),
		'learn_calling_station', coalesce(o.learn_calling_station, p.learn_calling_station),
		'learned_calling_station', o.learned_calling_station, 'learned_at', iso_time(o.learned_at),
		'called_stations', to_jsonb(coalesce(o.called_stations, p.called_stations)),
		'nas_port_types', to_jsonb(coalesce(o.nas_port_types, p.nas_port_types)),
		'nas_groups', to_jsonb(coalesce(o.nas_groups, p.nas_groups)),
		'tunnels', to_jsonb(coalesce(o.tunnels, p.tunnels)), 'tunnel_address', coalesce(o.tunnel_address, p.tunnel_address),
		'let_in_with', (select g.name from plan g where g.plan_id = case when s.status = 'suspended' then p.suspended_plan_id
			when s.expires_at <= now() then p.expired_plan_id end),
		'exhausted_plan', (select g.name from plan g where g.plan_id = p.exhausted_plan_id),
		'quotas', quota_state(s, p, o),
		'prepaid', case when coalesce(o.prepaid, p.prepaid) then (
			select to_jsonb(l) from prepaid_left(s.subscriber_id, coalesce(o.quota_counts, p.quota_counts)) l) end)
	from subscriber s join plan p using (plan_id) left join subscriber_policy o using (subscriber_id)
	where s.login = asked collate "C"
$$;

-- Open sessions, the newest first, 10 at most.
drop function if exists poprad.why_sessions;
create function poprad.why_sessions(owner int)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	select coalesce(jsonb_agg(jsonb_build_object('session_key', s.session_key, 'state', s.state, 'nas', n.name,
		'nas_address', host(s.nas_address), 'nas_port', s.nas_port, 'nas_port_id', s.nas_port_id,
		'calling_station_id', s.calling_station_id, 'address', host(s.address),
		'framed_ipv6_prefix', coalesce(s.framed_ipv6_prefix, s.leased_framed_prefix),
		'delegated_ipv6_prefix', coalesce(s.delegated_ipv6_prefix, s.leased_delegated_prefix), 'imposed', why_imposed(n.nas_group_id),
		'is_over_quota', 'over_quota' = any (s.flags),
		'since', iso_time(coalesce(s.started_at, s.authorised_at)), 'last_heard', iso_time(s.last_heard))
		order by s.session_key desc), '[]')
	from (
		select * from session s where s.subscriber_id = owner and s.state <> 'closed'
		order by s.session_key desc limit 10
	) s
	left join nas n using (nas_id)
$$;

-- The closed session that began last, also from the history.
drop function if exists poprad.why_last_session;
create function poprad.why_last_session(owner int)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	select jsonb_build_object('nas', n.name, 'nas_address', host(s.nas_address), 'address', host(s.address),
		'started_at', iso_time(s.started_at), 'stopped_at', iso_time(s.stopped_at), 'terminate_cause', s.terminate_cause)
	from (
		(select s.nas_id, s.nas_address, s.address, s.started_at, s.stopped_at, s.terminate_cause from session s
			where s.subscriber_id = owner and s.state = 'closed' and s.started_at is not null
			order by s.started_at desc limit 1)
		union all
		(select s.nas_id, s.nas_address, s.address, s.started_at, s.stopped_at, s.terminate_cause from session_history s
			where s.subscriber_id = owner and s.started_at is not null
			order by s.started_at desc limit 1)
	) s
	left join nas n using (nas_id)
	order by s.started_at desc limit 1
$$;

-- The login's last attempts, the newest first; those that follow each other and differ in time alone are one. Address,
-- what was sent and port are those of the newest of them.
drop function if exists poprad.why_attempts;
create function poprad.why_attempts(asked text, asked_nas text, many int)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	with newest as (
		select a.*, row_number() over (order by a.attempted_at desc) as place,
			jsonb_build_array(a.result, a.reason, a.nas_id, a.nas_address, a.calling_station_id, a.method) as kind
		from (
			select * from auth_attempt a
			where a.login = asked collate "C"
				and (asked_nas is null or a.nas_id = (select n.nas_id from nas n where n.name = asked_nas))
			order by a.attempted_at desc limit many
		) a
	), marked as (
		select n.*, (n.kind is distinct from lag(n.kind) over (order by n.place))::int as begins from newest n
	), grouped as (
		select m.*, sum(m.begins) over (order by m.place) as part from marked m
	), summed as (
		select g.*, count(*) over part as attempts, min(g.attempted_at) over part as first_at,
			max(g.held_ms) over part as longest_held_ms
		from grouped g window part as (partition by g.part)
	)
	select coalesce(jsonb_agg(jsonb_build_object('attempts', s.attempts, 'first_at', iso_time(s.first_at),
		'last_at', iso_time(s.attempted_at), 'result', s.result, 'reason', s.reason, 'method', s.method, 'nas', n.name,
		'nas_address', host(s.nas_address), 'nas_port', s.nas_port, 'nas_port_id', s.nas_port_id,
		'calling_station_id', s.calling_station_id, 'address', host(s.address), 'sent', s.sent, 'imposed', why_imposed(n.nas_group_id),
		'duration_us', s.duration_us, 'held_ms', s.longest_held_ms, 'detail', s.detail) order by s.place), '[]')
	from summed s left join nas n using (nas_id)
	where s.begins = 1
$$;

-- Of the last day: packets of which nothing could be believed. One row stands for a minute of them.
drop function if exists poprad.why_dropped;
create function poprad.why_dropped(asked_nas text)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	with newest as (
		select a.attempted_at, a.nas_address, a.nas_id, a.reason from auth_attempt a
		where a.login = '' and a.result = 'drop' and a.attempted_at > now() - interval '1 day'
			and (asked_nas is null or a.nas_id = (select n.nas_id from nas n where n.name = asked_nas))
		order by a.attempted_at desc limit 1000
	), summed as (
		select w.nas_address, w.nas_id, w.reason, count(*) as minutes, min(w.attempted_at) as first_at,
			max(w.attempted_at) as last_at
		from newest w group by w.nas_address, w.nas_id, w.reason
		order by last_at desc limit 10
	)
	select coalesce(jsonb_agg(jsonb_build_object('nas', n.name, 'nas_address', host(s.nas_address), 'reason', s.reason,
		'minutes', s.minutes, 'first_at', iso_time(s.first_at), 'last_at', iso_time(s.last_at))
		order by s.last_at desc), '[]')
	from summed s left join nas n using (nas_id)
$$;

drop function if exists poprad.why;
create function poprad.why(asked text, asked_nas text, many int)
returns jsonb language sql stable set search_path = poprad, pg_temp as $$
	select jsonb_build_object('login', asked, 'subscriber', s.subscriber,
		'filter', case when s.subscriber is null then (select f.name from filter f
			where asked in (f.name, f.name || '.' || f.direction) order by f.name = asked desc limit 1) end,
		'similar', case when s.subscriber is null then to_jsonb(similar_logins(asked)) else '[]' end,
		'sessions', why_sessions((s.subscriber->>'subscriber_id')::int),
		'last_session', why_last_session((s.subscriber->>'subscriber_id')::int),
		'attempts', why_attempts(asked, asked_nas, many),
		'dropped', why_dropped(asked_nas))
	from (select why_subscriber(asked) as subscriber) s
$$;
