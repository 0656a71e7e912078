-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- An authorised session whose address was moved to another login of its subscriber, or became free, before its Start came.
-- The Start of any other one need not ask whose its address is (functions/admit_give_up.sql).
alter table poprad.session add column is_lease_gone boolean;
alter table poprad.session_history add column is_lease_gone boolean;
do $$
declare
	archive regclass;
begin
	for archive in
		select c.oid from pg_class c
		where c.relnamespace = 'poprad'::regnamespace and c.relkind = 'r' and c.relname ~ '^session_archive_[0-9]{6}$'
	loop
		execute format('alter table %s add column is_lease_gone boolean', archive);
	end loop;
end
$$;
update poprad.session s set is_lease_gone = true
where s.state = 'authorised' and s.address is not null and not exists (
	select from poprad.address a where a.address = s.address and a.session_key = s.session_key);
