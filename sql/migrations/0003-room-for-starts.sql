-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Room for what the Start adds to every row of a page: no Start has to write its session to another page, and to the
-- indexes. Pages that are full already change as their rows do.

alter table poprad.session set (fillfactor = 40);
