-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- How long the answer to a wrong password was held back because others of that login or that line had come before: what
-- popradctl why tells of somebody who guesses.
alter table poprad.auth_attempt add column held_ms int; -- null: no longer than every Access-Reject
