-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What FreeRADIUS would make of the imported rows at a login: which groups are read, and what the operators leave of several
-- lists. The result is one list for each plan and one for each subscriber, in which no order and no operator matters any more.
-- FreeRADIUS reads the user's rows, then his groups by priority, as long as each says Fall-Through = Yes. Each list is moved into
-- what is there already: := takes the place of one with its name, = stays out if there is one, += is added.

-- Where a check is kept: 'password', 'plan' (as a plan's or a subscriber's own), 'subscriber', or null.
create or replace function poprad.import_check_place(name text) returns text
language sql immutable as $$
	select case
		when name ~ '^(cleartext|user|nt|crypt|s?md5|s?sha[0-9]?(-[0-9]{3})?|ssha[0-9]{3}|sha[0-9]{3})-password$|^password(-with-header)?$'
			then 'password'
		when name in ('simultaneous-use', 'pool-name') then 'plan'
		when name in ('expiration', 'auth-type', 'calling-station-id', 'called-station-id') then 'subscriber'
	end
$$;

-- Whether such a row is a condition, without which somebody would be let in who is not now.
create or replace function poprad.import_is_condition(name text, op text) returns boolean
language sql immutable as $$
	select op not in (':=', '+=') and case poprad.import_check_place(name)
		when 'subscriber' then name like '%-station-id' and op <> '==' when 'password' then false when 'plan' then false else true end
$$;

-- A list moved into another: arrays of import_item.item. Only what was there before is looked for, so that one list may give an
-- attribute several times.
create or replace function poprad.import_move(had jsonb, list jsonb) returns jsonb
language plpgsql immutable set search_path = poprad, pg_temp as $$
declare
	moved jsonb := had;
	added jsonb := '[]';
	replaced int[] := '{}';
	item jsonb;
	found_at int;
begin
	for item in select l.value from jsonb_array_elements(list) l loop
		found_at := (select min(h.place) from jsonb_array_elements(had) with ordinality h (value, place)
			where item ->> 'op' <> '+=' and h.value ->> 'name' = item ->> 'name' and h.place <> all (replaced));
		if found_at is null then
			added := added || jsonb_build_array(item);
		elsif item ->> 'op' = ':=' then
			moved := jsonb_set(moved, array[(found_at - 1)::text], item);
			replaced := replaced || found_at;
		end if;
	end loop;
	return moved || added;
end
$$;

create or replace function poprad.import_values(list jsonb, name text) returns jsonb
language sql immutable as $$
	select jsonb_agg(l.value -> 'value' order by l.place) from jsonb_array_elements(list) with ordinality l (value, place)
	where l.value ->> 'name' = $2
$$;

-- What of the whole list a plan's does not say the same way: all lines of each attribute in which they differ.
create or replace function poprad.import_difference(whole jsonb, plan jsonb) returns jsonb
language sql immutable as $$
	select coalesce(jsonb_agg(w.value order by w.place), '[]') from jsonb_array_elements(whole) with ordinality w (value, place)
	where poprad.import_values(whole, w.value ->> 'name') is distinct from poprad.import_values(plan, w.value ->> 'name')
$$;

-- Letters, digits and . _ - + : are what popradctl takes.
create or replace function poprad.import_name(given text) returns text
language sql immutable as $$
	select left(regexp_replace(regexp_replace(given, '[^A-Za-z0-9._:+-]', '_', 'g'), '^-', '_'), 64)
$$;

-- As many of the groups as FreeRADIUS reads.
create or replace function poprad.import_chain(groups text[]) returns text[]
language sql stable set search_path = poprad, pg_temp as $$
	select coalesce(array_agg(g.name order by g.place) filter (where g.place <= coalesce((
		select min(e.place) from unnest(groups) with ordinality e (name, place)
		where not exists (select from import_group i where i.groupname = e.name and i.falls_through)), g.place)), '{}')
	from unnest(groups) with ordinality g (name, place)
$$;

