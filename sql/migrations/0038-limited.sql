-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Whether there is anybody at all who may have so many sessions and no more: a Start of all others need not ask who he is
-- (functions/account_limit.sql).
create index plan_limited on poprad.plan (plan_id) where session_limit > 0;
create index subscriber_policy_limited on poprad.subscriber_policy (subscriber_id) where session_limit > 0;
