-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Access servers, addresses and attempts as tools written for FreeRADIUS 3.2 expect them.

create or replace view radius.nas as
select n.nas_id as id, case when masklen(n.prefix) = case family(n.prefix) when 4 then 32 else 128 end then host(n.prefix)
	else n.prefix::text end as nasname, n.name as shortname, n.kind as type, o.ports, n.secret, o.server, o.community, o.description
from poprad.nas n left join poprad.nas_note o using (nas_id);

-- A lease has no end of its own: it ends with its session. Where there is one, expiry_time is a day ahead.
create or replace view radius.radippool as
select (row_number() over (order by a.address))::bigint as id, p.name as pool_name, a.address as framedipaddress,
	coalesce(host(coalesce(s.nas_ip_address, s.nas_address)), '') as nasipaddress, coalesce(s.session_key::text, '') as pool_key,
	coalesce(s.called_station_id, '') as calledstationid, coalesce(s.calling_station_id, '') as callingstationid,
	(case when a.session_key is null then a.changed_at else now() + interval '1 day' end at time zone 'UTC')::timestamp(0) as expiry_time,
	coalesce(s.user_name, '') as username
from poprad.address a join poprad.pool p using (pool_id) left join poprad.session s on s.session_key = a.session_key;

-- No password is kept of an attempt.
create or replace view radius.radpostauth as
select (extract(epoch from a.attempted_at) * 1000000)::bigint as id, a.login as username, ''::text as pass,
	case a.result when 'accept' then 'Access-Accept' else 'Access-Reject' end as reply, null::text as calledstationid,
	a.calling_station_id as callingstationid, a.attempted_at as authdate, null::text as class
from poprad.auth_attempt a where a.result in ('accept', 'reject');

create or replace trigger nas_write instead of insert or update or delete on radius.nas
for each row execute function radius.nas_write();
create or replace trigger radacct_write instead of insert or update or delete on radius.radacct
for each row execute function radius.radacct_write();
create or replace trigger read_only instead of insert or update or delete on radius.radippool
for each row execute function radius.read_only();
create or replace trigger read_only instead of insert or update or delete on radius.radpostauth
for each row execute function radius.read_only();
