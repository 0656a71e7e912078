-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Folds accounting packets into the rows of their sessions, at most one packet per session and call: turn are the packets,
-- in the order of keys, their sessions. Called by account(). A row is written only in the version in which it is read
-- here; a packet whose session is bound to another Acct-Session-Id writes nothing.
--
-- The order in which packets come does not matter: times fold with least and greatest, counters never fall, what the
-- Access-Request said of the line stands, else what the Start says; of what may change during a session (the framed
-- addresses) the newest packet counts. A counter that a newer packet takes back, or takes further than any line carries,
-- is marked counter_fell or counter_jumped. A packet that says nothing new writes nothing, unless the session has not been
-- heard for half a minute.
--
-- A closed session stays closed, with these exceptions:
-- - a session that no packet had reached yet (it expired, or was closed while authorised) begins with its first Start
--   or interim, unless On/Off or an operator (rank 3) ended it after the time at which that packet says it began;
-- - a session that was closed for silence (rank 1) lives again with an interim or Start from after it was closed: it was
--   a guess, and it is disproved. Marked live_after_close. How long after its last record it was closed is known by our
--   clock, and how long after it the packet was made by the NAS's: clocks need not agree. A packet from before, that
--   comes late, corrects counters and end.
-- A packet that is newer than an end of rank 2 or 3 contradicts it, but does not undo it: marked live_after_close.
-- The NAS's own Stop (rank 4) replaces time and cause of every lesser end; of several Stops the earliest stands.
--
-- Returned are the packets that were written; the sessions that became active, in the order of the packets; what ended
-- with an address; which sessions say that they use an address that is not leased to them; those whose prefixes
-- account_prefixes() must look at; and those whose counters were marked.
-- The lateral expressions that are not fenced (offset 0) become part of what uses them.

