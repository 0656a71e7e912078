-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The shortest way for an Interim-Update that says of its session what the newest record of it said, but for time and
-- counters: their fingerprints are equal, and then so is all that account() would compare. Counters that go forward are
-- written here. Whatever else it is (a change, a repeat, an early one, a session that is closed or not known, two of one
-- session), nothing is written and no row returned, and the packet is one for account().
--
-- Two workers lock the sessions of their batches in the same order, that of keys.

drop function if exists poprad.account_interim;
create function poprad.account_interim(class_keys uuid[], nas_ids int[], acct_session_ids text[], logins text[],
	fingerprints bigint[], events_at timestamptz[], received_ats timestamptz[], session_times bigint[],
	octets_in bigint[], octets_out bigint[], packets_in bigint[], packets_out bigint[])
returns table (ord int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	return query
	update session s set
		updated_at = events_at[t.ord],
		last_heard = greatest(s.last_heard, received_ats[t.ord]),
		session_time = greatest(s.session_time, account_session_time(session_times[t.ord])),
		in_octets = greatest(s.in_octets, octets_in[t.ord]),
		out_octets = greatest(s.out_octets, octets_out[t.ord]),
		in_packets = greatest(s.in_packets, packets_in[t.ord]),
		out_packets = greatest(s.out_packets, packets_out[t.ord])
	from (
		select i as ord, coalesce(class_keys[i], (
			select case when n.keys[2] is null then n.keys[1] end
			from (
				select array(
					select a.session_key from session_alias a
					where a.nas_id = nas_ids[i] and a.acct_session_id = acct_session_ids[i] and a.login = logins[i]
					limit 2) as keys
				offset 0
			) n)) as session_key
		from generate_subscripts(nas_ids, 1) i
		order by session_key
		offset 0
	) t
	where s.session_key = any (array[t.session_key]) and s.state = 'active'
		and (s.nas_id = nas_ids[t.ord]) is true -- by key alone, not by an index of devices
		and s.fingerprint = fingerprints[t.ord]
		and events_at[t.ord] < s.day_ends -- usage.sql
		and (s.updated_at < events_at[t.ord]
			or s.updated_at = events_at[t.ord] and s.in_octets < octets_in[t.ord]
				and (octets_in[t.ord] - s.in_octets > 2147483648) is not true
				and (octets_out[t.ord] - s.out_octets > 2147483648) is not true)
		and s.started_at <= account_began_at(events_at[t.ord], session_times[t.ord])
		and (account_session_time(session_times[t.ord]) < s.session_time) is not true
		and (octets_in[t.ord] < s.in_octets) is not true
		and (octets_out[t.ord] < s.out_octets) is not true
		and (session_times[t.ord] >= s.quota_at_s or octets_in[t.ord] >= s.quota_at_in
			or octets_out[t.ord] >= s.quota_at_out) is not true -- quota_watch.sql
		and (account_jumps(s.in_octets, s.session_time, octets_in[t.ord], account_session_time(session_times[t.ord]))
			or account_jumps(s.out_octets, s.session_time, octets_out[t.ord], account_session_time(session_times[t.ord])))
			is not true
		and 'address_conflict' <> all (s.flags) and 'prefix_conflict' <> all (s.flags)
	returning t.ord;
end
$$;
