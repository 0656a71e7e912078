-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- How much of time and of octets a subscriber may use per day and per month; 0: as much as he likes.

alter table poprad.plan
	add column quota_day_s int not null default 0 check (quota_day_s >= 0),
	add column quota_day_octets bigint not null default 0 check (quota_day_octets >= 0),
	add column quota_month_s int not null default 0 check (quota_month_s >= 0),
	add column quota_month_octets bigint not null default 0 check (quota_month_octets >= 0),
	add column quota_counts text not null default 'both' check (quota_counts in ('both', 'in', 'out')), -- which octets
	add column exhausted_plan_id int references poprad.plan, -- null: who has used up a quota is rejected
	add constraint plan_exhausted_plan_id_check check (exhausted_plan_id <> plan_id);

alter table poprad.subscriber_policy
	add column quota_day_s int check (quota_day_s >= 0),
	add column quota_day_octets bigint check (quota_day_octets >= 0),
	add column quota_month_s int check (quota_month_s >= 0),
	add column quota_month_octets bigint check (quota_month_octets >= 0),
	add column quota_counts text check (quota_counts in ('both', 'in', 'out'));

-- What is in usage_day, by months: a login reads a row of each.
create table poprad.usage_month (
	subscriber_id int not null,
	month date not null, -- its first day
	seconds bigint not null,
	octets_in numeric(38) not null,
	octets_out numeric(38) not null,
	primary key (subscriber_id, month)
) with (fillfactor = 80);
insert into poprad.usage_month
select subscriber_id, date_trunc('month', day::timestamp), sum(seconds), sum(octets_in), sum(octets_out)
from poprad.usage_day group by 1, 2;
