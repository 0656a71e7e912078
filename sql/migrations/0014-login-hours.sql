-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Hours of the week in which a subscriber may log in, by his plan's clock.

-- "Mo-Fr 18:00-23:00, Sa-Su 00:00-24:00", or "always"; whatever passes here, src/base/hours.c can read.
create domain poprad.login_hours as text check (octet_length(value) between 1 and 253 and value ~* replace(
	'^(always|ENTRY( *, *ENTRY)* *)$', 'ENTRY', '(mo|tu|we|th|fr|sa|su)(-(mo|tu|we|th|fr|sa|su))? +'
	'([01]?[0-9]|2[0-3]):[0-5][0-9]-(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)'));

alter table poprad.plan
	add column login_hours poprad.login_hours not null default 'always',
	add column time_zone text not null default 'UTC' check (octet_length(time_zone) between 1 and 64); -- an IANA name
alter table poprad.subscriber_policy add column login_hours poprad.login_hours;
