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

-- Whether a counter has grown by more than any line carries: 10 Gbit/s, for the seconds that the session went on and ten
-- more, because counters and time are not read at the same moment. Null or false where it is not known how long it took.
-- Nearly every packet is told by the first comparison.
drop function if exists poprad.account_jumps;
create function poprad.account_jumps(total bigint, total_time bigint, value bigint, value_time bigint)
returns boolean language sql immutable as $$
	select value - total > 12500000000 and value - total > 1250000000 * (value_time - total_time + 10)
$$;

-- What a packet is to its session:
-- first: the first one of an authorised session.
-- counters: an interim that changes nothing of an active session but time and counters, and these only forward.
-- next: another packet of an active session that is newer, takes no counter back nor too far ahead, and tells of no
-- other address.
-- other: as far as anybody knows it changes an open session, but how is for account_fold() to say.
-- null: none of these; nothing can be said unless the session is locked.
-- Newer is here also a packet of the same second, if it ends the session or has counted more, though not so much that
-- it might be a counter that began anew.
drop function if exists poprad.account_is_plain; -- of an earlier version
drop function if exists poprad.account_kind;
create function poprad.account_kind(s poprad.session, status smallint, nas_ip_address inet, nas_identifier text,
	acct_multi_session_id text, user_name text, class text, framed_address inet, framed_ipv6_address inet,
	framed_ipv6_prefix inet, framed_interface_id text, delegated_ipv6_prefix inet, nas_port bigint, nas_port_id text,
	nas_port_type text, calling_station_id text, called_station_id text, service_type text, framed_protocol text,
	authentic text, connect_info text, event_at timestamptz, session_time bigint, octets_in bigint, octets_out bigint)
returns text language sql stable as $$
	select case
		when s.state = 'authorised' then
			case when s.acct_session_id is null and (status = 1 or event_at < s.day_ends)
				and (poprad.account_jumps(s.in_octets, s.session_time, octets_in, poprad.account_session_time(session_time))
					or poprad.account_jumps(s.out_octets, s.session_time, octets_out,
						poprad.account_session_time(session_time))) is not true
				then 'first' else 'other' end
		when s.state <> 'active' then null
		when ((event_at > s.updated_at
				or event_at = s.updated_at and (status = 2 or octets_in > s.in_octets)
					and (octets_in - s.in_octets > 2147483648) is not true
					and (octets_out - s.out_octets > 2147483648) is not true)
			and 'address_conflict' <> all (s.flags) and 'prefix_conflict' <> all (s.flags)
			and (poprad.account_session_time(session_time) < s.session_time) is not true
			and (octets_in < s.in_octets) is not true
			and (octets_out < s.out_octets) is not true
			and (framed_address is null or framed_address = s.framed_address)
			and (framed_ipv6_address is null or framed_ipv6_address = s.framed_ipv6_address)
			and (framed_ipv6_prefix is null or framed_ipv6_prefix = s.framed_ipv6_prefix)
			and (framed_interface_id is null or framed_interface_id = s.framed_interface_id)
			and (delegated_ipv6_prefix is null or delegated_ipv6_prefix = s.delegated_ipv6_prefix)
			and (s.authorised_at is not null or status <> 1)) is not true then
			case when status = 2 or event_at > s.updated_at or octets_in > s.in_octets
				or poprad.account_session_time(session_time) > s.session_time then 'other' end
		when (event_at < s.day_ends) is not true then 'other'
		when poprad.account_jumps(s.in_octets, s.session_time, octets_in, poprad.account_session_time(session_time))
			or poprad.account_jumps(s.out_octets, s.session_time, octets_out, poprad.account_session_time(session_time))
			then 'other'
		when status = 3
			and s.started_at <= poprad.account_began_at(event_at, session_time)
			and (s.nas_ip_address is not null or nas_ip_address is null)
			and (s.nas_identifier is not null or nas_identifier is null)
			and (s.acct_multi_session_id is not null or acct_multi_session_id is null)
			and (s.user_name <> '' or user_name = '')
			and (s.class is not null or class is null)
			and (s.nas_port is not null or nas_port is null)
			and (s.nas_port_id is not null or nas_port_id is null)
			and (s.nas_port_type is not null or nas_port_type is null)
			and (s.calling_station_id is not null or calling_station_id is null)
			and (s.called_station_id is not null or called_station_id is null)
			and (s.service_type is not null or service_type is null)
			and (s.framed_protocol is not null or framed_protocol is null)
			and (s.authentic is not null or authentic is null)
			and (s.connect_info_start is not null or connect_info is null) then 'counters'
		else 'next' end
$$;
