-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- All sessions of a login, open, closed and in history: those of the subscriber, and those with that user name, which may
-- be nobody's.

drop function if exists poprad.session_keys_of;
create function poprad.session_keys_of(asked text)
returns setof uuid language plpgsql stable set search_path = poprad, pg_temp as $$
declare
	owner int := (select s.subscriber_id from subscriber s where s.login = asked collate "C");
begin
	return query
	select s.session_key from session s where s.subscriber_id = owner
	union
	select s.session_key from session s where s.user_name = asked and s.subscriber_id is null
	union
	select h.session_key from session_history h where h.subscriber_id = owner
	union
	select h.session_key from session_history h where h.user_name = asked;
end
$$;
