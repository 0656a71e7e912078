-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Which of the plan's filters a subscriber is exempt from, and the filter set that stands in the place of all of them
-- while he is in quarantine.

create table poprad.subscriber_exemption (
	subscriber_id int not null references poprad.subscriber on delete cascade,
	filter_id int not null references poprad.filter on delete cascade,
	reason text not null check (reason <> ''),
	exempted_at timestamptz not null default now(),
	primary key (subscriber_id, filter_id)
);

alter table poprad.subscriber_policy
	add column exempt_filter_ids int[] check (cardinality(exempt_filter_ids) between 1 and 64), -- kept by subscriber_exemption's trigger
	add column quarantine_filter_set_id int references poprad.filter_set,
	add column quarantine_reason text check (quarantine_reason <> ''),
	add column quarantined_at timestamptz,
	add constraint subscriber_policy_quarantine_check
		check (num_nulls(quarantine_filter_set_id, quarantine_reason, quarantined_at) in (0, 3));
