-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Prepaid time and octets: what was bought is a ledger, what is left is that less what was used since.

alter table poprad.plan add column prepaid boolean not null default false;
alter table poprad.subscriber_policy add column prepaid boolean;
-- Each batch of logins asks whether anybody has a quota or a balance (find): often nobody.
create index plan_metered on poprad.plan (plan_id)
	where quota_day_s > 0 or quota_day_octets > 0 or quota_month_s > 0 or quota_month_octets > 0 or prepaid;
create index subscriber_policy_metered on poprad.subscriber_policy (subscriber_id)
	where quota_day_s > 0 or quota_day_octets > 0 or quota_month_s > 0 or quota_month_octets > 0 or prepaid;

-- What was bought: rows are added, and never changed.
create table poprad.topup (
	topup_id bigint generated always as identity primary key,
	subscriber_id int not null, -- no reference: what was paid stays when the subscriber goes
	at timestamptz not null default now(),
	by text not null default session_user,
	seconds bigint not null check (seconds >= 0),
	octets bigint not null check (octets >= 0),
	reason text not null check (octet_length(reason) between 1 and 253),
	check (seconds > 0 or octets > 0)
);
create index topup_subscriber on poprad.topup (subscriber_id, topup_id);

-- All that a subscriber has bought, and what he had used when he bought the first of a kind; null: none of that kind.
create table poprad.balance (
	subscriber_id int primary key references poprad.subscriber on delete cascade,
	seconds bigint,
	seconds_before bigint,
	octets numeric(38),
	octets_in_before numeric(38),
	octets_out_before numeric(38)
);
