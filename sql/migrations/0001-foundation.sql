-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The tables of poprad. Functions, views and grants are in their own folders and are applied anew after the
-- migrations; sample data is never applied by them.
-- Applied as poprad_owner (roles.sql says how a migration run goes).
-- Lock order everywhere: (advisory: accounting identity) -> subscriber_state -> session -> address, each by key.

create schema poprad;
create schema radius;

-- One row per file of migrations/, written by `popradctl db migrate` in the file's own transaction. A version above
-- the newest file's means that a newer poprad has been here: migrate refuses then.
create table poprad.schema_migration (
	version int primary key,
	name text not null,
	checksum text not null default '', -- SHA-256 of the file: an applied one must not change; empty: not recorded
	applied_at timestamptz not null default now()
);

-- One row: what of functions/, views/ and grants/ was applied last, so that they are applied anew only when they changed.
create table poprad.schema_code (
	one boolean primary key default true check (one),
	checksum text not null,
	applied_at timestamptz not null default now()
);

-- Catalog: small tables that every worker holds in memory ---------------------------------------------------------
-- The bounds are those of its reader, src/db/catalog_parse.c: one row past them would keep every worker on its last
-- good copy.

create table poprad.realm (
	realm_id int generated always as identity primary key,
	name text collate "C" not null unique check (name = lower(name) and name <> '' and name !~ '[@[:space:]]')
);

create table poprad.nas_group (
	nas_group_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 255),
	is_own_network boolean not null default true -- false: a virtual POP, whose traffic does not cross our network
);

create table poprad.nas (
	nas_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 255),
	prefix cidr not null unique,
	secret text not null check (octet_length(secret) between 1 and 255),
	kind text not null,
	nas_group_id int references poprad.nas_group,
	require_message_authenticator text not null default 'auto' check (require_message_authenticator in ('yes', 'no', 'auto')),
	limit_proxy_state boolean not null default true,
	no_accounting boolean not null default false,
	timeout_ms int not null default 0 check (timeout_ms between 0 and 60000) -- 0: the server's request_deadline
);

-- Source addresses from which a verified Message-Authenticator was seen while their NAS was on 'auto'.
create table poprad.nas_learned (
	source inet primary key,
	nas_id int not null references poprad.nas on delete cascade,
	learned_at timestamptz not null default now()
);

create table poprad.pool (
	pool_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 255)
);

create table poprad.pool_range (
	pool_range_id int generated always as identity primary key,
	pool_id int not null references poprad.pool,
	prefix cidr not null,
	nas_group_id int references poprad.nas_group, -- null: serves every group
	first_address inet not null, -- without the first and last address of the prefix unless --all was given
	last_address inet not null,
	check (first_address = host(first_address)::inet and last_address = host(last_address)::inet),
	check (first_address <= last_address and first_address <<= prefix and last_address <<= prefix),
	exclude using gist (prefix inet_ops with &&)
);

create table poprad.filter (
	filter_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 249), -- a Filter-Id, less ".out"
	direction text not null check (direction in ('in', 'out')), -- in: from the subscriber into the NAS
	scope text not null default 'anywhere' check (scope in ('anywhere', 'own-network', 'router')),
	purpose text not null default ''
);

create table poprad.filter_rule (
	filter_id int not null references poprad.filter on delete cascade,
	position int not null check (position > 0),
	action text not null check (action in ('permit', 'deny')),
	protocol text not null default 'ip',
	source text not null default 'any', -- any, a prefix, or pool:NAME
	destination text not null default 'any',
	ports int[] not null default '{}', -- destination ports; empty: all
	primary key (filter_id, position)
);

create table poprad.plan (
	plan_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 255),
	pool_id int references poprad.pool,
	session_limit int not null default 0 check (session_limit >= 0), -- 0: none
	session_timeout_s int not null default 0 check (session_timeout_s >= 0),
	idle_timeout_s int not null default 0 check (idle_timeout_s >= 0),
	interim_s int not null default 0 check (interim_s = 0 or interim_s >= 60),
	netmask inet not null default '255.255.255.255',
	allows_login boolean not null default false,
	attributes text[] not null default '{}' check (cardinality(attributes) <= 64) -- "Name = value", checked by popradctl against the dictionary
);

create table poprad.plan_filter (
	plan_id int not null references poprad.plan on delete cascade,
	position int not null check (position between 1 and 64),
	filter_id int not null references poprad.filter,
	primary key (plan_id, position),
	unique (plan_id, filter_id)
);

-- One row. Every change to a catalog table raises it and notifies (triggers in functions/); workers poll it too.
create table poprad.catalog_version (
	one boolean primary key default true check (one),
	version bigint not null
);
insert into poprad.catalog_version (version) values (1);

