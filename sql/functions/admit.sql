-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Admits a batch of logins whose passwords are verified: session limit, address, authorised session. One row per
-- request:
--   ok                     session_key goes into Class: the request's own, or that of the authorised session which an
--                          earlier login on the same line has left; null if the request only asks (wants_address false).
--                          address: null if the plan has no pool and the subscriber no static address: the NAS assigns.
--   session_limit          as many active sessions as allowed, not counting one that this login would replace.
--   static_address_in_use  an active session elsewhere holds it.
--   static_prefix_in_use   an active session elsewhere holds one of them.
--   candidates_taken       no proposed address was free: come again with others, or with search.
--   pool_exhausted         the whole pool was searched.
--   framed_pool_exhausted  the plan's pool of framed prefixes has none left, and one is required;
--   delegated_pool_exhausted  the same of delegated ones.
--   other_calling_station  learned_stations: where the login is to be the one from which the subscriber's calling station
--                          is learned. Another has been learned meanwhile.
--   no row                 the subscriber, his static address or a prefix, has changed since he was looked up; or the session
--                          of this key has ended meanwhile. Nothing can be said: the NAS will ask again.
-- Rejects leave no session and no lease. A repeat of a request (same key) is answered with what is stored and leases
-- nothing more, as long as its session is open.
--
-- Order of locks: the rows of subscribers who are to learn a station; the subscribers' state rows, their open sessions, the addresses that are theirs, each by key. Whoever
-- decides about a subscriber's sessions waits there, so that every later statement sees the truth, and a second
-- execution of a request sees the first one's session. Proposed addresses are locked last and without waiting.
--
-- framed_prefixes, delegated_prefixes: the subscribers' static prefixes. framed_pool_ids, delegated_pool_ids: where those
-- who have none get them from, 0: nowhere; prefix_searches: the whole range may be searched. All null as a whole where
-- nobody is to have any prefix.
-- quotas_at_s, quotas_at_in, quotas_at_out: what the session may count before it is looked at (quota_watch.sql); null: no limit.
--
-- Nearly every login is plain: its subscriber has no open session, no static address or prefix, and it is no repeat. It is
-- admitted as a new session. admit_decide() looks at the others alone.
-- What a subscriber had last is the address of his newest session, and what subscriber_state has once no session of his
-- is left but in history (move_closed() keeps it): so a login need not write it.
-- A batch may hold several requests of one subscriber: each turn of the loop takes the next one of every subscriber, so
-- that they are decided as if they had come one after the other.
--
-- How the statements here and in the helpers are written: plans are made once, perhaps while a table is empty, and must
-- be right when it has grown. Hence `= any` on the key alone, or lateral (... offset 0), which leave the planner no
-- choice but the index, and updates by ctid of rows that are locked already. The batch stays parallel arrays, subscripted
-- by ord: PL/pgSQL keeps them expanded, so that a subscript costs the same everywhere and nothing is copied.

