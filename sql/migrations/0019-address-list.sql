-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The list of its firewall that a MikroTik router puts the session's address on.

alter table poprad.plan
	add column address_list text not null default '' check (address_list ~ '^[-A-Za-z0-9._+:]{0,64}$'); -- '': none
alter table poprad.subscriber_policy
	add column address_list text check (address_list ~ '^[-A-Za-z0-9._+:]{0,64}$');