-- Subscribers -----------------------------------------------------------------------------------------------------

create table poprad.subscriber (
	subscriber_id int generated always as identity primary key,
	login text collate "C" not null unique, -- user, or user@realm with the realm in lower case
	realm_id int references poprad.realm, -- of the part behind the last @; null: a plain user name
	plan_id int not null references poprad.plan,
	password text not null, -- cleartext, {nt}HEX, crypt(3) "$id$...", {SSHA}... : see subscriber passwords in the manual
	status text not null default 'active' check (status in ('active', 'suspended')),
	expires_at timestamptz,
	static_address inet unique check (static_address = host(static_address)::inet), -- one address, no network
	session_limit int check (session_limit >= 0), -- null: the plan's
	attributes text[] not null default '{}' check (cardinality(attributes) <= 64),
	created_at timestamptz not null default now()
) with (fillfactor = 90);

-- The row that a login locks: it serialises the decisions about one subscriber, and remembers the last address.
create table poprad.subscriber_state (
	subscriber_id int primary key references poprad.subscriber on delete cascade,
	last_address inet
) with (fillfactor = 80);

-- Sessions and leases ---------------------------------------------------------------------------------------------

-- Every address that may be leased: one row each. The row alone guarantees that no address has two holders.
create table poprad.address (
	address inet primary key,
	pool_id int references poprad.pool, -- null: outside every pool, a static address only
	pool_range_id int references poprad.pool_range,
	is_static boolean not null default false, -- some subscriber's static address: never leased to another
	subscriber_id int, -- present or last holder; no reference: it is only a memory
	session_key uuid, -- null: free
	changed_at timestamptz not null default '-infinity' -- when it was last taken or given back
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.1);

create table poprad.session (
	session_key uuid primary key,
	login_key uuid, -- of the newest login on the same line that was answered with this session; null: no other was
	state text not null check (state in ('authorised', 'active', 'closed')),
	subscriber_id int,
	plan_id int,
	nas_id int not null,
	nas_address inet not null, -- source address of the device
	nas_ip_address inet, -- NAS-IP-Address or NAS-IPv6-Address as it said
	nas_identifier text,
	nas_port bigint,
	nas_port_id text,
	nas_port_type text,
	calling_station_id text,
	called_station_id text,
	user_name text not null, -- as the NAS sent it, cleaned
	acct_session_id text, -- bound by the first accounting packet
	acct_multi_session_id text,
	class text, -- what we sent, or what the NAS returned
	address inet, -- leased while the address row carries our key
	framed_address inet, -- what the NAS says it uses
	framed_ipv6_address inet,
	framed_ipv6_prefix cidr,
	framed_interface_id text,
	delegated_ipv6_prefix cidr,
	service_type text,
	framed_protocol text,
	authentic text,
	connect_info_start text,
	connect_info_stop text,
	authorised_at timestamptz,
	authorised_until timestamptz, -- set while authorised: the index predicate changes once, so interims stay HOT
	started_at timestamptz, -- by event time (decision 9)
	updated_at timestamptz, -- event time of the newest packet
	last_heard timestamptz, -- our clock: drives sweeps
	stopped_at timestamptz,
	closed_at timestamptz, -- our clock: drives the move into history
	terminate_cause text,
	cause_rank smallint not null default 0, -- 4 NAS Stop, 3 On/Off or operator, 2 replaced, 1 expired or swept (decision 10)
	interim_s int not null default 0,
	session_time bigint not null default 0,
	in_octets bigint not null default 0,
	out_octets bigint not null default 0,
	in_packets bigint not null default 0,
	out_packets bigint not null default 0,
	in_wraps int not null default 0, -- times that a NAS without Gigawords passed 4 GiB
	out_wraps int not null default 0,
	flags text[] not null default '{}' -- over_limit, address_conflict, live_after_close, replaced_line, clock_off
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05); -- room for a new version of every row: interims come in waves
create index session_subscriber on poprad.session (subscriber_id);
create index session_device on poprad.session (nas_id, nas_address);
create index session_authorised on poprad.session (authorised_until) where authorised_until is not null;
create index session_closed on poprad.session (closed_at) where closed_at is not null; -- also changes once

