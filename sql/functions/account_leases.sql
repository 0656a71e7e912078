-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What accounting does to addresses, after account() has written the sessions, whose rows it holds: Stops give theirs
-- back; a session that says it uses an address, or lives again, takes it if nobody holds it, so that nobody else is
-- given an address in use. If another session holds it, it is over if this one began in its place (account_replace);
-- else, or if it is another subscriber's static address, the session is marked address_conflict, and tries again with
-- each packet. The lease follows the address that the NAS says it uses:
-- taking one gives the former back. A session that begins has its lease already, as a rule; while account() holds its row
-- nobody can take it away.

drop function if exists poprad.account_leases;
create function poprad.account_leases(freed_keys uuid[], freed_addresses inet[], taking_keys uuid[],
	taking_addresses inet[])
returns int[] -- which were given back, by their place in freed_keys
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	places int[];
	taking record;
	is_replaced boolean; -- the session that holds what another takes
begin
	if taking_keys is not null then
		perform from address a
		where a.address = any (freed_addresses || taking_addresses || array(
			select s.address from session s where s.session_key = any (taking_keys) and s.address is not null))
		order by a.address
		for update;
	end if;

	with freed as (
		update address a set session_key = null, changed_at = now()
		from (
			select f.place, f.session_key, h.row
			from unnest(freed_keys, freed_addresses) with ordinality f (session_key, address, place)
			cross join lateral (
				select h.ctid as row, h.session_key from address h where h.address = f.address offset 0) h
			where h.session_key = f.session_key
			order by f.address
		) f
		where a.ctid = f.row and a.session_key = f.session_key
		returning f.place
	)
	select coalesce(array_agg(f.place), '{}') into places from freed f;

	if taking_keys is null then
		return places;
	end if;
	for taking in
		select s.session_key, s.subscriber_id, s.address as former, t.address as wanted
		from unnest(taking_keys, taking_addresses) with ordinality t (session_key, address, ord)
		cross join lateral (select * from session s where s.session_key = t.session_key offset 0) s
		where s.state = 'active'
		order by t.ord
	loop
		is_replaced := exists (select from address a where a.address = taking.wanted and a.session_key is not null)
			and account_replace_holder(taking.session_key, taking.wanted);
		update address a set session_key = taking.session_key, subscriber_id = taking.subscriber_id, changed_at = now()
		where a.address = taking.wanted and (a.session_key is null or is_replaced)
			and (not a.is_static or exists (select from subscriber u
				where u.static_address = a.address and u.subscriber_id = taking.subscriber_id));
		if found then
			update session s set address = taking.wanted
			where s.session_key = taking.session_key and s.address is distinct from taking.wanted;
			update address a set session_key = null, changed_at = now()
			where a.address = taking.former and a.address <> taking.wanted and a.session_key = taking.session_key;
		else
			update session s set flags = s.flags || 'address_conflict'::text
			where s.session_key = taking.session_key and 'address_conflict' <> all (s.flags)
				and exists (select from address a where a.address = taking.wanted
					and a.session_key is distinct from taking.session_key);
		end if;
	end loop;
	return places;
end
$$;
