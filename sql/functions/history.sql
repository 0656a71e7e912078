-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The months of session_history, one partition each: made ahead, forgotten when they are old, detached for an archive.
-- A detached month is a table of its own, session_archive_YYYYMM, which nothing of ours reads; a session of that month
-- that ends later opens the month anew.
-- Whoever changes partitions locks out those who read history, and all who come after him wait with him: no longer than
-- a tenth of a second, then it is left for another time.

drop function if exists poprad.history_month_of;
create function poprad.history_month_of(partition text) returns date language sql immutable as $$
	select to_date(right(partition, 6), 'YYYYMM')
$$;

-- Makes the partitions of this month and the next. Making one takes as long as some thousand logins, and has every
-- connection plan anew what reads history: a server that starts on a new database finds them (session_to_history.sql).
drop function if exists poprad.history_months_ahead;
create function poprad.history_months_ahead()
returns void language plpgsql volatile set search_path = poprad, pg_temp as $$
declare
	this_month timestamp := date_trunc('month', now() at time zone 'UTC');
begin
	perform session_history_partition(this_month), session_history_partition(this_month + interval '1 month');
end
$$;

-- The server calls this now and then: makes the partitions that are missing, and drops the months of which
-- every session ended more than keep_s seconds ago (0: none). Returns how many were dropped.
drop function if exists poprad.history_months;
create function poprad.history_months(keep_s bigint[])
returns table (ord int, dropped int)
language plpgsql volatile security definer set search_path = poprad, pg_temp set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
	one record;
begin
	perform history_months_ahead();
	for one in select k.ord::int as ord, k.keep_s from unnest(keep_s) with ordinality k (keep_s, ord) loop
		ord := one.ord;
		dropped := case when one.keep_s > 0 then history_forget(now() - one.keep_s * interval '1 second') else 0 end;
		return next;
	end loop;
end
$$;

drop function if exists poprad.history_forget;
create function poprad.history_forget(horizon timestamptz)
returns int language plpgsql volatile set search_path = poprad, pg_temp set lock_timeout = '100ms' as $$
declare
	partition text;
	is_needed boolean;
	forgotten int := 0;
begin
	for partition in
		select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
		where i.inhparent = 'session_history'::regclass
			and history_month_of(c.relname) + interval '1 month' <= horizon at time zone 'UTC'
		order by c.relname
	loop
		begin
			execute format('select exists (select from %I where closed_at >= $1)', partition) into is_needed using horizon;
			if not is_needed then
				execute format('drop table %I', partition);
				forgotten := forgotten + 1;
			end if;
		exception
			when lock_not_available then return forgotten;
		end;
	end loop;
	return forgotten;
end
$$;

-- For popradctl history ---------------------------------------------------------------------------------------------

-- sessions_about: as of the last analyze; null: there was none.
drop function if exists poprad.history_list;
create function poprad.history_list()
returns table (month text, is_attached boolean, sessions_about bigint, octets bigint)
language sql stable security definer set search_path = poprad, pg_temp as $$
	select to_char(history_month_of(c.relname), 'YYYY-MM'), i.inhrelid is not null, nullif(c.reltuples, -1)::bigint,
		pg_total_relation_size(c.oid)
	from pg_class c
	left join pg_inherits i on i.inhrelid = c.oid
	where c.relnamespace = 'poprad'::regnamespace and c.relkind = 'r'
		and (i.inhparent = 'session_history'::regclass or c.relname ~ '^session_archive_[0-9]{6}$')
$$;

drop function if exists poprad.history_detach;
create function poprad.history_detach(month date)
returns void language plpgsql volatile security definer set search_path = poprad, pg_temp set lock_timeout = '100ms' as $$
declare
	partition text := 'session_history_' || to_char(month, 'YYYYMM');
	archive text := 'session_archive_' || to_char(month, 'YYYYMM');
begin
	if to_regclass(partition) is null then
		raise exception 'there is no history of %', to_char(month, 'YYYY-MM')
			using errcode = 'P0002', hint = 'see popradctl history list';
	elsif to_regclass(archive) is not null then
		raise exception '% is detached already; sessions that ended since have opened it anew', to_char(month, 'YYYY-MM')
			using hint = 'attach it first';
	elsif month + interval '1 month' > now() at time zone 'UTC' then
		raise exception '% is not over', to_char(month, 'YYYY-MM');
	end if;
	execute format('alter table session_history detach partition %I', partition);
	execute format('alter table %I rename to %I', partition, archive);
end
$$;

-- Sessions that ended since it was detached are added to it.
drop function if exists poprad.history_attach;
create function poprad.history_attach(month date)
returns void language plpgsql volatile security definer set search_path = poprad, pg_temp set lock_timeout = '100ms' as $$
declare
	partition text := 'session_history_' || to_char(month, 'YYYYMM');
	archive text := 'session_archive_' || to_char(month, 'YYYYMM');
begin
	if to_regclass(archive) is null then
		raise exception '% is not detached', to_char(month, 'YYYY-MM')
			using errcode = 'P0002', hint = 'see popradctl history list';
	end if;
	if to_regclass(partition) is not null then
		execute format('alter table session_history detach partition %I', partition);
		execute format('insert into %I select * from %I', archive, partition);
		execute format('drop table %I', partition);
	end if;
	execute format('alter table %I rename to %I', archive, partition);
	execute format('alter table session_history attach partition %I for values from (%L) to (%L)', partition,
		session_key_first(month::timestamp at time zone 'UTC'),
		session_key_first((month + interval '1 month') at time zone 'UTC'));
end
$$;

drop function if exists poprad.history_drop;
create function poprad.history_drop(month date)
returns void language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
declare
	archive text := 'session_archive_' || to_char(month, 'YYYYMM');
begin
	if to_regclass(archive) is null then
		raise exception '% is not detached', to_char(month, 'YYYY-MM')
			using errcode = 'P0002', hint = 'popradctl history detach comes first';
	end if;
	execute format('drop table %I', archive);
end
$$;
