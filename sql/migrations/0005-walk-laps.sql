-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Where the lap of a walk ends that goes round and round (session_walk_part).

alter table poprad.session_walk add column lap_end uuid; -- null: it was not walked in laps yet
