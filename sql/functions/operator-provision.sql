-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Whether rates and name servers can be told to an access server, as a sentence for the operator where they cannot.

create or replace function poprad.provision_check(rate_in_kbit int, rate_out_kbit int, dns_servers inet[]) returns void
language plpgsql stable security definer set search_path = poprad, pg_temp as $$
begin
	if (rate_in_kbit > 0) is distinct from (rate_out_kbit > 0) then
		raise exception 'a rate in one direction alone cannot be told' using hint = 'give both --rate-in and --rate-out, or the same of both';
	end if;
	if exists (select from unnest(dns_servers) as s (server) group by family(s.server) having count(*) > 2) then
		raise exception 'more than two name servers of a family' using hint = 'a NAS is told a primary and a secondary one';
	end if;
	if (select count(*) <> count(distinct s.server) from unnest(dns_servers) as s (server)) then
		raise exception 'a name server is given twice' using hint = 'name each once';
	end if;
end
$$;
