-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Suspended and expired subscribers may be let in with another plan: a walled garden with its own pool, filters and times.

alter table poprad.plan
	add column suspended_plan_id int references poprad.plan, -- null: reject
	add column expired_plan_id int references poprad.plan,
	add constraint plan_suspended_plan_id_check check (suspended_plan_id <> plan_id),
	add constraint plan_expired_plan_id_check check (expired_plan_id <> plan_id);
