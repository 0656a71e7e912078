-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Until when a session waits for its Start: authorised_s of time in which accounting could be stored (tick() counts it);
-- on a NAS without accounting for its Session-Timeout, and without one until the subscriber logs in on that line again,
-- has authorised_max newer ones, or an operator closes it.

drop function if exists poprad.admit_until;
create function poprad.admit_until(no_accounting boolean, session_timeout_s int, authorised_s int) returns timestamptz
language sql stable as $$
	select now() + make_interval(secs => case when no_accounting then nullif(session_timeout_s, 0) else authorised_s end)
$$;
