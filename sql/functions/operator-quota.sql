-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Quotas and prepaid balances, as operators see and change them.

-- Each quota that the subscriber has: of which period and what, how much, how much of it is used, and when it is full again.
create or replace function poprad.quota_state(s poprad.subscriber, p poprad.plan, o poprad.subscriber_policy) returns jsonb
language sql stable set search_path = poprad, pg_temp as $$
	select coalesce(jsonb_agg(jsonb_build_object('period', q.period, 'what', q.what, 'quota', q.quota,
		'used', least(coalesce(q.used, 0), 9223372036854775807),
		'full_again_at', iso_time(to_timestamp(q.ends))) order by q.place), '[]')
	from (select coalesce(o.quota_counts, p.quota_counts) as counts) c
	cross join lateral (
		select u.* from quota_used(s.subscriber_id, coalesce(o.time_zone, p.time_zone)) u
		where greatest(coalesce(o.quota_day_s, p.quota_day_s), coalesce(o.quota_month_s, p.quota_month_s),
			coalesce(o.quota_day_octets, p.quota_day_octets), coalesce(o.quota_month_octets, p.quota_month_octets)) > 0
		offset 0
	) u
	cross join lateral (
		select case when c.counts <> 'out' then u.day_in::numeric else 0 end
				+ case when c.counts <> 'in' then u.day_out else 0 end as day_octets,
			case when c.counts <> 'out' then u.month_in::numeric else 0 end
				+ case when c.counts <> 'in' then u.month_out else 0 end as month_octets
	) t
	cross join lateral (values
		(1, 'day', 'seconds', coalesce(o.quota_day_s, p.quota_day_s)::bigint, u.day_s::numeric, u.day_ends),
		(2, 'day', 'octets', coalesce(o.quota_day_octets, p.quota_day_octets), t.day_octets, u.day_ends),
		(3, 'month', 'seconds', coalesce(o.quota_month_s, p.quota_month_s), u.month_s, u.month_ends),
		(4, 'month', 'octets', coalesce(o.quota_month_octets, p.quota_month_octets), t.month_octets, u.month_ends)
	) q (place, period, what, quota, used, ends)
	where q.quota > 0
$$;

-- Enters what was bought.
create or replace function poprad.subscriber_topup(wanted text, more_seconds bigint, more_octets bigint, reason text) returns void
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_lock(wanted);
	used record;
begin
	select * into used from usage_ever(owner);
	insert into topup (subscriber_id, seconds, octets, reason) values (owner, more_seconds, more_octets, reason);
	insert into balance (subscriber_id) values (owner) on conflict do nothing;
	update balance b set
		seconds = case when more_seconds > 0 then coalesce(b.seconds, 0) + more_seconds else b.seconds end,
		seconds_before = case when more_seconds > 0 then coalesce(b.seconds_before, used.seconds) else b.seconds_before end,
		octets = case when more_octets > 0 then coalesce(b.octets, 0) + more_octets else b.octets end,
		octets_in_before = case when more_octets > 0 then coalesce(b.octets_in_before, used.octets_in) else b.octets_in_before end,
		octets_out_before = case when more_octets > 0 then coalesce(b.octets_out_before, used.octets_out) else b.octets_out_before end
	where b.subscriber_id = owner;
end
$$;

-- What a login would be told that he has of his own.
create or replace function poprad.subscriber_document(wanted text) returns text
language sql stable security definer set search_path = poprad, pg_temp as $$
	select f.policy from find_metered(array[wanted]) f
$$;
