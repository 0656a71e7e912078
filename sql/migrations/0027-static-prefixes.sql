-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- IPv6 prefixes that a subscriber always gets. A prefix that may be leased is a row of poprad.address as an address is: its
-- network with its length. No such row lies in another, but for a subscriber's static address in his own prefix.

alter table poprad.subscriber
	add column framed_ipv6_prefix cidr check (family(framed_ipv6_prefix) = 6 and masklen(framed_ipv6_prefix) >= 16), -- of the line
	add column delegated_ipv6_prefix cidr check (family(delegated_ipv6_prefix) = 6 and masklen(delegated_ipv6_prefix) >= 16), -- of his router, for what is behind it
	add constraint subscriber_prefixes_check check (not framed_ipv6_prefix && delegated_ipv6_prefix);
create unique index subscriber_framed_ipv6_prefix_key on poprad.subscriber (framed_ipv6_prefix) where framed_ipv6_prefix is not null;
create unique index subscriber_delegated_ipv6_prefix_key on poprad.subscriber (delegated_ipv6_prefix) where delegated_ipv6_prefix is not null;

alter table poprad.session
	add column leased_framed_prefix cidr, -- leased while the row of poprad.address carries our key; so is the other
	add column leased_delegated_prefix cidr;
alter table poprad.session_history
	add column leased_framed_prefix cidr,
	add column leased_delegated_prefix cidr;
alter table poprad.session
	alter column leased_framed_prefix set statistics 10,
	alter column leased_delegated_prefix set statistics 10;

-- Who had a prefix: what the NAS reported, else what was leased.
drop index poprad.session_history_ipv6_prefix;
drop index poprad.session_history_delegated_prefix;
create index session_history_ipv6_prefix on poprad.session_history (coalesce(framed_ipv6_prefix, leased_framed_prefix))
	where coalesce(framed_ipv6_prefix, leased_framed_prefix) is not null;
create index session_history_delegated_prefix on poprad.session_history (coalesce(delegated_ipv6_prefix, leased_delegated_prefix))
	where coalesce(delegated_ipv6_prefix, leased_delegated_prefix) is not null;
