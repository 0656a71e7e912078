-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a billing system may read: the views that are made for it, and nothing else. Passwords and secrets are in none of them.

-- what earlier versions gave it
revoke all on all tables in schema poprad, radius from poprad_billing;
revoke all on all functions in schema poprad, radius from poprad_billing;
revoke all on schema radius from poprad_billing;

grant select on poprad.billing_subscriber, poprad.billing_session, poprad.billing_online, poprad.billing_usage_day, poprad.billing_usage_month,
	poprad.billing_reseller_month to poprad_billing;
grant execute on function
	poprad.billing_changes(bigint, int),
	poprad.billing_changes_part(bigint, bigint, int),
	poprad.billing_first(date),
	poprad.billing_newest(),
	poprad.billing_rate(date, int, int),
	poprad.billing_rate_part(date, int, int)
to poprad_billing, poprad_operator;
grant insert, update, delete on poprad.tariff to poprad_operator;
