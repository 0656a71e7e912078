-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a billing system reads of days and months (billing.sql has the sessions): all that is in poprad.usage, added up and with
-- names. The columns are promised as well.

drop view if exists poprad.billing_usage_day;
create view poprad.billing_usage_day as
select u.subscriber_id, coalesce(b.login, f.login) as login, coalesce(r.name, f.realm) as realm,
	coalesce(r.reseller, f.reseller) as reseller, nullif(u.plan_id, 0) as plan_id, p.name as plan, u.day, u.seconds, u.octets_in,
	u.octets_out, u.sessions
from (
	select u.subscriber_id, u.plan_id, u.day, sum(u.seconds) as seconds, sum(u.octets_in) as octets_in,
		sum(u.octets_out) as octets_out, sum(u.sessions) as sessions
	from poprad.usage u
	group by u.subscriber_id, u.plan_id, u.day
) u
left join poprad.subscriber b on b.subscriber_id = u.subscriber_id
left join poprad.realm r on r.realm_id = b.realm_id
left join poprad.former_subscriber f on f.subscriber_id = u.subscriber_id
left join poprad.plan p on p.plan_id = u.plan_id;

-- The expression of month is that of an index.
drop view if exists poprad.billing_usage_month;
create view poprad.billing_usage_month as
select u.subscriber_id, coalesce(b.login, f.login) as login, coalesce(r.name, f.realm) as realm,
	coalesce(r.reseller, f.reseller) as reseller, nullif(u.plan_id, 0) as plan_id, p.name as plan, u.month, u.seconds, u.octets_in,
	u.octets_out, u.sessions
from (
	select u.subscriber_id, u.plan_id, date_trunc('month', u.day::timestamp)::date as month, sum(u.seconds) as seconds,
		sum(u.octets_in) as octets_in, sum(u.octets_out) as octets_out, sum(u.sessions) as sessions
	from poprad.usage u
	group by u.subscriber_id, u.plan_id, date_trunc('month', u.day::timestamp)::date
) u
left join poprad.subscriber b on b.subscriber_id = u.subscriber_id
left join poprad.realm r on r.realm_id = b.realm_id
left join poprad.former_subscriber f on f.subscriber_id = u.subscriber_id
left join poprad.plan p on p.plan_id = u.plan_id;

-- Whose realm it is pays; the provider's own customers are in it too, with no reseller.
drop view if exists poprad.billing_reseller_month;
create view poprad.billing_reseller_month as
select coalesce(r.reseller, f.reseller) as reseller, nullif(u.plan_id, 0) as plan_id, p.name as plan, u.month, count(*) as subscribers,
	sum(u.seconds) as seconds, sum(u.octets_in) as octets_in, sum(u.octets_out) as octets_out, sum(u.sessions) as sessions
from (
	select u.subscriber_id, u.plan_id, date_trunc('month', u.day::timestamp)::date as month, sum(u.seconds) as seconds,
		sum(u.octets_in) as octets_in, sum(u.octets_out) as octets_out, sum(u.sessions) as sessions
	from poprad.usage u
	group by u.subscriber_id, u.plan_id, date_trunc('month', u.day::timestamp)::date
) u
left join poprad.subscriber b on b.subscriber_id = u.subscriber_id
left join poprad.realm r on r.realm_id = b.realm_id
left join poprad.former_subscriber f on f.subscriber_id = u.subscriber_id
left join poprad.plan p on p.plan_id = u.plan_id
group by coalesce(r.reseller, f.reseller), u.plan_id, p.name, u.month;
