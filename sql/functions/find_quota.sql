-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What subscribers have used of their quotas, and what is left of what they have prepaid: from usage_day, usage_month and
-- what their sessions have not booked yet, never from old sessions.

-- The subscriber's day and month: seconds, octets in and out, and when it ends, in seconds since 1970.
drop function if exists poprad.quota_used;
create function poprad.quota_used(owner int, zone text)
returns table (day_s bigint, day_in bigint, day_out bigint, day_ends bigint, month_s bigint, month_in bigint, month_out bigint,
	month_ends bigint)
language sql stable as $$
	select least(coalesce(d.seconds, 0) + coalesce(u.day_s, 0), 9223372036854775807)::bigint,
		least(coalesce(d.octets_in, 0) + coalesce(u.day_in, 0), 9223372036854775807)::bigint,
		least(coalesce(d.octets_out, 0) + coalesce(u.day_out, 0), 9223372036854775807)::bigint,
		extract(epoch from (t.today + 1)::timestamp at time zone zone)::bigint,
		least(coalesce(m.seconds, 0) + coalesce(u.month_s, 0), 9223372036854775807)::bigint,
		least(coalesce(m.octets_in, 0) + coalesce(u.month_in, 0), 9223372036854775807)::bigint,
		least(coalesce(m.octets_out, 0) + coalesce(u.month_out, 0), 9223372036854775807)::bigint,
		extract(epoch from (t.month + interval '1 month') at time zone zone)::bigint
	from (
		select n.today, date_trunc('month', n.today::timestamp)::date as month, n.today::timestamp at time zone zone as day_begins
		from (select (now() at time zone zone)::date as today offset 0) n
		offset 0
	) t
	left join lateral (
		select sum(d.seconds) as seconds, sum(d.octets_in) as octets_in, sum(d.octets_out) as octets_out
		from poprad.usage_day d where d.subscriber_id = owner and d.day >= t.today
		offset 0
	) d on true
	left join lateral (
		select m.seconds, m.octets_in, m.octets_out
		from poprad.usage_month m where m.subscriber_id = owner and m.month = t.month
		offset 0
	) m on true
	left join lateral (
		select sum(s.seconds) as month_s, sum(s.octets_in) as month_in, sum(s.octets_out) as month_out,
			sum(s.seconds) filter (where s.is_today) as day_s, sum(s.octets_in) filter (where s.is_today) as day_in,
			sum(s.octets_out) filter (where s.is_today) as day_out
		from (
			select s.session_time - coalesce(s.booked_seconds, 0) as seconds, s.in_octets - coalesce(s.booked_in, 0) as octets_in,
				s.out_octets - coalesce(s.booked_out, 0) as octets_out, s.updated_at >= t.day_begins as is_today, s.updated_at
			from poprad.session s where s.subscriber_id = owner
			offset 0
		) s
		where s.is_today or s.updated_at >= t.month::timestamp at time zone zone
		offset 0
	) u on true
$$;

-- All that a subscriber has ever used, booked or not.
create or replace function poprad.usage_ever(owner int, out seconds bigint, out octets_in numeric, out octets_out numeric)
language sql stable as $$
	select coalesce(sum(u.seconds), 0)::bigint, coalesce(sum(u.octets_in), 0), coalesce(sum(u.octets_out), 0)
	from (
		select m.seconds, m.octets_in, m.octets_out from poprad.usage_month m where m.subscriber_id = owner
		union all
		select s.session_time - coalesce(s.booked_seconds, 0), s.in_octets - coalesce(s.booked_in, 0),
			s.out_octets - coalesce(s.booked_out, 0)
		from (select * from poprad.session s where s.subscriber_id = owner offset 0) s
	) u
$$;

-- What is left, 0 if it is used up; null: nothing of that kind was ever bought. counts: which octets.
create or replace function poprad.prepaid_left(owner int, counts text, out seconds bigint, out octets bigint)
language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	bought balance;
	used record;
begin
	select b.* into bought from balance b where b.subscriber_id = owner;
	if not found then
		return;
	end if;
	select * into used from usage_ever(owner);
	if bought.seconds is not null then
		seconds := greatest(bought.seconds - (used.seconds - bought.seconds_before), 0);
	end if;
	if bought.octets is not null then
		octets := least(greatest(bought.octets
			- case when counts <> 'out' then used.octets_in - bought.octets_in_before else 0 end
			- case when counts <> 'in' then used.octets_out - bought.octets_out_before else 0 end, 0), 9223372036854775807);
	end if;
end
$$;

-- What find() returns, and in the policy what is used of the subscriber's quotas, and if he is prepaid, what is left; -1
-- there: never bought any of that.
drop function if exists poprad.find_metered;
create function poprad.find_metered(logins text[])
returns table (ord int, subscriber_id int, plan_id int, status text, expires_at timestamptz, password text,
	static_address inet, policy text, attributes text, framed_prefix inet, delegated_prefix inet)
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return query
	select l.ord::int, s.subscriber_id, s.plan_id, s.status, s.expires_at, s.password, s.static_address,
		case when q.day_ends is null then o.document else concat('{"quota_used": [', q.day_s, ', ', q.day_in, ', ', q.day_out,
			', ', q.day_ends, ', ', q.month_s, ', ', q.month_in, ', ', q.month_out, ', ', q.month_ends, ']',
			case when q.is_prepaid then (
				select concat(', "prepaid_left": [', coalesce(b.seconds, -1), ', ', coalesce(b.octets, -1), ']')
				from prepaid_left(s.subscriber_id, q.counts) b) end,
			coalesce(', ' || substr(o.document, 2), '}')) end,
		nullif(array_to_string(s.attributes, E'\n'), ''), s.framed_ipv6_prefix::inet,
		s.delegated_ipv6_prefix::inet
	from unnest(logins) with ordinality l (login, ord)
	cross join lateral (select * from subscriber s where s.login = l.login collate "C" offset 0) s
	left join lateral (
		select * from subscriber_policy o where s.has_policy and o.subscriber_id = s.subscriber_id offset 0
	) o on true
	left join lateral (
		select coalesce(o.prepaid, p.prepaid) as is_prepaid, coalesce(o.quota_counts, p.quota_counts) as counts, u.*
		from plan p
		cross join lateral quota_used(s.subscriber_id, coalesce(o.time_zone, p.time_zone)) u
		where p.plan_id = s.plan_id and (coalesce(o.quota_day_s, p.quota_day_s) > 0
			or coalesce(o.quota_day_octets, p.quota_day_octets) > 0 or coalesce(o.quota_month_s, p.quota_month_s) > 0
			or coalesce(o.quota_month_octets, p.quota_month_octets) > 0 or coalesce(o.prepaid, p.prepaid))
		offset 0
	) q on true;
end
$$;
