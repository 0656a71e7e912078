-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The functions of the login path, for the daemon. What they call runs as poprad_owner and is nobody else's.

do $$
declare
	name text;
begin
	foreach name in array array['find', 'find_metered', 'admit', 'learn_message_authenticator', 'free_addresses', 'tick', 'catalog',
			'catalog_version'] loop
		execute format('grant execute on function poprad.%I to poprad_server', name);
	end loop;
end
$$;
