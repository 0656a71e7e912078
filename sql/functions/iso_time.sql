-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Times as they stand in documents for people and programs: UTC, to the second.

drop function if exists poprad.why_time; -- of an earlier version
create or replace function poprad.iso_time(at timestamptz)
returns text language sql stable set search_path = poprad, pg_temp as $$
	select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
