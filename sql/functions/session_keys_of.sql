-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The sessions of a login, open, closed and in history: those of the subscriber, and those with that user name, which may
-- be nobody's. Of the many only the newest (by the time of their birth) if newest is given: months are then read from the
-- last one back, until there are enough.

drop function if exists poprad.session_keys_of;
create function poprad.session_keys_of(asked text, newest bigint default null)
returns setof uuid language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	owner int := (select s.subscriber_id from subscriber s where s.login = asked collate "C");
begin
	return query
	select u.session_key from (
		select s.session_key from session s where s.subscriber_id = owner
		union
		select s.session_key from session s where s.user_name = asked and s.subscriber_id is null
		union
		(select h.session_key from session_history h where h.subscriber_id = owner order by h.session_key desc limit newest)
		union
		(select h.session_key from session_history h where h.user_name = asked order by h.session_key desc limit newest)
	) u
	order by u.session_key desc
	limit newest;
end
$$;
