-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- One packet of the arrays that account() is called with, its values such that no statement can stumble over them: no
-- negative counter, no duration beyond reason, no address that means none. A plain expression: PostgreSQL folds it into the
-- statement that uses it, and reads of the arrays what that statement asks for.

drop function if exists poprad.account_packet;
create function poprad.account_packet(i int, new_keys uuid[], class_keys uuid[], statuses int2[], nas_ids int[],
	nas_addresses inet[], nas_ip_addresses inet[], nas_identifiers text[], acct_session_ids text[],
	acct_multi_session_ids text[], logins text[], user_names text[], classes text[], framed_addresses inet[],
	framed_ipv6_addresses inet[], framed_ipv6_prefixes inet[], framed_interface_ids text[],
	delegated_ipv6_prefixes inet[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[],
	calling_station_ids text[], called_station_ids text[], service_types text[], framed_protocols text[],
	authentics text[], connect_infos text[], events_at timestamptz[], received_ats timestamptz[],
	session_times bigint[], octets_in bigint[], octets_out bigint[], has_gigawords boolean[], packets_in bigint[],
	packets_out bigint[], terminate_causes text[])
returns poprad.account_event language sql stable as $$
	select row(i, new_keys[i], class_keys[i], statuses[i], nas_ids[i], nas_addresses[i], nas_ip_addresses[i],
		nas_identifiers[i], acct_session_ids[i], acct_multi_session_ids[i], logins[i],
		user_names[i], classes[i], framed_addresses[i], framed_ipv6_addresses[i],
		framed_ipv6_prefixes[i]::cidr, framed_interface_ids[i], delegated_ipv6_prefixes[i]::cidr, nas_ports[i],
		nas_port_ids[i], nas_port_types[i], calling_station_ids[i], called_station_ids[i], service_types[i],
		framed_protocols[i], authentics[i], connect_infos[i], events_at[i],
		poprad.account_began_at(events_at[i], session_times[i]),
		received_ats[i], poprad.account_session_time(session_times[i]), greatest(octets_in[i], 0),
		greatest(octets_out[i], 0), coalesce(has_gigawords[i], false), greatest(packets_in[i], 0),
		greatest(packets_out[i], 0), terminate_causes[i])::poprad.account_event
$$;
