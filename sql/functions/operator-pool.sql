-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What the operator changes in pools: a range and the rows of its addresses come and go together. Called by popradctl
-- and by a provider's own programs; each call is one transaction's worth of work. What may not be is raised as
-- P0001, what is not there as P0002, each with a hint.

-- The group of that name, made on first use; null stays null.
create or replace function poprad.nas_group_get(group_name text) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	found_id int;
begin
	if group_name is null then
		return null;
	end if;
	insert into nas_group (name) values (group_name) on conflict (name) do nothing;
	select g.nas_group_id into found_id from nas_group g where g.name = group_name;
	return found_id;
end
$$;

-- Refuses what no subscriber can have, or what would be too many rows. Returns the number of addresses in the network.
create or replace function poprad.pool_network_size(network cidr) returns bigint
language plpgsql immutable set search_path = poprad, pg_temp as $$
declare
	host_bits int := case family(network) when 4 then 32 else 128 end - masklen(network);
	rows_max_bits constant int := case family(network) when 4 then 24 else 20 end;
begin
	if host_bits > rows_max_bits then
		raise exception '% is too large: every address is one row, and a range may have 2^% at most', network, rows_max_bits
			using hint = format('add a part of it, a /%s or longer', case family(network) when 4 then 32 else 128 end - rows_max_bits);
	end if;
	if network && inet '0.0.0.0/8' or network && inet '224.0.0.0/3' or network && inet 'ff00::/8' then
		raise exception '% holds addresses that no subscriber can have', network
			using hint = 'choose a unicast network';
	end if;
	return 1::bigint << host_bits;
end
$$;

-- Adds a range, and the pool if it is new. Returns how many addresses may be leased from the range.
-- is_all: the network's first and last address are leased too.
create or replace function poprad.pool_add(pool_name text, network cidr, group_name text, is_all boolean) returns bigint
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	size bigint := pool_network_size(network);
	skip int := case when is_all then 0 else 1 end;
	first inet := host(network)::inet + skip;
	range_id int;
	wanted_pool_id int;
	other record;
begin
	if size <= 2 * skip then
		raise exception '% has no address left without its first and last', network using hint = 'add --all to lease these too';
	end if;
	lock table pool_range in share row exclusive mode; -- two overlapping ranges must not come at once
	select r.prefix, p.name into other from pool_range r join pool p using (pool_id) where r.prefix && network limit 1;
	if found then
		raise exception '% overlaps % of pool %', network, other.prefix, other.name
			using hint = 'see popradctl pool list';
	end if;
	if family(network) = 6 then
		perform prefixes_lock();
		select a.address, o.login into other
		from addresses_overlapping(network) a left join lateral static_owner(a.address) o on true
		where (a.is_static or a.session_key is not null) and masklen(a.address) < 128 limit 1;
		if found then
			raise exception '% overlaps the prefix % of %', network, other.address, coalesce(other.login, 'a session')
				using hint = 'choose another range, see popradctl address show';
		end if;
	end if;
	insert into pool (name) values (pool_name) on conflict (name) do nothing;
	select p.pool_id into wanted_pool_id from pool p where p.name = pool_name and p.lease_length is null;
	if not found then
		raise exception 'pool % leases prefixes', pool_name using hint = 'add --prefix-length, or name another pool';
	end if;
	insert into pool_range (pool_id, prefix, nas_group_id, first_address, last_address)
	values (wanted_pool_id, network, nas_group_get(group_name), first, first + (size - 1 - 2 * skip))
	returning pool_range_id into range_id;
	-- A static address inside the range has its row already and stays its subscriber's.
	insert into address (address, pool_id, pool_range_id)
	select first + n, wanted_pool_id, range_id from generate_series(0, size - 1 - 2 * skip) as n
	on conflict (address) do update set pool_id = excluded.pool_id, pool_range_id = excluded.pool_range_id;
	return size - 2 * skip;
end
$$;

-- Removes one range (network) or, if network is null, the pool with all its ranges. Refused while one of its addresses
-- is leased, and while a plan uses a pool that would go. Returns how many ranges went.
create or replace function poprad.pool_remove(pool_name text, network cidr) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_pool_id int;
	ranges int[];
	leased bigint;
	example record;
begin
	select p.pool_id into wanted_pool_id from pool p where p.name = pool_name for update;
	if not found then
		raise exception 'there is no pool %', pool_name using errcode = 'P0002', hint = 'see popradctl pool list';
	end if;
	select coalesce(array_agg(r.pool_range_id), '{}') into ranges
	from pool_range r where r.pool_id = wanted_pool_id and (network is null or r.prefix = network);
	if network is not null and ranges = '{}' then
		raise exception 'pool % has no range %', pool_name, network
			using errcode = 'P0002', hint = format('see popradctl pool list %s', pool_name);
	end if;
	select p.name into example from plan p
	where wanted_pool_id in (p.pool_id, p.framed_ipv6_pool_id, p.delegated_ipv6_pool_id) order by p.name limit 1;
	if found and network is null then
		raise exception 'plan % uses pool %', example.name, pool_name using hint = 'give the plan another pool first';
	end if;
	perform from address a where a.pool_range_id = any (ranges) order by a.address for update;
	select count(*), min(a.address) as address into example
	from address a where a.pool_range_id = any (ranges) and a.session_key is not null;
	leased := example.count;
	if leased > 0 then
		raise exception '% of its addresses are leased, for example %', leased, example.address
			using hint = 'wait until the sessions end, or close them: popradctl address show, popradctl session close';
	end if;
	update address set pool_id = null, pool_range_id = null where pool_range_id = any (ranges) and is_static;
	delete from address where pool_range_id = any (ranges);
	delete from pool_range where pool_range_id = any (ranges);
	if network is null then
		delete from pool where pool_id = wanted_pool_id;
	end if;
	return cardinality(ranges);
end
$$;
