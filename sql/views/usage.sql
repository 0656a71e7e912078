-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What each subscriber used on which day: what is booked, and what his sessions have not booked yet. Several rows of a day
-- and plan add up. Adding up everything gives what his sessions have counted.

create or replace view poprad.usage as
select u.subscriber_id, u.day, u.plan_id, u.seconds, u.octets_in, u.octets_out, u.sessions
from poprad.usage_day u
union all
select s.subscriber_id, (s.updated_at at time zone coalesce(o.time_zone, p.time_zone, 'UTC'))::date, -- as usage_zone()
	coalesce(s.plan_id, 0), s.session_time - coalesce(s.booked_seconds, 0), (s.in_octets - coalesce(s.booked_in, 0))::numeric(38),
	(s.out_octets - coalesce(s.booked_out, 0))::numeric(38), (s.booked_seconds is null)::int::bigint
from poprad.session s
left join poprad.subscriber_policy o on o.subscriber_id = s.subscriber_id
left join poprad.plan p on p.plan_id = s.plan_id
where s.subscriber_id is not null and s.updated_at is not null;
