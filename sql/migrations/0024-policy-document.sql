-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a subscriber has of his own is read at each of his logins, and written seldom: the text that the server reads is
-- kept ready. A trigger makes it of all other columns; a migration that gives them values by other ways than insert and
-- update has to touch the rows.

alter table poprad.subscriber_policy add column document text;
update poprad.subscriber_policy p set document = jsonb_strip_nulls(to_jsonb(p) - 'subscriber_id' - 'document')::text;
alter table poprad.subscriber_policy alter column document set not null;
