-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a month costs by the tariffs of the plans: for each subscriber and plan one line for time and one for volume.
-- What is included counts whole for each plan that he had in the month. Of what goes beyond, every unit begun counts; that is
-- the only rounding, and it is done once for a line. Everything is exact: numeric, and whole numbers.

drop function if exists poprad.billing_units;
create function poprad.billing_units(used numeric, included numeric, unit numeric)
returns numeric language sql immutable as $$
	select div(greatest(used - included, 0) + unit - 1, unit)
$$;

-- A part of whoever used something in that month, or has a session that may have: the last one of the next max behind after;
-- null: there is nobody any more.
drop function if exists poprad.billing_rate_part;
create function poprad.billing_rate_part(month date, after int, max int)
returns int language sql stable security definer set search_path = poprad, pg_temp as $$
	select max(u.subscriber_id) from (
		select u.subscriber_id from (
			(select u.subscriber_id from usage_month u where u.subscriber_id > $2 and u.month = $1 order by u.subscriber_id limit $3)
			union
			(select distinct s.subscriber_id from session s where s.subscriber_id > $2 order by s.subscriber_id limit $3)
		) u
		order by u.subscriber_id
		limit $3
	) u
$$;

-- The lines of those behind after up to upto. An amount is null where the plan has no price; used says what was used all the same.
drop function if exists poprad.billing_rate;
create function poprad.billing_rate(month date, after int default 0, upto int default 2147483647)
returns table (subscriber_id int, login text, realm text, reseller text, plan_id int, plan text, kind text,
	used numeric, included numeric, unit numeric, units numeric, price numeric, currency text, amount numeric)
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return query
	select u.subscriber_id, coalesce(b.login, f.login), coalesce(r.name, f.realm), coalesce(r.reseller, f.reseller), u.plan_id, p.name, l.kind, l.used, l.included,
		l.unit, l.units, l.price, t.currency, l.units * l.price
	from (
		select n.subscriber_id from usage_month n
		where n.month = billing_rate.month and n.subscriber_id > after and n.subscriber_id <= upto
		union
		select n.subscriber_id from session n where n.subscriber_id > after and n.subscriber_id <= upto
	) w
	cross join lateral (
		select d.subscriber_id, nullif(d.plan_id, 0) as plan_id, sum(d.seconds) as seconds,
			sum(d.octets_in + d.octets_out) as octets
		from usage d
		where d.subscriber_id = w.subscriber_id and d.day >= billing_rate.month and d.day < billing_rate.month + interval '1 month'
		group by d.subscriber_id, d.plan_id
	) u
	left join lateral (
		select t.* from tariff t where t.plan_id = u.plan_id and t.since <= billing_rate.month order by t.since desc limit 1
	) t on true
	cross join lateral (
		select v.*, case when v.price is not null then billing_units(v.used, v.included, v.unit) end as units
		from (values
			('time', u.seconds, t.included_s::numeric, t.time_unit_s::numeric, t.time_price),
			('volume', u.octets, t.included_octets::numeric, t.volume_unit::numeric, t.volume_price)
		) v (kind, used, included, unit, price)
	) l
	left join subscriber b on b.subscriber_id = u.subscriber_id
	left join realm r on r.realm_id = b.realm_id
	left join former_subscriber f on f.subscriber_id = u.subscriber_id
	left join plan p on p.plan_id = u.plan_id
	order by u.subscriber_id, u.plan_id, l.kind;
end
$$;
