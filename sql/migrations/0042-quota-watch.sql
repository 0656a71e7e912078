-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- At which of its counters a session is to be looked at, because it may have used up a quota; null: it is not watched.
-- What the sessions of a subscriber may count before each of these is together no more than what is left (quota_watch.sql).

do $$
declare
	name text;
begin
	foreach name in array array['session', 'session_history']
		|| array(select c.relname from pg_class c where c.relnamespace = 'poprad'::regnamespace
			and c.relkind = 'r' and c.relname ~ '^session_archive_[0-9]{6}$')
	loop
		execute format('alter table poprad.%I add column quota_at_s bigint, add column quota_at_in bigint,
			add column quota_at_out bigint', name);
	end loop;
end
$$;

-- Nobody pays for quotas and balances where nobody has one. Once a subscriber has had one of his own, the first stays true.
alter table poprad.catalog_version
	add column has_own_quotas boolean not null default false,
	add column has_quotas boolean not null default false;
update poprad.catalog_version set has_own_quotas = exists (
	select from poprad.subscriber_policy p
	where p.quota_day_s > 0 or p.quota_day_octets > 0 or p.quota_month_s > 0 or p.quota_month_octets > 0 or p.prepaid);
update poprad.catalog_version set has_quotas = has_own_quotas or exists (
	select from poprad.plan p
	where p.quota_day_s > 0 or p.quota_day_octets > 0 or p.quota_month_s > 0 or p.quota_month_octets > 0 or p.prepaid);
drop index poprad.plan_metered;
drop index poprad.subscriber_policy_metered;
