-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The roles of poprad. They belong to the whole cluster, so this file is applied before the migrations on every
-- `popradctl db migrate`, by a superuser (or a role with CREATEROLE that owns the database), in a transaction of its
-- own, and changes nothing when it is applied again. Passwords are the administrator's: over a Unix socket the peer
-- or trust method needs none.
--
-- Order of a migration run: roles.sql; then, each in a transaction with `set local role poprad_owner`, every file of
-- migrations/ whose number is not in poprad.schema_migration, with the insert of its row there; then, in one
-- transaction under the same role, all of functions/, views/ and grants/, in name order.

do $$
declare
	wanted record;
begin
	for wanted in
		select * from (values
			('poprad_owner', false), -- owns everything, logs in never
			('poprad_server', true), -- the daemon: runs the server's functions and nothing else
			('poprad_operator', true), -- popradctl
			('poprad_tools', true), -- tools written for FreeRADIUS's tables: the views of the schema radius
			('poprad_billing', true)) as role(name, logs_in) -- reads the views made for billing
	loop
		if not exists (select from pg_roles where rolname = wanted.name) then
			begin
				execute format('create role %I %s', wanted.name, case when wanted.logs_in then 'login' else 'nologin' end);
			exception
				when duplicate_object or unique_violation then null; -- another migration run was quicker
			end;
		end if;
	end loop;
	if not pg_has_role(current_user, 'poprad_owner', 'member') then
		execute format('grant poprad_owner to %I', current_user);
	end if;
	execute format('grant create on database %I to poprad_owner', current_database());
	execute format('revoke temporary on database %I from public', current_database());
	-- popradctl subscriber import copies the file into a temporary table first.
	execute format('grant temporary on database %I to poprad_operator', current_database());
end
$$;

-- A function of ours is nobody's until grants/ says whose.
alter default privileges for role poprad_owner revoke execute on functions from public;

-- One plan per statement, made once: the parameters are arrays, whose contents a plan cannot use. With
-- small tables the planner would prefer scans that a growing table makes slow, before statistics tell it so.
alter role poprad_server set plan_cache_mode = 'force_generic_plan';
alter role poprad_server set jit = off;
alter role poprad_server set enable_seqscan = off;
alter role poprad_server set enable_mergejoin = off;
alter role poprad_server set enable_hashjoin = off;
alter role poprad_server set enable_material = off;
-- A batch that waits longer is answered by nobody any more: the NAS has given up.
alter role poprad_server set lock_timeout = '2s';
alter role poprad_server set statement_timeout = '10s';
alter role poprad_server set idle_in_transaction_session_timeout = '10s';
