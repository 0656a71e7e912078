-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Records a batch of accounting packets: Start (1), Stop (2), Interim-Update (3), one element of every array per packet.
-- Any packet may come twice, late or early, and the same batch may be carried out again: it then writes nothing.
--
-- verdict: recorded, or repeat (wrote nothing). class_matched: the Class names a session of that NAS and subscriber; null
-- without a Class of ours. released: the address that this packet gave back.
--
-- Here the arrays become packets whose values no statement can stumble over: no negative counter, no duration beyond
-- reason, no address that means none. account_record() does the work.

drop function if exists poprad.account;
create function poprad.account(new_keys uuid[], class_keys uuid[], statuses int2[], nas_ids int[],
	nas_addresses inet[], nas_ip_addresses inet[], nas_identifiers text[], acct_session_ids text[],
	acct_multi_session_ids text[], logins text[], user_names text[], classes text[], framed_addresses inet[],
	framed_ipv6_addresses inet[], framed_ipv6_prefixes inet[], framed_interface_ids text[],
	delegated_ipv6_prefixes inet[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[],
	calling_station_ids text[], called_station_ids text[], service_types text[], framed_protocols text[],
	authentics text[], connect_infos text[], events_at timestamptz[], received_ats timestamptz[],
	session_times bigint[], in_octets bigint[], out_octets bigint[], has_gigawords boolean[], in_packets bigint[],
	out_packets bigint[], terminate_causes text[])
returns table (ord int, verdict text, class_matched boolean, released inet)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
declare
	max_session_time constant bigint := 10 * 366 * 86400; -- ten years in seconds: more is not a duration
	packets account_event[];
begin
	select array_agg(row(b.ord, b.new_key, b.class_key, b.status, b.nas_id, b.nas_address, b.nas_ip_address,
			b.nas_identifier, coalesce(b.acct_session_id, ''), b.acct_multi_session_id, coalesce(b.login, ''),
			coalesce(b.user_name, ''), b.class, nullif(b.framed_address, '0.0.0.0'), b.framed_ipv6_address,
			b.framed_ipv6_prefix::cidr, b.framed_interface_id, b.delegated_ipv6_prefix::cidr, b.nas_port,
			b.nas_port_id, b.nas_port_type, b.calling_station_id, b.called_station_id, b.service_type,
			b.framed_protocol, b.authentic, b.connect_info, b.event_at,
			b.event_at - make_interval(secs => coalesce(t.session_time, 0)), b.received_at, t.session_time,
			greatest(b.in_octets, 0), greatest(b.out_octets, 0), coalesce(b.has_gigawords, false),
			greatest(b.in_packets, 0), greatest(b.out_packets, 0), b.terminate_cause)::account_event order by b.ord)
	into packets
	from unnest(new_keys, class_keys, statuses, nas_ids, nas_addresses, nas_ip_addresses, nas_identifiers,
		acct_session_ids, acct_multi_session_ids, logins, user_names, classes, framed_addresses,
		framed_ipv6_addresses, framed_ipv6_prefixes, framed_interface_ids, delegated_ipv6_prefixes, nas_ports,
		nas_port_ids, nas_port_types, calling_station_ids, called_station_ids, service_types, framed_protocols,
		authentics, connect_infos, events_at, received_ats, session_times, in_octets, out_octets, has_gigawords,
		in_packets, out_packets, terminate_causes) with ordinality b (new_key, class_key, status, nas_id, nas_address,
		nas_ip_address, nas_identifier, acct_session_id, acct_multi_session_id, login, user_name, class,
		framed_address, framed_ipv6_address, framed_ipv6_prefix, framed_interface_id, delegated_ipv6_prefix, nas_port,
		nas_port_id, nas_port_type, calling_station_id, called_station_id, service_type, framed_protocol, authentic,
		connect_info, event_at, received_at, session_time, in_octets, out_octets, has_gigawords, in_packets,
		out_packets, terminate_cause, ord)
	cross join lateral (
		select case when b.session_time between 0 and max_session_time then b.session_time end as session_time) t;
	if packets is not null then
		return query select * from account_record(packets);
	end if;
end
$$;
