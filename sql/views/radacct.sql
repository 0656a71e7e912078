-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Sessions as tools written for FreeRADIUS 3.2 expect them: its columns, types and meaning, over open and closed sessions.
-- A session shows once accounting has reached it; one that is only authorised, or expired so, never was a session.
-- One that a tool has deleted is hidden from all but billing. An open one has no acctstoptime. Both identifiers are made of the session key, and never change.

create or replace view radius.radacct as
select
	-- 41 bits of milliseconds, 22 bits of the key's counter and random end
	((('x' || substr(k.hex, 2, 11))::bit(44)::bigint & 2199023255551) << 22)
		| (('x' || substr(k.hex, 14, 3))::bit(12)::bigint << 10)
		| (('x' || right(k.hex, 3))::bit(12)::bigint & 1023) as radacctid,
	a.acct_session_id as acctsessionid,
	k.hex as acctuniqueid,
	a.user_name as username,
	substring(a.user_name from '@([^@]+)$') as realm,
	coalesce(a.nas_ip_address, a.nas_address) as nasipaddress,
	coalesce(a.nas_port_id, a.nas_port::text) as nasportid,
	a.nas_port_type as nasporttype,
	a.started_at as acctstarttime,
	a.updated_at as acctupdatetime,
	a.stopped_at as acctstoptime,
	null::bigint as acctinterval, -- not kept
	a.session_time as acctsessiontime,
	a.authentic as acctauthentic,
	a.connect_info_start as connectinfo_start,
	a.connect_info_stop as connectinfo_stop,
	a.in_octets as acctinputoctets,
	a.out_octets as acctoutputoctets,
	a.called_station_id as calledstationid,
	a.calling_station_id as callingstationid,
	a.terminate_cause as acctterminatecause,
	a.service_type as servicetype,
	a.framed_protocol as framedprotocol,
	coalesce(a.framed_address, a.address) as framedipaddress,
	a.framed_ipv6_address as framedipv6address,
	coalesce(a.framed_ipv6_prefix, a.leased_framed_prefix)::inet as framedipv6prefix,
	a.framed_interface_id as framedinterfaceid,
	coalesce(a.delegated_ipv6_prefix, a.leased_delegated_prefix)::inet as delegatedipv6prefix,
	a.class
from (
	select * from poprad.session where acct_session_id is not null
	union all
	select * from poprad.session_history where acct_session_id is not null
) a
cross join lateral (select translate(a.session_key::text, '-', '') as hex) k
where pg_has_role('poprad_billing', 'usage') or not exists (select from poprad.hidden_session h where h.session_key = a.session_key);
