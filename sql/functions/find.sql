-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Looks subscribers up by their login (user, or user@realm with the realm in lower case), as many as there are.
-- policy: what the subscriber has of his own, a JSON object; null: all is as in his plan. Where anybody has a quota or a
-- balance (catalog_version.has_quotas), find_metered() is asked instead.
-- PL/pgSQL only because its statements are planned once; it locks and changes nothing.
-- lateral (... offset 0): the index is used even if the plan was made while the table was small.

drop function if exists poprad.find;
create function poprad.find(logins text[])
returns table (ord int, subscriber_id int, plan_id int, status text, expires_at timestamptz, password text,
	static_address inet, policy text, attributes text, framed_prefix inet, delegated_prefix inet)
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return query
	select l.ord::int, s.subscriber_id, s.plan_id, s.status, s.expires_at, s.password, s.static_address,
		case when s.has_policy then
			(select p.document from subscriber_policy p where p.subscriber_id = s.subscriber_id offset 0) end,
		nullif(array_to_string(s.attributes, E'\n'), ''), s.framed_ipv6_prefix::inet,
		s.delegated_ipv6_prefix::inet
	from unnest(logins) with ordinality l (login, ord)
	cross join lateral (select * from subscriber s where s.login = l.login collate "C" offset 0) s;
end
$$;
