-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- popradctl import freeradius: the source's rows are copied into the tables import_*, then resolved and written, in one
-- transaction; sessions follow in many. An import that is repeated writes what has changed in the source, and nothing that was changed here.

-- One at a time, until its connection ends. Whatever an earlier one left is gone.
create or replace function poprad.import_begin() returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	if not pg_try_advisory_lock(hashtextextended('poprad.import', 0)) then
		raise exception 'another import is under way';
	end if;
	perform import_clear();
end
$$;

create or replace function poprad.import_clear() returns void
language sql security definer set search_path = poprad, pg_temp as $$
	truncate import_radcheck, import_radreply, import_radgroupcheck, import_radgroupreply, import_radusergroup, import_nas,
		import_radippool, import_radacct, import_group, import_plan, import_user, import_report restart identity
$$;

-- In MySQL names are compared without case: a user's rows are brought under one spelling, that of his first.
create or replace function poprad.import_fold_case() returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	one record;
begin
	for one in
		select lower(n.name) as folded, (array_agg(n.name order by n.rank, n.place))[1] as name
		from (select 1 as rank, place, username as name from import_radcheck union all select 2, place, username from import_radreply
			union all select 3, place, username from import_radusergroup) n
		group by 1 having count(distinct n.name collate "C") > 1
	loop
		update import_radcheck i set username = one.name where lower(i.username) = one.folded;
		update import_radreply i set username = one.name where lower(i.username) = one.folded;
		update import_radusergroup i set username = one.name where lower(i.username) = one.folded;
		insert into import_report (fate, source, subject, message)
		values ('change', 'subscriber', one.name, 'his name is spelt in several ways; he logs in with this one');
	end loop;
end
$$;

-- Everything but sessions (import_sessions). zone: of the times that name none. is_forced: what was changed here is written over.
create or replace function poprad.import_settings(zone text, is_forced boolean) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	analyze import_radcheck, import_radreply, import_radgroupcheck, import_radgroupreply, import_radusergroup, import_radippool;
	perform import_refuse();
	perform import_groups();
	perform import_users();
	perform import_users_refuse();
	perform import_own_pools();
	perform import_plans();
	perform import_own();
	analyze import_user, import_plan;
	perform import_nas_write(is_forced);
	perform import_pools_write();
	perform import_plans_write(is_forced);
	perform import_subscribers_write(is_forced, zone);
	perform import_last_addresses();
end
$$;

-- What popradctl looks at with the dictionary and the readers of passwords: lines as a reply has them, and stored passwords.
create or replace function poprad.import_texts() returns table (source text, id text, owner text, attribute text, line text, password text)
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
begin
	return query
	select i.source, i.id, i.owner, i.attribute, format('%s = %s', i.attribute, i.value), null
	from import_understood i
	where i.source in ('radreply', 'radgroupreply') and i.is_understood and i.name <> 'fall-through'
	union all
	select 'radcheck', null, s.login, 'password', null, s.password
	from import_user u join subscriber s using (login) where s.password <> '{none}';
end
$$;

-- What came out of that.
create or replace function poprad.import_tell(sources text[], ids text[], owners text[], messages text[]) returns void
language sql security definer set search_path = poprad, pg_temp as $$
	insert into import_report (fate, source, id, subject, message)
	select 'lost', t.source, t.id, t.owner, t.message from unnest(sources, ids, owners, messages) t (source, id, owner, message)
$$;
