-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Pools of IPv6 prefixes. The ranges of such a pool have a first and a last prefix instead of addresses; a prefix has a
-- row of poprad.address from when it was given first.

alter table poprad.pool
	add column lease_length int check (lease_length between 17 and 64); -- of its prefixes; null: it leases addresses

alter table poprad.pool_range
	drop constraint pool_range_check,
	add constraint pool_range_bounds_check check (first_address = network(first_address)::inet and last_address = network(last_address)::inet
		and masklen(first_address) = masklen(last_address)
		and (masklen(first_address) = case family(first_address) when 4 then 32 else 128 end or family(first_address) = 6));

-- What changes of a range of prefixes; locked by whoever takes one that is not the subscriber's last.
create table poprad.prefix_range (
	pool_range_id int primary key references poprad.pool_range on delete cascade,
	size bigint not null, -- prefixes in it
	made bigint not null default 0, -- from the first on, that have been given once
	hand inet -- the last one that was looked at when used ones were sought; null: none, or the range has been walked through
) with (fillfactor = 50);

alter table poprad.plan
	add column framed_ipv6_pool_id int references poprad.pool, -- null: none
	add column delegated_ipv6_pool_id int references poprad.pool,
	add column prefix_required boolean not null default true; -- false: who finds such a pool exhausted is let in without

alter table poprad.subscriber_state
	add column last_framed_prefix cidr,
	add column last_delegated_prefix cidr;