-- One Access-Request as poprad.admit() hands it to its helpers.
create type poprad.login_request as (
	ord int,
	session_key uuid,
	subscriber_id int,
	plan_id int,
	pool_id int, -- 0: no address from a pool
	nas_group_id int, -- 0: none
	static_address inet,
	wants_address boolean, -- false: only asks whether a login would be accepted
	session_limit int, -- 0: none
	interim_s int,
	session_timeout_s int,
	no_accounting boolean,
	nas_id int,
	nas_address inet,
	nas_ip_address inet,
	nas_identifier text,
	nas_port bigint,
	nas_port_id text,
	nas_port_type text,
	calling_station_id text,
	called_station_id text,
	user_name text,
	service_type text,
	framed_protocol text,
	class text,
	candidate_1 inet,
	candidate_2 inet,
	candidate_3 inet,
	candidate_4 inet,
	search boolean,
	authorised_max int,
	authorised_s int
);

-- What becomes of it.
create type poprad.admission as (
	request poprad.login_request,
	reason text,
	session_key uuid, -- the session that answers it: its own, or an earlier login's
	address inet, -- already the session's, or about to be moved to it
	is_new boolean, -- a session is to be inserted
	is_reused boolean, -- an authorised session on the same line is to be kept for it
	needs_address boolean, -- one of the pool is to be taken
	last_address inet, -- what the subscriber had last
	replaced uuid[], -- active sessions on the same line, which end
	evicted uuid[], -- authorised sessions that are too many, the oldest
	gives_back uuid[] -- sessions whose lease ends, unless it has been moved
);

-- NAS + Acct-Session-Id (+ login, '' if the packet named none) -> key, one row per session that accounting has reached.
-- Several rows per pair: a NAS may use one Acct-Session-Id for many sessions. It outlives the session's move into
-- history by a day, so that late packets without Class find it there.
create table poprad.session_alias (
	session_key uuid primary key,
	nas_id int not null,
	acct_session_id text not null,
	login text collate "C" not null,
	moved_at timestamptz -- set when the session has gone into history
) with (fillfactor = 90);
create index session_alias_identity on poprad.session_alias (nas_id, acct_session_id, login);
create index session_alias_moved on poprad.session_alias (moved_at) where moved_at is not null;

-- Closed sessions, by the month in which their key was born. Same columns, same order.
create table poprad.session_history (like poprad.session including defaults including constraints,
	primary key (session_key)) partition by range (session_key);
create index session_history_started on poprad.session_history (started_at);
create index session_history_user_name on poprad.session_history (user_name, started_at);
create index session_history_subscriber on poprad.session_history (subscriber_id, started_at);

-- One accounting packet as poprad.account() hands it to its helpers: the columns of session, and what drives them.
create type poprad.account_event as (
	ord int,
	new_key uuid, -- the session's key if the packet belongs to none that is known
	class_key uuid,
	status smallint, -- 1 Start, 2 Stop, 3 Interim-Update
	nas_id int,
	nas_address inet,
	nas_ip_address inet,
	nas_identifier text,
	acct_session_id text, -- '' if not sent
	acct_multi_session_id text,
	login text, -- '' if not sent
	user_name text,
	class text,
	framed_address inet,
	framed_ipv6_address inet,
	framed_ipv6_prefix cidr,
	framed_interface_id text,
	delegated_ipv6_prefix cidr,
	nas_port bigint,
	nas_port_id text,
	nas_port_type text,
	calling_station_id text,
	called_station_id text,
	service_type text,
	framed_protocol text,
	authentic text,
	connect_info text,
	event_at timestamptz,
	began_at timestamptz, -- event_at less the session time
	received_at timestamptz,
	session_time bigint,
	in_octets bigint,
	out_octets bigint,
	has_gigawords boolean,
	in_packets bigint,
	out_packets bigint,
	terminate_cause text
);

-- Accounting that the database refused: raw, with the reason, for a person to look at.
create table poprad.accounting_quarantine (
	quarantine_id bigint generated always as identity primary key,
	received_at timestamptz not null,
	nas_address inet not null,
	reason text not null,
	packet text not null -- hex, the packet as it came without its authenticator
);
create unique index accounting_quarantine_once on poprad.accounting_quarantine (received_at, nas_address, md5(packet));

-- Acct-Status-Type other than Start, Stop, Interim-Update, Accounting-On and Accounting-Off (decision 11).
create table poprad.accounting_other (
	accounting_other_id bigint generated always as identity primary key,
	received_at timestamptz not null,
	nas_id int not null,
	nas_address inet not null,
	status_type text not null,
	user_name text,
	acct_session_id text,
	event_key uuid not null unique -- the worker's key: a repeated execution stores it once
);

-- One row per worker, refreshed every second: since when it can store accounting, and up to which arrival it has
-- stored all of it. Authorised sessions expire by this time, not by the wall (decision 5).
create table poprad.worker_state (
	node text not null,
	worker int not null,
	available_since timestamptz not null,
	accounted_until timestamptz not null,
	updated_at timestamptz not null,
	primary key (node, worker)
) with (fillfactor = 50);
