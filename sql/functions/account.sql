-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Records a batch of accounting packets: Start (1), Stop (2), Interim-Update (3), one element of every array per packet.
-- Any packet may come twice, late or early, and the same batch may be carried out again: it then writes nothing.
-- logins, user_names and acct_session_ids are empty where a packet has none; every other array may be null as a whole.
--
-- verdict: recorded; over_quota (the same, and it shows first that the subscriber has used up a quota), flagged (the same, and its
-- session was marked for its counters), or both of these; or repeat (wrote nothing). class_matched: the Class names a session of that NAS and subscriber; null
-- without a Class of ours. released: the address that this packet gave back.
--
-- The sessions are found (account_session), or opened (account_open), the packets folded in (account_fold), and then what
-- follows is done for sessions that others replace, for addresses and for the subscribers' limits. What one transaction may not do with two packets at once is done in turns: each
-- takes the first packet that is left of every session.
-- A packet that is not of its session's present day books what was used before (usage.sql).
--
-- Nearly all packets are of a kind that needs no thought (account_kind): interims that change nothing but time and counters, which the
-- server sends in batches of their own, and packets that just follow on what is stored. A turn of one kind only is
-- written by one short statement here or in account_follow. One statement writes all of a turn, in the order of keys.
--
-- Nearly every batch holds one new packet for each of its sessions. Then no session is locked before it is written: the
-- fold writes only what nobody has changed since it was read, and if somebody has, the batch fails as a whole and is
-- carried out again. In any other case (a repeat, an end that is contradicted, two packets of one session, a session
-- in history) all is locked first, and looked at again.
-- Locks are taken each kind in the order of its keys: advisory locks on NAS + Acct-Session-Id, so that two workers do not
-- make two rows of one session; the subscribers, whose active sessions are counted; the sessions; and at the end
-- the addresses, and the rows of usage_day.
--
-- How the statements here and in the helpers are written: plans are made once, perhaps while a table is empty, and must
-- be right when it has grown. Hence `= any` on the key alone, or lateral (... offset 0), which leave the planner no
-- choice but the index, and updates by ctid of rows that are locked already or compared with what was read.

