-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What tools that were written for FreeRADIUS's tables store and nothing else here has a place for.

-- The other columns of FreeRADIUS's table nas.
create table poprad.nas_note (
	nas_id int primary key references poprad.nas on delete cascade,
	ports int,
	server text,
	community text,
	description text
);

-- Sessions that a tool has deleted from radius.radacct: they are shown there no more, but to billing. Nothing else changes.
create table poprad.hidden_session (
	session_key uuid primary key,
	hidden_at timestamptz not null default now(),
	hidden_by text not null default session_user
);