drop function if exists poprad.admit;
create function poprad.admit(session_keys uuid[], subscriber_ids int[], plan_ids int[], pool_ids int[],
	nas_group_ids int[], static_addresses inet[], wants_addresses boolean[], session_limits int[], interims_s int[],
	session_timeouts_s int[], no_accountings boolean[], nas_ids int[], nas_addresses inet[], nas_ip_addresses inet[],
	nas_identifiers text[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[], calling_station_ids text[],
	called_station_ids text[], user_names text[], service_types text[], framed_protocols text[], classes text[],
	candidates_1 inet[], candidates_2 inet[], candidates_3 inet[], candidates_4 inet[], searches boolean[],
	authorised_maxima int[], authorised_ss int[], learned_stations text[],
	framed_prefixes inet[] default null, delegated_prefixes inet[] default null, framed_pool_ids int[] default null,
	delegated_pool_ids int[] default null, prefix_searches boolean[] default null, prefixes_required boolean[] default null,
	quotas_at_s bigint[] default null, quotas_at_in bigint[] default null, quotas_at_out bigint[] default null)
returns table (ord int, reason text, session_key uuid, address inet, used_candidate int2, framed_prefix inet,
	delegated_prefix inet)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	-- by ord
	turns int[]; -- when it is decided; null: nothing can be said
	last_addresses inet[]; -- what the subscriber had last
	answers uuid[] := session_keys; -- the session that answers it: its own, or an earlier login's
	refusals text[] := '{}';
	is_new boolean[] := wants_addresses; -- a session is to be inserted
	is_reused boolean[] := '{}'; -- an authorised session on the same line is kept for it
	kept inet[] := '{}'; -- already the session's address, or about to be moved to it
	leased inet[] := '{}'; -- taken from the pool
	kept_framed inet[] := '{}'; -- the session's prefixes, already or in a moment
	kept_delegated inet[] := '{}';
	last_turn int;
	-- lists
	learning int[]; -- the requests from which a calling station is learned
	others int[]; -- the requests that are not plain, by their ord
	known int[]; -- those whose subscriber has an open session, or whose own has ended
	taking int[]; -- those of the turn that need an address of their pool
	open_keys uuid[];
	had int[]; -- those whose subscriber has had these addresses, from the oldest session to the newest
	their_addresses inet[];
	own_addresses inet[];
	replaced uuid[];
	evicted uuid[];
	given_back uuid[];
	holders uuid[]; -- sessions whose address or prefix is moved to another login
	lost_keys uuid[]; -- sessions that are not made, after all
	lost inet[]; -- what they would have had
	asking_framed int[]; -- those of the turn that need a prefix of a pool
	asking_delegated int[];
	decided record;
	i int;
begin
	if array_remove(learned_stations, null) <> '{}' then
		learning := admit_learners(subscriber_ids, learned_stations);
	end if;
	select array_agg(s.turn), array_agg(s.last_address), coalesce(max(s.turn), 0),
		array_agg(s.ord) filter (where s.turn > 1 or static_addresses[s.ord] is not null or not wants_addresses[s.ord]
			or framed_prefixes[s.ord] is not null or delegated_prefixes[s.ord] is not null)
	into turns, last_addresses, last_turn, others
	from (
		select u.ord::int, case when s.subscriber_id is not null then u.turn end as turn, s.last_address
		from (
			select u.subscriber_id, u.ord, row_number() over (partition by u.subscriber_id order by u.ord) as turn
			from unnest(subscriber_ids) with ordinality u (subscriber_id, ord)
		) u
		left join lateral (
			select t.subscriber_id, t.last_address from subscriber_state t where t.subscriber_id = u.subscriber_id for update
		) s on true
		order by u.ord
	) s;

	select array_agg(f.ord) filter (where f.state <> 'closed' or f.session_key = session_keys[f.ord]),
		array_agg(f.session_key) filter (where f.state <> 'closed'),
		array_agg(f.ord) filter (where f.address is not null), array_agg(f.address) filter (where f.address is not null)
	into known, open_keys, had, their_addresses
	from (
		select u.ord::int, s.session_key, s.state, s.address
		from unnest(subscriber_ids) with ordinality u (subscriber_id, ord)
		cross join lateral (
			select s.session_key, s.state, s.address from session s where s.subscriber_id = u.subscriber_id offset 0
		) s
		order by s.session_key
	) f;
	for i in 1 .. coalesce(cardinality(had), 0) loop
		last_addresses[had[i]] := their_addresses[i];
	end loop;
	if others is not null or known is not null then
		others := array(select unnest(others) union select unnest(known) order by 1);
		perform from session s where s.session_key = any (open_keys) order by s.session_key for update;
		own_addresses := static_addresses || framed_prefixes || delegated_prefixes || array(
			select u.address from session s
			cross join unnest(array[s.address, s.leased_framed_prefix::inet, s.leased_delegated_prefix::inet]) u (address)
			where s.session_key = any (open_keys));
		perform from address a where a.address = any (own_addresses) order by a.address for update;
	end if;

	for turn in 1 .. greatest(last_turn, 1) loop -- once without requests too: a connection rehearses
		if learning is not null then
			foreach i in array admit_strangers(
				array(select i from unnest(learning) i where turns[i] = turn), subscriber_ids, learned_stations)
			loop
				turns[i] := 0; -- answered, but decided in no turn
				refusals[i] := 'other_calling_station';
				answers[i] := null;
			end loop;
		end if;
		if others is not null then
			replaced := '{}';
			evicted := '{}';
			given_back := '{}';
			for decided in
				select * from admit_decide(array(select i from unnest(others) i where turns[i] = turn), session_keys,
					subscriber_ids, pool_ids, nas_group_ids, static_addresses, wants_addresses, session_limits, nas_ids,
					nas_addresses, nas_ip_addresses, nas_identifiers, nas_ports, nas_port_ids, calling_station_ids,
					authorised_maxima, framed_prefixes, delegated_prefixes)
			loop
				refusals[decided.ord] := nullif(decided.reason, 'ok');
				answers[decided.ord] := decided.session_key;
				is_new[decided.ord] := decided.is_new;
				is_reused[decided.ord] := decided.is_reused;
				kept[decided.ord] := decided.address;
				kept_framed[decided.ord] := decided.framed_prefix;
				kept_delegated[decided.ord] := decided.delegated_prefix;
				replaced := replaced || decided.replaced;
				evicted := evicted || decided.evicted;
				given_back := given_back || decided.gives_back;
				if decided.reason is null then
					turns[decided.ord] := null;
				end if;
			end loop;
			-- Free, or held by a session that admit_decide() takes it from.
			with moved as (
				update address a set session_key = t.session_key, subscriber_id = t.subscriber_id, changed_at = now()
				from (
					select answers[i] as session_key, subscriber_ids[i] as subscriber_id, f.row, f.session_key as holder
					from unnest(others) i
					cross join lateral (
						select f.ctid as row, f.session_key from address f
						where f.address = any (array[kept[i], kept_framed[i], kept_delegated[i]]) offset 0
					) f
					where turns[i] = turn and (is_new[i] or is_reused[i])
				) t
				where a.ctid = t.row and t.holder is distinct from t.session_key
				returning t.holder
			)
			select array_agg(m.holder) into holders from moved m where m.holder is not null;
			perform admit_give_up(replaced, evicted, given_back);
			if holders is not null then
				perform admit_leases_gone(holders);
			end if;
			given_back := given_back || array(select answers[i] from unnest(others) i where turns[i] = turn and is_reused[i]);
			if given_back <> '{}' then
				perform prefixes_release(given_back, array(
					select p.prefix from unnest(others) i cross join unnest(array[kept_framed[i], kept_delegated[i]]) p (prefix)
					where turns[i] = turn));
			end if;
		end if;

		lost_keys := '{}';
		lost := '{}';
		taking := array(
			select i from generate_subscripts(turns, 1) i
			where turns[i] = turn and (is_new[i] or is_reused[i]) and pool_ids[i] <> 0 and kept[i] is null);
		if taking <> '{}' then
			leased := admit_lease(leased, taking, answers, subscriber_ids, pool_ids, nas_group_ids, last_addresses,
				candidates_1, candidates_2, candidates_3, candidates_4, searches);
			foreach i in array taking loop
				if leased[i] is null then
					lost_keys := lost_keys || answers[i];
					lost := lost || array[kept_framed[i], kept_delegated[i]];
					kept_framed[i] := null;
					kept_delegated[i] := null;
					refusals[i] := case when searches[i] then 'pool_exhausted' else 'candidates_taken' end;
					answers[i] := null;
					is_new[i] := false;
					is_reused[i] := false;
				end if;
			end loop;
		end if;

		if num_nonnulls(framed_pool_ids, delegated_pool_ids) > 0 then
			asking_framed := array(
				select i from generate_subscripts(turns, 1) i
				where turns[i] = turn and (is_new[i] or is_reused[i]) and framed_pool_ids[i] <> 0 and kept_framed[i] is null);
			asking_delegated := array(
				select i from generate_subscripts(turns, 1) i
				where turns[i] = turn and (is_new[i] or is_reused[i]) and delegated_pool_ids[i] <> 0
					and kept_delegated[i] is null);
			select p.framed, p.delegated into kept_framed, kept_delegated
			from admit_prefixes(kept_framed, kept_delegated, asking_framed, asking_delegated, answers, subscriber_ids,
				framed_pool_ids, delegated_pool_ids, nas_group_ids, prefix_searches) p;
			foreach i in array asking_framed || asking_delegated loop
				if prefixes_required[i] and answers[i] is not null and (kept_framed[i] is null and i = any (asking_framed)
						or kept_delegated[i] is null and i = any (asking_delegated)) then
					refusals[i] := case when kept_framed[i] is null and i = any (asking_framed) then 'framed_pool_exhausted'
						else 'delegated_pool_exhausted' end;
					lost_keys := lost_keys || answers[i];
					lost := lost || array[kept[i], leased[i], kept_framed[i], kept_delegated[i]];
					kept[i] := null;
					leased[i] := null;
					kept_framed[i] := null;
					kept_delegated[i] := null;
					answers[i] := null;
					is_new[i] := false;
					is_reused[i] := false;
				end if;
			end loop;
		end if;
		if lost_keys <> '{}' and others is not null then
			perform admit_leases_gone(lost_keys);
		end if;
		if array_remove(lost, null) <> '{}' then
			perform leases_put_back(lost_keys, lost);
		end if;

		insert into session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, nas_ip_address,
			nas_identifier, nas_port, nas_port_id, nas_port_type, calling_station_id, called_station_id, user_name, class,
			address, service_type, framed_protocol, authorised_at, authorised_until, interim_s,
			session_timeout_s, leased_framed_prefix, leased_delegated_prefix, quota_at_s, quota_at_in, quota_at_out)
		select session_keys[i], 'authorised', subscriber_ids[i], plan_ids[i], nas_ids[i], nas_addresses[i],
			nas_ip_addresses[i], nas_identifiers[i], nas_ports[i], nas_port_ids[i], nas_port_types[i],
			calling_station_ids[i], called_station_ids[i], user_names[i], classes[i], coalesce(kept[i], leased[i]),
			service_types[i], framed_protocols[i], now(),
			admit_until(no_accountings[i], session_timeouts_s[i], authorised_ss[i]), interims_s[i],
			session_timeouts_s[i], kept_framed[i]::cidr, kept_delegated[i]::cidr, quotas_at_s[i], quotas_at_in[i], quotas_at_out[i]
		from (
			select i from generate_subscripts(turns, 1) i
			where turns[i] = turn and is_new[i]
			order by session_keys[i]
		) n (i);
		if learning is not null then
			perform admit_learn(array(
				select i from unnest(learning) i where turns[i] = turn and refusals[i] is null and answers[i] is not null),
				subscriber_ids, learned_stations);
		end if;
		continue when others is null;
		update session s set login_key = session_keys[t.ord], plan_id = plan_ids[t.ord], user_name = user_names[t.ord],
			address = coalesce(kept[t.ord], leased[t.ord]), service_type = service_types[t.ord],
			framed_protocol = framed_protocols[t.ord], authorised_at = now(),
			authorised_until = admit_until(no_accountings[t.ord], session_timeouts_s[t.ord], authorised_ss[t.ord]),
			interim_s = interims_s[t.ord], session_timeout_s = session_timeouts_s[t.ord],
			leased_framed_prefix = kept_framed[t.ord]::cidr, leased_delegated_prefix = kept_delegated[t.ord]::cidr,
			is_lease_gone = null,
			quota_at_s = quotas_at_s[t.ord], quota_at_in = quotas_at_in[t.ord], quota_at_out = quotas_at_out[t.ord]
		from (
			select i as ord, f.row
			from unnest(others) i
			cross join lateral (select f.ctid as row from session f where f.session_key = answers[i] offset 0) f
			where turns[i] = turn and is_reused[i]
		) t
		where s.ctid = t.row;
	end loop;

	return query
	select i, coalesce(refusals[i], 'ok'), answers[i], coalesce(leased[i], kept[i]),
		case leased[i] when candidates_1[i] then 1 when candidates_2[i] then 2 when candidates_3[i] then 3
			when candidates_4[i] then 4 else 0 end::int2, kept_framed[i], kept_delegated[i]
	from generate_subscripts(turns, 1) i
	where turns[i] is not null;
end
$$;
