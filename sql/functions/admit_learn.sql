-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A subscriber's calling station is learned by the first login that is let in, in the same transaction. Called by
-- admit() for the few logins that may teach one; a batch's requests are known by their ord.

-- Those requests. From here on their subscribers' stations are changed by this transaction alone.
drop function if exists poprad.admit_learners;
create function poprad.admit_learners(subscriber_ids int[], learned_stations text[]) returns int[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
declare
	learners int[] := array(select i from generate_subscripts(learned_stations, 1) i where learned_stations[i] is not null);
	owners int[] := array(select subscriber_ids[i] from unnest(learners) i);
begin
	perform from subscriber s where s.subscriber_id = any (owners) order by s.subscriber_id for no key update;
	return learners;
end
$$;

-- Those whose subscriber has learned another station meanwhile.
drop function if exists poprad.admit_strangers;
create function poprad.admit_strangers(ords int[], subscriber_ids int[], learned_stations text[]) returns int[]
language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	return array(
		select i from unnest(ords) i
		cross join lateral (
			select p.learned_calling_station as station from subscriber_policy p where p.subscriber_id = subscriber_ids[i] offset 0
		) p
		where p.station <> learned_stations[i] collate "C");
end
$$;

drop function if exists poprad.admit_learn;
create function poprad.admit_learn(ords int[], subscriber_ids int[], learned_stations text[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	insert into subscriber_policy as p (subscriber_id, learned_calling_station, learned_at)
	select subscriber_ids[i], learned_stations[i], now() from unnest(ords) i
	on conflict (subscriber_id) do update
		set learned_calling_station = excluded.learned_calling_station, learned_at = excluded.learned_at
		where p.learned_calling_station is null;
end
$$;
