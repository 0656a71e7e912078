-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Watches sessions that have a quota: a session whose subscriber has used one up is flagged over_quota with the record
-- that shows it, and loses the flag with the first one that shows that there is something left again.
--
-- To add up what is left costs more than to store a record, so each session has an allowance: what it may count before
-- it is looked at again (quota_at_s, quota_at_in, quota_at_out). The allowances of a subscriber's sessions are together
-- no more than what is left, so what is left cannot be used up without one of them counting more than its own. It
-- is given half of what nobody is allowed yet, or all of it if he may have one session at a time. One that has counted
-- so much more that the others' allowances are too many ends these: they are looked at with their next record.

-- What a subscriber has left of his quotas and his balance; negative: more than that was used; null: no limit of that kind.
drop function if exists poprad.quota_left;
create function poprad.quota_left(owner int, out seconds bigint, out octets numeric, out counts text, out session_limit int)
language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	q record;
	used record;
	balance_left record;
begin
	select coalesce(o.quota_day_s, p.quota_day_s) as day_s, coalesce(o.quota_month_s, p.quota_month_s) as month_s,
		coalesce(o.quota_day_octets, p.quota_day_octets) as day_octets,
		coalesce(o.quota_month_octets, p.quota_month_octets) as month_octets,
		coalesce(o.quota_counts, p.quota_counts) as counts, coalesce(o.prepaid, p.prepaid) as is_prepaid,
		coalesce(o.session_limit, p.session_limit) as session_limit, coalesce(o.time_zone, p.time_zone) as zone
	into q
	from subscriber s join plan p using (plan_id) left join subscriber_policy o using (subscriber_id)
	where s.subscriber_id = owner;
	counts := q.counts;
	session_limit := q.session_limit;
	if greatest(q.day_s, q.month_s, q.day_octets, q.month_octets) > 0 then
		select u.*, case when q.counts <> 'out' then u.day_in::numeric else 0 end
				+ case when q.counts <> 'in' then u.day_out else 0 end as day_octets,
			case when q.counts <> 'out' then u.month_in::numeric else 0 end
				+ case when q.counts <> 'in' then u.month_out else 0 end as month_octets
		into used from quota_used(owner, q.zone) u;
		seconds := least(nullif(q.day_s, 0) - used.day_s, nullif(q.month_s, 0) - used.month_s);
		octets := least(nullif(q.day_octets, 0) - used.day_octets, nullif(q.month_octets, 0) - used.month_octets);
	end if;
	if q.is_prepaid then
		select * into balance_left from prepaid_left(owner, q.counts) b;
		seconds := least(seconds, balance_left.seconds, case when num_nonnulls(balance_left.seconds, balance_left.octets) = 0 then 0 end);
		octets := least(octets, balance_left.octets);
	end if;
end
$$;

-- What a session may count until it is looked at again; null: no limit.
drop function if exists poprad.quota_share;
create function poprad.quota_share(what_is_left numeric, others_may numeric, session_limit int)
returns bigint language sql immutable as $$
	select least(div(greatest(what_is_left - others_may, 0), case session_limit when 1 then 1 else 2 end), 9223372036854775807 / 4)::bigint
$$;

-- Looks at those of these sessions that have counted what they may, and at those that have no allowance yet. Returns those that are flagged now,
-- and have not been before. Called by account(), to which their rows belong.
drop function if exists poprad.quota_watch;
create function poprad.quota_watch(keys uuid[], without_allowance uuid[]) returns uuid[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	hit record;
	owned record; -- what is left, and what other sessions of the subscriber may count of it
	is_over boolean;
	flagged uuid[] := '{}';
begin
	for hit in
		select s.session_key, s.subscriber_id, s.state, s.session_time, s.in_octets, s.out_octets, 'over_quota' = any (s.flags) as is_flagged
		from unnest(keys) k (session_key)
		cross join lateral (select * from session s where s.session_key = k.session_key offset 0) s
		where s.subscriber_id is not null and (s.session_key = any (without_allowance)
			or s.session_time >= s.quota_at_s or s.in_octets >= s.quota_at_in or s.out_octets >= s.quota_at_out)
		order by s.session_key
	loop
		select l.*, o.may_s, o.may_octets, l.seconds <= 0 or l.octets <= 0 as is_over,
			l.seconds < o.may_s or l.octets < o.may_octets as is_too_much
		into owned
		from quota_left(hit.subscriber_id) l
		cross join lateral (
			select coalesce(sum(greatest(s.quota_at_s - s.session_time, 0)), 0) as may_s,
				coalesce(sum(greatest(s.quota_at_in - s.in_octets, 0)), 0)
					+ coalesce(sum(greatest(s.quota_at_out - s.out_octets, 0)), 0) as may_octets
			from session s
			where s.subscriber_id = hit.subscriber_id and s.state <> 'closed' and s.session_key <> hit.session_key
		) o;
		is_over := coalesce(owned.is_over, false) and hit.state = 'active';
		update session s set
			quota_at_s = hit.session_time + quota_share(owned.seconds, owned.may_s, owned.session_limit),
			quota_at_in = case when owned.counts <> 'out' then hit.in_octets
				+ quota_share(owned.octets, owned.may_octets, owned.session_limit) / case owned.counts when 'both' then 2 else 1 end end,
			quota_at_out = case when owned.counts <> 'in' then hit.out_octets
				+ quota_share(owned.octets, owned.may_octets, owned.session_limit) / case owned.counts when 'both' then 2 else 1 end end,
			flags = case when is_over and not hit.is_flagged then s.flags || 'over_quota'::text
				when is_over or hit.state = 'closed' then s.flags else array_remove(s.flags, 'over_quota') end
		where s.session_key = hit.session_key;
		if is_over and not hit.is_flagged then
			flagged := flagged || hit.session_key;
		end if;
		if owned.is_too_much then
			perform quota_allowances_end(hit.subscriber_id, hit.session_key);
		end if;
	end loop;
	return flagged;
end
$$;

-- Of a subscriber's open sessions but one. Whoever is busy with one of them is not waited for: its record is being stored.
drop function if exists poprad.quota_allowances_end;
create function poprad.quota_allowances_end(owner int, but uuid) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	update session s set quota_at_s = s.quota_at_s - greatest(s.quota_at_s - s.session_time, 0),
		quota_at_in = s.quota_at_in - greatest(s.quota_at_in - s.in_octets, 0),
		quota_at_out = s.quota_at_out - greatest(s.quota_at_out - s.out_octets, 0)
	where s.session_key = any (array(
		select o.session_key from session o
		where o.subscriber_id = owner and o.session_key is distinct from but and o.state <> 'closed'
			and (o.quota_at_s > o.session_time or o.quota_at_in > o.in_octets or o.quota_at_out > o.out_octets)
		order by o.session_key
		for update skip locked));
end
$$;