-- Tells which rows are taken out, and which are taken for something else.
create or replace function poprad.import_refuse() returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	insert into import_report (fate, source, id, subject, message)
	select 'lost', i.source, i.id, i.owner, case
		when i.owner is null or i.owner = '' then 'it belongs to nobody'
		when i.attribute is null or i.attribute = '' then 'it names no attribute'
		when left(i.value, 1) = '`' then format('%s: FreeRADIUS runs a program for the value', i.attribute)
		when i.source in ('radreply', 'radgroupreply') then format('%s %s: in a reply only =, := and += give an attribute', i.attribute, i.op)
		else format('%s: no %s has such a check', i.attribute, case i.source when 'radcheck' then 'subscriber' else 'plan' end)
	end
	from import_understood i where not i.is_understood
	order by i.source, i.place;
	insert into import_report (fate, source, id, subject, message)
	select 'change', i.source, i.id, i.owner, format('%s %s: it is taken for :=%s', i.attribute, i.op, case import_check_place(i.name)
		when 'password' then ', though FreeRADIUS 3 lets nobody in with it' else '' end)
	from import_understood i
	where i.is_understood and i.source in ('radcheck', 'radgroupcheck') and i.name not like '%-station-id'
		and (i.op not in (':=', '+=') or i.name in ('user-password', 'password'))
	order by i.source, i.place;
end
$$;

create or replace function poprad.import_is_understood(source text, owner text, name text, op text, value text) returns boolean
language sql immutable as $$
	select owner <> '' and name <> '' and value !~ '^`' and case
		when source in ('radreply', 'radgroupreply') then op in ('=', ':=', '+=')
		else poprad.import_check_place(name) is not null and not poprad.import_is_condition(name, op) end is true
$$;

-- Groups, each under a name of its own that popradctl takes.
create or replace function poprad.import_groups() returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	insert into import_group (groupname, plan, falls_through, is_conditional, checks, replies)
	select n.owner, case when n.namesake > 1 then format('%s-%s', n.plain, n.namesake) else n.plain end, coalesce(i.falls_through, false),
		coalesce(i.is_conditional, false), coalesce(i.checks, '[]'), coalesce(i.replies, '[]')
	from (
		select o.owner, o.plain, row_number() over (partition by o.plain order by o.owner) as namesake
		from (
			select g.owner collate "C" as owner, left(import_name(g.owner), 60) as plain
			from (select i.owner from import_item i where i.source in ('radgroupcheck', 'radgroupreply') and i.owner <> ''
				union select u.groupname from import_radusergroup u where u.groupname <> '') g
		) o
	) n
	left join (
		select i.owner, bool_or(i.source = 'radgroupreply' and i.name = 'fall-through' and lower(i.value) in ('yes', '1')) as falls_through,
			bool_or(i.source = 'radgroupcheck' and import_is_condition(i.name, i.op)) as is_conditional,
			jsonb_agg(i.item order by i.place) filter (where i.source = 'radgroupcheck' and i.is_understood) as checks,
			jsonb_agg(i.item order by i.place) filter (where i.source = 'radgroupreply' and i.is_understood and i.name <> 'fall-through')
				as replies
		from import_understood i where i.source in ('radgroupcheck', 'radgroupreply') group by i.owner
	) i on i.owner = n.owner;
	insert into import_report (fate, source, subject, message)
	select 'change', 'radusergroup', g.groupname, format('its name here is %s', g.plan) from import_group g where g.plan <> g.groupname
	order by g.groupname;
end
$$;

