-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What tools written for FreeRADIUS write of a user becomes a subscriber's columns, what he has of his own, or one of his
-- attributes. Anything else is refused with a sentence: nothing is dropped.

-- Who has been entered without a group yet.
create or replace function radius.default_plan() returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	found_id int := (select p.plan_id from plan p where p.name = 'default');
begin
	if found_id is null then
		insert into plan (name) values ('default') returning plan_id into found_id;
	end if;
	return found_id;
end
$$;

-- The subscriber of that name, whose row is locked; made if a tool begins with another table than radcheck. Without
-- password nobody logs in.
create or replace function radius.user_get(wanted text) returns int
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	realm_part text := lower(substring(wanted from '@([^@]+)$'));
	spelt text := case when realm_part is null then wanted else substring(wanted from '^(.*)@[^@]*$') || '@' || realm_part end;
	owner int;
begin
	select s.subscriber_id into owner from subscriber s where s.login = spelt collate "C" for no key update;
	if found then
		return owner;
	end if;
	insert into realm (name) select realm_part where realm_part is not null on conflict (name) do nothing;
	insert into subscriber (login, plan_id, password) values (spelt, radius.default_plan(), '{none}')
	returning subscriber_id into owner;
	return owner;
end
$$;

-- A name that a tool changes, in whichever of its tables it begins: the others show the new one already.
create or replace function radius.user_rename(old_name text, new_name text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
begin
	insert into realm (name) select lower(substring(new_name from '@([^@]+)$')) where new_name ~ '@[^@]+$' on conflict (name) do nothing;
	update subscriber s set login = new_name where s.login = old_name collate "C";
end
$$;

-- Whom a tool has taken everything: password and group.
create or replace function radius.user_settle(owner int) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	gone text := (select s.login from subscriber s join plan p using (plan_id)
		where s.subscriber_id = owner and s.password = '{none}' and p.name = 'default' and s.attributes = '{}' and not s.has_policy);
begin
	if gone is not null then
		perform subscriber_remove(gone, false);
	end if;
end
$$;

create or replace function radius.refuse(thing text, why text, what_else text) returns void
language plpgsql set search_path = poprad, pg_temp as $$
begin
	raise exception '%: %', thing, why using errcode = '0A000', hint = coalesce(what_else, 'see freeradius-schema.md');
end
$$;

-- A whole number of seconds or sessions; null stays null.
create or replace function radius.number_of(attribute text, value text) returns int
language plpgsql immutable set search_path = poprad, pg_temp as $$
begin
	if value !~ '^[0-9]{1,9}$' then
		raise exception '%: % is no number', attribute, value using errcode = '22P02';
	end if;
	return value::int;
end
$$;

-- A digest with its salt behind it, which stands there in hex digits or in base64, in base64. size: of the digest, in octets.
create or replace function radius.digest_of(value text, size int) returns text
language sql immutable set search_path = poprad, pg_temp as $$
	select case when d.hex ~* '^([0-9a-f]{2})+$' and length(d.hex) >= 2 * size
		then translate(encode(decode(d.hex, 'hex'), 'base64'), E'\n', '') else value end
	from (select regexp_replace(value, '^0x', '') as hex) d
$$;

-- The stored form of a password that came in one of FreeRADIUS's attributes; null: the attribute is none of a password.
create or replace function radius.password_of(attribute text, value text) returns text
language plpgsql immutable set search_path = poprad, pg_temp as $$
declare
	digest text := substring(lower(attribute) from '^(s?md5|s?sha1?|s?sha2|s?sha2-256|s?sha2-384|s?sha2-512|ssha[0-9]{3}|sha[0-9]{3})-password$');
	kind text := regexp_replace(regexp_replace(digest, 'sha1$', 'sha'), 'sha2-', 'sha');
begin
	case lower(attribute)
	when 'cleartext-password', 'user-password', 'password' then
		return case when value ~ '^[{$]' then '{clear}' || value else value end;
	when 'nt-password' then
		return '{nt}' || lower(regexp_replace(value, '^0x', ''));
	when 'crypt-password' then
		if value !~ '^\$' then
			perform radius.refuse(attribute, 'the old form of crypt without $ is not read', 'give another password');
		end if;
		return value;
	when 'password-with-header' then
		return value;
	when 'sha2-password' then -- its length says which
		kind := case octet_length(decode(radius.digest_of(value, 32), 'base64')) when 48 then 'sha384' when 64 then 'sha512' else 'sha256' end;
	else
		null;
	end case;
	return '{' || upper(kind) || '}' || radius.digest_of(value, case right(kind, 3)
		when 'md5' then 16 when 'sha' then 20 else right(kind, 3)::int / 8 end);
end
$$;

-- A policy column of which a check or a reply attribute speaks; null: none.
create or replace function radius.policy_column(attribute text) returns text
language sql immutable set search_path = poprad, pg_temp as $$
	select case lower(attribute) when 'simultaneous-use' then 'session_limit' when 'session-timeout' then 'session_timeout_s'
		when 'idle-timeout' then 'idle_timeout_s' when 'acct-interim-interval' then 'interim_s' end
$$;

-- Sets what that row of radcheck says.
create or replace function radius.check_set(owner int, attribute text, op text, value text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	secret text := radius.password_of(attribute, value);
	name text := (select s.login from subscriber s where s.subscriber_id = owner);
begin
	if secret is not null then
		update subscriber s set password = secret where s.subscriber_id = owner;
		return;
	end if;
	case lower(attribute)
	when 'simultaneous-use' then
		perform subscriber_policy_set(name, jsonb_build_object('session_limit', radius.number_of(attribute, value)));
	when 'expiration' then
		update subscriber s set expires_at = value::timestamp at time zone 'UTC' where s.subscriber_id = owner;
	when 'auth-type' then
		if lower(value) <> 'reject' then
			perform radius.refuse('Auth-Type ' || value, 'the stored password decides how it is verified', 'only Reject is known: it suspends');
		end if;
		update subscriber s set status = 'suspended' where s.subscriber_id = owner;
	when 'calling-station-id', 'called-station-id' then
		if op <> '==' then
			perform radius.refuse(attribute || ' ' || op, 'only == is known', 'a * at the end of the value stands for what follows');
		end if;
		perform subscriber_policy_set(name, jsonb_build_object(c.list, to_jsonb(array_append(array_remove(
			case c.list when 'calling_stations' then p.calling_stations else p.called_stations end, value), value))))
		from (select lower(split_part(attribute, '-', 1)) || '_stations' as list) c
		left join subscriber_policy p on p.subscriber_id = owner;
	else
		perform radius.refuse(attribute, 'there is no such check of a subscriber', 'see freeradius-schema.md');
	end case;
end
$$;

-- Takes it away.
create or replace function radius.check_unset(owner int, attribute text, value text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	name text := (select s.login from subscriber s where s.subscriber_id = owner);
begin
	case lower(attribute)
	when 'simultaneous-use' then
		perform subscriber_policy_set(name, '{"session_limit": null}');
	when 'expiration' then
		update subscriber s set expires_at = null where s.subscriber_id = owner;
	when 'auth-type' then
		update subscriber s set status = 'active' where s.subscriber_id = owner;
	when 'calling-station-id' then
		perform subscriber_policy_set(name, jsonb_build_object('calling_stations', to_jsonb(nullif(array_remove(
			(select p.calling_stations from subscriber_policy p where p.subscriber_id = owner), value), '{}'))));
	when 'called-station-id' then
		perform subscriber_policy_set(name, jsonb_build_object('called_stations', to_jsonb(nullif(array_remove(
			(select p.called_stations from subscriber_policy p where p.subscriber_id = owner), value), '{}'))));
	else
		update subscriber s set password = '{none}' where s.subscriber_id = owner;
	end case;
end
$$;

create or replace function radius.radcheck_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
begin
	if tg_op = 'UPDATE' and new.username <> old.username then
		perform radius.user_rename(old.username, new.username);
	end if;
	if tg_op = 'DELETE' then
		select s.subscriber_id into owner from subscriber s where s.login = old.username collate "C" for no key update;
		perform radius.check_unset(owner, old.attribute, old.value);
		perform radius.user_settle(owner);
		return old;
	elsif tg_op = 'UPDATE' and (lower(new.attribute) <> lower(old.attribute)
			or lower(old.attribute) in ('calling-station-id', 'called-station-id')) then
		perform radius.check_unset(radius.user_get(new.username), old.attribute, old.value);
	end if;
	perform radius.check_set(radius.user_get(new.username), new.attribute, coalesce(new.op, '=='), new.value);
	return new;
end
$$;

-- One that has a column of its own is that column; the others are kept as they are, and sent as they are.
create or replace function radius.reply_set(owner int, attribute text, op text, value text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	name text := (select s.login from subscriber s where s.subscriber_id = owner);
	line text := format('%s = %s', attribute, value);
begin
	if coalesce(op, '=') not in ('=', ':=', '+=') then
		perform radius.refuse(attribute || ' ' || op, 'a reply attribute is set with =, := or +=', null);
	end if;
	if lower(attribute) in ('session-timeout', 'idle-timeout', 'acct-interim-interval') then
		perform subscriber_policy_set(name, jsonb_build_object(radius.policy_column(attribute), radius.number_of(attribute, value)));
	elsif lower(attribute) in ('framed-ip-address', 'framed-ipv6-address') then
		if value in ('255.255.255.254', '255.255.255.255') then
			perform radius.refuse(attribute || ' ' || value, 'that is no address', 'the pool of the plan gives one to who has none of his own');
		end if;
		update subscriber s set static_address = value::inet where s.subscriber_id = owner;
	elsif lower(attribute) = 'framed-ipv6-prefix' then
		update subscriber s set framed_ipv6_prefix = value::cidr where s.subscriber_id = owner;
	elsif lower(attribute) = 'delegated-ipv6-prefix' then
		update subscriber s set delegated_ipv6_prefix = value::cidr where s.subscriber_id = owner;
	elsif lower(attribute) = 'fall-through' then
		perform radius.refuse(attribute, 'a subscriber has one plan', 'give him a plan that has what he is to have');
	else
		update subscriber s set attributes = array_append(case when op = ':=' then array(
			select a.line from unnest(s.attributes) with ordinality a (line, place)
			where lower(trim(split_part(a.line, '=', 1))) <> lower(attribute) order by a.place)
			else s.attributes end, line)
		where s.subscriber_id = owner;
	end if;
end
$$;

-- id: of the view's row; what has a column of its own has one below 16.
create or replace function radius.reply_unset(owner int, id bigint, attribute text, value text) returns void
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	name text := (select s.login from subscriber s where s.subscriber_id = owner);
begin
	if id % 256 >= 16 then
		update subscriber s set attributes = array(
			select a.line from unnest(s.attributes) with ordinality a (line, place)
			where a.place <> id % 256 - 15 order by a.place)
		where s.subscriber_id = owner;
	elsif radius.policy_column(attribute) is not null then
		perform subscriber_policy_set(name, jsonb_build_object(radius.policy_column(attribute), null));
	else
		update subscriber s set
			static_address = case when attribute in ('Framed-IP-Address', 'Framed-IPv6-Address') then null else s.static_address end,
			framed_ipv6_prefix = case attribute when 'Framed-IPv6-Prefix' then null else s.framed_ipv6_prefix end,
			delegated_ipv6_prefix = case attribute when 'Delegated-IPv6-Prefix' then null else s.delegated_ipv6_prefix end
		where s.subscriber_id = owner;
	end if;
end
$$;

create or replace function radius.radreply_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
begin
	-- Several rows of one statement: the places of those behind the one that goes have changed since the view was read.
	if tg_op in ('UPDATE', 'DELETE') then
		if tg_op = 'UPDATE' and new.username <> old.username then
			perform radius.user_rename(old.username, new.username);
			old.username := new.username;
		end if;
		owner := radius.user_get(old.username);
		perform radius.reply_unset(owner, case when old.id % 256 < 16 then old.id else coalesce((
			select old.id - old.id % 256 + 15 + coalesce(min(a.place), 0) from subscriber s, unnest(s.attributes) with ordinality a (line, place)
			where s.subscriber_id = owner and radius.line_name(a.line) = old.attribute and radius.line_value(a.line) = old.value),
			old.id) end, old.attribute, old.value);
	end if;
	if tg_op = 'DELETE' then
		perform radius.user_settle(owner);
		return old;
	end if;
	perform radius.reply_set(radius.user_get(new.username), new.attribute, new.op, new.value);
	return new;
end
$$;

-- The two sides of an attribute that is given as text.
create or replace function radius.line_name(line text) returns text
language sql immutable set search_path = poprad, pg_temp as $$
	select trim(split_part(line, '=', 1))
$$;
create or replace function radius.line_value(line text) returns text
language sql immutable set search_path = poprad, pg_temp as $$
	select regexp_replace(trim(substr(line, position('=' in line) + 1)), '^"(.*)"$', '\1')
$$;

create or replace function radius.radusergroup_write() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	owner int;
	present text;
begin
	if tg_op = 'UPDATE' and new.username <> old.username then
		perform radius.user_rename(old.username, new.username);
	end if;
	if tg_op = 'DELETE' then
		select s.subscriber_id into owner from subscriber s where s.login = old.username collate "C" for no key update;
		update subscriber s set plan_id = radius.default_plan() where s.subscriber_id = owner;
		perform radius.user_settle(owner);
		return old;
	end if;
	owner := radius.user_get(new.username);
	present := (select p.name from subscriber s join plan p using (plan_id) where s.subscriber_id = owner);
	if tg_op = 'INSERT' and present not in ('default', new.groupname) then
		perform radius.refuse(format('group %s', new.groupname), format('%s is in group %s already, and a subscriber has one plan', new.username, present),
			'update the row, or delete it first');
	end if;
	update subscriber s set plan_id = plan_get(new.groupname) where s.subscriber_id = owner;
	return new;
end
$$;
