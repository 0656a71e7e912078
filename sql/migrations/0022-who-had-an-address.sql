-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Who had an address at a time: the history is asked by the address that the NAS reported, else by the one that was
-- leased, and by IPv6 address and prefix. The table of open sessions has no such index, for it would make each login
-- dearer.

create index session_history_address on poprad.session_history (coalesce(framed_address, address))
	where coalesce(framed_address, address) is not null;
create index session_history_ipv6_address on poprad.session_history (framed_ipv6_address) where framed_ipv6_address is not null;
create index session_history_ipv6_prefix on poprad.session_history (framed_ipv6_prefix) where framed_ipv6_prefix is not null;
create index session_history_delegated_prefix on poprad.session_history (delegated_ipv6_prefix) where delegated_ipv6_prefix is not null;

-- A record that the database refused is one however often it comes: a repeat is the same octets, and nothing else is.
delete from poprad.accounting_quarantine q using poprad.accounting_quarantine former
where former.quarantine_id < q.quarantine_id and former.nas_address = q.nas_address and former.packet = q.packet;
drop index poprad.accounting_quarantine_once;
create unique index accounting_quarantine_once on poprad.accounting_quarantine (nas_address, md5(packet));
