-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Decides what admit() does with requests of different subscribers that are not plain, all but the choice of a pool's
-- address. Reads only: admit() holds the locks on what is read here. ords subscript the other arrays.
--
-- The same line: the same device, NAS-Port-Id or NAS-Port present and equal, Calling-Station-Id equal or absent on
-- both. What is unknown is never the same. A login on the line of an authorised session is answered with it; active
-- sessions on its line are over, since a line carries one session at a time.
-- Active sessions alone count against the session limit: one that is only authorised may never begin, and must not
-- lock its owner out. On a NAS without accounting sessions stay authorised, so no limit holds there.
-- A static address or prefix moves from an authorised session, and from an active one on the same line; an active
-- session elsewhere keeps it, whatever the limit.

drop function if exists poprad.admit_decide;
create function poprad.admit_decide(ords int[], session_keys uuid[], subscriber_ids int[], pool_ids int[],
	nas_group_ids int[], static_addresses inet[], wants_addresses boolean[], session_limits int[], nas_ids int[],
	nas_addresses inet[], nas_ip_addresses inet[], nas_identifiers text[], nas_ports bigint[], nas_port_ids text[],
	calling_station_ids text[], authorised_maxima int[], framed_prefixes inet[], delegated_prefixes inet[])
returns table (ord int,
	reason text, -- null: nothing can be said
	session_key uuid, -- the session that answers it: its own, or an earlier login's
	address inet, -- already the session's, or to be moved to it
	framed_prefix inet, -- the same
	delegated_prefix inet,
	is_new boolean, -- a session is to be inserted
	is_reused boolean, -- an authorised session on the same line is to be kept for it
	replaced uuid[], -- active sessions on the same line, which end
	evicted uuid[], -- authorised sessions that are too many, the oldest
	gives_back uuid[]) -- sessions whose lease ends, unless it is moved
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return query
	select r.ord, v.reason,
		case when v.is_stored then coalesce(stored.session_key, o.repeated)
			when d.is_admitted then coalesce(o.reused, r.session_key) end,
		case when v.is_stored then coalesce(stored.address, o.repeated_address)
			when d.is_admitted then coalesce(r.static_address, o.kept) end,
		case when v.is_stored then coalesce(stored.framed_prefix, o.repeated_framed)
			when d.is_admitted then r.framed_prefix end,
		case when v.is_stored then coalesce(stored.delegated_prefix, o.repeated_delegated)
			when d.is_admitted then r.delegated_prefix end,
		d.is_admitted and o.reused is null,
		d.is_admitted and o.reused is not null,
		case when d.is_admitted then o.replaced end,
		case when d.is_admitted and o.reused is null then o.waiting[r.authorised_max:] end,
		case when d.is_admitted then
			o.replaced || case when o.reused is null then o.waiting[r.authorised_max:] else o.unfit end end
	from (
		select i as ord, session_keys[i] as session_key, subscriber_ids[i] as subscriber_id, pool_ids[i] as pool_id,
			nas_group_ids[i] as nas_group_id, static_addresses[i] as static_address,
			wants_addresses[i] as wants_address, session_limits[i] as session_limit, nas_ids[i] as nas_id,
			nas_addresses[i] as nas_address, nas_ip_addresses[i] as nas_ip_address,
			nas_identifiers[i] as nas_identifier, nas_ports[i] as nas_port, nas_port_ids[i] as nas_port_id,
			calling_station_ids[i] as calling_station_id, authorised_maxima[i] as authorised_max,
			framed_prefixes[i] as framed_prefix, delegated_prefixes[i] as delegated_prefix
		from unnest(ords) i
		offset 0
	) r
	left join lateral (
		select s.session_key, s.state, s.address, s.leased_framed_prefix::inet as framed_prefix,
			s.leased_delegated_prefix::inet as delegated_prefix
		from session s where s.session_key = r.session_key offset 0
	) stored on true
	-- The static address, if it is still his.
	left join lateral (
		select a.address, a.session_key from address a, subscriber u
		where r.wants_address and a.address = r.static_address
			and u.static_address = r.static_address and u.subscriber_id = r.subscriber_id
		offset 0
	) fixed on true
	-- The static prefixes that are still his.
	cross join lateral (
		select count(*) as many, array_agg(a.session_key) filter (where a.session_key is not null) as holders
		from address a, subscriber u
		where r.wants_address and num_nonnulls(r.framed_prefix, r.delegated_prefix) > 0
			and a.address = any (array[r.framed_prefix, r.delegated_prefix]) and u.subscriber_id = r.subscriber_id
			and (a.address = r.framed_prefix and u.framed_ipv6_prefix = r.framed_prefix
				or a.address = r.delegated_prefix and u.delegated_ipv6_prefix = r.delegated_prefix)
		offset 0
	) prefixes
	-- The subscriber's open sessions, the newest authorised ones first.
	cross join lateral (
		select (array_agg(s.session_key) filter (where s.login_key = r.session_key))[1] as repeated,
			(array_agg(s.address) filter (where s.login_key = r.session_key))[1] as repeated_address,
			(array_agg(s.leased_framed_prefix::inet) filter (where s.login_key = r.session_key))[1] as repeated_framed,
			(array_agg(s.leased_delegated_prefix::inet) filter (where s.login_key = r.session_key))[1] as repeated_delegated,
			count(*) filter (where s.state = 'active' and not s.is_same_line) as active_elsewhere,
			array_agg(s.session_key) filter (where s.state = 'active' and s.is_same_line) as replaced,
			array_agg(s.session_key) filter (where s.state = 'authorised') as authorised,
			array_agg(s.session_key) filter (where s.state = 'authorised' and not s.is_same_line) as waiting,
			(array_agg(s.session_key) filter (where s.state = 'authorised' and s.is_same_line))[1] as reused,
			(array_agg(case when not s.is_fit then s.session_key end)
				filter (where s.state = 'authorised' and s.is_same_line))[1:1] as unfit,
			(array_agg(s.address) filter (where s.is_same_line and s.is_fit))[1] as kept
		from (
			select s.session_key, s.login_key, s.state, s.address, s.leased_framed_prefix, s.leased_delegated_prefix, l.is_same_line,
				coalesce(case when r.static_address is not null then a.address = r.static_address
					else not a.is_static and g.pool_id = r.pool_id
						and pool_range_serves(g.nas_group_id, r.nas_group_id) end, false) as is_fit
			from (
				select * from session s where s.subscriber_id = r.subscriber_id and s.state <> 'closed' offset 0
			) s
			cross join lateral (
				select s.nas_id = r.nas_id and s.nas_address = r.nas_address
					and s.nas_ip_address is not distinct from r.nas_ip_address
					and s.nas_identifier is not distinct from r.nas_identifier
					and coalesce(s.nas_port_id = r.nas_port_id, s.nas_port = r.nas_port, false)
					and s.calling_station_id is not distinct from r.calling_station_id as is_same_line
			) l
			left join lateral (
				select * from address a where a.address = s.address and a.session_key = s.session_key offset 0
			) a on true
			left join pool_range g on g.pool_range_id = a.pool_range_id
			order by s.state = 'authorised' desc, s.authorised_at desc, s.session_key desc
		) s
	) o
	cross join lateral (
		select stored.session_key is not null or o.repeated is not null as is_stored,
			case
				when stored.state = 'closed' then null
				when stored.session_key is not null or o.repeated is not null then 'ok'
				when fixed.address is null and r.static_address is not null and r.wants_address then null
				when fixed.session_key is not null
					and (fixed.session_key = any (o.replaced || o.authorised)) is not true then 'static_address_in_use'
				when r.wants_address and prefixes.many < num_nonnulls(r.framed_prefix, r.delegated_prefix) then null
				when prefixes.holders is not null and (prefixes.holders <@ (o.replaced || o.authorised)) is not true
					then 'static_prefix_in_use'
				when r.session_limit > 0 and o.active_elsewhere >= r.session_limit then 'session_limit'
				else 'ok'
			end as reason
		offset 0
	) v
	cross join lateral (
		select v.reason = 'ok' and not v.is_stored and r.wants_address as is_admitted
	) d;
end
$$;
