-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What the newest record says of a session besides time and counters, as a number: an Interim-Update that brings the same
-- number needs no comparing (account_interim).

alter table poprad.session add fingerprint bigint; -- null: not known, or of an older record
alter table poprad.session_history add fingerprint bigint;
