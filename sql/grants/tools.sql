-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Tools written for FreeRADIUS's tables: its views, and nothing else. They see passwords and secrets there, as they do in
-- FreeRADIUS's own.

grant usage on schema radius to poprad_tools;
grant select, insert, update, delete on radius.radacct, radius.radcheck, radius.radreply, radius.radgroupcheck, radius.radgroupreply,
	radius.radusergroup, radius.radpostauth, radius.nas, radius.radippool to poprad_tools;
grant execute on function radius.line_name(text), radius.line_value(text) to poprad_operator, poprad_tools;
