-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Sessions that are over because another has begun in their place, though no Stop has come: on the same port, where a
-- port carries one call at a time, or with the same address on the same device. Called by account() for sessions that
-- just became active, whose rows it has written. They end when the other began, with the cause Lost-Carrier, rank 2, and
-- are marked replaced_line or replaced_address. A session that was heard of after the other had begun is not over.
-- Rows that somebody works on are passed over, so that nobody waits here in a circle: they are being ended, or live.

-- NAS-Port-Types of ports that carry one call at a time.
drop function if exists poprad.session_circuit_types;
create function poprad.session_circuit_types()
returns text[] language sql immutable as $$
	select array['Async', 'Sync', 'ISDN', 'ISDN-V120', 'ISDN-V110', 'PIAFS', 'HDLC-Clear-Channel', 'X.75', 'G.3-Fax']
$$;

drop function if exists poprad.account_replaces;
create function poprad.account_replaces(young poprad.session, old poprad.session)
returns boolean language sql stable as $$
	select old.state = 'active' and young.state = 'active' and old.session_key <> young.session_key
		and poprad.account_is_device(old, young.nas_address, young.nas_ip_address, young.nas_identifier)
		and old.started_at < young.started_at and old.updated_at <= young.started_at
$$;

-- Ends sessions whose rows are locked. Their addresses stay with them: the caller gives them on, or back.
drop function if exists poprad.account_end_replaced;
create function poprad.account_end_replaced(keys uuid[], ends timestamptz[], flag text) returns void
language sql volatile set search_path = poprad, pg_temp as $$
	update session s set state = 'closed', stopped_at = e.ended_at, closed_at = now(), terminate_cause = 'Lost-Carrier',
		cause_rank = 2, flags = s.flags || flag
	from unnest(keys, ends) e (session_key, ended_at)
	where s.session_key = e.session_key
$$;

-- Ends what the sessions that begun_keys names have replaced on their ports, and gives the addresses back.
drop function if exists poprad.account_replace_calls;
create function poprad.account_replace_calls(begun_keys uuid[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	keys uuid[];
	ends timestamptz[];
	addresses inet[];
begin
	select array_agg(o.session_key), array_agg(o.ended_at), array_agg(o.address) into keys, ends, addresses
	from (
		select distinct on (o.session_key) o.session_key, o.address, b.started_at as ended_at
		from unnest(begun_keys) k (session_key)
		cross join lateral (select * from session s where s.session_key = k.session_key offset 0) b
		cross join lateral (
			select * from session o
			where o.nas_id = b.nas_id and o.nas_address = b.nas_address and o.nas_port = b.nas_port
				and o.nas_port_type = any (session_circuit_types())
				and account_replaces(row(b.*)::session, row(o.*)::session)
			offset 0
		) o
		where b.nas_port_type = any (session_circuit_types())
		order by o.session_key, b.started_at
	) o
	cross join lateral (
		select from session s where s.session_key = o.session_key and s.state = 'active' for update skip locked
	) s;
	if keys is null then
		return;
	end if;
	perform account_end_replaced(keys, ends, 'replaced_line');
	perform from address a where a.address = any (addresses) order by a.address for update;
	update address a set session_key = null, changed_at = now()
	where a.address = any (addresses) and a.session_key = any (keys);
	perform prefixes_release(keys);
end
$$;

-- Ends the session that holds an address, if the one that says it uses it has replaced it. True: it has.
drop function if exists poprad.account_replace_holder;
create function poprad.account_replace_holder(young_key uuid, wanted inet) returns boolean
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	holder uuid;
	ended_at timestamptz;
begin
	select o.session_key, y.started_at into holder, ended_at
	from session y
	cross join address a
	join session o on o.session_key = a.session_key
	where y.session_key = young_key and a.address = wanted and account_replaces(row(y.*)::session, row(o.*)::session)
	for update of o skip locked;
	if not found then
		return false;
	end if;
	perform account_end_replaced(array[holder], array[ended_at], 'replaced_address');
	perform prefixes_release(array[holder]);
	return true;
end
$$;
