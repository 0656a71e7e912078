-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Subscribers as tools written for FreeRADIUS 3.2 expect them: what is checked, what is sent, and the group, which is the
-- plan. What is written there becomes columns (radius-user.sql in functions/). An id is the subscriber's, times 256, and a
-- place: below 16 for what has a column of its own.

create or replace view radius.radcheck as
select r.id, r.username, r.attribute, r.op, r.value
from (
	select s.subscriber_id * 256::bigint + 1 as id, s.login as username,
		case when s.password ~* '^\{nt\}' then 'NT-Password' when s.password ~* '^\{clear\}' or s.password !~ '^[{$]' then 'Cleartext-Password'
			when s.password ~ '^\$' then 'Crypt-Password' else 'Password-With-Header' end as attribute,
		':=' as op, case when s.password ~* '^\{(nt|clear)\}' then regexp_replace(s.password, '^\{[^}]*\}', '') else s.password end as value
	from poprad.subscriber s where s.password <> '{none}'
	union all
	select s.subscriber_id * 256::bigint + 2, s.login, 'Expiration', ':=', to_char(s.expires_at at time zone 'UTC', 'DD Mon YYYY HH24:MI:SS')
	from poprad.subscriber s where isfinite(s.expires_at)
	union all
	select s.subscriber_id * 256::bigint + 3, s.login, 'Auth-Type', ':=', 'Reject'
	from poprad.subscriber s where s.status = 'suspended'
	union all
	select s.subscriber_id * 256::bigint + 4, s.login, 'Simultaneous-Use', ':=', p.session_limit::text
	from poprad.subscriber s join poprad.subscriber_policy p using (subscriber_id) where p.session_limit is not null
	union all
	select s.subscriber_id * 256::bigint + 15 + c.place, s.login, 'Calling-Station-Id', '==', c.station
	from poprad.subscriber s join poprad.subscriber_policy p using (subscriber_id), unnest(p.calling_stations) with ordinality c (station, place)
	union all
	select s.subscriber_id * 256::bigint + 127 + c.place, s.login, 'Called-Station-Id', '==', c.station
	from poprad.subscriber s join poprad.subscriber_policy p using (subscriber_id), unnest(p.called_stations) with ordinality c (station, place)
) r;

create or replace view radius.radreply as
select r.id, r.username, r.attribute, r.op, r.value
from (
	select s.subscriber_id * 256::bigint + c.place as id, s.login as username, c.attribute, ':=' as op, c.value::text as value
	from poprad.subscriber s join poprad.subscriber_policy p using (subscriber_id) cross join lateral
		(values (1, 'Session-Timeout', p.session_timeout_s), (2, 'Idle-Timeout', p.idle_timeout_s),
			(3, 'Acct-Interim-Interval', p.interim_s)) c (place, attribute, value)
	where c.value is not null
	union all
	select s.subscriber_id * 256::bigint + 4, s.login,
		case family(s.static_address) when 4 then 'Framed-IP-Address' else 'Framed-IPv6-Address' end, ':=', host(s.static_address)
	from poprad.subscriber s where s.static_address is not null
	union all
	select s.subscriber_id * 256::bigint + 5, s.login, 'Framed-IPv6-Prefix', ':=', s.framed_ipv6_prefix::text
	from poprad.subscriber s where s.framed_ipv6_prefix is not null
	union all
	select s.subscriber_id * 256::bigint + 6, s.login, 'Delegated-IPv6-Prefix', ':=', s.delegated_ipv6_prefix::text
	from poprad.subscriber s where s.delegated_ipv6_prefix is not null
	union all
	select s.subscriber_id * 256::bigint + 15 + a.place, s.login, radius.line_name(a.line), '+=', radius.line_value(a.line)
	from poprad.subscriber s, unnest(s.attributes) with ordinality a (line, place)
) r;

create or replace view radius.radusergroup as
select s.subscriber_id as id, s.login as username, p.name as groupname, 0 as priority
from poprad.subscriber s join poprad.plan p using (plan_id);

create or replace trigger radcheck_write instead of insert or update or delete on radius.radcheck
for each row execute function radius.radcheck_write();
create or replace trigger radreply_write instead of insert or update or delete on radius.radreply
for each row execute function radius.radreply_write();
create or replace trigger radusergroup_write instead of insert or update or delete on radius.radusergroup
for each row execute function radius.radusergroup_write();
