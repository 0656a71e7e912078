-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Whether an accounting packet without a usable Class belongs to a session: the rules of account_session() and
-- account(). Plain expressions, so that PostgreSQL folds them into the statements that use them.

-- How long the session had lasted by the packet, if it says so: ten years and more are not a duration.
drop function if exists poprad.account_session_time;
create function poprad.account_session_time(session_time bigint)
returns bigint language sql immutable as $$
	select case when session_time between 0 and 316224000 then session_time end
$$;

drop function if exists poprad.account_began_at;
create function poprad.account_began_at(event_at timestamptz, session_time bigint)
returns timestamptz language sql stable as $$
	select event_at - make_interval(secs => coalesce(poprad.account_session_time(session_time), 0))
$$;

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
create function poprad.account_is_line(s poprad.session, nas_port bigint, nas_port_id text, calling_station_id text)
returns boolean language sql stable as $$
	select coalesce(s.nas_port_id = nas_port_id, s.nas_port = nas_port, false)
		and s.calling_station_id is not distinct from calling_station_id
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
create function poprad.account_is_session(s poprad.session, alias_login text, login text, status smallint,
	nas_address inet, nas_ip_address inet, nas_identifier text, nas_port bigint, nas_port_id text,
	calling_station_id text, framed_address inet, event_at timestamptz, session_time bigint)
returns boolean language sql stable as $$
	select (alias_login = login or alias_login = '' or login = '')
		and poprad.account_is_device(s, nas_address, nas_ip_address, nas_identifier)
		and (s.calling_station_id <> calling_station_id) is not true
		and (s.framed_address <> framed_address) is not true
		and ((s.nas_port <> nas_port or s.nas_port_id <> nas_port_id) is not true
			or s.framed_address = framed_address or s.calling_station_id = calling_station_id)
		and (s.started_at > event_at + interval '5 seconds') is not true
		and (s.stopped_at < poprad.account_began_at(event_at, session_time)
			and (status = 1 or poprad.account_session_time(session_time) is not null)) is not true
$$;
