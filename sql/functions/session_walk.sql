-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The walks over session in laps (tick() and move_closed()): which keys come next.
-- A lap ends with the keys that are born when it begins. If it went on to the newest one, it would never end while more
-- sessions are born than a call may look at. Keys that are not born yet by our clock come of a clock that runs ahead:
-- they are the last of each lap, and few.

drop function if exists poprad.session_walk_part;
create function poprad.session_walk_part(reached uuid, lap_end uuid, -- of session_walk
	out first_key uuid, out last_key uuid, -- those that come next are from here to there,
	out unborn uuid, -- and then from here on
	out lap_start uuid) -- where the next lap begins
language sql stable set search_path = poprad, pg_temp as $$
	select reached, case when reached = l.lap_start then u.unborn else coalesce(lap_end, u.unborn) end,
		greatest(reached, u.unborn), l.lap_start
	from session_key_first(now() + interval '1 second') u (unborn),
		(values ('00000000-0000-0000-0000-000000000000'::uuid)) l (lap_start)
$$;

-- The sessions of a part, rows_max at most. One plain statement, so that PostgreSQL folds it into the one that reads them.
drop function if exists poprad.session_walk_rows;
create function poprad.session_walk_rows(first_key uuid, last_key uuid, unborn uuid, rows_max int)
returns setof poprad.session language sql stable as $$
	(select * from poprad.session s
	where s.session_key >= first_key and s.session_key <= last_key
	order by s.session_key
	limit rows_max)
	union all
	(select * from poprad.session s where s.session_key >= unborn order by s.session_key limit rows_max)
	limit rows_max
$$;
