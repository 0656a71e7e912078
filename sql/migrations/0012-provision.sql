-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a session is provided with besides address and filters. in: from the subscriber into the access server; out:
-- towards him. A NAS is told both rates or none.

alter table poprad.plan
	add column rate_in_kbit int not null default 0 check (rate_in_kbit between 0 and 100000000), -- 0: no limit
	add column rate_out_kbit int not null default 0 check (rate_out_kbit between 0 and 100000000),
	add column dns_servers inet[] not null default '{}' check (cardinality(dns_servers) <= 4 and coalesce(array_ndims(dns_servers), 1) = 1
		and array_position(dns_servers, null) is null and array_to_string(dns_servers, ' ') !~ '/'), -- addresses alone; two of a family are told
	add constraint plan_rates_check check ((rate_in_kbit = 0) = (rate_out_kbit = 0));

alter table poprad.subscriber_policy
	add column rate_in_kbit int check (rate_in_kbit between 0 and 100000000),
	add column rate_out_kbit int check (rate_out_kbit between 0 and 100000000),
	add column dns_servers inet[] check (cardinality(dns_servers) <= 4 and coalesce(array_ndims(dns_servers), 1) = 1
		and array_position(dns_servers, null) is null and array_to_string(dns_servers, ' ') !~ '/'),
	add constraint subscriber_policy_rates_check check ((rate_in_kbit is null) = (rate_out_kbit is null)
		and (rate_in_kbit = 0) is not distinct from (rate_out_kbit = 0));
