-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- No prefix that may be leased lies in another, whoever enters it: what one subscriber is sent would be another's too. A
-- static address may lie in its own subscriber's prefix. Changes of prefixes are made one after the other.

drop function if exists poprad.prefixes_lock;
create function poprad.prefixes_lock() returns void language sql volatile as $$
	select pg_advisory_xact_lock(hashtextextended('poprad prefixes', 0))
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
		where r.prefix && wanted.address and wanted.is_prefix limit 1;
		if found then
			raise exception '% overlaps % of pool %', wanted.address, other.prefix, other.name
				using hint = 'choose a prefix outside every pool, see popradctl pool list';
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
