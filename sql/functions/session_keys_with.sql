-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The sessions that had an address, or a prefix that it lies in, at any time: what the NAS reported counts, else what was
-- leased. Open ones and those of the last hour are read all; the history by its indexes, in which every network that
-- holds the address is looked up.

drop function if exists poprad.sessions_with;
create function poprad.sessions_with(asked inet)
returns table (session_key uuid, began timestamptz, ended timestamptz) -- infinity: it has not
language plpgsql stable set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	networks cidr[] := case when family(asked) = 6 then
		array(select network(set_masklen(asked, bits))::cidr from generate_series(1, 128) bits) else '{}' end;
begin
	return query
	select s.session_key, coalesce(s.started_at, s.authorised_at), coalesce(s.stopped_at, 'infinity')
	from (
		select s.session_key, s.started_at, s.authorised_at, s.stopped_at
		from session s
		where coalesce(s.framed_address, s.address) = asked or s.framed_ipv6_address = asked
			or coalesce(s.framed_ipv6_prefix, s.leased_framed_prefix) = any (networks)
			or coalesce(s.delegated_ipv6_prefix, s.leased_delegated_prefix) = any (networks)
		union
		select h.session_key, h.started_at, h.authorised_at, h.stopped_at
		from session_history h where coalesce(h.framed_address, h.address) = asked
		union
		select h.session_key, h.started_at, h.authorised_at, h.stopped_at
		from session_history h where h.framed_ipv6_address = asked and networks <> '{}'
		union
		select h.session_key, h.started_at, h.authorised_at, h.stopped_at
		from unnest(networks) n (network)
		cross join lateral (
			select h.* from session_history h where coalesce(h.framed_ipv6_prefix, h.leased_framed_prefix) = n.network offset 0
		) h
		union
		select h.session_key, h.started_at, h.authorised_at, h.stopped_at
		from unnest(networks) n (network)
		cross join lateral (
			select h.* from session_history h
			where coalesce(h.delegated_ipv6_prefix, h.leased_delegated_prefix) = n.network offset 0
		) h
	) s;
end
$$;

-- Those that had it at that time.
drop function if exists poprad.session_keys_with;
create function poprad.session_keys_with(asked inet, at timestamptz)
returns setof uuid language sql stable set search_path = poprad, pg_temp as $$
	select s.session_key from sessions_with(asked) s where s.began <= at and s.ended >= at
$$;

-- The last that had it before and the first that had it afterwards.
drop function if exists poprad.sessions_near;
create function poprad.sessions_near(asked inet, at timestamptz)
returns table (is_before boolean, session_key uuid, changed_at timestamptz)
language sql stable set search_path = poprad, pg_temp as $$
	with s as materialized (select * from sessions_with(asked))
	(select true, s.session_key, s.ended from s where s.ended < at order by s.ended desc, s.session_key desc limit 1)
	union all
	(select false, s.session_key, s.began from s where s.began > at order by s.began, s.session_key limit 1)
$$;
