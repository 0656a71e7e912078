-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Housekeeping that every worker calls now and then: moves sessions that have been closed for an hour into
-- session_history, at most max of them (and never more than 500), passing over rows that somebody works on. The names
-- of sessions that went there a day ago are forgotten: a packet without Class that comes later still makes a record
-- of its own.

drop function if exists poprad.move_closed;
create function poprad.move_closed(max int[])
returns table (ord int, moved int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	max_moved constant int := 500; -- rows that one transaction may hold
	many int;
	place int;
begin
	for many, place in select least(m.max, max_moved), m.ord from unnest(max) with ordinality m (max, ord) loop
		ord := place;
		moved := session_to_history(array(
			select s.session_key from session s
			where s.closed_at < now() - interval '1 hour'
			order by s.closed_at
			limit many
			for update skip locked));
		delete from session_alias a
		where a.session_key = any (array(
			select o.session_key from session_alias o
			where o.moved_at < now() - interval '1 day'
			order by o.moved_at
			limit max_moved
			for update skip locked));
		return next;
	end loop;
end
$$;
