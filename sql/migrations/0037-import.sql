-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What is taken over from FreeRADIUS's tables: their rows as they came, until the import is over, and what was made of them.

-- Rows as the source has them, in its order; everything is text until it is understood.
create unlogged table poprad.import_radcheck (
	place bigint generated always as identity, id text, username text, attribute text, op text, value text);
create unlogged table poprad.import_radreply (
	place bigint generated always as identity, id text, username text, attribute text, op text, value text);
create unlogged table poprad.import_radgroupcheck (
	place bigint generated always as identity, id text, groupname text, attribute text, op text, value text);
create unlogged table poprad.import_radgroupreply (
	place bigint generated always as identity, id text, groupname text, attribute text, op text, value text);
create unlogged table poprad.import_radusergroup (
	place bigint generated always as identity, id text, username text, groupname text, priority text);
create unlogged table poprad.import_nas (
	place bigint generated always as identity, id text, nasname text, shortname text, type text, ports text, secret text, server text,
	community text, description text);
create unlogged table poprad.import_radippool (
	place bigint generated always as identity, id text, pool_name text, framedipaddress text, username text, expiry_time text);

-- A group's name here, and what FreeRADIUS would do behind it.
create unlogged table poprad.import_group (
	groupname text collate "C" primary key,
	plan text not null,
	falls_through boolean not null,
	is_conditional boolean not null, -- it has a condition that has no place here
	checks jsonb not null, -- lists of import_item
	replies jsonb not null
);
-- The groups that somebody's login comes through, in order, and a pool that is not theirs.
create unlogged table poprad.import_plan (
	chain text[] collate "C" not null,
	pool text not null, -- '': the groups' own
	plan text not null,
	is_conditional boolean not null,
	checks jsonb not null,
	replies jsonb not null,
	primary key (chain, pool)
);
create unlogged table poprad.import_user (
	username text collate "C" primary key,
	login text collate "C" not null,
	chain text[] collate "C" not null,
	pool text not null default '',
	is_kept_out boolean not null default false,
	checks jsonb not null default '[]',
	replies jsonb not null default '[]'
);
-- What the operator is told: 'new', 'changed', 'same' or 'left' of what was made, and of a row 'change' if it became something else,
-- 'lost' if it became nothing.
create unlogged table poprad.import_report (
	place bigint generated always as identity,
	fate text not null check (fate in ('new', 'changed', 'same', 'left', 'change', 'lost')),
	source text not null, -- a table, or plan, subscriber, nas, pool
	id text,
	subject text not null,
	message text
);

-- Of what was imported, so that an import that is repeated tells what has changed there from what has changed here.
create table poprad.imported (
	kind text not null check (kind in ('plan', 'subscriber', 'nas')),
	name text collate "C" not null,
	wanted text not null, -- digest of what the source said
	shown text not null, -- digest of what it looked like here afterwards
	imported_at timestamptz not null default now(),
	primary key (kind, name)
);
