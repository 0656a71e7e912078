-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Whether an accounting packet without a usable Class belongs to a session: the rules of account_session() and
-- account(). Plain expressions, so that PostgreSQL folds them into the statements that use them.

-- The same device: the NAS record may be a whole network. Its name and the address it states are its own; the source
-- address counts only if neither is there to compare, because a device may send from more than one.
drop function if exists poprad.account_is_device;
create function poprad.account_is_device(s poprad.session, nas_address inet, nas_ip_address inet,
	nas_identifier text)
returns boolean language sql stable as $$
	select (s.nas_identifier <> nas_identifier) is not true
		and (s.nas_ip_address <> nas_ip_address) is not true
		and (s.nas_address = nas_address or s.nas_identifier = nas_identifier or s.nas_ip_address = nas_ip_address)
$$;

-- The same line: NAS-Port-Id or NAS-Port present and equal, Calling-Station-Id equal or absent on both.
drop function if exists poprad.account_is_line;
create function poprad.account_is_line(s poprad.session, e poprad.account_event)
returns boolean language sql stable as $$
	select coalesce(s.nas_port_id = e.nas_port_id, s.nas_port = e.nas_port, false)
		and s.calling_station_id is not distinct from e.calling_station_id
$$;

-- Given that NAS record and Acct-Session-Id are equal: is it the same session?
--
-- Some devices number their sessions properly, some start from 1 after each boot, and one widespread pppd sends the
-- same literal text for every session, where only user, address and NAS-Port tell them apart. So:
-- - what both sides have must be equal: login, device, Calling-Station-Id, Framed-IP-Address;
-- - a different NAS-Port or NAS-Port-Id means another session too, unless the Framed-IP-Address or the
--   Calling-Station-Id agrees: some NASes change the port between Start and Stop;
-- - the session began no later than the packet (5 s for clocks that count whole seconds);
-- - a packet whose session began after this one stopped belongs to the next session of that name. Only a Start and
--   a packet with Acct-Session-Time say when theirs began.
drop function if exists poprad.account_is_session;
create function poprad.account_is_session(s poprad.session, alias_login text, e poprad.account_event)
returns boolean language sql stable as $$
	select (alias_login = e.login or alias_login = '' or e.login = '')
		and poprad.account_is_device(s, e.nas_address, e.nas_ip_address, e.nas_identifier)
		and (s.calling_station_id <> e.calling_station_id) is not true
		and (s.framed_address <> e.framed_address) is not true
		and ((s.nas_port <> e.nas_port or s.nas_port_id <> e.nas_port_id) is not true
			or s.framed_address = e.framed_address or s.calling_station_id = e.calling_station_id)
		and (s.started_at > e.event_at + interval '5 seconds') is not true
		and (s.stopped_at < e.began_at and (e.status = 1 or e.session_time is not null)) is not true
$$;
