-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a billing system may read beside radius.radacct: who has which plan. Passwords and secrets are not its business.

grant select on poprad.realm, poprad.plan, poprad.subscriber_policy to poprad_billing;
grant select (subscriber_id, login, realm_id, plan_id, status, expires_at, static_address, framed_ipv6_prefix, delegated_ipv6_prefix, created_at)
	on poprad.subscriber to poprad_billing;
