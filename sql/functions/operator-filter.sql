-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What the operator changes in filters. A null argument leaves the column as it is.

-- The filter's key; its row is locked, so that its rules change one call at a time.
create or replace function poprad.filter_lock(filter_name text) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	found_id int;
begin
	select f.filter_id into found_id from filter f where f.name = filter_name for update;
	if not found then
		raise exception 'there is no filter %', filter_name using errcode = 'P0002', hint = 'see popradctl filter list';
	end if;
	return found_id;
end
$$;

-- Inserts rules from position first on. rules: a JSON array of {"action", "protocol", "source", "source_pool",
-- "source_comparison", "source_ports", "destination", ..., "is_established"}; source is any, a network, or pool.
create or replace function poprad.filter_rules_insert(wanted_filter_id int, first int, rules jsonb) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	missing text;
begin
	if (select count(*) from filter_rule r where r.filter_id = wanted_filter_id) + jsonb_array_length(rules) > 256 then
		raise exception 'a filter has 256 rules at most' using hint = 'make it shorter';
	end if;
	select e.name into missing
	from jsonb_to_recordset(rules) as r(source_pool text, destination_pool text), unnest(array[r.source_pool, r.destination_pool]) as e(name)
	where e.name is not null and not exists (select from pool p where p.name = e.name) limit 1;
	if found then
		raise exception 'there is no pool %', missing using errcode = 'P0002', hint = format('popradctl pool add %s CIDR', missing);
	end if;
	insert into filter_rule (filter_id, position, action, protocol, source, source_pool_id, source_comparison, source_ports,
		destination, destination_pool_id, destination_comparison, destination_ports, is_established)
	select wanted_filter_id, first - 1 + e.place, r.action, r.protocol,
		r.source, (select p.pool_id from pool p where p.name = r.source_pool), r.source_comparison, r.source_ports,
		r.destination, (select p.pool_id from pool p where p.name = r.destination_pool), r.destination_comparison,
		r.destination_ports, r.is_established
	from jsonb_array_elements(rules) with ordinality as e(rule, place), jsonb_to_record(e.rule) as r(action text, protocol text,
		source text, source_pool text, source_comparison text, source_ports int[], destination text, destination_pool text,
		destination_comparison text, destination_ports int[], is_established boolean);
end
$$;

-- rules replaces all there are.
create or replace function poprad.filter_change(filter_name text, direction text, scope text, purpose text, rules jsonb) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_filter_id int := filter_lock(filter_name);
	other text;
begin
	select s.name into other from filter_set s
	where filter_change.direction = 'out' and s.in_filter_id = wanted_filter_id
		or filter_change.direction = 'in' and s.out_filter_id = wanted_filter_id;
	if found then
		raise exception 'filter set % has it for the other direction', other using hint = 'see popradctl filterset show';
	end if;
	update filter f set
		direction = coalesce(filter_change.direction, f.direction),
		scope = coalesce(filter_change.scope, f.scope),
		purpose = coalesce(filter_change.purpose, f.purpose)
	where f.filter_id = wanted_filter_id;
	if rules is null then
		return;
	end if;
	delete from filter_rule where filter_id = wanted_filter_id;
	perform filter_rules_insert(wanted_filter_id, 1, rules);
end
$$;

create or replace function poprad.filter_add(filter_name text, direction text, scope text, purpose text, rules jsonb) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	insert into filter (name, direction) values (filter_name, direction);
	perform filter_change(filter_name, null, scope, purpose, rules);
end
$$;

-- Moves the rules from that position on by one, up or down. Positions are always 1, 2, 3, ..., and unique at every
-- moment: so the rules go out of the way first.
create or replace function poprad.filter_rules_move(wanted_filter_id int, first int, distance int) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	update filter_rule set position = position + 1000 where filter_id = wanted_filter_id and position >= first;
	update filter_rule set position = position - 1000 + distance where filter_id = wanted_filter_id and position > 1000;
end
$$;

-- Puts one rule before the one at that position; null, or one more than there are: behind all. rules is an array of one.
create or replace function poprad.filter_rule_add(filter_name text, rules jsonb, wanted int) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_filter_id int := filter_lock(filter_name);
	present int := (select count(*) from filter_rule r where r.filter_id = wanted_filter_id);
begin
	if wanted not between 1 and present + 1 then
		raise exception 'filter % has % rules', filter_name, present using hint = format('give a position from 1 to %s', present + 1);
	end if;
	perform filter_rules_move(wanted_filter_id, wanted, 1);
	perform filter_rules_insert(wanted_filter_id, coalesce(wanted, present + 1), rules);
end
$$;

create or replace function poprad.filter_rule_remove(filter_name text, gone int) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_filter_id int := filter_lock(filter_name);
begin
	delete from filter_rule r where r.filter_id = wanted_filter_id and r.position = gone;
	if not found then
		raise exception 'filter % has no rule %', filter_name, gone using errcode = 'P0002', hint = 'see popradctl filter show';
	end if;
	perform filter_rules_move(wanted_filter_id, gone + 1, -1);
end
$$;

-- The key of a filter of that direction; null and '' stay null.
create or replace function poprad.filter_get(filter_name text, wanted_direction text) returns int
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
declare
	found_filter record;
begin
	if coalesce(filter_name, '') = '' then
		return null;
	end if;
	select f.filter_id, f.direction into found_filter from filter f where f.name = filter_name;
	if not found then
		raise exception 'there is no filter %', filter_name using errcode = 'P0002', hint = 'see popradctl filter list';
	end if;
	if found_filter.direction <> wanted_direction then
		raise exception 'the direction of filter % is %, not %', filter_name, found_filter.direction, wanted_direction
			using hint = 'see popradctl filter show';
	end if;
	return found_filter.filter_id;
end
$$;

-- in_name or out_name '' takes that filter out. names: {"usr": "resid"} adds or changes what the set is called there,
-- and {"usr": ""} takes it away.
create or replace function poprad.filter_set_change(set_name text, in_name text, out_name text, purpose text, names jsonb) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	wanted_id int;
	in_id int := filter_get(in_name, 'in');
	out_id int := filter_get(out_name, 'out');
begin
	select s.filter_set_id into wanted_id from filter_set s where s.name = set_name for update;
	if not found then
		raise exception 'there is no filter set %', set_name using errcode = 'P0002', hint = 'see popradctl filterset list';
	end if;
	update filter_set s set
		in_filter_id = case when in_name is null then s.in_filter_id else in_id end,
		out_filter_id = case when out_name is null then s.out_filter_id else out_id end,
		purpose = coalesce(filter_set_change.purpose, s.purpose)
	where s.filter_set_id = wanted_id;
	delete from filter_set_name n where n.filter_set_id = wanted_id and names ? n.kind;
	insert into filter_set_name (filter_set_id, kind, name)
	select wanted_id, n.key, n.value from jsonb_each_text(names) as n where n.value <> '';
end
$$;

create or replace function poprad.filter_set_add(set_name text, in_name text, out_name text, purpose text, names jsonb) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	insert into filter_set (name, in_filter_id, out_filter_id)
	values (set_name, filter_get(in_name, 'in'), filter_get(out_name, 'out'));
	perform filter_set_change(set_name, null, null, purpose, names);
end
$$;
