-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Remembers source addresses from which a verified Message-Authenticator came, so that every worker, also after a
-- restart, demands one from there as long as its NAS is on 'auto'. `popradctl nas` forgets them again. Only what is new
-- is written: each change makes all workers load the catalog.

drop function if exists poprad.learn_message_authenticator;
create function poprad.learn_message_authenticator(sources inet[], nas_ids int[])
returns table (ord int)
language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
#variable_conflict use_column
begin
	if exists (
		select from unnest(sources, nas_ids) l (source, nas_id)
		join nas n on n.nas_id = l.nas_id
		where not exists (select from nas_learned k where k.source = l.source)
	) then
		insert into nas_learned (source, nas_id)
		select distinct on (l.source) l.source, l.nas_id
		from unnest(sources, nas_ids) l (source, nas_id)
		join nas n on n.nas_id = l.nas_id
		order by l.source
		on conflict do nothing;
	end if;
	return query select l.ord::int from unnest(sources) with ordinality l (source, ord);
end
$$;
