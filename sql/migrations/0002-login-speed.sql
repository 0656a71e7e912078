-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A session's Start and Stop change no index: what was found by one is found by walks over the keys, which say when a
-- session was born. admit() hands parallel arrays to its helpers, no longer rows of many columns.

drop index poprad.session_authorised;
drop index poprad.session_closed;

-- How far the walks over session have come (tick() and move_closed()): every key below has been seen.
create table poprad.session_walk (
	name text primary key,
	reached uuid not null
) with (fillfactor = 50);
insert into poprad.session_walk (name, reached)
select n.name, '00000000-0000-0000-0000-000000000000'
from unnest(array['expire_recent', 'expire_all', 'move_closed']) n (name);

drop function if exists poprad.admit_turn, poprad.admit_decide, poprad.admit_give_up, poprad.admit_lease,
	poprad.admit_search, poprad.admit_store, poprad.is_address_for;
drop type poprad.admission, poprad.login_request;
