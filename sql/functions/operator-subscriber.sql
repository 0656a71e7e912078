-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Subscribers as the operator changes them. Whoever writes poprad.subscriber (popradctl, an import, the billing
-- system), triggers keep beside it what the login path needs: the state row that a login locks, and an address row
-- marked is_static for every static address and prefix, so that no pool leases it to another.

-- Marks the static addresses and prefixes of these subscribers theirs. Refused if another subscriber's session holds one,
-- or if it lies in what may be leased otherwise.
create or replace function poprad.static_address_take(owners int[], addresses inet[]) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	held record;
begin
	insert into address (address, is_static, pool_id, pool_range_id)
	select w.address, true, g.pool_id, g.pool_range_id
	from unnest(addresses) as w(address)
	left join pool_range g on g.prefix >>= w.address and masklen(g.first_address) = masklen(w.address)
		and family(w.address) = 6 and masklen(w.address) < 128
	order by w.address
	on conflict (address) do update set is_static = true;
	perform static_prefixes_check(owners, addresses);
	select a.address, s.user_name, a.session_key into held
	from unnest(owners, addresses) as w(subscriber_id, address)
	join address a on a.address = w.address
	left join session s on s.session_key = a.session_key
	where a.session_key is not null and s.subscriber_id is distinct from w.subscriber_id limit 1;
	if found then
		raise exception '% is leased to % now', held.address, coalesce(held.user_name, 'a session')
			using hint = format('popradctl session close %s, or choose another', held.session_key);
	end if;
end
$$;

-- The reverse. A row outside every pool goes, unless a session still holds it.
create or replace function poprad.static_address_give(addresses inet[]) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	perform from address a where a.address = any (addresses) order by a.address for update;
	delete from address a where a.address = any (addresses) and a.pool_id is null and a.session_key is null;
	update address a set is_static = false where a.address = any (addresses);
end
$$;

-- What a subscriber always gets: his address, and his prefixes.
drop function if exists poprad.subscriber_statics;
create function poprad.subscriber_statics(s poprad.subscriber) returns setof inet
language sql immutable set search_path = poprad, pg_temp as $$
	select u.address from unnest(array[s.static_address, s.framed_ipv6_prefix::inet, s.delegated_ipv6_prefix::inet]) u (address)
	where u.address is not null
$$;

create or replace function poprad.subscriber_inserted() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owners int[];
	addresses inet[];
begin
	insert into subscriber_state (subscriber_id)
	select subscriber_id from written order by subscriber_id on conflict do nothing;
	select array_agg(w.subscriber_id order by u.address), array_agg(u.address order by u.address) into owners, addresses
	from written w cross join lateral subscriber_statics(row(w.*)::subscriber) u (address)
	where num_nonnulls(w.static_address, w.framed_ipv6_prefix, w.delegated_ipv6_prefix) > 0;
	if owners is not null then
		perform static_address_take(owners, addresses);
	end if;
	return null;
end
$$;

create or replace function poprad.subscriber_updated() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owners int[];
	given inet[];
	taken inet[];
begin
	with taken as (
		select n.subscriber_id, u.address from written n join replaced o using (subscriber_id)
		cross join lateral subscriber_statics(row(n.*)::subscriber) u (address)
		where (n.static_address, n.framed_ipv6_prefix, n.delegated_ipv6_prefix)
			is distinct from (o.static_address, o.framed_ipv6_prefix, o.delegated_ipv6_prefix)
	), given as (
		select o.subscriber_id, u.address from written n join replaced o using (subscriber_id)
		cross join lateral subscriber_statics(row(o.*)::subscriber) u (address)
		where (n.static_address, n.framed_ipv6_prefix, n.delegated_ipv6_prefix)
			is distinct from (o.static_address, o.framed_ipv6_prefix, o.delegated_ipv6_prefix)
	)
	select array_agg(t.subscriber_id order by t.address), array_agg(t.address order by t.address),
		(select array_agg(g.address order by g.address) from (table given except table taken) g)
	into owners, taken, given
	from (table taken except table given) t;
	if given is not null then
		perform from address a where a.address = any (given || coalesce(taken, '{}')) order by a.address for update;
		perform static_address_give(given);
	end if;
	if taken is not null then
		perform static_address_take(owners, taken);
	end if;
	return null;
end
$$;

create or replace function poprad.subscriber_deleted() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	given inet[];
begin
	select array_agg(u.address) into given
	from replaced r cross join lateral subscriber_statics(row(r.*)::subscriber) u (address)
	where num_nonnulls(r.static_address, r.framed_ipv6_prefix, r.delegated_ipv6_prefix) > 0;
	if given is not null then
		perform static_address_give(given);
	end if;
	return null;
end
$$;

create or replace trigger subscriber_inserted after insert on poprad.subscriber
referencing new table as written for each statement execute function poprad.subscriber_inserted();
create or replace trigger subscriber_updated after update on poprad.subscriber
referencing old table as replaced new table as written for each statement execute function poprad.subscriber_updated();
create or replace trigger subscriber_deleted after delete on poprad.subscriber
referencing old table as replaced for each statement execute function poprad.subscriber_deleted();

-- The plan of that name; null stays null.
create or replace function poprad.plan_get(plan_name text) returns int
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
declare
	found_id int;
begin
	select p.plan_id into found_id from plan p where p.name = plan_name;
	if not found and plan_name is not null then
		raise exception 'there is no plan %', plan_name using errcode = 'P0002', hint = 'see popradctl plan list';
	end if;
	return found_id;
end
$$;
