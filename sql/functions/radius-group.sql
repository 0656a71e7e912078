-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Groups are plans.

-- The plan of that name, made if it is new; its row is locked.
create or replace function radius.group_get(wanted text) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	found_id int;
begin
	select p.plan_id into found_id from plan p where p.name = wanted for update;
	if not found then
		insert into plan (name) values (wanted) returning plan_id into found_id;
	end if;
	return found_id;
end
$$;

create or replace function radius.group_policy(wanted text, changes jsonb) returns void
language sql security definer set search_path = poprad, pg_temp as $$
	select plan_set(wanted, null, null, null, null, null, changes, null, null, null)
$$;

create or replace function radius.radgroupcheck_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	if tg_op <> 'INSERT' then
		perform radius.group_get(old.groupname);
		if old.attribute = 'Simultaneous-Use' then
			perform radius.group_policy(old.groupname, '{"session_limit": 0}');
		else
			perform plan_set(old.groupname, '', null, null, null, null, null, null, null, null);
		end if;
	end if;
	if tg_op = 'DELETE' then
		return old;
	end if;
	perform radius.group_get(new.groupname);
	case lower(new.attribute)
	when 'simultaneous-use' then
		perform radius.group_policy(new.groupname, jsonb_build_object('session_limit', radius.number_of(new.attribute, new.value)));
	when 'pool-name' then
		perform plan_set(new.groupname, new.value, null, null, null, null, null, null, null, null);
	else
		perform radius.refuse(new.attribute, 'there is no such check of a plan', 'see freeradius-schema.md');
	end case;
	return new;
end
$$;

create or replace function radius.radgroupreply_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted int;
begin
	if tg_op <> 'INSERT' then
		wanted := radius.group_get(old.groupname);
		if old.id % 256 < 16 then
			perform radius.group_policy(old.groupname, jsonb_build_object(radius.policy_column(old.attribute), 0));
		else
			-- The first that says the same: the places have changed if another row went before it in this statement.
			update plan p set attributes = array(
				select a.line from unnest(p.attributes) with ordinality a (line, place)
				where a.place <> (select coalesce(min(b.place), 0) from unnest(p.attributes) with ordinality b (line, place)
					where radius.line_name(b.line) = old.attribute and radius.line_value(b.line) = old.value)
				order by a.place)
			where p.plan_id = wanted;
		end if;
	end if;
	if tg_op = 'DELETE' then
		return old;
	end if;
	wanted := radius.group_get(new.groupname);
	if coalesce(new.op, '=') not in ('=', ':=', '+=') then
		perform radius.refuse(new.attribute || ' ' || new.op, 'a reply attribute is set with =, := or +=', null);
	elsif lower(new.attribute) = 'fall-through' then
		perform radius.refuse(new.attribute, 'a subscriber has one plan', 'give him a plan that has what he is to have');
	elsif lower(new.attribute) in ('session-timeout', 'idle-timeout', 'acct-interim-interval') then
		perform radius.group_policy(new.groupname, jsonb_build_object(radius.policy_column(new.attribute),
			radius.number_of(new.attribute, new.value)));
	elsif lower(new.attribute) in ('framed-ip-address', 'framed-ipv6-address') then
		perform radius.refuse(new.attribute, 'a plan gives the addresses of its pool', 'radgroupcheck, Pool-Name');
	else
		update plan p set attributes = array_append(case when new.op = ':=' then array(
			select a.line from unnest(p.attributes) with ordinality a (line, place)
			where lower(radius.line_name(a.line)) <> lower(new.attribute) order by a.place)
			else p.attributes end, format('%s = %s', new.attribute, new.value))
		where p.plan_id = wanted;
	end if;
	return new;
end
$$;
