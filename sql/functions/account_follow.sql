-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What account_fold() comes to for packets that just follow on what is stored, as nearly all do (account_kind: first or
-- next). Called by account(), takes and returns the same. A session of which that is no longer true is not written.

drop function if exists poprad.account_follow;
create function poprad.account_follow(turn int[], keys uuid[], kinds text[], statuses int2[],
	nas_ip_addresses inet[], nas_identifiers text[], acct_session_ids text[], acct_multi_session_ids text[],
	logins text[], user_names text[], classes text[], framed_addresses inet[], framed_ipv6_addresses inet[],
	framed_ipv6_prefixes inet[], framed_interface_ids text[], delegated_ipv6_prefixes inet[], nas_ports bigint[],
	nas_port_ids text[], nas_port_types text[], calling_station_ids text[], called_station_ids text[],
	service_types text[], framed_protocols text[], authentics text[], connect_infos text[], events_at timestamptz[],
	received_ats timestamptz[], session_times bigint[], octets_in bigint[], octets_out bigint[],
	packets_in bigint[], packets_out bigint[], terminate_causes text[], fingerprints bigint[],
	out written int[], out begun uuid[], out ended int[], out ended_keys uuid[], out ended_addresses inet[],
	out taking int[], out taking_keys uuid[], out taking_addresses inet[], out prefixed int[])
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	hours_begin timestamptz; -- usage_hours
	hours_end timestamptz;
begin
	if 'first' = any (kinds) then
		select * into hours_begin, hours_end from usage_hours();
	end if;
	with followed as (
		update session s set
			state = case when statuses[t.ord] = 2 then 'closed' else 'active' end,
			nas_ip_address = coalesce(s.nas_ip_address, nas_ip_addresses[t.ord]),
			nas_identifier = coalesce(s.nas_identifier, nas_identifiers[t.ord]),
			nas_port = coalesce(s.nas_port, nas_ports[t.ord]),
			nas_port_id = coalesce(s.nas_port_id, nas_port_ids[t.ord]),
			nas_port_type = coalesce(s.nas_port_type, nas_port_types[t.ord]),
			calling_station_id = coalesce(s.calling_station_id, calling_station_ids[t.ord]),
			called_station_id = coalesce(s.called_station_id, called_station_ids[t.ord]),
			user_name = case when s.user_name = '' then user_names[t.ord] else s.user_name end,
			acct_session_id = acct_session_ids[t.ord],
			acct_multi_session_id = coalesce(s.acct_multi_session_id, acct_multi_session_ids[t.ord]),
			class = coalesce(s.class, classes[t.ord]),
			framed_address = coalesce(framed_addresses[t.ord], s.framed_address),
			framed_ipv6_address = coalesce(framed_ipv6_addresses[t.ord], s.framed_ipv6_address),
			framed_ipv6_prefix = coalesce(framed_ipv6_prefixes[t.ord]::cidr, s.framed_ipv6_prefix),
			framed_interface_id = coalesce(framed_interface_ids[t.ord], s.framed_interface_id),
			delegated_ipv6_prefix = coalesce(delegated_ipv6_prefixes[t.ord]::cidr, s.delegated_ipv6_prefix),
			service_type = coalesce(s.service_type, service_types[t.ord]),
			framed_protocol = coalesce(s.framed_protocol, framed_protocols[t.ord]),
			authentic = coalesce(s.authentic, authentics[t.ord]),
			connect_info_start = case statuses[t.ord] when 1 then coalesce(connect_infos[t.ord], s.connect_info_start)
				when 3 then coalesce(s.connect_info_start, connect_infos[t.ord]) else s.connect_info_start end,
			connect_info_stop = case when statuses[t.ord] = 2 then connect_infos[t.ord] end,
			authorised_until = null,
			started_at = least(s.started_at, account_began_at(events_at[t.ord], session_times[t.ord])),
			updated_at = events_at[t.ord],
			last_heard = greatest(s.last_heard, received_ats[t.ord]),
			stopped_at = case when statuses[t.ord] = 2 then events_at[t.ord] end,
			closed_at = case when statuses[t.ord] = 2 then now() end,
			terminate_cause = case when statuses[t.ord] = 2 then terminate_causes[t.ord] end,
			cause_rank = case when statuses[t.ord] = 2 then 4 else 0 end,
			session_time = greatest(s.session_time, account_session_time(session_times[t.ord])),
			in_octets = greatest(s.in_octets, octets_in[t.ord]),
			out_octets = greatest(s.out_octets, octets_out[t.ord]),
			in_packets = greatest(s.in_packets, packets_in[t.ord]),
			out_packets = greatest(s.out_packets, packets_out[t.ord]),
			fingerprint = fingerprints[t.ord],
			day_ends = case when t.kind <> 'first' then s.day_ends when s.subscriber_id is null then 'infinity'
				when events_at[t.ord] >= hours_begin and events_at[t.ord] < hours_end then hours_end
				else usage_present_day_ends(events_at[t.ord], s.subscriber_id, s.plan_id) end
		from unnest(turn, keys, kinds) t (ord, session_key, kind)
		where s.session_key = any (array[t.session_key])
			and case when t.kind = 'first' then s.state = 'authorised'
				else s.state = 'active' and (framed_addresses[t.ord] = s.framed_address) is not false
					and (s.updated_at < events_at[t.ord] or s.updated_at = events_at[t.ord]
						and (statuses[t.ord] = 2 or s.in_octets < octets_in[t.ord])) end
		returning t.ord, t.kind = 'first' as is_first, s.state = 'active' as is_active, s.session_key, s.nas_id,
			s.acct_session_id, s.address, coalesce(s.framed_address, s.address) as address_in_use, s.is_lease_gone,
			(t.kind = 'first' or s.state <> 'active') and coalesce(s.leased_framed_prefix, s.leased_delegated_prefix,
				s.framed_ipv6_prefix, s.delegated_ipv6_prefix) is not null as has_prefixes
	), bound as (
		insert into session_alias (session_key, nas_id, acct_session_id, login)
		select f.session_key, f.nas_id, f.acct_session_id, logins[f.ord] from followed f where f.is_first
	)
	select array_agg(f.ord), array_agg(f.session_key order by f.ord) filter (where f.is_first and f.is_active),
		array_agg(f.ord) filter (where f.ends), array_agg(f.session_key) filter (where f.ends),
		array_agg(f.address) filter (where f.ends), array_agg(f.ord order by f.ord) filter (where f.wants),
		array_agg(f.session_key order by f.ord) filter (where f.wants),
		array_agg(f.address_in_use order by f.ord) filter (where f.wants),
		array_agg(f.ord) filter (where f.has_prefixes)
	into written, begun, ended, ended_keys, ended_addresses, taking, taking_keys, taking_addresses, prefixed
	from (
		select f.*, not f.is_active and f.address is not null as ends, f.is_first and f.is_active
			-- an authorised session has the address that it names
			and (f.address_in_use is distinct from f.address or f.is_lease_gone is true)
			and exists (
				select from address a
				where a.address = f.address_in_use and a.session_key is distinct from f.session_key) as wants
		from followed f
	) f;
end
$$;
