-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What subscribers used on which day: usage_day, and what of a session is in it already.

create function poprad.time_zone_is_known(name text) returns boolean
language plpgsql immutable strict as $$
begin
	perform timestamptz 'epoch' at time zone name;
	return true;
exception
	when invalid_parameter_value then return false;
end
$$;
-- Days are cut by these zones while records are stored, where nothing may fail.
alter table poprad.plan add constraint plan_time_zone_is_known check (poprad.time_zone_is_known(time_zone));
alter table poprad.subscriber_policy
	add constraint subscriber_policy_time_zone_is_known check (poprad.time_zone_is_known(time_zone));

-- Every zone that somebody's days have gone by (a trigger writes it): few, where there may be many plans and subscribers.
create table poprad.usage_clock (
	time_zone text primary key
);
insert into poprad.usage_clock
select 'UTC' union select time_zone from poprad.plan
union select time_zone from poprad.subscriber_policy where time_zone is not null;

create table poprad.usage_day (
	subscriber_id int not null, -- no reference: what was used stays when the subscriber goes
	day date not null, -- by his clock: his own time zone, or his plan's
	plan_id int not null, -- of the sessions; 0: none
	seconds bigint not null,
	octets_in numeric(38) not null, -- the sum of two counters may be more than a bigint holds
	octets_out numeric(38) not null,
	sessions bigint not null, -- whose first day it is
	primary key (subscriber_id, day, plan_id)
) with (fillfactor = 80);

-- Of a session in use, as long as it is in poprad.session; in session_history all is booked. What is not booked was used on
-- the session's newest day.
alter table poprad.session
	add column day_ends timestamptz, -- when that day ends; null: not known yet; infinity: nobody's, never booked
	add column booked_seconds bigint, -- null: nothing booked yet
	add column booked_in bigint,
	add column booked_out bigint;
alter table poprad.session_history
	add column day_ends timestamptz,
	add column booked_seconds bigint,
	add column booked_in bigint,
	add column booked_out bigint;
update poprad.session set day_ends = 'infinity' where subscriber_id is null;
