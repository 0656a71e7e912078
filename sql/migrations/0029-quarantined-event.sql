-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What was read from a packet that the database refused, so that it can be stored later as if it had just come.

alter table poprad.accounting_quarantine add column event text; -- hex, src/acct/event_form.h; null: kept by an earlier version
