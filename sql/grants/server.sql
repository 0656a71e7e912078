-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What the daemon may do: call the server's functions, which run as poprad_owner. It sees no table.

grant usage on schema poprad to poprad_server, poprad_operator, poprad_billing;
grant usage on schema radius to poprad_operator;
