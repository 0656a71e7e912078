-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What the subscriber has instead of his plan's limit; null: nothing.
drop function if exists poprad.own_session_limit;
create function poprad.own_session_limit(owner int)
returns int language sql stable set search_path = poprad, pg_temp as $$
	select p.session_limit from subscriber_policy p where p.subscriber_id = owner
$$;

-- Those of these subscribers who may have so many sessions at a time and no more. Where nobody is limited, two indices that
-- hold nothing tell so, and no subscriber is looked up.
drop function if exists poprad.account_session_limit; -- of an earlier version
drop function if exists poprad.account_limited;
create function poprad.account_limited(subscriber_ids int[])
returns int[] language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	if not exists (select from plan p where p.session_limit > 0)
		and not exists (select from subscriber_policy p where p.session_limit > 0)
	then
		return '{}';
	end if;
	return array(
		select u.subscriber_id from unnest(subscriber_ids) b (subscriber_id)
		cross join lateral (select * from subscriber u where u.subscriber_id = b.subscriber_id offset 0) u
		where coalesce(case when u.has_policy then own_session_limit(u.subscriber_id) end > 0,
			u.plan_id = any (array(select p.plan_id from plan p where p.session_limit > 0))));
end
$$;

-- Marks those of the sessions that just became active which exceed their subscriber's limit: over_limit. They are
-- recorded all the same, the NAS has let them in. Called by account(), which holds the subscribers' locks; keys: in
-- the order in which they became active, the last ones are marked.

drop function if exists poprad.account_limit;
create function poprad.account_limit(begun_keys uuid[])
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	update session s set flags = s.flags || 'over_limit'::text
	from (
		select b.row, b.is_marked, n.active - l.session_limit as excess,
			row_number() over (partition by b.subscriber_id order by b.ord desc) as place
		from (
			select s.row, 'over_limit' = any (s.flags) as is_marked, s.subscriber_id, k.ord
			from unnest(begun_keys) with ordinality k (session_key, ord)
			cross join lateral (select s.*, s.ctid as row from session s where s.session_key = k.session_key offset 0) s
			where s.state = 'active'
		) b
		cross join lateral (
			select coalesce(case when u.has_policy then own_session_limit(u.subscriber_id) end,
				(select p.session_limit from plan p where p.plan_id = u.plan_id)) as session_limit
			from subscriber u where u.subscriber_id = b.subscriber_id
			offset 0
		) l
		cross join lateral (
			select count(*) filter (where o.state = 'active') as active
			from session o where o.subscriber_id = b.subscriber_id
			offset 0
		) n
		where l.session_limit > 0
	) x
	where s.ctid = x.row and x.place <= x.excess and not x.is_marked;
end
$$;
