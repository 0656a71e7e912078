-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What a login ends or takes over: replaced and evicted sessions close, addresses that stay with the subscriber move
-- to his new session, the others become free. Called by admit_turn(); admit() holds the locks on all of it.
-- An evicted session never began, as far as is known: should its Start come yet, accounting takes it from there.

drop function if exists poprad.admit_give_up;
create function poprad.admit_give_up(admissions poprad.admission[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	replaced uuid[] := array(select k from unnest(admissions) a, unnest(a.replaced) k);
	evicted uuid[] := array(select k from unnest(admissions) a, unnest(a.evicted) k);
	given_back uuid[] := array(select k from unnest(admissions) a, unnest(a.gives_back) k);
	addresses inet[];
begin
	if cardinality(replaced) > 0 then
		update session s set state = 'closed', stopped_at = now(), closed_at = now(),
			terminate_cause = 'Lost-Carrier', cause_rank = 2, flags = s.flags || 'replaced_line'::text
		where s.session_key = any (replaced);
	end if;
	if cardinality(evicted) > 0 then
		update session s set state = 'closed', authorised_until = null, stopped_at = now(), closed_at = now(),
			terminate_cause = 'Never-Started', cause_rank = 1
		where s.session_key = any (evicted);
	end if;
	-- Free, or held by a session that admit_decide() takes it from.
	update address a
	set session_key = d.session_key, subscriber_id = (d.request).subscriber_id, changed_at = now()
	from unnest(admissions) d
	cross join lateral (select f.ctid as row from address f where f.address = d.address offset 0) f
	where (d.is_new or d.is_reused) and a.ctid = f.row and a.session_key is distinct from d.session_key;
	if cardinality(given_back) > 0 then
		addresses := array(select s.address from session s where s.session_key = any (given_back));
		update address a set session_key = null, changed_at = now()
		where a.address = any (addresses) and a.session_key = any (given_back);
	end if;
end
$$;
