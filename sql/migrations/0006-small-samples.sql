-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The tables that every login changes are analysed again and again, just when many come at once. Their statements find
-- what they need by key, whatever the statistics say; a small sample does for the operator's lists.

do $$
declare
	one record;
begin
	for one in
		select a.attrelid::regclass as name, a.attname
		from pg_attribute a
		where a.attrelid in ('poprad.session'::regclass, 'poprad.session_alias'::regclass, 'poprad.address'::regclass)
			and a.attnum > 0 and not a.attisdropped
	loop
		execute format('alter table %s alter column %I set statistics 10', one.name, one.attname);
	end loop;
end
$$;
