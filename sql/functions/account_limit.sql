-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Marks those of the sessions that just became active which exceed their subscriber's limit: over_limit. They are
-- recorded all the same, the NAS has let them in. Called by account(), which holds the subscribers' locks; keys: in
-- the order in which they became active, the last ones are marked.

create or replace function poprad.account_limit(begun_keys uuid[])
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	update session s set flags = s.flags || 'over_limit'::text
	from (
		select b.session_key, n.active - l.session_limit as excess,
			row_number() over (partition by b.subscriber_id order by b.ord desc) as place
		from (
			select s.session_key, s.subscriber_id, k.ord
			from unnest(begun_keys) with ordinality k (session_key, ord)
			join session s on s.session_key = k.session_key
			where s.state = 'active'
		) b
		join subscriber u on u.subscriber_id = b.subscriber_id
		join plan p on p.plan_id = u.plan_id
		cross join lateral (select coalesce(u.session_limit, p.session_limit) as session_limit) l
		cross join lateral (
			select count(*) as active from session o where o.subscriber_id = b.subscriber_id and o.state = 'active') n
		where l.session_limit > 0
	) x
	where s.session_key = x.session_key and x.place <= x.excess and 'over_limit' <> all (s.flags);
end
$$;
