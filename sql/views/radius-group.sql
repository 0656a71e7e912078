-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Plans as FreeRADIUS's groups.

create or replace view radius.radgroupcheck as
select r.id, r.groupname, r.attribute, r.op, r.value
from (
	select p.plan_id * 256::bigint + 1 as id, p.name as groupname, 'Simultaneous-Use' as attribute, ':=' as op, p.session_limit::text as value
	from poprad.plan p where p.session_limit > 0
	union all
	select p.plan_id * 256::bigint + 2, p.name, 'Pool-Name', ':=', o.name from poprad.plan p join poprad.pool o using (pool_id)
) r;

create or replace view radius.radgroupreply as
select r.id, r.groupname, r.attribute, r.op, r.value
from (
	select p.plan_id * 256::bigint + c.place as id, p.name as groupname, c.attribute, ':=' as op, c.value::text as value
	from poprad.plan p cross join lateral (values (1, 'Session-Timeout', p.session_timeout_s), (2, 'Idle-Timeout', p.idle_timeout_s),
		(3, 'Acct-Interim-Interval', p.interim_s)) c (place, attribute, value)
	where c.value > 0
	union all
	select p.plan_id * 256::bigint + 15 + a.place, p.name, radius.line_name(a.line), '+=', radius.line_value(a.line)
	from poprad.plan p, unnest(p.attributes) with ordinality a (line, place)
) r;

create or replace trigger radgroupcheck_write instead of insert or update or delete on radius.radgroupcheck
for each row execute function radius.radgroupcheck_write();
create or replace trigger radgroupreply_write instead of insert or update or delete on radius.radgroupreply
for each row execute function radius.radgroupreply_write();
