-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Decides what admit() does with requests of different subscribers, all but the choice of a pool's address. Reads
-- only: admit() holds the locks on what is read here.
--
-- The same line: the same device, NAS-Port-Id or NAS-Port present and equal, Calling-Station-Id equal or absent on
-- both. What is unknown is never the same. A login on the line of an authorised session is answered with it; active
-- sessions on its line are over, since a line carries one session at a time.
-- Active sessions alone count against the session limit: one that is only authorised may never begin, and must not
-- lock its owner out. On a NAS without accounting sessions stay authorised, so no limit holds there.
-- A static address moves from an authorised session, and from an active one on the same line; an active session
-- elsewhere keeps it, whatever the limit.

-- Whether an address may be leased to a request's session, apart from being free. range_group_id: the NAS group of its
-- pool's range, null for every group. A plain expression, so that PostgreSQL folds it into the statements that use it.
drop function if exists poprad.is_address_for;
create function poprad.is_address_for(address inet, pool_id int, is_static boolean, range_group_id int,
	wanted_static_address inet, wanted_pool_id int, wanted_group_id int)
returns boolean language sql immutable as $$
	select case
		when wanted_static_address is not null then address = wanted_static_address
		else pool_id = wanted_pool_id and not is_static and coalesce(range_group_id = wanted_group_id, true)
		end
$$;

drop function if exists poprad.admit_decide;
create function poprad.admit_decide(requests poprad.login_request[], open_keys uuid[])
returns poprad.admission[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	admissions admission[];
begin
	select coalesce(array_agg(row(r, d.reason,
			case when d.is_stored then coalesce(stored.session_key, o.repeated)
				when d.is_admitted then coalesce(o.reused, r.session_key) end,
			case when d.is_stored then coalesce(stored.address, o.repeated_address)
				when d.is_admitted then coalesce(r.static_address, o.kept) end,
			d.is_admitted and o.reused is null,
			d.is_admitted and o.reused is not null,
			d.is_admitted and r.static_address is null and o.kept is null and r.pool_id <> 0,
			state.last_address,
			case when d.is_admitted then o.replaced end,
			case when d.is_admitted and o.reused is null then o.waiting[r.authorised_max:] end,
			case when d.is_admitted then
				o.replaced || case when o.reused is null then o.waiting[r.authorised_max:] else o.unfit end end
		)::admission), '{}')
	into admissions
	from unnest(requests) r
	cross join lateral (
		select s.last_address from subscriber_state s where s.subscriber_id = r.subscriber_id offset 0
	) state
	left join lateral (
		select s.session_key, s.state, s.address from session s where s.session_key = r.session_key offset 0
	) stored on true
	-- The static address, if it is still his.
	left join lateral (
		select a.address, a.session_key from address a, subscriber u
		where r.wants_address and a.address = r.static_address
			and u.static_address = r.static_address and u.subscriber_id = r.subscriber_id
		offset 0
	) fixed on true
	-- The subscriber's open sessions, the newest authorised ones first.
	cross join lateral (
		select (array_agg(s.session_key) filter (where s.login_key = r.session_key))[1] as repeated,
			(array_agg(s.address) filter (where s.login_key = r.session_key))[1] as repeated_address,
			count(*) filter (where s.state = 'active' and not s.is_same_line) as active_elsewhere,
			array_agg(s.session_key) filter (where s.state = 'active' and s.is_same_line) as replaced,
			array_agg(s.session_key) filter (where s.state = 'authorised') as authorised,
			array_agg(s.session_key) filter (where s.state = 'authorised' and not s.is_same_line) as waiting,
			(array_agg(s.session_key) filter (where s.state = 'authorised' and s.is_same_line))[1] as reused,
			(array_agg(case when not s.is_fit then s.session_key end)
				filter (where s.state = 'authorised' and s.is_same_line))[1:1] as unfit,
			(array_agg(s.address) filter (where s.is_same_line and s.is_fit))[1] as kept
		from (
			select s.session_key, s.login_key, s.state, s.address, l.is_same_line,
				coalesce(is_address_for(a.address, a.pool_id, a.is_static, g.nas_group_id,
					r.static_address, r.pool_id, r.nas_group_id), false) as is_fit
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
			where cardinality(open_keys) > 0 and array_position(open_keys, s.session_key) is not null
			order by s.state = 'authorised' desc, s.authorised_at desc, s.session_key desc
		) s
	) o
	cross join lateral (
		select stored.session_key is not null or o.repeated is not null as is_stored,
			case
				when stored.session_key is not null or o.repeated is not null then 'ok'
				when fixed.session_key is not null
					and (fixed.session_key = any (o.replaced || o.authorised)) is not true then 'static_address_in_use'
				when r.session_limit > 0 and o.active_elsewhere >= r.session_limit then 'session_limit'
				else 'ok'
			end as reason
		offset 0
	) v
	cross join lateral (
		select v.reason, v.is_stored, not v.is_stored and v.reason = 'ok' and r.wants_address as is_admitted
	) d
	where stored.state is distinct from 'closed'
		and (fixed.address is not null or r.static_address is null or not r.wants_address);
	return admissions;
end
$$;