drop function if exists poprad.account_fold;
create function poprad.account_fold(turn int[], keys uuid[], statuses int2[], nas_ip_addresses inet[], nas_identifiers text[], acct_session_ids text[],
	acct_multi_session_ids text[], logins text[], user_names text[], classes text[], framed_addresses inet[],
	framed_ipv6_addresses inet[], framed_ipv6_prefixes inet[], framed_interface_ids text[],
	delegated_ipv6_prefixes inet[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[],
	calling_station_ids text[], called_station_ids text[], service_types text[], framed_protocols text[],
	authentics text[], connect_infos text[], events_at timestamptz[], received_ats timestamptz[],
	session_times bigint[], octets_in bigint[], octets_out bigint[], has_gigawords boolean[], packets_in bigint[],
	packets_out bigint[], terminate_causes text[], fingerprints bigint[],
	out written int[], out begun uuid[], out ended int[], out ended_keys uuid[], out ended_addresses inet[],
	out taking int[], out taking_keys uuid[], out taking_addresses inet[], out prefixed int[], out flagged int[])
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
			last_heard = case when n.state = 'closed' and t.status <> 2 -- when it was made, rather than when it came
				then coalesce(o.last_heard + (n.updated_at - o.updated_at), t.received_at)
				else greatest(o.last_heard, t.received_at) end,
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
			flags = f.flags,
			fingerprint = case when m.is_newer then fingerprints[t.ord] end
		from (
			-- worked out once, what is asked for often
			select t.*, statuses[t.ord] as status, events_at[t.ord] as event_at, received_ats[t.ord] as received_at,
				account_session_time(session_times[t.ord]) as session_time,
				account_began_at(events_at[t.ord], session_times[t.ord]) as began_at
			from unnest(turn, keys) t (ord, session_key)
			offset 0
		) t
		cross join session o
		cross join lateral (
			select acct_session_ids[t.ord] as acct_session_id, nas_ip_addresses[t.ord] as nas_ip_address,
				nas_identifiers[t.ord] as nas_identifier, nas_ports[t.ord] as nas_port, nas_port_ids[t.ord] as nas_port_id,
				nas_port_types[t.ord] as nas_port_type, calling_station_ids[t.ord] as calling_station_id,
				called_station_ids[t.ord] as called_station_id, user_names[t.ord] as user_name,
				acct_multi_session_ids[t.ord] as acct_multi_session_id, classes[t.ord] as class,
				framed_addresses[t.ord] as framed_address, framed_ipv6_addresses[t.ord] as framed_ipv6_address,
				framed_ipv6_prefixes[t.ord]::cidr as framed_ipv6_prefix, framed_interface_ids[t.ord] as framed_interface_id,
				delegated_ipv6_prefixes[t.ord]::cidr as delegated_ipv6_prefix, service_types[t.ord] as service_type,
				framed_protocols[t.ord] as framed_protocol, authentics[t.ord] as authentic,
				connect_infos[t.ord] as connect_info, octets_in[t.ord] as in_octets, octets_out[t.ord] as out_octets,
				coalesce(has_gigawords[t.ord], false) as has_gigawords, packets_in[t.ord] as in_packets,
				packets_out[t.ord] as out_packets, terminate_causes[t.ord] as terminate_cause
		) e
		cross join lateral ( -- what the packet means for the session
			select
				o.authorised_at is null and t.status = 1 as leads,
				(t.event_at > o.updated_at) is not false as is_newer,
				case when o.updated_at is null then true
					when t.session_time > 0 and o.session_time > 0 and t.session_time <> o.session_time
						then t.session_time > o.session_time
					else t.event_at > o.updated_at end as counts_on,
				o.state = 'closed' and t.status <> 2
					and case when o.updated_at is null
						then o.cause_rank < 3 or (t.began_at > o.stopped_at) is not false
						else o.cause_rank = 1 and d.is_later end as lives,
				o.state = 'closed' and t.status <> 2 and case o.cause_rank
					when 1 then o.updated_at is not null and d.is_later
					when 2 then o.updated_at is not null and t.event_at > o.stopped_at
					when 3 then t.event_at > o.stopped_at
					else false end as contradicts
			from (select t.event_at - o.updated_at > o.closed_at - o.last_heard as is_later) d
		) m
		cross join lateral (
			select account_grows(o.in_octets, e.in_octets, m.counts_on) as in_grows,
				account_grows(o.out_octets, e.out_octets, m.counts_on) as out_grows
		) g
		cross join lateral (
			select
				case when t.status = 2 then 'closed' when o.state = 'authorised' or m.lives then 'active' else o.state end
					as state,
				coalesce(case when m.leads then e.nas_ip_address end, o.nas_ip_address, e.nas_ip_address) as nas_ip_address,
				coalesce(case when m.leads then e.nas_identifier end, o.nas_identifier, e.nas_identifier) as nas_identifier,
				coalesce(case when m.leads then e.nas_port end, o.nas_port, e.nas_port) as nas_port,
				coalesce(case when m.leads then e.nas_port_id end, o.nas_port_id, e.nas_port_id) as nas_port_id,
				coalesce(case when m.leads then e.nas_port_type end, o.nas_port_type, e.nas_port_type) as nas_port_type,
				coalesce(case when m.leads then e.calling_station_id end, o.calling_station_id, e.calling_station_id) as calling_station_id,
				coalesce(case when m.leads then e.called_station_id end, o.called_station_id, e.called_station_id) as called_station_id,
				case when o.user_name = '' or m.leads and e.user_name <> '' then e.user_name else o.user_name end as user_name,
				coalesce(o.acct_session_id, e.acct_session_id) as acct_session_id,
				coalesce(o.acct_multi_session_id, e.acct_multi_session_id) as acct_multi_session_id,
				coalesce(o.class, e.class) as class,
				case when e.framed_address is null then o.framed_address when m.is_newer or o.framed_address is null then e.framed_address else o.framed_address end
					as framed_address,
				case when e.framed_ipv6_address is null then o.framed_ipv6_address when m.is_newer or o.framed_ipv6_address is null then e.framed_ipv6_address else o.framed_ipv6_address end
					as framed_ipv6_address,
				case when e.framed_ipv6_prefix is null then o.framed_ipv6_prefix when m.is_newer or o.framed_ipv6_prefix is null then e.framed_ipv6_prefix else o.framed_ipv6_prefix end
					as framed_ipv6_prefix,
				case when e.framed_interface_id is null then o.framed_interface_id when m.is_newer or o.framed_interface_id is null then e.framed_interface_id else o.framed_interface_id end
					as framed_interface_id,
				case when e.delegated_ipv6_prefix is null then o.delegated_ipv6_prefix when m.is_newer or o.delegated_ipv6_prefix is null then e.delegated_ipv6_prefix else o.delegated_ipv6_prefix end
					as delegated_ipv6_prefix,
				coalesce(case when m.leads then e.service_type end, o.service_type, e.service_type) as service_type,
				coalesce(case when m.leads then e.framed_protocol end, o.framed_protocol, e.framed_protocol) as framed_protocol,
				coalesce(case when m.leads then e.authentic end, o.authentic, e.authentic) as authentic,
				case t.status when 1 then coalesce(e.connect_info, o.connect_info_start)
					when 3 then coalesce(o.connect_info_start, e.connect_info)
					else o.connect_info_start end as connect_info_start,
				case when t.status = 2 then coalesce(o.connect_info_stop, e.connect_info) else o.connect_info_stop end
					as connect_info_stop,
				least(o.started_at, t.began_at) as started_at,
				greatest(o.updated_at, t.event_at) as updated_at,
				case when t.status <> 2 then
						case when not m.lives then case o.cause_rank when 1 then greatest(o.stopped_at, t.event_at) else o.stopped_at end end
					when o.cause_rank < 4 then t.event_at
					else least(o.stopped_at, t.event_at) end as stopped_at,
				case when t.status = 2 then coalesce(o.closed_at, now()) when not m.lives then o.closed_at end as closed_at,
				case when t.status <> 2 then case when not m.lives then o.terminate_cause end
					when o.cause_rank < 4 then e.terminate_cause
					when t.event_at < o.stopped_at then coalesce(e.terminate_cause, o.terminate_cause)
					else coalesce(o.terminate_cause, e.terminate_cause) end as terminate_cause,
				case when t.status = 2 then 4::smallint when m.lives then 0::smallint else o.cause_rank end as cause_rank,
				greatest(o.session_time, t.session_time) as session_time,
				case when g.in_grows then coalesce(e.in_octets, o.in_octets)
					else account_total(o.in_octets, o.session_time, e.in_octets, t.session_time, e.has_gigawords, m.counts_on)
					end as in_octets,
				case when g.out_grows then coalesce(e.out_octets, o.out_octets)
					else account_total(o.out_octets, o.session_time, e.out_octets, t.session_time, e.has_gigawords,
						m.counts_on) end as out_octets,
				greatest(o.in_packets, e.in_packets) as in_packets,
				greatest(o.out_packets, e.out_packets) as out_packets,
				case when g.in_grows or e.has_gigawords then o.in_wraps
					else o.in_wraps + account_wraps(o.in_octets, o.session_time, e.in_octets, t.session_time,
						m.counts_on)::int end as in_wraps,
				case when g.out_grows or e.has_gigawords then o.out_wraps
					else o.out_wraps + account_wraps(o.out_octets, o.session_time, e.out_octets, t.session_time,
						m.counts_on)::int end as out_wraps
		) n
		cross join lateral ( -- what is to be marked, each once
			select m.contradicts and 'live_after_close' <> all (o.flags) as contradicts,
				'counter_fell' <> all (o.flags) and m.counts_on
					and coalesce(not g.in_grows and account_falls(o.in_octets, e.in_octets, e.has_gigawords, n.in_octets)
						or not g.out_grows and account_falls(o.out_octets, e.out_octets, e.has_gigawords, n.out_octets), false)
					as falls,
				'counter_jumped' <> all (o.flags) and m.counts_on
					and coalesce(account_jumps(o.in_octets, o.session_time, n.in_octets, n.session_time)
						or account_jumps(o.out_octets, o.session_time, n.out_octets, n.session_time), false) as jumps
			offset 0
		) d
		cross join lateral (
			select case when d.contradicts or d.falls or d.jumps then o.flags
					|| case when d.contradicts then '{live_after_close}'::text[] end
					|| case when d.falls then '{counter_fell}'::text[] end
					|| case when d.jumps then '{counter_jumped}'::text[] end
				else o.flags end as flags
		) f
		where o.session_key = any (array[t.session_key])
			and s.ctid = o.ctid and s.xmin = o.xmin -- nobody has written it since
			and coalesce(o.acct_session_id, e.acct_session_id) = e.acct_session_id
			and (m.is_newer or n.state = 'active' and t.received_at > o.last_heard + interval '30 seconds'
				or (o.state, o.acct_session_id, o.nas_ip_address, o.nas_identifier, o.nas_port, o.nas_port_id, o.nas_port_type,
					o.calling_station_id, o.called_station_id, o.user_name, o.acct_multi_session_id, o.class,
					o.framed_address, o.framed_ipv6_address, o.framed_ipv6_prefix, o.framed_interface_id,
					o.delegated_ipv6_prefix, o.service_type, o.framed_protocol, o.authentic, o.connect_info_start,
					o.connect_info_stop, o.started_at, o.updated_at, o.stopped_at, o.closed_at,
					o.terminate_cause, o.cause_rank, o.session_time, o.in_octets, o.out_octets, o.in_packets,
					o.out_packets, o.in_wraps, o.out_wraps, o.flags)
				is distinct from
					(n.state, n.acct_session_id, n.nas_ip_address, n.nas_identifier, n.nas_port, n.nas_port_id, n.nas_port_type,
					n.calling_station_id, n.called_station_id, n.user_name, n.acct_multi_session_id, n.class,
					n.framed_address, n.framed_ipv6_address, n.framed_ipv6_prefix, n.framed_interface_id,
					n.delegated_ipv6_prefix, n.service_type, n.framed_protocol, n.authentic, n.connect_info_start,
					n.connect_info_stop, n.started_at, n.updated_at, n.stopped_at, n.closed_at,
					n.terminate_cause, n.cause_rank, n.session_time, n.in_octets, n.out_octets, n.in_packets,
					n.out_packets, n.in_wraps, n.out_wraps, f.flags))
		returning t.ord, s.session_key, s.nas_id, s.acct_session_id, s.address, o.acct_session_id is null as binds,
			o.state <> 'active' and s.state = 'active' as begins, t.status = 2 and s.address is not null as ends,
			case when s.state = 'active' and (o.state <> 'active' or 'address_conflict' = any (o.flags)
					or n.framed_address is distinct from o.framed_address and n.framed_address is distinct from o.address)
				then coalesce(s.framed_address, s.address) end as address_in_use,
			coalesce(s.leased_framed_prefix, s.leased_delegated_prefix, s.framed_ipv6_prefix, s.delegated_ipv6_prefix) is not null
				and (o.state <> s.state or t.status = 2 or 'prefix_conflict' = any (o.flags)
					or n.framed_ipv6_prefix is distinct from o.framed_ipv6_prefix
					or n.delegated_ipv6_prefix is distinct from o.delegated_ipv6_prefix) as has_prefixes,
			d.falls or d.jumps as is_flagged
	), bound as (
		insert into session_alias (session_key, nas_id, acct_session_id, login)
		select f.session_key, f.nas_id, f.acct_session_id, logins[f.ord] from folded f where f.binds
	)
	select array_agg(f.ord), array_agg(f.session_key order by f.ord) filter (where f.begins),
		array_agg(f.ord) filter (where f.ends), array_agg(f.session_key) filter (where f.ends),
		array_agg(f.address) filter (where f.ends), array_agg(f.ord order by f.ord) filter (where f.wants),
		array_agg(f.session_key order by f.ord) filter (where f.wants),
		array_agg(f.address_in_use order by f.ord) filter (where f.wants),
		array_agg(f.ord) filter (where f.has_prefixes), array_agg(f.ord) filter (where f.is_flagged)
	into written, begun, ended, ended_keys, ended_addresses, taking, taking_keys, taking_addresses, prefixed, flagged
	from (
		select f.*, f.address_in_use is not null and exists (
			select from address a
			where a.address = f.address_in_use and a.session_key is distinct from f.session_key) as wants
		from folded f
	) f;
end
$$;
