-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Filter rules with what an entry of a router's access list has: ports and comparisons on both sides, established, and
-- pools by reference. Filters come in pairs, a filter_set, for equipment that knows both by one name.

alter table poprad.filter_rule rename constraint filter_rule_pkey to former_rule_pkey;
alter table poprad.filter_rule rename to former_rule;

create table poprad.filter_rule (
	filter_id int not null references poprad.filter on delete cascade,
	position int not null check (position > 0),
	action text not null check (action in ('permit', 'deny')),
	protocol text not null check (protocol ~ '^[a-z0-9]{1,16}$'), -- a name as in a rule's text, or a number
	source text not null check (source in ('any', 'pool') or source::cidr is not null),
	source_pool_id int references poprad.pool check ((source_pool_id is not null) = (source = 'pool')),
	source_comparison text not null default '' check (source_comparison in ('', 'eq', 'neq', 'lt', 'gt', 'range')),
	source_ports int[] not null default '{}' check (cardinality(source_ports) <= 10 and 0 <= all (source_ports)
		and 65535 >= all (source_ports) and (source_ports = '{}') = (source_comparison = '')),
	destination text not null check (destination in ('any', 'pool') or destination::cidr is not null),
	destination_pool_id int references poprad.pool check ((destination_pool_id is not null) = (destination = 'pool')),
	destination_comparison text not null default '' check (destination_comparison in ('', 'eq', 'neq', 'lt', 'gt', 'range')),
	destination_ports int[] not null default '{}' check (cardinality(destination_ports) <= 10 and 0 <= all (destination_ports)
		and 65535 >= all (destination_ports) and (destination_ports = '{}') = (destination_comparison = '')),
	is_established boolean not null default false,
	primary key (filter_id, position)
);

-- There were pools by name, any number of destination ports, and no check that both sides are of one family. A rule that
-- names a pool that is gone, or networks of two families, matches nothing and is left out. An entry has ten ports at
-- most: the rest goes into further rules right behind.
insert into poprad.filter_rule (filter_id, position, action, protocol, source, source_pool_id, destination,
	destination_pool_id, destination_comparison, destination_ports)
select f.filter_id, row_number() over (partition by f.filter_id order by f.position, part), f.action,
	case when f.protocol = 'ah' then 'ahp' when f.protocol = 'ip' and 6 in (f.source_family, f.destination_family) then 'ipv6'
		else f.protocol end,
	case when f.source like 'pool:%' then 'pool' else f.source end, s.pool_id,
	case when f.destination like 'pool:%' then 'pool' else f.destination end, d.pool_id,
	case when f.ports = '{}' then '' else 'eq' end, f.ports[10 * part + 1:10 * part + 10]
from (
	select r.*, family(case when r.source !~ '^(any$|pool:)' then r.source::inet end) as source_family,
		family(case when r.destination !~ '^(any$|pool:)' then r.destination::inet end) as destination_family
	from poprad.former_rule r) as f
left join poprad.pool s on f.source = 'pool:' || s.name
left join poprad.pool d on f.destination = 'pool:' || d.name
cross join generate_series(0, greatest(cardinality(f.ports) - 1, 0) / 10) as part
where (f.source not like 'pool:%' or s.pool_id is not null)
	and (f.destination not like 'pool:%' or d.pool_id is not null)
	and (f.source_family <> f.destination_family) is not true
	and (f.protocol in ('ipv6', 'icmp6') and 4 in (f.source_family, f.destination_family)) is not true;

drop table poprad.former_rule;

-- An in/out pair. One of the two may be missing.
create table poprad.filter_set (
	filter_set_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 255),
	in_filter_id int references poprad.filter,
	out_filter_id int references poprad.filter,
	purpose text not null default '',
	check (coalesce(in_filter_id, out_filter_id) is not null)
);

-- What the pair is called on equipment of that kind; elsewhere it has the set's own name.
create table poprad.filter_set_name (
	filter_set_id int not null references poprad.filter_set on delete cascade,
	kind text not null,
	name text not null check (octet_length(name) between 1 and 253),
	primary key (filter_set_id, kind)
);

-- Its name became the table's; the function is filter_change now.
drop function if exists poprad.filter_set(text, text, text, text, jsonb);
