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
--   candidates_taken       no proposed address was free: come again with others, or with search.
--   pool_exhausted         the whole pool was searched.
--   no row                 the subscriber, or his static address, has changed since he was looked up; or the session of
--                          this key has ended meanwhile. Nothing can be said: the NAS will ask again.
-- Rejects leave no session and no lease. A repeat of a request (same key) is answered with what is stored and leases
-- nothing more, as long as its session is open.
--
-- Order of locks: the subscribers' state rows, their open sessions, the addresses that are theirs, each by key. Whoever
-- decides about a subscriber's sessions waits there, so that every later statement sees the truth, and a second
-- execution of a request sees the first one's session. Proposed addresses are locked last and without waiting.
-- A batch may hold several requests of one subscriber: each turn of the loop takes the next one of every subscriber, so
-- that they are decided as if they had come one after the other.
--
-- How the statements here and in the helpers are written: plans are made once, perhaps while a table is empty, and must
-- be right when it has grown. Hence `= any` on the key alone, or lateral (... offset 0), which leave the planner no
-- choice but the index, and updates by ctid of rows that are locked already.

drop function if exists poprad.admit;
create function poprad.admit(session_keys uuid[], subscriber_ids int[], plan_ids int[], pool_ids int[],
	nas_group_ids int[], static_addresses inet[], wants_addresses boolean[], session_limits int[], interims_s int[],
	session_timeouts_s int[], no_accountings boolean[], nas_ids int[], nas_addresses inet[], nas_ip_addresses inet[],
	nas_identifiers text[], nas_ports bigint[], nas_port_ids text[], nas_port_types text[], calling_station_ids text[],
	called_station_ids text[], user_names text[], service_types text[], framed_protocols text[], classes text[],
	candidates_1 inet[], candidates_2 inet[], candidates_3 inet[], candidates_4 inet[], searches boolean[],
	authorised_maxima int[], authorised_ss int[])
returns table (ord int, reason text, session_key uuid, address inet, used_candidate int2)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	turns int;
	requests login_request[];
	open_keys uuid[];
	own_addresses inet[];
begin
	perform from subscriber_state s where s.subscriber_id = any (subscriber_ids) order by s.subscriber_id for update;
	open_keys := array(
		select s.session_key from session s where s.subscriber_id = any (subscriber_ids) and s.state <> 'closed');
	perform from session s where s.session_key = any (open_keys) order by s.session_key for update;
	own_addresses := static_addresses || array(select s.address from session s where s.session_key = any (open_keys));
	perform from address a where a.address = any (own_addresses) order by a.address for update;

	select coalesce(max(n.same), 0) into turns
	from (select count(*) as same from unnest(subscriber_ids) u (id) group by u.id) n;
	for turn in 1 .. turns loop
		select array_agg(row(b.*)::login_request order by b.ord) into requests
		from (
			select n.ord, session_keys[n.ord], n.subscriber_id, plan_ids[n.ord], pool_ids[n.ord], nas_group_ids[n.ord],
				static_addresses[n.ord], wants_addresses[n.ord], session_limits[n.ord], interims_s[n.ord],
				session_timeouts_s[n.ord], no_accountings[n.ord], nas_ids[n.ord], nas_addresses[n.ord],
				nas_ip_addresses[n.ord], nas_identifiers[n.ord], nas_ports[n.ord], nas_port_ids[n.ord],
				nas_port_types[n.ord], calling_station_ids[n.ord], called_station_ids[n.ord], user_names[n.ord],
				service_types[n.ord], framed_protocols[n.ord], classes[n.ord], candidates_1[n.ord],
				candidates_2[n.ord], candidates_3[n.ord], candidates_4[n.ord], searches[n.ord],
				authorised_maxima[n.ord], authorised_ss[n.ord]
			from (
				select u.subscriber_id, u.ord::int as ord,
					row_number() over (partition by u.subscriber_id order by u.ord) as nth
				from unnest(subscriber_ids) with ordinality u (subscriber_id, ord)
			) n
			where n.nth = turn
		) b;
		return query select t.* from admit_turn(requests, open_keys) t;
		open_keys := open_keys || array(select r.session_key from unnest(requests) r);
	end loop;
end
$$;

-- One request of each subscriber at most. open_keys: the sessions that the caller has locked or made.
drop function if exists poprad.admit_turn;
create function poprad.admit_turn(requests poprad.login_request[], open_keys uuid[])
returns table (ord int, reason text, session_key uuid, address inet, used_candidate int2)
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	admissions admission[] := admit_decide(requests, open_keys);
	leased inet[]; -- by ord
begin
	perform admit_give_up(admissions);
	leased := admit_lease(admissions);
	perform admit_store(admissions, leased);
	return query
	select r.ord,
		case when not a.needs_address or l.address is not null then a.reason
			when r.search then 'pool_exhausted' else 'candidates_taken' end,
		case when not a.needs_address or l.address is not null then a.session_key end,
		l.address,
		case l.address when r.candidate_1 then 1 when r.candidate_2 then 2 when r.candidate_3 then 3
			when r.candidate_4 then 4 else 0 end::int2
	from unnest(admissions) a
	cross join lateral (select (a.request).*) r
	cross join lateral (select coalesce(a.address, leased[r.ord]) as address) l;
end
$$;