-- Everybody, with the groups that his login comes through and his own rows.
create or replace function poprad.import_users() returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	insert into import_user (username, login, chain, is_kept_out, checks, replies)
	select n.username, import_login(n.username),
		case when i.stays then '{}' else coalesce(c.chain, '{}') end, coalesce(i.is_kept_out, false), coalesce(i.checks, '[]'),
		-- FreeRADIUS reads radreply of those alone who have a row in radcheck
		case when i.is_checked then coalesce(i.replies, '[]') else '[]' end
	from (select owner as username from import_item where source in ('radcheck', 'radreply') and owner <> ''
		union select username from import_radusergroup where username <> '') n
	left join (
		select i.owner, bool_or(i.source = 'radcheck') as is_checked,
			bool_or(i.source = 'radreply' and i.name = 'fall-through' and lower(i.value) not in ('yes', '1')) as stays,
			bool_or(i.source = 'radcheck' and import_is_condition(i.name, i.op)) as is_kept_out,
			jsonb_agg(i.item order by i.place) filter (where i.source = 'radcheck' and i.is_understood) as checks,
			jsonb_agg(i.item order by i.place) filter (where i.source = 'radreply' and i.is_understood and i.name <> 'fall-through') as replies
		from import_understood i where i.source in ('radcheck', 'radreply') group by i.owner
	) i on i.owner = n.username
	left join (
		select g.username, g.groups from (
			select u.username, array_agg(u.groupname collate "C" order by import_number(u.priority), u.place) as groups
			from import_radusergroup u where u.groupname <> '' group by u.username) g
	) g on g.username = n.username
	left join lateral (select import_chain(g.groups) as chain) c on true;
	insert into import_report (fate, source, id, subject, message)
	select 'change', 'radusergroup', r.id, r.username, format('FreeRADIUS does not come to group %s: no Fall-Through before it', r.groupname)
	from import_radusergroup r join import_user u on u.username = r.username and r.groupname <> all (u.chain) order by r.place;
	insert into import_report (fate, source, id, subject, message)
	select 'change', 'radreply', i.id, i.owner, format('%s: FreeRADIUS does not read it, for he has no row in radcheck', i.attribute)
	from import_item i where i.source = 'radreply' and not exists (select from import_radcheck c where c.username = i.owner) order by i.place;
end
$$;

-- 0 if it is none.
create or replace function poprad.import_number(given text) returns bigint
language sql immutable as $$
	select case when given ~ '^-?[0-9]{1,18}$' then given::bigint else 0 end
$$;

-- A realm is in lower case.
create or replace function poprad.import_login(username text) returns text
language sql immutable as $$
	select case when username ~ '@[^@]+$' then substring(username from '^(.*)@[^@]*$') || '@' || lower(substring(username from '@([^@]+)$'))
		else username end
$$;

-- Who cannot be a subscriber.
create or replace function poprad.import_users_refuse() returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	with refused as (
		delete from import_user u using (
			select o.username, case
				when o.namesake > 1 then format('it is %s, like another one''s: a realm is written in lower case', o.login)
				when o.login ~ '[[:cntrl:][:space:]]' then 'a login has no spaces and no control characters'
				when octet_length(o.login) > 253 then 'it is too long'
				when o.login ~ '^@' or o.login ~ '@$' then 'nothing stands on one side of its @' end as message
			from (select i.*, row_number() over (partition by i.login order by i.username) as namesake from import_user i) o
		) b
		where b.username = u.username and b.message is not null
		returning u.username, b.message
	)
	insert into import_report (fate, source, subject, message)
	select 'lost', 'subscriber', r.username, r.message from refused r order by r.username;
end
$$;

-- One plan for each way through the groups, and for each pool that users of it have of their own.
create or replace function poprad.import_plans() returns void
language plpgsql set search_path = poprad, pg_temp as $$
declare
	one record;
	checks jsonb;
begin
	for one in
		select u.chain, u.pool from import_user u
		union select array[g.groupname] collate "C", '' from import_group g
		order by 1, 2
	loop
		checks := import_whole('[]', one.chain, 'checks');
		if one.pool <> '' then
			checks := import_move(checks, jsonb_build_array(jsonb_build_object('source', 'radcheck', 'attribute', 'Pool-Name',
				'name', 'pool-name', 'op', ':=', 'value', one.pool)));
		end if;
		insert into import_plan (chain, pool, plan, is_conditional, checks, replies)
		values (one.chain, one.pool, import_plan_name(one.chain, one.pool),
			exists (select from import_group g where g.groupname = any (one.chain) and g.is_conditional), checks,
			import_whole('[]', one.chain, 'replies'));
	end loop;
	insert into import_report (fate, source, subject, message)
	select 'change', 'plan', p.plan, case when p.chain = '{}' then 'of who is in no group'
		else 'of group ' || array_to_string(p.chain, ', then ') end || coalesce(', with pool ' || nullif(p.pool, ''), '')
	from import_plan p where cardinality(p.chain) <> 1 or p.pool <> '' order by p.plan;
