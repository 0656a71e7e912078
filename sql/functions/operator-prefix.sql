-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- No prefix that may be leased lies in another, whoever enters it: what one subscriber is sent would be another's too. A
-- static address may lie in its own subscriber's prefix. Changes of prefixes are made one after the other.

drop function if exists poprad.prefixes_lock;
create function poprad.prefixes_lock() returns void language sql volatile as $$
	select pg_advisory_xact_lock(hashtextextended('poprad prefixes', 0))
$$;

-- Adds a range to a pool of prefixes, and the pool if it is new. Returns how many prefixes may be leased from the range.
drop function if exists poprad.prefix_pool_add;
create function poprad.prefix_pool_add(pool_name text, network cidr, group_name text, length int) returns bigint
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	size_max_bits constant int := 32;
	range_id int;
	other record;
	wanted pool;
begin
	if family(network) <> 6 or masklen(network) < 16 or length not between greatest(masklen(network), 17) and 64 then
		raise exception 'no prefixes of the length /% can be leased from %', length, network
			using hint = 'a pool of prefixes has networks of IPv6, /16 or longer, and prefixes of /17 to /64 in them';
	end if;
	if length - masklen(network) > size_max_bits then
		raise exception '% is too large: a range may have 2^% prefixes at most', network, size_max_bits
			using hint = format('add a part of it, a /%s or longer', length - size_max_bits);
	end if;
	if network && inet 'ff00::/8' or network && inet 'fe80::/10' then
		raise exception '% holds prefixes that no subscriber can have', network using hint = 'choose a unicast network';
	end if;
	lock table pool_range in share row exclusive mode; -- two overlapping ranges must not come at once
	select r.prefix, p.name into other from pool_range r join pool p using (pool_id) where r.prefix && network limit 1;
	if found then
		raise exception '% overlaps % of pool %', network, other.prefix, other.name using hint = 'see popradctl pool list';
	end if;
	perform prefixes_lock();
	select a.address, o.login into other
	from addresses_overlapping(network) a left join lateral static_owner(a.address) o on true
	where a.is_static or a.session_key is not null limit 1;
	if found then
		raise exception '% overlaps % of %', network, other.address, coalesce(other.login, 'a session')
			using hint = 'choose another range, see popradctl address show';
	end if;
	insert into pool (name, lease_length) values (pool_name, length) on conflict (name) do nothing;
	select * into wanted from pool p where p.name = pool_name;
	if wanted.lease_length is distinct from length then
		raise exception 'pool % leases %', pool_name, coalesce('prefixes of the length /' || wanted.lease_length, 'addresses')
			using hint = 'name another pool';
	end if;
	insert into pool_range (pool_id, prefix, nas_group_id, first_address, last_address)
	values (wanted.pool_id, network, nas_group_get(group_name), set_masklen(network::inet, length),
		network(set_masklen(broadcast(network), length)))
	returning pool_range_id into range_id;
	insert into prefix_range (pool_range_id, size) values (range_id, 1::bigint << length - masklen(network));
	return 1::bigint << length - masklen(network);
end
$$;

-- The plan's pools of prefixes. A null argument leaves the column as it is; '' takes the pool away.
drop function if exists poprad.plan_prefixes_set;
create function poprad.plan_prefixes_set(plan_name text, framed_pool text, delegated_pool text, required boolean) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	update plan p set
		framed_ipv6_pool_id = case when framed_pool is null then p.framed_ipv6_pool_id else prefix_pool_get(framed_pool) end,
		delegated_ipv6_pool_id = case when delegated_pool is null then p.delegated_ipv6_pool_id
			else prefix_pool_get(delegated_pool) end,
		prefix_required = coalesce(required, p.prefix_required)
	where p.name = plan_name;
end
$$;

drop function if exists poprad.prefix_pool_get;
create function poprad.prefix_pool_get(pool_name text) returns int
language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	found_pool pool;
begin
	if pool_name = '' then
		return null;
	end if;
	select * into found_pool from pool p where p.name = pool_name;
	if not found then
		raise exception 'there is no pool %', pool_name
			using errcode = 'P0002', hint = format('popradctl pool add %s CIDR --prefix-length N', pool_name);
	elsif found_pool.lease_length is null then
		raise exception 'pool % leases addresses', pool_name using hint = 'name a pool that was added with --prefix-length';
	end if;
	return found_pool.pool_id;
end
$$;

-- The rows of poprad.address that lie in that network, or in which it lies. Networks sort before what is in them.
drop function if exists poprad.addresses_overlapping;
create function poprad.addresses_overlapping(network inet) returns setof poprad.address
language plpgsql stable set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	shorter constant inet[] := array(
		select set_masklen(network::cidr, bits)::inet from generate_series(0, masklen(network) - 1) bits);
begin
	return query
	select a.* from address a
	where a.address between network and set_masklen(broadcast(network), case family(network) when 4 then 32 else 128 end);
	return query
	select a.* from address a where a.address = any (shorter);
end
$$;

-- Who always gets that address or prefix.
drop function if exists poprad.static_owner;
create function poprad.static_owner(wanted inet) returns table (subscriber_id int, login text)
language sql stable set search_path = poprad, pg_temp rows 1 as $$
	select s.subscriber_id, s.login from subscriber s where s.static_address = wanted
	union select s.subscriber_id, s.login from subscriber s where s.framed_ipv6_prefix = wanted
	union select s.subscriber_id, s.login from subscriber s where s.delegated_ipv6_prefix = wanted
$$;

-- Refuses what overlaps another subscriber's, or a range; their rows are there already. An address of IPv4 lies in no
-- prefix.
drop function if exists poprad.static_prefixes_check;
create function poprad.static_prefixes_check(owners int[], addresses inet[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	wanted record;
	other record;
begin
	for wanted in
		select w.subscriber_id, w.address, masklen(w.address) < 128 as is_prefix, s.static_address
		from unnest(owners, addresses) w (subscriber_id, address)
		join subscriber s on s.subscriber_id = w.subscriber_id
		where family(w.address) = 6
		order by w.address
	loop
		perform prefixes_lock();
		if wanted.address && inet 'ff00::/8' or wanted.is_prefix and wanted.address && inet 'fe80::/10' then
			raise exception 'no subscriber can have %', wanted.address using hint = 'choose a unicast network';
		end if;
		select r.prefix, p.name into other from pool_range r join pool p using (pool_id)
		where r.prefix && wanted.address and (wanted.is_prefix or p.lease_length is not null)
			and (r.prefix >>= wanted.address and p.lease_length = masklen(wanted.address)) is not true
		limit 1;
		if found then
			raise exception '% overlaps % of pool %', wanted.address, other.prefix, other.name
				using hint = 'choose what no pool has, or one of its prefixes with its length; see popradctl pool list';
		end if;
		select a.address, o.login into other
		from addresses_overlapping(wanted.address) a
		left join lateral static_owner(a.address) o on true
		where (a.is_static or a.session_key is not null) and (wanted.is_prefix or masklen(a.address) < 128)
			and (o.subscriber_id is distinct from wanted.subscriber_id
				or wanted.address <> a.address and wanted.static_address is distinct from a.address
					and wanted.static_address is distinct from wanted.address)
		limit 1;
		if found then
			raise exception '% overlaps %, which is %', wanted.address, other.address,
				coalesce('that of ' || other.login, 'still leased')
				using hint = 'see popradctl address show';
		end if;
	end loop;
end
$$;
