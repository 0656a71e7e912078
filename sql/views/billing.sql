-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a billing system reads of sessions; usage_billing.sql has what it reads of days. Names and meanings of the columns are
-- promised (doc/operator/billing.md): new ones are added at the end, none changes. Whoever has been removed is in
-- former_subscriber.

-- Sessions that are over. Those of the last hour, and those that were corrected a moment ago, have no number yet.
drop view if exists poprad.billing_session cascade;
create view poprad.billing_session as
select s.change_number, s.revision, s.session_key,
	date_trunc('month', s.stopped_at at time zone coalesce(o.time_zone, f.time_zone, p.time_zone, 'UTC'))::date as month,
	s.subscriber_id, coalesce(b.login, f.login) as login, coalesce(r.name, f.realm) as realm,
	coalesce(r.reseller, f.reseller) as reseller,
	s.plan_id, p.name as plan, s.user_name, n.name as nas, s.nas_address, s.nas_port,
	s.nas_port_id, s.nas_port_type, s.calling_station_id, s.called_station_id, s.acct_session_id,
	s.acct_multi_session_id, coalesce(s.framed_address, s.address) as address, s.framed_ipv6_address,
	coalesce(s.framed_ipv6_prefix, s.leased_framed_prefix) as framed_ipv6_prefix,
	coalesce(s.delegated_ipv6_prefix, s.leased_delegated_prefix) as delegated_ipv6_prefix,
	s.started_at, s.stopped_at, s.session_time as seconds, s.in_octets as octets_in, s.out_octets as octets_out,
	s.in_packets as packets_in, s.out_packets as packets_out, s.terminate_cause,
	array_to_string(s.flags, ' ') as flags
from (
	select session_key, subscriber_id, plan_id, user_name, nas_id, nas_address, nas_port, nas_port_id, nas_port_type,
		calling_station_id, called_station_id, acct_session_id, acct_multi_session_id, address, framed_address, framed_ipv6_address,
		framed_ipv6_prefix, leased_framed_prefix, delegated_ipv6_prefix, leased_delegated_prefix, started_at, stopped_at,
		session_time, in_octets, out_octets, in_packets, out_packets, terminate_cause, flags, revision,
		change_number
	from poprad.session_history
	union all
	select session_key, subscriber_id, plan_id, user_name, nas_id, nas_address, nas_port, nas_port_id, nas_port_type,
		calling_station_id, called_station_id, acct_session_id, acct_multi_session_id, address, framed_address, framed_ipv6_address,
		framed_ipv6_prefix, leased_framed_prefix, delegated_ipv6_prefix, leased_delegated_prefix, started_at, stopped_at,
		session_time, in_octets, out_octets, in_packets, out_packets, terminate_cause, flags, revision,
		null
	from poprad.session where state = 'closed'
) s
left join poprad.subscriber b on b.subscriber_id = s.subscriber_id
left join poprad.realm r on r.realm_id = b.realm_id
left join poprad.former_subscriber f on f.subscriber_id = s.subscriber_id
left join poprad.subscriber_policy o on o.subscriber_id = s.subscriber_id
left join poprad.plan p on p.plan_id = s.plan_id
left join poprad.nas n on n.nas_id = s.nas_id
where s.started_at is not null; -- else no record of it ever came

-- The sessions whose numbers come after that one, in the order of the numbers, at most max. A reader who goes on behind the last
-- row that he has seen is told of every session that is over, and of each again when something of it has changed.
create function poprad.billing_changes(after bigint, max int)
returns setof poprad.billing_session
language plpgsql stable security definer set search_path = poprad, pg_temp
set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
	return query select b.* from billing_session b where b.change_number > after order by b.change_number limit max;
end
$$;

-- What is open, as of its newest record.
drop view if exists poprad.billing_online;
create view poprad.billing_online as
select s.session_key, s.subscriber_id, coalesce(b.login, f.login) as login, coalesce(r.name, f.realm) as realm,
	coalesce(r.reseller, f.reseller) as reseller, s.plan_id, p.name as plan, s.user_name, n.name as nas, s.nas_address, s.nas_port,
	s.nas_port_id, s.nas_port_type, s.calling_station_id, s.called_station_id, s.acct_session_id,
	coalesce(s.framed_address, s.address) as address, s.framed_ipv6_address,
	coalesce(s.framed_ipv6_prefix, s.leased_framed_prefix) as framed_ipv6_prefix,
	coalesce(s.delegated_ipv6_prefix, s.leased_delegated_prefix) as delegated_ipv6_prefix,
	s.started_at, s.updated_at, s.session_time as seconds, s.in_octets as octets_in, s.out_octets as octets_out,
	s.in_packets as packets_in, s.out_packets as packets_out, array_to_string(s.flags, ' ') as flags
from poprad.session s
left join poprad.subscriber b on b.subscriber_id = s.subscriber_id
left join poprad.realm r on r.realm_id = b.realm_id
left join poprad.former_subscriber f on f.subscriber_id = s.subscriber_id
left join poprad.plan p on p.plan_id = s.plan_id
left join poprad.nas n on n.nas_id = s.nas_id
where s.state = 'active';

-- Who is there, and who was.
drop view if exists poprad.billing_subscriber;
create view poprad.billing_subscriber as
select b.subscriber_id, b.login, r.name as realm, r.reseller, b.plan_id, p.name as plan, b.status, b.expires_at, b.created_at,
	null::timestamptz as removed_at
from poprad.subscriber b
left join poprad.realm r on r.realm_id = b.realm_id
left join poprad.plan p on p.plan_id = b.plan_id
union all
select f.subscriber_id, f.login, f.realm, f.reseller, null, null, 'removed', null, null, f.removed_at
from poprad.former_subscriber f;
