-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a billing system needs beside sessions and days: in which order sessions changed, whose customers the subscribers of
-- a realm are, who somebody was that is not there any more, and what plans cost.

-- Only what is in history has a number (functions/billing.sql); a session that came back from there keeps both meanwhile.
alter table poprad.session
	add column change_number bigint, -- in the order of changes; null: none yet
	add column revision int; -- how many numbers it has had
alter table poprad.session_history
	add column change_number bigint,
	add column revision int;
do $$
declare
	archive regclass;
begin
	for archive in
		select c.oid from pg_class c
		where c.relnamespace = 'poprad'::regnamespace and c.relkind = 'r' and c.relname ~ '^session_archive_[0-9]{6}$'
	loop
		execute format('alter table %s add column change_number bigint, add column revision int', archive);
	end loop;
end
$$;
create index session_history_change on poprad.session_history (change_number);
create index session_history_unnumbered on poprad.session_history (session_key) where change_number is null;

-- One row. Whoever gives numbers holds it until his transaction is over.
create table poprad.billing_sequence (
	one boolean primary key default true check (one),
	last_number bigint not null
);
insert into poprad.billing_sequence (last_number) values (0);

-- Where to begin to look for what ended after a day began.
create table poprad.billing_day (
	day date primary key, -- UTC
	last_number bigint not null -- that had been given when the day began, or later, when numbers were given first
);

alter table poprad.realm add column reseller text collate "C"
	constraint realm_reseller_check check (octet_length(reseller) between 1 and 255); -- null: the provider himself

-- A trigger writes it.
create table poprad.former_subscriber (
	subscriber_id int primary key,
	login text collate "C" not null,
	realm text collate "C",
	reseller text collate "C",
	time_zone text, -- his own
	removed_at timestamptz not null default now()
);

-- What counts beyond what is included; of several rows of a plan the newest that is not after the month.
create table poprad.tariff (
	plan_id int not null references poprad.plan,
	since date not null check (extract(day from since) = 1), -- a month
	currency text not null check (currency ~ '^[A-Z]{3}$'),
	included_s bigint not null check (included_s >= 0),
	time_unit_s bigint not null check (time_unit_s > 0),
	time_price numeric check (time_price >= 0 and time_price < 'Infinity' and scale(time_price) <= 6), -- of each unit begun; null: time costs nothing
	included_octets bigint not null check (included_octets >= 0),
	volume_unit bigint not null check (volume_unit > 0),
	volume_price numeric check (volume_price >= 0 and volume_price < 'Infinity' and scale(volume_price) <= 6),
	primary key (plan_id, since)
);

-- A month of everybody is read from few blocks: days are booked in their order.
create index usage_day_month on poprad.usage_day using brin ((date_trunc('month', day::timestamp)::date));
