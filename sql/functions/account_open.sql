-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Writes the sessions of packets that belong to none we know of, each at once as its first packet leaves it: what
-- account_fold() would make of an empty one. ords are the packets, subscribers and plans theirs or null, is_ignored their
-- Class, by ord. Called by account(), takes and returns what account_fold() does.

drop function if exists poprad.account_open;
create function poprad.account_open(ords int[], subscribers int[], plans int[], is_ignored boolean[], new_keys uuid[],
	class_keys uuid[], statuses int2[], nas_ids int[], nas_addresses inet[], nas_ip_addresses inet[],
	nas_identifiers text[], acct_session_ids text[], acct_multi_session_ids text[], logins text[], user_names text[], classes text[], framed_addresses inet[],
	framed_ipv6_addresses inet[], framed_ipv6_prefixes inet[], framed_interface_ids text[],
	delegated_ipv6_prefixes inet[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[],
	calling_station_ids text[], called_station_ids text[], service_types text[], framed_protocols text[],
	authentics text[], connect_infos text[], events_at timestamptz[], received_ats timestamptz[],
	session_times bigint[], octets_in bigint[], octets_out bigint[], packets_in bigint[], packets_out bigint[],
	terminate_causes text[], fingerprints bigint[],
	out begun uuid[], out taking_keys uuid[], out taking_addresses inet[], out prefixed_keys uuid[],
	out flagged int[])
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	hours_begin timestamptz; -- usage_hours
	hours_end timestamptz;
begin
	select * into hours_begin, hours_end from usage_hours();
	with opened as (
		insert into session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, nas_ip_address, nas_identifier,
			nas_port, nas_port_id, nas_port_type, calling_station_id, called_station_id, user_name, acct_session_id,
			acct_multi_session_id, class, framed_address, framed_ipv6_address, framed_ipv6_prefix, framed_interface_id,
			delegated_ipv6_prefix, service_type, framed_protocol, authentic, connect_info_start, connect_info_stop,
			started_at, updated_at, last_heard, stopped_at, closed_at, terminate_cause, cause_rank, session_time,
			in_octets, out_octets, in_packets, out_packets, fingerprint, day_ends, flags)
		select new_keys[i], case when statuses[i] = 2 then 'closed' else 'active' end, n.subscriber_id, n.plan_id,
			nas_ids[i], nas_addresses[i], nas_ip_addresses[i], nas_identifiers[i], nas_ports[i], nas_port_ids[i],
			nas_port_types[i], calling_station_ids[i], called_station_ids[i], user_names[i], acct_session_ids[i],
			acct_multi_session_ids[i], classes[i], framed_addresses[i], framed_ipv6_addresses[i],
			framed_ipv6_prefixes[i]::cidr, framed_interface_ids[i], delegated_ipv6_prefixes[i]::cidr, service_types[i],
			framed_protocols[i], authentics[i], case when statuses[i] <> 2 then connect_infos[i] end,
			case when statuses[i] = 2 then connect_infos[i] end, account_began_at(events_at[i], session_times[i]),
			events_at[i], received_ats[i], case when statuses[i] = 2 then events_at[i] end,
			case when statuses[i] = 2 then now() end, case when statuses[i] = 2 then terminate_causes[i] end,
			case when statuses[i] = 2 then 4 else 0 end, greatest(0, account_session_time(session_times[i])),
			greatest(0, octets_in[i]), greatest(0, octets_out[i]), greatest(0, packets_in[i]),
			greatest(0, packets_out[i]), fingerprints[i],
			-- what a session without a Start has counted may be of several days
			case when n.subscriber_id is null then 'infinity'
				when statuses[i] <> 1 then null
				when events_at[i] >= hours_begin and events_at[i] < hours_end then hours_end
				else usage_present_day_ends(events_at[i], n.subscriber_id, n.plan_id) end,
			case when account_jumps(0, 0, octets_in[i], greatest(0, account_session_time(session_times[i])))
					or account_jumps(0, 0, octets_out[i], greatest(0, account_session_time(session_times[i])))
				then '{counter_jumped}'::text[] else '{}' end
		from unnest(ords, subscribers, plans) n (i, subscriber_id, plan_id)
		returning session_key, flags <> '{}' as is_flagged
	), bound as (
		insert into session_alias (session_key, nas_id, acct_session_id, login)
		select new_keys[i], nas_ids[i], acct_session_ids[i], logins[i] from unnest(ords) i
	)
	select array_agg(n.session_key order by n.i), array_agg(n.session_key order by n.i) filter (where n.wants),
		array_agg(n.address order by n.i) filter (where n.wants),
		array_agg(n.session_key) filter (where n.is_own and n.has_prefixes),
		(select array_agg(array_position(new_keys, o.session_key)) from opened o where o.is_flagged)
	into begun, taking_keys, taking_addresses, prefixed_keys, flagged
	from (
		select o.*, o.is_own and exists (select from address a where a.address = o.address) as wants
		from (
			select i, new_keys[i] as session_key, framed_addresses[i] as address,
				-- a second record under the Class of another session holds no lease
				class_keys[i] is null or is_ignored[i] as is_own,
				num_nonnulls(framed_ipv6_prefixes[i], delegated_ipv6_prefixes[i]) > 0 as has_prefixes
			from unnest(ords) i
			where statuses[i] <> 2
		) o
	) n;
end
$$;
