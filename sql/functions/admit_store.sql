-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Writes the sessions of admitted logins, and what their subscribers had last. Called by admit_turn(). leased: the
-- addresses taken from pools, by the requests' ord; who needs one and got none leaves no trace.
-- A session is authorised for authorised_s of time in which accounting could be stored (tick() counts it); on a NAS
-- without accounting for its Session-Timeout, and without one until the subscriber logs in on that line again, has
-- authorised_max newer ones, or an operator closes it.

drop function if exists poprad.admit_store;
create function poprad.admit_store(admissions poprad.admission[], leased inet[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	insert into session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, nas_ip_address,
		nas_identifier, nas_port, nas_port_id, nas_port_type, calling_station_id, called_station_id, user_name, class,
		address, service_type, framed_protocol, authorised_at, authorised_until, interim_s)
	select a.session_key, 'authorised', r.subscriber_id, r.plan_id, r.nas_id, r.nas_address, r.nas_ip_address,
		r.nas_identifier, r.nas_port, r.nas_port_id, r.nas_port_type, r.calling_station_id, r.called_station_id,
		r.user_name, r.class, coalesce(a.address, leased[r.ord]), r.service_type, r.framed_protocol, now(),
		admit_until(r.no_accounting, r.session_timeout_s, r.authorised_s), r.interim_s
	from unnest(admissions) a
	cross join lateral (select (a.request).*) r
	where a.is_new and (not a.needs_address or leased[r.ord] is not null)
	order by a.session_key;

	update session s set login_key = r.session_key, plan_id = r.plan_id, user_name = r.user_name,
		address = coalesce(a.address, leased[r.ord]), service_type = r.service_type,
		framed_protocol = r.framed_protocol, authorised_at = now(),
		authorised_until = admit_until(r.no_accounting, r.session_timeout_s, r.authorised_s), interim_s = r.interim_s
	from unnest(admissions) a
	cross join lateral (select (a.request).*) r
	cross join lateral (select f.ctid as row from session f where f.session_key = a.session_key offset 0) f
	where a.is_reused and s.ctid = f.row and (not a.needs_address or leased[r.ord] is not null);

	update subscriber_state s set last_address = leased[r.ord]
	from unnest(admissions) a
	cross join lateral (select (a.request).*) r
	cross join lateral (select f.ctid as row from subscriber_state f where f.subscriber_id = r.subscriber_id offset 0) f
	where a.needs_address and leased[r.ord] is not null and a.last_address is distinct from leased[r.ord]
		and s.ctid = f.row;
end
$$;

drop function if exists poprad.admit_until;
create function poprad.admit_until(no_accounting boolean, session_timeout_s int, authorised_s int) returns timestamptz
language sql stable as $$
	select now() + make_interval(secs => case when no_accounting then nullif(session_timeout_s, 0) else authorised_s end)
$$;
