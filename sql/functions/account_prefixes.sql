-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Leases of IPv6 prefixes, whose sessions the caller holds: what account_leases() is for addresses. Few sessions have any.
-- Whoever locks addresses and prefixes locks the addresses first.

-- Those of these sessions become free, but for kept; rest: after that time.
drop function if exists poprad.prefixes_release;
create function poprad.prefixes_release(keys uuid[], kept inet[] default null, rest interval default '0') returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	prefixes inet[] := array(
		select p.prefix from unnest(keys) k (session_key)
		cross join lateral (
			select s.leased_framed_prefix, s.leased_delegated_prefix from session s where s.session_key = k.session_key offset 0
		) s
		cross join unnest(array[s.leased_framed_prefix::inet, s.leased_delegated_prefix::inet]) p (prefix)
		where p.prefix is not null and (p.prefix = any (kept)) is not true);
begin
	if prefixes <> '{}' then
		perform from address a where a.address = any (prefixes) order by a.address for update;
		update address a set session_key = null, changed_at = now() + rest
		where a.address = any (prefixes) and a.session_key = any (keys);
	end if;
end
$$;

-- What has just been leased to a session that is not made is free again, but for what it had before.
drop function if exists poprad.leases_put_back;
create function poprad.leases_put_back(keys uuid[], addresses inet[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	update address a set session_key = null, changed_at = now()
	where a.address = any (addresses) and a.session_key = any (keys) and not exists (
		select from session s where s.session_key = a.session_key
			and a.address in (s.address, s.leased_framed_prefix::inet, s.leased_delegated_prefix::inet));
end
$$;

-- Brings the prefixes of sessions that accounting has written in line with them: those of a closed one become free. An
-- open one takes what the NAS says it uses, else what it was sent, if nobody holds it and it is no other subscriber's; a
-- prefix that it used before goes back. If another session holds it, the session is marked prefix_conflict, and tries again
-- with each packet.
drop function if exists poprad.account_prefixes;
create function poprad.account_prefixes(keys uuid[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	prefixes constant inet[] := array(
		select p.prefix from unnest(keys) k (session_key)
		cross join lateral (select * from session s where s.session_key = k.session_key offset 0) s
		cross join unnest(array[s.leased_framed_prefix, s.leased_delegated_prefix, s.framed_ipv6_prefix,
			s.delegated_ipv6_prefix]::inet[]) p (prefix)
		where p.prefix is not null);
	closed uuid[];
	asking record;
	framed cidr;
	delegated cidr;
	has_conflict boolean;
begin
	-- Of a range of ours, but nobody has been given it yet: now it has its row.
	insert into address (address, pool_id, pool_range_id)
	select p.prefix, g.pool_id, g.pool_range_id
	from session s
	cross join unnest(array[s.framed_ipv6_prefix, s.delegated_ipv6_prefix]::inet[]) p (prefix)
	join pool_range g on g.prefix >>= p.prefix and masklen(g.first_address) = masklen(p.prefix)
	where s.session_key = any (keys) and s.state = 'active' and masklen(p.prefix) < 128
	order by p.prefix
	on conflict (address) do nothing;
	perform from address a where a.address = any (prefixes) order by a.address for update;

	select array_agg(s.session_key) into closed from session s where s.session_key = any (keys) and s.state = 'closed';
	if closed is not null then
		perform prefixes_release(closed);
	end if;
	for asking in
		select s.session_key, s.subscriber_id, s.flags, s.leased_framed_prefix as former_framed,
			s.leased_delegated_prefix as former_delegated, coalesce(s.framed_ipv6_prefix, s.leased_framed_prefix) as framed,
			coalesce(s.delegated_ipv6_prefix, s.leased_delegated_prefix) as delegated
		from session s where s.session_key = any (keys) and s.state = 'active'
		order by s.session_key
	loop
		framed := prefix_take(asking.framed, asking.former_framed, asking.session_key, asking.subscriber_id);
		delegated := prefix_take(asking.delegated, asking.former_delegated, asking.session_key, asking.subscriber_id);
		has_conflict := exists (
			select from address a
			where a.address = any (array[asking.framed, asking.delegated]::inet[])
				and a.session_key is distinct from asking.session_key);
		update session s set leased_framed_prefix = framed, leased_delegated_prefix = delegated,
			flags = case when has_conflict and 'prefix_conflict' <> all (s.flags) then s.flags || 'prefix_conflict'::text
				else s.flags end
		where s.session_key = asking.session_key
			and ((s.leased_framed_prefix, s.leased_delegated_prefix) is distinct from (framed, delegated)
				or has_conflict and 'prefix_conflict' <> all (s.flags));
	end loop;
end
$$;

-- Makes it the session's and gives back the former one, if nobody else holds it. Returns the prefix that the session has been
-- leased, be it lost meanwhile.
drop function if exists poprad.prefix_take;
create function poprad.prefix_take(wanted cidr, former cidr, key uuid, owner int) returns cidr
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	update address a set session_key = key, subscriber_id = owner, changed_at = now()
	where a.address = wanted and a.session_key is null
		and (not a.is_static or exists (select from static_owner(a.address) o where o.subscriber_id = owner));
	if not found and not exists (select from address a where a.address = wanted and a.session_key = key) then
		return former;
	end if;
	update address a set session_key = null, changed_at = now()
	where a.address = former and a.address <> wanted and a.session_key = key;
	return wanted;
end
$$;
