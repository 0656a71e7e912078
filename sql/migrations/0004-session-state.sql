-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The state of a session is written by poprad's functions alone. PostgreSQL reads a check constraint from its text anew
-- for every statement, which a lone record waits for.

alter table poprad.session drop constraint session_state_check;