end
$$;

-- Those without a group have a plan too.
create or replace function poprad.import_plan_name(chain text[], pool text) returns text
language sql stable set search_path = poprad, pg_temp as $$
	select case when octet_length(n.whole) <= 64 then n.whole else left(n.whole, 57) || '-' || left(md5(n.whole), 6) end
	from (select coalesce((select string_agg(g.plan, '+' order by c.place) from unnest(chain) with ordinality c (name, place)
			join import_group g on g.groupname = c.name),
		case when exists (select from import_group g where g.plan = 'default') then 'no-group' else 'default' end)
		|| coalesce('+' || nullif(import_name(pool), ''), '') as whole) n
$$;

-- A list of one's own ('[]': none) with those of the groups moved into it.
create or replace function poprad.import_whole(own jsonb, chain text[], which text) returns jsonb
language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	whole jsonb := own;
	list jsonb;
begin
	for list in select case which when 'checks' then g.checks else g.replies end
		from unnest(chain) with ordinality c (name, place) join import_group g on g.groupname = c.name order by c.place
	loop
		whole := import_move(whole, list);
	end loop;
	return whole;
end
$$;

-- Those for whom another pool comes out of it than for their groups.
create or replace function poprad.import_own_pools() returns void
language sql set search_path = poprad, pg_temp as $$
	update import_user u set pool = w.pool
	from (select u.username, u.chain, import_values(import_whole(u.checks, u.chain, 'checks'), 'pool-name') ->> 0 as pool
		from import_user u where import_values(u.checks, 'pool-name') is not null) w
	where w.username = u.username and w.pool <> ''
		and w.pool is distinct from import_values(import_whole('[]', w.chain, 'checks'), 'pool-name') ->> 0
$$;

-- What of his own each keeps beside his plan.
create or replace function poprad.import_own() returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	insert into import_report (fate, source, id, subject, message)
	select 'change', o.item ->> 'source', o.item ->> 'id', u.username,
		format('%s: that of group %s takes its place', o.item ->> 'attribute', g.groupname)
	from import_user u
	cross join lateral jsonb_array_elements(u.checks || u.replies) o (item)
	join import_group g on g.groupname = any (u.chain)
	where (o.item ->> 'name' <> 'pool-name' or u.pool = '') and exists (
		select from jsonb_array_elements(case o.item ->> 'source' when 'radcheck' then g.checks else g.replies end) l
		where l.value ->> 'name' = o.item ->> 'name' and l.value ->> 'op' = ':=' and l.value ->> 'value' <> o.item ->> 'value')
	order by u.username;
	update import_user u set
		checks = (select coalesce(jsonb_agg(c.value order by c.place), '[]')
			from jsonb_array_elements(import_difference(import_whole(u.checks, u.chain, 'checks'), import_of_plan(p.checks)))
				with ordinality c (value, place) where c.value ->> 'name' <> 'pool-name'),
		replies = import_difference(import_whole(u.replies, u.chain, 'replies'), p.replies)
	from import_plan p
	where p.chain = u.chain and p.pool = u.pool and ((u.checks, u.replies) <> ('[]', '[]')
		or exists (select from jsonb_array_elements(p.checks) l where import_check_place(l.value ->> 'name') <> 'plan'));
end
$$;

-- The checks that a plan can have itself; all others are each subscriber's.
create or replace function poprad.import_of_plan(checks jsonb) returns jsonb
language sql immutable as $$
	select coalesce(jsonb_agg(c.value order by c.place), '[]') from jsonb_array_elements(checks) with ordinality c (value, place)
	where poprad.import_check_place(c.value ->> 'name') = 'plan'
$$;
