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
-- A packet is a walk over the sessions of its NAS record in the order of their keys: each call looks at some thousands
-- behind after_key and closes at most max_sessions, so that locks are few and short, however many packets come together.
-- The caller repeats the packet from reached until that is null. Repeating it closes nothing newer.

drop function if exists poprad.account_device_ends;
create function poprad.account_device_ends(s poprad.session, event_at timestamptz, received_at timestamptz)
returns boolean language sql immutable as $$
	select case s.state
		when 'authorised' then s.authorised_at < least(event_at, received_at)
		when 'active' then s.started_at < event_at
		else s.cause_rank < 3 and s.started_at < event_at and s.stopped_at > event_at
	end
$$;

-- One packet's part of the walk. reached: behind which key it goes on; null: it is at its end.
drop function if exists poprad.account_device_walk;
create function poprad.account_device_walk(device_nas int, device_address inet, device_ip_address inet, device_identifier text,
	event_at timestamptz, received_at timestamptz, after_key uuid, rows_max int, sessions_max int, out keys uuid[], out reached uuid)
language plpgsql stable set search_path = poprad, pg_temp
set enable_bitmapscan = off -- the index is read in its order, even if the plan was made while the table was empty
as $$
declare
	one record;
begin
	keys := '{}';
	for one in
		select e.session_key, e.place, e.ends
		from (
			select s.session_key, row_number() over () as place,
				s.nas_address = device_address and (s.state <> 'closed' or s.cause_rank < 3)
					and account_is_device(row(s.*)::session, device_address, device_ip_address, device_identifier)
					and account_device_ends(row(s.*)::session, event_at, received_at) as ends
			from (
				select * from session s where s.nas_id = device_nas and s.session_key > after_key
				order by s.session_key limit rows_max
			) s
		) e
		where e.ends or e.place = rows_max
	loop
		if one.ends then
			keys := keys || one.session_key;
		end if;
		if cardinality(keys) = sessions_max or one.place = rows_max then
			reached := one.session_key;
			return;
		end if;
	end loop;
end
$$;

drop function if exists poprad.account_device;
create function poprad.account_device(statuses int2[], nas_ids int[], nas_addresses inet[],
	nas_ip_addresses inet[], nas_identifiers text[], events_at timestamptz[], received_ats timestamptz[],
	max_sessions int[], after_keys uuid[])
returns table (ord int, closed int, reached uuid)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	packets constant int := cardinality(statuses);
	rows_max constant int := greatest(5000 / greatest(packets, 1), 100); -- that one packet's part looks at
	part record; -- of a packet's walk
	parts_reached uuid[];
	found_keys uuid[] := '{}'; -- those that a packet would end, with the packets
	found_ords int[] := '{}';
	keys uuid[]; -- each once, with the first packet that ends it
	key_ords int[];
	closed_ords int[];
	closed_keys uuid[];
	freed inet[];
begin
	for i in 1 .. packets loop
		part := account_device_walk(nas_ids[i], nas_addresses[i], nas_ip_addresses[i], nas_identifiers[i], events_at[i],
			received_ats[i], after_keys[i], rows_max, greatest(max_sessions[i] / packets, 1));
		parts_reached[i] := part.reached;
		found_keys := found_keys || part.keys;
		found_ords := found_ords || array_fill(i, array[cardinality(part.keys)]);
	end loop;
	select array_agg(f.session_key), array_agg(f.ord) into keys, key_ords
	from (
		select session_key, min(ord) as ord from unnest(found_keys, found_ords) f (session_key, ord) group by session_key
	) f;

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
	select r.ord::int, (select count(*)::int from unnest(closed_ords) c where c = r.ord), r.reached
	from unnest(parts_reached) with ordinality r (reached, ord)
	order by r.ord;
end
$$;
