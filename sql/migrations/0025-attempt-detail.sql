-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a reason alone does not say: what came, and what was expected then.

alter table poprad.auth_attempt add column detail text;
