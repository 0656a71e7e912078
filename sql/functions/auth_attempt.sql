-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Login attempts: the server stores them in batches, off the way of the answers, and keeps the days' partitions.

-- Stores attempts. Nobody waits for the rows to be safe from a crash in the next second: they are no accounting. If the
-- connection is lost on the way, a batch that is sent again is stored twice.
-- A server's clock may be wrong, but not further than there are partitions.
drop function if exists poprad.auth_attempt_store;
create function poprad.auth_attempt_store(attempted_ats timestamptz[], logins text[], subscriber_ids int[], nas_ids int[],
	nas_addresses inet[], nas_ports bigint[], nas_port_ids text[], calling_station_ids text[], methods text[],
	results text[], reasons text[], addresses inet[], sents text[], durations_us int[], helds_ms int[], details text[])
returns table (ord int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	first_time timestamptz := now() - interval '1 day';
	last_time timestamptz := now() + interval '1 day';
begin
	perform set_config('synchronous_commit', 'off', true);
	insert into auth_attempt (attempted_at, login, subscriber_id, nas_id, nas_address, nas_port, nas_port_id,
		calling_station_id, method, result, reason, address, sent, duration_us, held_ms, detail)
	select least(greatest(a.attempted_at, first_time), last_time), a.login, a.subscriber_id, a.nas_id, a.nas_address,
		a.nas_port, a.nas_port_id, a.calling_station_id, a.method, a.result, a.reason, a.address, a.sent, a.duration_us,
		a.held_ms, a.detail
	from (
		-- In the select list: as one function in from, all of it would be kept once more before a row is read.
		select unnest(attempted_ats) as attempted_at, unnest(logins) as login, unnest(subscriber_ids) as subscriber_id,
			unnest(nas_ids) as nas_id, unnest(nas_addresses) as nas_address, unnest(nas_ports) as nas_port,
			unnest(nas_port_ids) as nas_port_id, unnest(calling_station_ids) as calling_station_id,
			unnest(methods) as method, unnest(results) as result, unnest(reasons) as reason,
			unnest(addresses) as address, unnest(sents) as sent, unnest(durations_us) as duration_us,
			unnest(helds_ms) as held_ms, unnest(details) as detail
	) a;
end
$$;

-- Makes the partition of that day unless it is there; beside its parent and then attached, because that does not lock
-- out whoever reads or writes the others. Rows are never changed, so nothing has to be vacuumed or analysed.
drop function if exists poprad.auth_attempt_day;
create function poprad.auth_attempt_day(day date)
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
declare
	partition text := 'auth_attempt_' || to_char(day, 'YYYYMMDD');
begin
	if to_regclass(partition) is not null then
		return;
	end if;
	execute format('create table %I (like auth_attempt including all) with (autovacuum_enabled = off)', partition);
	execute format('alter table auth_attempt attach partition %I for values from (%L) to (%L)', partition,
		day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
end
$$;

-- Makes the partitions from yesterday's to that of the day after tomorrow, and drops those whose last row is older than
-- keep_s seconds. keep_s 0: no attempts are stored, and every day before today is dropped. A partition that somebody
-- reads at the moment waits for the next call. Returns how many were dropped.
drop function if exists poprad.auth_attempt_days;
create function poprad.auth_attempt_days(keep_s bigint[])
returns table (ord int, dropped int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	today date := (now() at time zone 'UTC')::date;
	one record;
begin
	perform pg_advisory_xact_lock(hashtextextended('poprad.auth_attempt', 0));
	for one in
		select k.ord::int as ord, k.keep_s as keep_s,
			case when k.keep_s = 0 then today
				else least(((now() - k.keep_s * interval '1 second') at time zone 'UTC')::date, today - 1) end as first_day
		from unnest(keep_s) with ordinality k (keep_s, ord)
	loop
		if one.keep_s > 0 then
			perform auth_attempt_day(today + n) from generate_series(-1, 2) n;
		end if;
		ord := one.ord;
		dropped := auth_attempt_forget(one.first_day);
		return next;
	end loop;
end
$$;

-- Drops the partitions of the days before first_day; returns how many.
drop function if exists poprad.auth_attempt_forget;
create function poprad.auth_attempt_forget(first_day date)
returns int language plpgsql volatile set search_path = poprad, pg_temp as $$
declare
	partition text;
	forgotten int := 0;
begin
	for partition in
		select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
		where i.inhparent = 'auth_attempt'::regclass and c.relname < 'auth_attempt_' || to_char(first_day, 'YYYYMMDD')
		order by c.relname
	loop
		begin
			execute format('drop table %I', partition);
			forgotten := forgotten + 1;
		exception
			when lock_not_available then return forgotten;
		end;
	end loop;
	return forgotten;
end
$$;
