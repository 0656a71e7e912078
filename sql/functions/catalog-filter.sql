-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A filter's rules as the lines that are read again, by the workers and by popradctl.

-- A side of a rule: "10.0.1.0/28 eq 25", "pool dynamic".
create or replace function poprad.filter_side_text(network text, network_pool_id int, comparison text, ports int[]) returns text
language sql stable security definer set search_path = poprad, pg_temp as $$
	select concat_ws(' ', network, (select p.name from pool p where p.pool_id = network_pool_id), nullif(comparison, ''),
		nullif(array_to_string(ports, ' '), ''))
$$;

-- A rule as a line, with numbers for ports.
create or replace function poprad.filter_rule_text(rule poprad.filter_rule) returns text
language sql stable security definer set search_path = poprad, pg_temp as $$
	select concat_ws(' ', (rule).action, (rule).protocol,
		filter_side_text((rule).source, (rule).source_pool_id, (rule).source_comparison, (rule).source_ports),
		filter_side_text((rule).destination, (rule).destination_pool_id, (rule).destination_comparison, (rule).destination_ports),
		case when (rule).is_established then 'established' end)
$$;
