-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A small internet provider to try poprad with, and to copy from: modems and DSL, dynamic and static customers, and the
-- filters that keep spam in check. Applied by `popradctl db sample`, never by a migration; applied again it adds what
-- is missing and leaves alone what is there.
--
--   10.0.1.0/24   the provider's servers; 10.0.1.0/28 are its mail servers
--   10.0.3.0/24   the modem equipment: the addresses from which RADIUS comes
--   10.0.4.0/22   customers with static addresses
--   10.0.8.0/21   dynamic customers
--   192.168.4.0/22  more dynamic customers. On paper this range is 192.168.6.0/22, which is no network: a /22 begins at
--                 a multiple of 4 in the third octet, and the one that holds 192.168.6.0 is 192.168.4.0/22

insert into poprad.realm (name) values ('isp.example') on conflict do nothing;

insert into poprad.nas (name, prefix, secret, kind, require_message_authenticator) values
	('modem-bank', '10.0.3.0/24', 'testing123', 'cisco', 'auto'),
	-- People test from here with every kind of client, some of which never sign.
	('localhost', '127.0.0.0/8', 'testing123', 'cisco', 'no'),
	('localhost6', '::1/128', 'testing123', 'cisco', 'no')
on conflict do nothing;

select poprad.pool_add('dynamic', network, null, false)
from unnest(array['10.0.8.0/21', '192.168.4.0/22']::cidr[]) as network
where not exists (select from poprad.pool_range where prefix && network);

with added as (
	insert into poprad.filter (name, direction, scope, purpose) values
		('to-general-customer-equipment', 'out', 'anywhere',
			'No probes of dynamic customers, and no servers or open proxies on them.'),
		('from-general-customer-equipment', 'in', 'own-network', 'Customers'' mail leaves through our mail servers.'),
		('from-internet', 'in', 'router', 'Only our mail servers take mail from outside.')
	on conflict do nothing
	returning filter_id, name
)
insert into poprad.filter_rule (filter_id, position, action, protocol, source, source_pool_id, destination, destination_pool_id,
	destination_comparison, destination_ports)
select added.filter_id, rule.position, rule.action, rule.protocol,
	rule.source, case rule.source when 'pool' then pool.pool_id end,
	rule.destination, case rule.destination when 'pool' then pool.pool_id end,
	case when rule.ports = '{}' then '' else 'eq' end, rule.ports::int[]
from added
join (values
	-- smtp, www, pop2, pop3, netbios, irc, https, socks and two ports of web proxies
	('to-general-customer-equipment', 1, 'deny', 'tcp', 'any', 'pool', '{25,80,109,110,139,194,443,1080,8000,8080}'),
	('to-general-customer-equipment', 2, 'permit', 'ip', 'any', 'any', '{}'),
	('from-general-customer-equipment', 1, 'permit', 'tcp', 'pool', '10.0.1.0/28', '{25}'),
	('from-general-customer-equipment', 2, 'deny', 'tcp', 'pool', 'any', '{25}'),
	('from-general-customer-equipment', 3, 'permit', 'ip', 'any', 'any', '{}'),
	('from-internet', 1, 'permit', 'tcp', 'any', '10.0.1.0/28', '{25}'),
	('from-internet', 2, 'deny', 'tcp', 'any', 'any', '{25}'),
	('from-internet', 3, 'permit', 'ip', 'any', 'any', '{}')
) as rule (filter_name, position, action, protocol, source, destination, ports) on rule.filter_name = added.name
cross join poprad.pool where pool.name = 'dynamic';

with added as (
	insert into poprad.filter_set (name, in_filter_id, out_filter_id, purpose)
	select 'general-customer-equipment', coming.filter_id, going.filter_id, 'Both filters of dynamic customers.'
	from poprad.filter coming, poprad.filter going
	where coming.name = 'from-general-customer-equipment' and going.name = 'to-general-customer-equipment'
	on conflict do nothing
	returning filter_set_id
)
insert into poprad.filter_set_name (filter_set_id, kind, name)
select filter_set_id, kind, 'general' from added, unnest(array['usr', 'portmaster']) as kind;

-- No plan limits the number of sessions, so that the sample can be tried from several places at once.
with added as (
	insert into poprad.plan (name, pool_id, session_timeout_s, idle_timeout_s, interim_s)
	select plan.name, pool.pool_id, plan.session_timeout_s, plan.idle_timeout_s, 600
	from (values
		('dialup', 'dynamic', 8 * 3600, 900),
		('dsl-dynamic', 'dynamic', 0, 0),
		('dsl-static', null, 0, 0)
	) as plan (name, pool_name, session_timeout_s, idle_timeout_s)
	left join poprad.pool on pool.name = plan.pool_name
	on conflict do nothing
	returning plan_id, name
)
-- Customers with static addresses may run servers, and send mail themselves.
insert into poprad.plan_filter (plan_id, position, filter_id)
select added.plan_id, wanted.position, filter.filter_id
from added
join (values
	('dialup', 1, 'to-general-customer-equipment'),
	('dialup', 2, 'from-general-customer-equipment'),
	('dsl-dynamic', 1, 'to-general-customer-equipment'),
	('dsl-dynamic', 2, 'from-general-customer-equipment')
) as wanted (plan_name, position, filter_name) on wanted.plan_name = added.name
join poprad.filter on filter.name = wanted.filter_name;

insert into poprad.subscriber (login, plan_id, password, static_address)
select wanted.login, plan.plan_id, wanted.password, wanted.static_address
from (values
	('demo@isp.example', 'dialup', 'dial-up', null::inet),
	('static@isp.example', 'dsl-static', 'fixed-line', '10.0.4.10')
) as wanted (login, plan_name, password, static_address)
join poprad.plan on plan.name = wanted.plan_name
on conflict do nothing;
