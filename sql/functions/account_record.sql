-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The work of account(): finds the session of every packet, folds the packets in, and does what follows for addresses
-- and for the subscribers' limits.
--
-- Nearly every packet names its session by a Class, or by an Acct-Session-Id that only one session has: these are found
-- and folded set by set. The others are looked up one by one (account_session), under locks that are all taken first,
-- each kind in the order of its keys: advisory locks on NAS + Acct-Session-Id, so that two workers do not make two rows
-- of one session; the subscribers, whose active sessions are counted; the sessions; and at the end the addresses.
-- A batch may hold several packets of a session: each turn of the loop takes the first that is left of every session.
--
-- How the statements here and in the helpers are written: plans are made once, perhaps while a table is empty, and must
-- be right when it has grown. Hence `= any` on the key alone, or lateral (... offset 0), which leave the planner no
-- choice but the index, and updates by ctid of rows that are locked already.

drop function if exists poprad.account_record;
create function poprad.account_record(packets poprad.account_event[])
returns table (ord int, verdict text, class_matched boolean, released inet)
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	keys uuid[]; -- session of each packet, by ord
	matched boolean[]; -- class_matched, by ord
	others account_event[]; -- packets whose session must be looked for
	owners int[]; -- their subscribers
	candidates uuid[]; -- every session that may be written
	locked int;
	pending account_event[] := packets;
	turn account_event[];
	later int[];
	packet account_event;
	hit record;
	is_written boolean[] := array_fill(false, array[cardinality(packets)]); -- by ord
	freed inet[] := array_fill(null::inet, array[cardinality(packets)]); -- by ord
	begun_keys uuid[] := '{}'; -- became active, in that order
	freed_keys uuid[] := '{}';
	freed_addresses inet[] := '{}';
	taking_keys uuid[] := '{}';
	taking_addresses inet[] := '{}';
	given_back inet[] := '{}';
	recalled uuid[] := '{}'; -- from history