drop function if exists poprad.account_record; -- of an earlier version
drop function if exists poprad.account;
create function poprad.account(new_keys uuid[], class_keys uuid[], statuses int2[], nas_ids int[],
	nas_addresses inet[], nas_ip_addresses inet[], nas_identifiers text[], acct_session_ids text[],
	acct_multi_session_ids text[], logins text[], user_names text[], classes text[], framed_addresses inet[],
	framed_ipv6_addresses inet[], framed_ipv6_prefixes inet[], framed_interface_ids text[],
	delegated_ipv6_prefixes inet[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[],
	calling_station_ids text[], called_station_ids text[], service_types text[], framed_protocols text[],
	authentics text[], connect_infos text[], events_at timestamptz[], received_ats timestamptz[],
	session_times bigint[], octets_in bigint[], octets_out bigint[], has_gigawords boolean[], packets_in bigint[],
	packets_out bigint[], terminate_causes text[], fingerprints bigint[])
returns table (ord int, verdict text, class_matched boolean, released inet)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	pending int[] := array(select generate_subscripts(statuses, 1)); -- packets that are left
	turn int[]; -- the packets of this turn, in the order of
	keys uuid[]; -- their sessions
	kinds text[]; -- of the turn's packets (account_kind)
	classless int[]; -- those of the turn that have no Class; their sessions, their kinds
	classless_keys uuid[];
	classless_kinds text[];
	classless_unknown int[];
	one uuid; -- of keys
	former uuid; -- the one before it
	written int;
	unknown int[]; -- those whose session must be looked for
	others account_event[]; -- the same, or all packets that are left
	later int[];
	is_simple boolean; -- nothing need be locked before it is written
	is_odd boolean := false; -- something need be, as it turned out
	is_locked boolean := false; -- all of it is
	identified int[]; -- packets whose NAS + Acct-Session-Id is locked
	candidates uuid[]; -- every session that may be written, locked
	beginning int[]; -- whose sessions begin
	limited int[]; -- those of them who have a limit
	past uuid[]; -- sessions in history
	new_ords int[]; -- packets that begin a session we know nothing of
	new_subscribers int[];
	new_plans int[];
	ignored int[];
	opened record;
	folded record;
	place int;
	is_recorded boolean[]; -- by ord
	is_ignored boolean[]; -- the Class, by ord
	is_flagged boolean[]; -- its session now is, by ord
	freed inet[]; -- by ord
	begun uuid[]; -- became active, in that order
	ended int[];
	ended_keys uuid[];
	ended_addresses inet[];
	taking_keys uuid[];
	taking_addresses inet[];
	prefixed uuid[];
	recalled uuid[]; -- from history
	recalled_as session[]; -- as they were there
	has_quotas constant boolean := (select v.has_quotas from catalog_version v);
	metered int[]; -- packets of sessions that may have a quota, and these sessions
	metered_keys uuid[];
	opened_keys uuid[]; -- those of them that no login has begun
	over_quota uuid[];
	turning session[]; -- those of the turn whose day is over
	used usage_day[]; -- to be booked
begin
	framed_addresses := array_replace(framed_addresses, '0.0.0.0', null); -- which means none
	while pending <> '{}' loop
		-- Known at a glance: the session that Class names, if no other Acct-Session-Id is bound to it; without Class the
		-- only open one that has this Acct-Session-Id, but not for a Start, which may begin another of that name. These are
		-- two statements because PostgreSQL prepares all of a statement each time, whatever of it is used.
		if num_nonnulls(variadic class_keys) > 0 then
			select array_agg(k.ord) filter (where k.session_key is not null),
				array_agg(k.session_key) filter (where k.session_key is not null),
				array_agg(k.kind) filter (where k.session_key is not null),
				array_agg(k.ord) filter (where k.session_key is null),
				array_agg(k.subscriber_id) filter (where k.state = 'authorised')
			into turn, keys, kinds, unknown, beginning
			from (
				select i as ord, s.session_key, s.state, s.subscriber_id,
					account_kind(row(s.*)::session, statuses[i], nas_ip_addresses[i], nas_identifiers[i],
						acct_multi_session_ids[i], user_names[i], classes[i], framed_addresses[i], framed_ipv6_addresses[i],
						framed_ipv6_prefixes[i], framed_interface_ids[i], delegated_ipv6_prefixes[i], nas_ports[i],
						nas_port_ids[i], nas_port_types[i], calling_station_ids[i], called_station_ids[i], service_types[i],
						framed_protocols[i], authentics[i], connect_infos[i], events_at[i], session_times[i], octets_in[i],
						octets_out[i]) as kind
				from unnest(pending) i
				left join lateral (
					select s.*
					from (select * from session s where s.session_key = class_keys[i] offset 0) s
					where s.nas_id = nas_ids[i]
						and coalesce(s.acct_session_id = acct_session_ids[i], s.state = 'authorised')
						and (logins[i] = '' or s.user_name = user_names[i]
							or logins[i] = (select u.login from subscriber u where u.subscriber_id = s.subscriber_id))
					offset 0
				) s on true
				where class_keys[i] is not null
				order by s.session_key, i
			) k;
		elsif is_locked or is_odd then -- of the turn before
			turn := null;
			keys := null;
			kinds := null;
			unknown := null;
			beginning := null;
		end if;
		if class_keys is null or num_nulls(variadic class_keys) > 0 then
			select array_agg(k.ord) filter (where k.session_key is not null),
				array_agg(k.session_key) filter (where k.session_key is not null),
				array_agg(k.kind) filter (where k.session_key is not null),
				array_agg(k.ord) filter (where k.session_key is null)
			into classless, classless_keys, classless_kinds, classless_unknown
			from (
				select i as ord, s.session_key,
					account_kind(row(s.*)::session, statuses[i], nas_ip_addresses[i], nas_identifiers[i],
						acct_multi_session_ids[i], user_names[i], classes[i], framed_addresses[i], framed_ipv6_addresses[i],
						framed_ipv6_prefixes[i], framed_interface_ids[i], delegated_ipv6_prefixes[i], nas_ports[i],
						nas_port_ids[i], nas_port_types[i], calling_station_ids[i], called_station_ids[i], service_types[i],
						framed_protocols[i], authentics[i], connect_infos[i], events_at[i], session_times[i], octets_in[i],
						octets_out[i]) as kind
				from unnest(pending) i
				left join lateral (
					select s.*
					from (
						select array(
							select a.session_key
							from session_alias a
							where a.nas_id = nas_ids[i] and a.acct_session_id = acct_session_ids[i]
								and a.login = logins[i]
							limit 2) as keys
						offset 0
					) a
					cross join lateral (select * from session s where s.session_key = a.keys[1] offset 0) s
					where statuses[i] <> 1 and a.keys[2] is null and s.state = 'active'
						and account_is_session(row(s.*)::session, logins[i], logins[i], statuses[i], nas_addresses[i],
							nas_ip_addresses[i], nas_identifiers[i], nas_ports[i], nas_port_ids[i], calling_station_ids[i],
							framed_addresses[i], events_at[i], session_times[i])
					offset 0
				) s on true
				where class_keys[i] is null
				order by s.session_key, i
			) k;
			unknown := unknown || classless_unknown;
			if turn is null then
				turn := classless;
				keys := classless_keys;
				kinds := classless_kinds;
			elsif classless is not null then
				select array_agg(k.ord), array_agg(k.session_key), array_agg(k.kind) into turn, keys, kinds
				from (
					select * from unnest(turn || classless, keys || classless_keys, kinds || classless_kinds)
						t (ord, session_key, kind)
					order by t.session_key, t.ord
				) k;
			end if;
		end if;
		is_simple := not is_odd and array_position(kinds, null) is null;
		former := null;
		foreach one in array coalesce(keys, '{}') loop
			is_simple := is_simple and one is distinct from former;
			former := one;
		end loop;
		later := '{}';

		if is_simple and unknown is null and 'counters' = all (kinds) then
			update session s set
				updated_at = events_at[t.ord],
				last_heard = greatest(s.last_heard, received_ats[t.ord]),
				session_time = greatest(s.session_time, account_session_time(session_times[t.ord])),
				in_octets = greatest(s.in_octets, octets_in[t.ord]),
				out_octets = greatest(s.out_octets, octets_out[t.ord]),
				in_packets = greatest(s.in_packets, packets_in[t.ord]),
				out_packets = greatest(s.out_packets, packets_out[t.ord]),
				fingerprint = fingerprints[t.ord]
			from unnest(turn, keys) t (ord, session_key)
			where s.session_key = any (array[t.session_key]) and s.state = 'active'
				and (s.updated_at < events_at[t.ord] or s.updated_at = events_at[t.ord] and s.in_octets < octets_in[t.ord]);
			get diagnostics written = row_count;
			if written <> cardinality(turn) then
				raise serialization_failure using message = 'a session changed while packets for it were recorded';
			end if;
			foreach place in array turn loop
				is_recorded[place] := true;
			end loop;
			if has_quotas then
				metered := metered || turn;
				metered_keys := metered_keys || keys;
			end if;
			exit;
		end if;

		if unknown is not null or is_locked or not is_simple then
			others := array(
				select account_packet(i, new_keys, class_keys, statuses, nas_ids, nas_addresses, nas_ip_addresses,
					nas_identifiers, acct_session_ids, acct_multi_session_ids, logins, user_names, classes,
					framed_addresses, framed_ipv6_addresses, framed_ipv6_prefixes, framed_interface_ids,
					delegated_ipv6_prefixes, nas_ports, nas_port_ids, nas_port_types, calling_station_ids,
					called_station_ids, service_types, framed_protocols, authentics, connect_infos, events_at,
					received_ats, session_times, octets_in, octets_out, has_gigawords, packets_in, packets_out,
					terminate_causes)
				from unnest(case when is_locked or is_simple then unknown else pending end) i);
			if identified is null then
				identified := case when is_simple then unknown else pending end;
				perform account_lock_identities(others);
			elsif is_locked and not unknown <@ identified then
				raise serialization_failure using message = 'another session took the name of one that packets are for';
			end if;
		end if;
		if not is_locked and not is_simple then
			candidates := account_lock(others);
			is_locked := true;
			continue;
		end if;

		if unknown is not null or is_locked then
			select array_agg(t.ord) filter (where t.is_now and not t.is_new),
				array_agg(t.session_key) filter (where t.is_now and not t.is_new),
				array_agg(t.kind) filter (where t.is_now and not t.is_new),
				coalesce(array_agg(t.ord) filter (where not t.is_now), '{}'),
				bool_and(t.is_now and t.is_first is not false),
				beginning || array_agg(t.subscriber_id) filter (where t.is_first),
				array_agg(t.ord) filter (where not t.class_matched),
				array_agg(t.session_key) filter (where t.is_now and t.is_past),
				array_agg(t.ord) filter (where t.is_now and t.is_new),
				array_agg(t.subscriber_id) filter (where t.is_now and t.is_new),
				array_agg(t.plan_id) filter (where t.is_now and t.is_new)
			into turn, keys, kinds, later, is_simple, beginning, ignored, past, new_ords, new_subscribers, new_plans
			from (
				-- One packet of a session in a turn, and only one that may make or adopt a session under one name, or
				-- of one subscriber; none while another packet under that name is to be recorded.
				select f.*, row_number() over (partition by f.session_key order by f.is_first nulls first, f.ord) = 1
					and (f.is_first is null
						or row_number() over (partition by nas_ids[f.ord], acct_session_ids[f.ord]
							order by f.is_first nulls first, f.ord) = 1
						and (logins[f.ord] = '' or row_number() over (partition by logins[f.ord]
							order by f.is_first nulls first, f.ord) = 1)) as is_now
				from (
					select k.ord, k.session_key, null::boolean as class_matched, false as is_past, false as is_new,
						null::boolean as is_first, null::int as subscriber_id, null::int as plan_id, k.kind
					from unnest(turn, keys, kinds) k (ord, session_key, kind)
					union all
					select n.*, case when n.is_first then case statuses[n.ord] when 1 then 'first' else 'other' end end
					from account_session(others) n
				) f
				order by f.session_key, f.ord
			) t;
		end if;

		if is_locked then
			recalled := recalled || past;
			candidates := candidates || past || array(select new_keys[i] from unnest(new_ords) i);
			if exists (select unnest(keys) except select unnest(candidates)) then
				raise serialization_failure using message = 'a session appeared while packets for it were recorded';
			end if;
			recalled_as := recalled_as || session_from_history(past);
		elsif not is_simple then
			is_odd := true;
			continue;
		elsif beginning is not null then
			limited := limited || account_limited(beginning);
			if limited <> '{}' then
				perform from subscriber_state t
				where t.subscriber_id = any (limited)
				order by t.subscriber_id
				for update;
			end if;
		end if;
		pending := later;
		foreach place in array coalesce(ignored, '{}') loop
			is_ignored[place] := true;
		end loop;

		if new_ords is not null then
			select * into opened from account_open(new_ords, new_subscribers, new_plans, is_ignored, new_keys, class_keys,
				statuses, nas_ids, nas_addresses, nas_ip_addresses, nas_identifiers, acct_session_ids, acct_multi_session_ids, logins,
				user_names, classes, framed_addresses, framed_ipv6_addresses, framed_ipv6_prefixes, framed_interface_ids,
				delegated_ipv6_prefixes, nas_ports, nas_port_ids, nas_port_types, calling_station_ids,
				called_station_ids, service_types, framed_protocols, authentics, connect_infos, events_at, received_ats,
				session_times, octets_in, octets_out, packets_in, packets_out, terminate_causes, fingerprints);
			foreach place in array new_ords loop
				is_recorded[place] := true;
			end loop;
			foreach place in array coalesce(opened.flagged, '{}') loop
				is_flagged[place] := true;
			end loop;
			begun := begun || opened.begun;
			if has_quotas then
				metered := metered || new_ords;
				metered_keys := metered_keys || array(select new_keys[i] from unnest(new_ords) i);
				opened_keys := opened_keys || array(select new_keys[i] from unnest(new_ords) i);
			end if;
			taking_keys := taking_keys || opened.taking_keys;
			taking_addresses := taking_addresses || opened.taking_addresses;
			prefixed := prefixed || opened.prefixed_keys;
			continue when turn is null;
		end if;

		if not is_locked and 'other' <> all (kinds) then
			select * into folded from account_follow(turn, keys, kinds, statuses, nas_ip_addresses, nas_identifiers,
				acct_session_ids, acct_multi_session_ids, logins, user_names, classes, framed_addresses,
				framed_ipv6_addresses, framed_ipv6_prefixes, framed_interface_ids, delegated_ipv6_prefixes, nas_ports,
				nas_port_ids, nas_port_types, calling_station_ids, called_station_ids, service_types, framed_protocols,
				authentics, connect_infos, events_at, received_ats, session_times, octets_in, octets_out,
				packets_in, packets_out, terminate_causes, fingerprints);
		else
			turning := usage_turns(turn, keys, events_at);
			select * into folded from account_fold(turn, keys, statuses, nas_ip_addresses, nas_identifiers,
				acct_session_ids, acct_multi_session_ids, logins, user_names, classes, framed_addresses,
				framed_ipv6_addresses, framed_ipv6_prefixes, framed_interface_ids, delegated_ipv6_prefixes, nas_ports,
				nas_port_ids, nas_port_types, calling_station_ids, called_station_ids, service_types, framed_protocols,
				authentics, connect_infos, events_at, received_ats, session_times, octets_in, octets_out, has_gigawords,
				packets_in, packets_out, terminate_causes, fingerprints);
			foreach place in array coalesce(folded.flagged, '{}') loop
				is_flagged[place] := true;
			end loop;
		end if;
		if not is_locked and cardinality(folded.written) is distinct from cardinality(turn) then
			raise serialization_failure using message = 'a session changed while packets for it were recorded';
		end if;
		if turning is not null then
			used := used || usage_turn(turning);
			turning := null;
		end if;
		foreach place in array coalesce(folded.written, '{}') loop
			is_recorded[place] := true;
		end loop;
		if has_quotas then
			metered := metered || turn;
			metered_keys := metered_keys || keys;
		end if;
		begun := begun || folded.begun;
		ended := ended || folded.ended;
		ended_keys := ended_keys || folded.ended_keys;
		ended_addresses := ended_addresses || folded.ended_addresses;
		-- A second record under the Class of another session holds no lease.
		if folded.prefixed is not null then
			prefixed := prefixed || array(
				select p.session_key from unnest(turn, keys) p (ord, session_key)
				where p.ord = any (folded.prefixed) and (statuses[p.ord] = 2 or is_ignored[p.ord] or (class_keys[p.ord] <> p.session_key) is not true));
		end if;
		if folded.taking is not null then
			select taking_keys || array_agg(t.session_key), taking_addresses || array_agg(t.address)
			into taking_keys, taking_addresses
			from unnest(folded.taking, folded.taking_keys, folded.taking_addresses) t (ord, session_key, address)
			where is_ignored[t.ord] or (class_keys[t.ord] <> t.session_key) is not true;
		end if;
	end loop;

	if ended is not null or taking_keys is not null then
		foreach place in array account_leases(ended_keys, ended_addresses, taking_keys, taking_addresses) loop
			freed[ended[place]] := ended_addresses[place];
		end loop;
	end if;
	if begun is not null and nas_port_types && session_circuit_types() then
		perform account_replace_calls(begun);
	end if;
	if prefixed is not null then
		perform account_prefixes(prefixed);
	end if;
	if begun is not null and (is_locked or limited <> '{}') then
		perform account_limit(begun);
	end if;
	if has_quotas then
		over_quota := quota_watch(metered_keys, opened_keys);
	end if;
	if recalled <> '{}' then
		recalled := array(select s.session_key from session s where s.session_key = any (recalled) and s.state = 'closed');
		used := used || usage_rest(recalled);
		perform session_to_history(recalled, billing_numbers_kept(recalled_as, recalled));
	end if;
	if used is not null then
		perform usage_add(used);
	end if;

	return query
	select i, case
			when is_flagged[i] then case when metered_keys[array_position(metered, i)] = any (over_quota)
				then 'over_quota flagged' else 'flagged' end
			when metered_keys[array_position(metered, i)] = any (over_quota) then 'over_quota'
			when is_recorded[i] then 'recorded' else 'repeat' end,
		case when class_keys[i] is not null then is_ignored[i] is not true end, freed[i]
	from generate_subscripts(statuses, 1) i;
end
$$;
