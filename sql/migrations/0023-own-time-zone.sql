-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A subscriber may live by another clock than his plan's.

alter table poprad.subscriber_policy add column time_zone text check (octet_length(time_zone) between 1 and 64); -- an IANA name
