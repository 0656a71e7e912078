-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a subscriber has of his own instead of his plan's. Few have anything: the login path looks here only where
-- subscriber.has_policy says so.

create table poprad.subscriber_policy ( -- null: as in the plan, whose columns have the same names
	subscriber_id int primary key references poprad.subscriber on delete cascade,
	session_limit int check (session_limit >= 0), -- 0: none
	session_timeout_s int check (session_timeout_s >= 0),
	idle_timeout_s int check (idle_timeout_s >= 0),
	interim_s int check (interim_s = 0 or interim_s >= 60)
);

-- Kept by the triggers of subscriber_policy.
alter table poprad.subscriber add column has_policy boolean not null default false;

insert into poprad.subscriber_policy (subscriber_id, session_limit)
select subscriber_id, session_limit from poprad.subscriber where session_limit is not null;
update poprad.subscriber set has_policy = true where session_limit is not null;
alter table poprad.subscriber drop column session_limit;
