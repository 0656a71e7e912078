-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- A login has one spelling in the table, the one that the server looks up: what stands before the last @ exactly as
-- given, the realm behind it in lower case. The realm must be there, so that a slip of the pen is found when the
-- subscriber is entered, and not when he calls.

create or replace function poprad.subscriber_login() returns trigger
language plpgsql security definer set search_path = poprad, pg_temp as $$
declare
	octets_max constant int := 253; -- of a User-Name
	user_part text := substring(new.login from '^(.*)@[^@]*$');
	realm_part text := lower(substring(new.login from '@([^@]*)$'));
begin
	if new.login = '' or user_part = '' or octet_length(new.login) > octets_max then
		raise exception 'a login has a user part and at most % octets: %', octets_max, new.login;
	end if;
	new.realm_id := null;
	if realm_part is not null then
		new.login := user_part || '@' || realm_part;
		select r.realm_id into new.realm_id from realm r where r.name = realm_part;
		if not found then
			raise exception 'login %: there is no realm %', new.login, realm_part
				using errcode = 'P0002', hint = format('popradctl realm add %s', realm_part);
		end if;
	end if;
	return new;
end
$$;

create or replace trigger subscriber_login before insert or update of login, realm_id on poprad.subscriber
for each row execute function poprad.subscriber_login();
