-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What is stored beside the sessions: accounting packets of other kinds than Start, Stop, Interim-Update, On and Off, and
-- packets that the database refused. Carried out again, both store nothing more.

drop function if exists poprad.account_other;
create function poprad.account_other(event_keys uuid[], status_types text[], nas_ids int[],
	nas_addresses inet[], user_names text[], acct_session_ids text[], received_ats timestamptz[])
returns table (ord int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	insert into accounting_other (event_key, status_type, nas_id, nas_address, user_name, acct_session_id, received_at)
	select * from unnest(event_keys, status_types, nas_ids, nas_addresses, user_names, acct_session_ids, received_ats)
	on conflict do nothing;
	return query select i from generate_series(1, cardinality(event_keys)) i;
end
$$;

drop function if exists poprad.quarantine;
create function poprad.quarantine(received_ats timestamptz[], nas_addresses inet[], reasons text[],
	packets text[], events text[])
returns table (ord int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	insert into accounting_quarantine (received_at, nas_address, reason, packet, event)
	select * from unnest(received_ats, nas_addresses, reasons, packets, events)
	on conflict do nothing;
	return query select i from generate_series(1, cardinality(received_ats)) i;
end
$$;
