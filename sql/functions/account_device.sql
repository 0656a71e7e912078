-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Accounting-On (7) and Accounting-Off (8): a device says that none of its sessions lives. Closes those that it began
-- before the packet's event time, and the leases it was granted before, with cause NAS-Reboot or Admin-Reboot, rank 3.
-- A session that was closed with a lesser rank is closed anew if that end lies after the event. What ended before it
-- did not end by it.
--
-- The device is the one with that source address under the same NAS record, and with the same NAS-Identifier and
-- NAS-IP-Address where both are known: behind a proxy many devices share a source address.
-- An authorised session has begun by our clock only: the packet's arrival bounds an event time that runs ahead.
--
-- At most max_sessions are closed for each packet, so that locks are few and short; the caller repeats the packet while
-- has_more. Repeating it closes nothing newer.

drop function if exists poprad.account_device_ends;
create function poprad.account_device_ends(s poprad.session, event_at timestamptz, received_at timestamptz)
returns boolean language sql immutable as $$
	select case s.state
		when 'authorised' then s.authorised_at < least(event_at, received_at)
		when 'active' then s.started_at < event_at
		else s.cause_rank < 3 and s.started_at < event_at and s.stopped_at > event_at
	end
$$;

drop function if exists poprad.account_device;
create function poprad.account_device(statuses int2[], nas_ids int[], nas_addresses inet[],
	nas_ip_addresses inet[], nas_identifiers text[], events_at timestamptz[], received_ats timestamptz[],
	max_sessions int[])
returns table (ord int, closed int, has_more boolean)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	keys uuid[];
	key_ords int[]; -- the first packet that ends each
	found_ords int[]; -- one for every session that a packet would end
	closed_ords int[];
	closed_keys uuid[];
	freed inet[];
begin
	select array_agg(c.session_key) filter (where c.place = 1), array_agg(c.ord) filter (where c.place = 1),
		array_agg(c.ord)
	into keys, key_ords, found_ords
	from (
		select d.session_key, p.ord::int as ord, row_number() over (partition by d.session_key order by p.ord) as place
		from unnest(nas_ids, nas_addresses, nas_ip_addresses, nas_identifiers, events_at, received_ats, max_sessions)
			with ordinality p (nas_id, nas_address, nas_ip_address, nas_identifier, event_at, received_at, max_sessions, ord)
		cross join lateral (
			select s.session_key
			from (select * from session s where s.nas_id = p.nas_id and s.nas_address = p.nas_address offset 0) s
			where account_is_device(row(s.*)::session, p.nas_address, p.nas_ip_address, p.nas_identifier)
				and account_device_ends(row(s.*)::session, p.event_at, p.received_at)
			order by s.session_key
			limit p.max_sessions
		) d
	) c;

	perform from session s where s.session_key = any (keys) order by s.session_key for update;

	with ended as (
		update session s set state = 'closed', authorised_until = null, stopped_at = p.event_at,
			closed_at = coalesce(s.closed_at, now()), cause_rank = 3,
			terminate_cause = case p.status when 7 then 'NAS-Reboot' else 'Admin-Reboot' end
		from unnest(keys, key_ords) k (session_key, ord)
		cross join lateral (select statuses[k.ord] as status, events_at[k.ord] as event_at,
			received_ats[k.ord] as received_at) p
		cross join lateral (select l.ctid as row from session l where l.session_key = k.session_key offset 0) l
		where s.ctid = l.row and account_device_ends(s, p.event_at, p.received_at) -- still, now that it is locked
		returning k.ord, s.session_key, s.address
	)
	select array_agg(e.ord), array_agg(e.session_key), array_agg(e.address) into closed_ords, closed_keys, freed
	from ended e;

	perform from address a where a.address = any (freed) order by a.address for update;
	update address a set session_key = null, changed_at = now()
	from unnest(closed_keys, freed) f (session_key, address)
	cross join lateral (select h.ctid as row, h.session_key from address h where h.address = f.address offset 0) h
	where a.ctid = h.row and h.session_key = f.session_key;
	perform prefixes_release(closed_keys);

	return query
	select m.ord::int, (select count(*)::int from unnest(closed_ords) c where c = m.ord),
		(select count(*) from unnest(found_ords) c where c = m.ord) >= m.max_sessions
	from unnest(max_sessions) with ordinality m (max_sessions, ord)
	order by m.ord;
end
$$;
