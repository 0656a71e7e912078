-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Folds accounting packets into the rows of their sessions, at most one packet per session and call. Called by
-- account(), which holds the rows' locks. keys: the session of each packet, by its ord.
--
-- The order in which packets come does not matter: times fold with least and greatest, counters never fall, what the
-- Access-Request said of the line stands, else what the Start says; of what may change during a session (the framed
-- addresses) the newest packet counts. A packet that says nothing new writes nothing, unless the session has not been
-- heard for half a minute.
--
-- A closed session stays closed, with these exceptions:
-- - a session that no packet had reached yet (it expired, or was closed while authorised) begins with its first Start
--   or interim, unless On/Off or an operator (rank 3) ended it after the time at which that packet says it began;
-- - a session that was closed for silence (rank 1) lives again with an interim or Start newer than its end:
--   it was a guess, and it is disproved. Marked live_after_close.
-- A packet that is newer than an end of rank 2 or 3 contradicts it, but does not undo it: marked live_after_close.
-- The NAS's own Stop (rank 4) replaces time and cause of every lesser end; of several Stops the earliest stands.

drop function if exists poprad.account_fold;
create function poprad.account_fold(turn int[], keys uuid[], new_keys uuid[], class_keys uuid[], statuses int2[], nas_ids int[],
	nas_addresses inet[], nas_ip_addresses inet[], nas_identifiers text[], acct_session_ids text[],
	acct_multi_session_ids text[], logins text[], user_names text[], classes text[], framed_addresses inet[],
	framed_ipv6_addresses inet[], framed_ipv6_prefixes inet[], framed_interface_ids text[],
	delegated_ipv6_prefixes inet[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[],
	calling_station_ids text[], called_station_ids text[], service_types text[], framed_protocols text[],
	authentics text[], connect_infos text[], events_at timestamptz[], received_ats timestamptz[],
	session_times bigint[], octets_in bigint[], octets_out bigint[], has_gigawords boolean[], packets_in bigint[],
	packets_out bigint[], terminate_causes text[],
	out written int[], out begun uuid[], out ended int[], out ended_keys uuid[], out ended_addresses inet[],
	out taking int[], out taking_keys uuid[], out taking_addresses inet[])
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	with folded as (
	update session s set
		state = n.state,
		nas_ip_address = n.nas_ip_address,
		nas_identifier = n.nas_identifier,
		nas_port = n.nas_port,
		nas_port_id = n.nas_port_id,
		nas_port_type = n.nas_port_type,
		calling_station_id = n.calling_station_id,
		called_station_id = n.called_station_id,
		user_name = n.user_name,
		acct_session_id = n.acct_session_id,
		acct_multi_session_id = n.acct_multi_session_id,
		class = n.class,
		framed_address = n.framed_address,
		framed_ipv6_address = n.framed_ipv6_address,
		framed_ipv6_prefix = n.framed_ipv6_prefix,
		framed_interface_id = n.framed_interface_id,
		delegated_ipv6_prefix = n.delegated_ipv6_prefix,
		service_type = n.service_type,
		framed_protocol = n.framed_protocol,
		authentic = n.authentic,
		connect_info_start = n.connect_info_start,
		connect_info_stop = n.connect_info_stop,
		authorised_until = null,
		started_at = n.started_at,
		updated_at = n.updated_at,
		last_heard = n.last_heard,
		stopped_at = n.stopped_at,
		closed_at = n.closed_at,
		terminate_cause = n.terminate_cause,
		cause_rank = n.cause_rank,
		session_time = n.session_time,
		in_octets = n.in_octets,
		out_octets = n.out_octets,
		in_packets = n.in_packets,
		out_packets = n.out_packets,
		in_wraps = n.in_wraps,
		out_wraps = n.out_wraps,
		flags = n.flags
	from (
		select e.ord, o.row, o.version, o.state as old_state, e.status, o.acct_session_id is null as binds, e.login,
			f.*, greatest(o.last_heard, e.received_at) as last_heard,
			case when f.state = 'active' and (o.state <> 'active' or f.framed_address is distinct from o.framed_address
					and f.framed_address is distinct from o.address or 'address_conflict' = any (o.flags))
				then coalesce(f.framed_address, o.address) end as wanted_address
		from unnest(turn, keys) t (ord, session_key)
		cross join lateral (
			select s.*, s.ctid as row, s.xmin as version from session s where s.session_key = t.session_key offset 0) o
		cross join lateral (
                        select (account_packet(t.ord, new_keys, class_keys, statuses, nas_ids, nas_addresses,
				nas_ip_addresses, nas_identifiers, acct_session_ids, acct_multi_session_ids, logins, user_names, classes,
				framed_addresses, framed_ipv6_addresses, framed_ipv6_prefixes, framed_interface_ids,
				delegated_ipv6_prefixes, nas_ports, nas_port_ids, nas_port_types, calling_station_ids, called_station_ids,
				service_types, framed_protocols, authentics, connect_infos, events_at, received_ats, session_times,
				octets_in, octets_out, has_gigawords, packets_in, packets_out, terminate_causes)).*) e
		-- What the packet means for the session. offset 0: evaluated once, not at every mention.
		cross join lateral (
			select
				e.status = 1 and o.authorised_at is null as leads,
				(e.event_at > o.updated_at) is not false as is_newer,
				case when o.updated_at is null then true
					when e.session_time > 0 and o.session_time > 0 and e.session_time <> o.session_time
						then e.session_time > o.session_time
					else e.event_at > o.updated_at end as counts_newer,
				e.in_octets >= o.in_octets as in_grows,
				e.out_octets >= o.out_octets as out_grows,
				e.status = 2 and o.cause_rank < 4 as stops,
				e.status <> 2 and o.state = 'closed'
					and case when o.updated_at is null
						then o.cause_rank < 3 or (e.began_at > o.stopped_at) is not false
						else o.cause_rank = 1 and e.event_at > o.stopped_at end as lives,
				e.status <> 2 and o.state = 'closed' and o.cause_rank < 4 and e.event_at > o.stopped_at
					and (o.updated_at is not null or o.cause_rank = 3) as contradicts
			offset 0) m
		cross join lateral (
			-- a counter that has grown, as nearly all have, needs no thought
			select not (m.counts_newer and m.in_grows) and not e.has_gigawords
					and account_wraps(o.in_octets, o.session_time, e.in_octets, e.session_time, m.counts_newer) as in_wraps,
				not (m.counts_newer and m.out_grows) and not e.has_gigawords
					and account_wraps(o.out_octets, o.session_time, e.out_octets, e.session_time, m.counts_newer)
					as out_wraps
			offset 0) w
		cross join lateral (
			select
				case when m.leads then coalesce(e.nas_ip_address, o.nas_ip_address)
					else coalesce(o.nas_ip_address, e.nas_ip_address) end as nas_ip_address,
				case when m.leads then coalesce(e.nas_identifier, o.nas_identifier)
					else coalesce(o.nas_identifier, e.nas_identifier) end as nas_identifier,
				case when m.leads then coalesce(e.nas_port, o.nas_port)
					else coalesce(o.nas_port, e.nas_port) end as nas_port,
				case when m.leads then coalesce(e.nas_port_id, o.nas_port_id)
					else coalesce(o.nas_port_id, e.nas_port_id) end as nas_port_id,
				case when m.leads then coalesce(e.nas_port_type, o.nas_port_type)
					else coalesce(o.nas_port_type, e.nas_port_type) end as nas_port_type,
				case when m.leads then coalesce(e.calling_station_id, o.calling_station_id)
					else coalesce(o.calling_station_id, e.calling_station_id) end as calling_station_id,
				case when m.leads then coalesce(e.called_station_id, o.called_station_id)
					else coalesce(o.called_station_id, e.called_station_id) end as called_station_id,
				case when m.leads and e.user_name <> '' or o.user_name = '' then e.user_name
					else o.user_name end as user_name,
				coalesce(o.acct_session_id, e.acct_session_id) as acct_session_id,
				coalesce(o.acct_multi_session_id, e.acct_multi_session_id) as acct_multi_session_id,
				coalesce(o.class, e.class) as class,
				case when m.is_newer then coalesce(e.framed_address, o.framed_address)
					else coalesce(o.framed_address, e.framed_address) end as framed_address,
				case when m.is_newer then coalesce(e.framed_ipv6_address, o.framed_ipv6_address)
					else coalesce(o.framed_ipv6_address, e.framed_ipv6_address) end as framed_ipv6_address,
				case when m.is_newer then coalesce(e.framed_ipv6_prefix, o.framed_ipv6_prefix)
					else coalesce(o.framed_ipv6_prefix, e.framed_ipv6_prefix) end as framed_ipv6_prefix,
				case when m.is_newer then coalesce(e.framed_interface_id, o.framed_interface_id)
					else coalesce(o.framed_interface_id, e.framed_interface_id) end as framed_interface_id,
				case when m.is_newer then coalesce(e.delegated_ipv6_prefix, o.delegated_ipv6_prefix)
					else coalesce(o.delegated_ipv6_prefix, e.delegated_ipv6_prefix) end as delegated_ipv6_prefix,
				case when m.leads then coalesce(e.service_type, o.service_type)
					else coalesce(o.service_type, e.service_type) end as service_type,
				case when m.leads then coalesce(e.framed_protocol, o.framed_protocol)
					else coalesce(o.framed_protocol, e.framed_protocol) end as framed_protocol,
				case when m.leads then coalesce(e.authentic, o.authentic)
					else coalesce(o.authentic, e.authentic) end as authentic,
				case e.status when 1 then coalesce(e.connect_info, o.connect_info_start)
					when 3 then coalesce(o.connect_info_start, e.connect_info)
					else o.connect_info_start end as connect_info_start,
				case when e.status = 2 then coalesce(o.connect_info_stop, e.connect_info)
					else o.connect_info_stop end as connect_info_stop,
				least(o.started_at, e.began_at) as started_at,
				greatest(o.updated_at, e.event_at) as updated_at,
				greatest(o.session_time, e.session_time) as session_time,
				case when m.counts_newer and m.in_grows then e.in_octets else account_total(o.in_octets, e.in_octets,
					e.has_gigawords, m.counts_newer, w.in_wraps) end as in_octets,
				case when m.counts_newer and m.out_grows then e.out_octets else account_total(o.out_octets, e.out_octets,
					e.has_gigawords, m.counts_newer, w.out_wraps) end as out_octets,
				greatest(o.in_packets, e.in_packets) as in_packets,
				greatest(o.out_packets, e.out_packets) as out_packets,
				o.in_wraps + w.in_wraps::int as in_wraps,
				o.out_wraps + w.out_wraps::int as out_wraps,
				case when e.status = 2 then 'closed' when m.lives or o.state = 'authorised' then 'active'
					else o.state end as state,
				case when m.stops then e.event_at when e.status = 2 then least(o.stopped_at, e.event_at)
					when not m.lives then o.stopped_at end as stopped_at,
				case when e.status = 2 then coalesce(o.closed_at, now()) when not m.lives then o.closed_at end
					as closed_at,
				case when m.stops then e.terminate_cause
					when e.status = 2 and e.event_at < o.stopped_at then coalesce(e.terminate_cause, o.terminate_cause)
					when e.status = 2 then coalesce(o.terminate_cause, e.terminate_cause)
					when not m.lives then o.terminate_cause end as terminate_cause,
				case when e.status = 2 then 4::smallint when m.lives then 0::smallint else o.cause_rank end
					as cause_rank,
				case when m.contradicts and 'live_after_close' <> all (o.flags) then o.flags || 'live_after_close'::text
					else o.flags end as flags
			offset 0) f
		where coalesce(o.acct_session_id, e.acct_session_id) = e.acct_session_id and (
		e.event_at > o.updated_at or o.updated_at is null or e.received_at > o.last_heard + interval '30 seconds'
			or (o.state, o.acct_session_id, o.nas_ip_address, o.nas_identifier, o.nas_port, o.nas_port_id, o.nas_port_type,
				o.calling_station_id, o.called_station_id, o.user_name, o.acct_multi_session_id, o.class,
				o.framed_address, o.framed_ipv6_address, o.framed_ipv6_prefix, o.framed_interface_id,
				o.delegated_ipv6_prefix, o.service_type, o.framed_protocol, o.authentic, o.connect_info_start,
				o.connect_info_stop, o.started_at, o.updated_at, o.stopped_at, o.closed_at,
				o.terminate_cause, o.cause_rank, o.session_time, o.in_octets, o.out_octets, o.in_packets,
				o.out_packets, o.in_wraps, o.out_wraps, o.flags)
			is distinct from
				(f.state, f.acct_session_id, f.nas_ip_address, f.nas_identifier, f.nas_port, f.nas_port_id, f.nas_port_type,
				f.calling_station_id, f.called_station_id, f.user_name, f.acct_multi_session_id, f.class,
				f.framed_address, f.framed_ipv6_address, f.framed_ipv6_prefix, f.framed_interface_id,
				f.delegated_ipv6_prefix, f.service_type, f.framed_protocol, f.authentic, f.connect_info_start,
				f.connect_info_stop, f.started_at, f.updated_at, f.stopped_at, f.closed_at,
				f.terminate_cause, f.cause_rank, f.session_time, f.in_octets, f.out_octets, f.in_packets,
				f.out_packets, f.in_wraps, f.out_wraps, f.flags))
	) n
	where s.ctid = n.row and s.xmin = n.version
	returning n.ord, s.session_key, s.nas_id, s.acct_session_id, n.login, n.binds, s.address, n.status = 2 as ends,
		n.old_state <> 'active' and s.state = 'active' as begins,
		case when (select a.session_key from address a where a.address = n.wanted_address)
			is distinct from s.session_key then n.wanted_address end as wanted_address
	), bound as (
		insert into session_alias (session_key, nas_id, acct_session_id, login)
		select f.session_key, f.nas_id, f.acct_session_id, f.login from folded f where f.binds
	)
	select array_agg(f.ord), array_agg(f.session_key order by f.ord) filter (where f.begins),
		array_agg(f.ord) filter (where f.ends and f.address is not null),
		array_agg(f.session_key) filter (where f.ends and f.address is not null),
		array_agg(f.address) filter (where f.ends and f.address is not null),
		array_agg(f.ord order by f.ord) filter (where f.wanted_address is not null),
		array_agg(f.session_key order by f.ord) filter (where f.wanted_address is not null),
		array_agg(f.wanted_address order by f.ord) filter (where f.wanted_address is not null)
	into written, begun, ended, ended_keys, ended_addresses, taking, taking_keys, taking_addresses
	from folded f;
end
$$;
