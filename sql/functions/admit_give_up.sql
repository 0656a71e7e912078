-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What logins end: replaced and evicted sessions close, and the leases of those that end become free, unless admit() has
-- moved them to the subscriber's new session. Called by admit(), which holds the locks on all of it.
-- An evicted session never began, as far as is known: should its Start come yet, accounting takes it from there.

drop function if exists poprad.admit_give_up;
create function poprad.admit_give_up(replaced uuid[], evicted uuid[], given_back uuid[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
#variable_conflict use_column
declare
	addresses inet[];
begin
	if replaced <> '{}' then
		update session s set state = 'closed', stopped_at = now(), closed_at = now(),
			terminate_cause = 'Lost-Carrier', cause_rank = 2, flags = s.flags || 'replaced_line'::text
		where s.session_key = any (replaced);
	end if;
	if evicted <> '{}' then
		update session s set state = 'closed', authorised_until = null, stopped_at = now(), closed_at = now(),
			terminate_cause = 'Never-Started', cause_rank = 1
		where s.session_key = any (evicted);
	end if;
	if given_back <> '{}' then
		addresses := array(select s.address from session s where s.session_key = any (given_back));
		update address a set session_key = null, changed_at = now()
		where a.address = any (addresses) and a.session_key = any (given_back);
	end if;
end
$$;

-- Sessions whose address is another login's now, or free, though they wait for their Start: it has to ask whose the address
-- is. Of all others an authorised session has what it names (account_follow.sql).
drop function if exists poprad.admit_leases_gone;
create function poprad.admit_leases_gone(keys uuid[]) returns void
language plpgsql volatile set search_path = poprad, pg_temp as $$
begin
	update session s set is_lease_gone = true where s.session_key = any (keys) and s.state = 'authorised';
end
$$;
