-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What subscribers have of their own (poprad.subscriber_policy). Whoever writes the table, subscriber.has_policy says
-- afterwards who has a row, and nobody has one without anything in it.

-- All that is set, by the columns' names, as the server reads it.
create or replace function poprad.subscriber_policy_document() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	new.document := jsonb_strip_nulls(to_jsonb(new) - 'subscriber_id' - 'document')::text;
	return new;
end
$$;

create or replace trigger subscriber_policy_document before insert or update on poprad.subscriber_policy
for each row execute function poprad.subscriber_policy_document();

create or replace function poprad.subscriber_policy_changed() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	if tg_op <> 'DELETE' and new.document = '{}' then
		delete from subscriber_policy p where p.subscriber_id = new.subscriber_id;
		return null;
	end if;
	update subscriber s set has_policy = not s.has_policy
	where s.subscriber_id in (old.subscriber_id, new.subscriber_id)
		and s.has_policy <> exists (select from subscriber_policy p where p.subscriber_id = s.subscriber_id);
	return null;
end
$$;

create or replace trigger subscriber_policy_changed after insert or update or delete on poprad.subscriber_policy
for each row execute function poprad.subscriber_policy_changed();

drop function if exists poprad.subscriber_policy_text; -- of an earlier version

-- The subscriber of that login, whose row is locked, so that what he has of his own changes one call at a time.
create or replace function poprad.subscriber_lock(wanted text) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
begin
	select s.subscriber_id into owner from subscriber s where s.login = wanted collate "C" for no key update;
	if not found then
		raise exception 'there is no subscriber %', wanted using errcode = 'P0002', hint = 'see popradctl subscriber list';
	end if;
	return owner;
end
$$;

-- What the operator changes: columns by their names. What is not named stays as it is; null: as in the plan.
drop function if exists poprad.subscriber_policy_set;
create function poprad.subscriber_policy_set(wanted text, changes jsonb)
returns void language plpgsql volatile security definer set search_path = poprad, pg_temp as $$
declare
	owner int := subscriber_lock(wanted);
	own subscriber_policy;
begin
	delete from subscriber_policy p where p.subscriber_id = owner returning p.* into own;
	own := jsonb_populate_record(own, changes || jsonb_build_object('subscriber_id', owner));
	perform nas_groups_check(own.nas_groups);
	perform provision_check(own.rate_in_kbit, own.rate_out_kbit, own.dns_servers);
	insert into subscriber_policy select own.*;
end
$$;
