-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Networks behind a subscriber's line, which the access server routes to it.

alter table poprad.subscriber_policy
	add column routes cidr[] check (cardinality(routes) <= 16 and coalesce(array_ndims(routes), 1) = 1
		and array_position(routes, null) is null);
