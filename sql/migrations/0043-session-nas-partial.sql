-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A plan that was made while the table was empty looked sessions up by their key in this index too, all of it each time.
-- It serves those alone who name the NAS now: that is what the predicate, which is always true, is for.
drop index poprad.session_nas;
create index session_nas on poprad.session (nas_id, session_key) where nas_id is not null;