begin
	-- The sessions that Class names and that this Acct-Session-Id is bound to: that never changes again. One that was
	-- closed for silence may come to life, which is a matter of its subscriber: it is looked at again under his lock.
	select array_agg(s.session_key order by e.ord),
		array_agg(case when e.class_key is not null then s.session_key is not null end order by e.ord)
	into keys, matched
	from unnest(packets) e
	left join lateral (
		select s.session_key, s.nas_id, s.acct_session_id, s.state, s.cause_rank, s.user_name, s.subscriber_id
		from session s where s.session_key = e.class_key
		offset 0
	) s on s.nas_id = e.nas_id and s.acct_session_id = e.acct_session_id
		and not (s.state = 'closed' and s.cause_rank = 1)
		and (e.login = '' or s.user_name = e.user_name
			or e.login = (select u.login from subscriber u where u.subscriber_id = s.subscriber_id));

	-- Without Class: an open session that alone has this Acct-Session-Id, and of which the batch holds one packet. Not
	-- for a Start, which may begin another session of that name.
	if array_position(keys, null) is not null then
		for hit in
			select e.ord, s.session_key
			from (
				select p.ord, p as packet, p.nas_id, p.acct_session_id, p.login, p.status,
					count(*) over (partition by p.nas_id, p.acct_session_id, p.login) = 1 and p.class_key is null as is_alone
				from unnest(packets) p
			) e
			cross join lateral (
				select array_agg(b.session_key) as keys
				from (
					select a.session_key
					from session_alias a
					where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and a.login = e.login
					limit 2
				) b
			) a
			cross join lateral (select * from session s where s.session_key = a.keys[1] offset 0) s
			where e.is_alone and e.status <> 1 and a.keys[2] is null and s.state = 'active'
				and account_is_session(row(s.*)::session, e.login, e.packet)
		loop
			keys[hit.ord] := hit.session_key;
		end loop;
		select array_agg(e order by e.ord) into others from unnest(packets) e where keys[e.ord] is null;
	end if;

	if others is null then
		candidates := array(select distinct k from unnest(keys) k);
	else
		perform pg_advisory_xact_lock(i.identity)
		from (
			select distinct hashtextextended(e.nas_id || ' ' || e.acct_session_id, 0) as identity
			from unnest(others) e
			order by 1
		) i;
		owners := array(
			select u.subscriber_id from unnest(others) e
			cross join lateral (select u.subscriber_id from subscriber u where u.login = e.login offset 0) u
			union
			select s.subscriber_id from unnest(others) e
			cross join lateral (select s.subscriber_id from session s where s.session_key = e.class_key offset 0) s);
		perform from subscriber_state t
		where t.subscriber_id = any (owners)
		order by t.subscriber_id
		for update;
		candidates := array(
			select k from unnest(keys) k where k is not null
			union
			select s.session_key
			from (
				select e.class_key from unnest(others) e
				union all
				select e.new_key from unnest(others) e
				union all
				select a.session_key from unnest(others) e
				cross join lateral (
					select a.session_key from session_alias a
					where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id
						and a.login = any (array[e.login, ''])
					offset 0
				) a
				union all
				select a.session_key from unnest(others) e
				cross join lateral (
					select a.session_key from session_alias a
					where a.nas_id = e.nas_id and a.acct_session_id = e.acct_session_id and e.login = ''
					offset 0
				) a
			) c (session_key)
			cross join lateral (select s.session_key from session s where s.session_key = c.session_key offset 0) s
			union
			select s.session_key
			from unnest(owners) o (subscriber_id)
			cross join lateral (
				select s.session_key, s.state from session s where s.subscriber_id = o.subscriber_id offset 0
			) s
			where s.state = 'authorised');
	end if;

	select count(*) into locked
	from (select from session s where s.session_key = any (candidates) order by s.session_key for update) l;
	if locked <> cardinality(candidates) then
		-- The next attempt finds it in history.
		raise serialization_failure using message = 'session moved into history while packets for it were recorded';
	end if;

	while pending is not null loop
		if others is null and locked = cardinality(packets) then
			turn := pending;
			pending := null;
		else
			select array_agg(e.packet order by e.ord) filter (where e.place = 1),
				array_agg(e.packet order by e.ord) filter (where e.place > 1)
			into turn, pending
			from (
				select p.ord, p.packet,
					row_number() over (partition by p.nas_id, p.acct_session_id, p.login,
						case when p.all_have_class then p.class_key end order by p.ord) as place
				from (
					select q.ord, q as packet, q.nas_id, q.acct_session_id, q.login, q.class_key,
						bool_and(q.class_key is not null) over (partition by q.nas_id, q.acct_session_id, q.login)
							as all_have_class
					from unnest(pending) q
				) p
			) e;
		end if;

		if others is not null then
			-- The first packet of sessions that Class names.
			for hit in
				with first as (
					select distinct on (e.class_key) e.class_key, e.ord, e.acct_session_id, e.nas_id, e.login
					from unnest(turn) e
					cross join lateral (select * from session c where c.session_key = e.class_key offset 0) c
					where keys[e.ord] is null and c.nas_id = e.nas_id and c.acct_session_id is null
						and (e.login = '' or c.user_name = e.user_name
							or e.login = (select u.login from subscriber u where u.subscriber_id = c.subscriber_id))
					order by e.class_key, e.ord
				), bound as (
					insert into session_alias (session_key, nas_id, acct_session_id, login)
					select f.class_key, f.nas_id, f.acct_session_id, f.login from first f
				)
				select f.ord, f.class_key as session_key from first f
			loop
				keys[hit.ord] := hit.session_key;
				matched[hit.ord] := true;
			end loop;
			foreach packet in array turn loop
				if keys[packet.ord] is null then
					select * into hit from account_session(packet);
					keys[packet.ord] := hit.session_key;
					if packet.class_key is not null then
						matched[packet.ord] := hit.class_matched;
					end if;
					if hit.is_recalled then
						recalled := recalled || hit.session_key;
					end if;
				end if;
			end loop;
		end if;

		-- Two packets that name one session in different ways: the later one waits for the next turn.
		select array_agg(e.ord order by e.ord) into later
		from (
			select p.ord, row_number() over (partition by keys[p.ord] order by p.ord) as place from unnest(turn) p
		) e
		where e.place > 1;
		if later is not null then
			select pending || array_agg(p order by p.ord) filter (where p.ord = any (later)),
				array_agg(p order by p.ord) filter (where p.ord <> all (later))
			into pending, turn
			from unnest(turn) p;
		end if;

		for hit in select * from account_fold(turn, keys) loop
			is_written[hit.ord] := true;
			if hit.old_state <> 'active' and hit.new_state = 'active' then
				begun_keys := begun_keys || hit.session_key;
			end if;
			if hit.is_stop and hit.address is not null then
				freed[hit.ord] := hit.address;
				freed_keys := freed_keys || hit.session_key;
				freed_addresses := freed_addresses || hit.address;
			end if;
			-- A second record under the Class of another session holds no lease.
			if hit.wanted_address is not null
					and not (coalesce(matched[hit.ord], false) and packets[hit.ord].class_key <> hit.session_key) then
				taking_keys := taking_keys || hit.session_key;
				taking_addresses := taking_addresses || hit.wanted_address;
			end if;
		end loop;
	end loop;

	if freed_keys <> '{}' or taking_keys <> '{}' then
		given_back := array(select * from account_leases(freed_keys, freed_addresses, taking_keys, taking_addresses));
	end if;
	if begun_keys <> '{}' then
		perform account_limit(begun_keys);
	end if;
	if recalled <> '{}' then
		perform session_to_history(array(
			select s.session_key from session s where s.session_key = any (recalled) and s.state = 'closed'));
	end if;

	return query
	select i, case when is_written[i] then 'recorded' else 'repeat' end, matched[i],
		case when freed[i] = any (given_back) then freed[i] end
	from generate_series(1, cardinality(packets)) i;
end
$$;
