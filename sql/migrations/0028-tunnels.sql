-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Tunnels that access servers are told to open for a subscriber's line (RFC 2868): where to, and with which name and
-- password. Plans and subscribers name them, the preferred one first.

-- An address or a host name.
create function poprad.tunnel_endpoint_is_sound(endpoint text) returns boolean language sql immutable as $$
	select octet_length(endpoint) <= 128 and (endpoint ~ '^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$'
		or endpoint ~ '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$')
$$;

-- An address of the other family cannot be reached over the medium.
create function poprad.tunnel_endpoint_fits(endpoint text, medium text) returns boolean language sql immutable as $$
	select case when endpoint ~ ':' then medium = 'ipv6' when endpoint ~ '^[0-9.]+$' then medium = 'ipv4' else true end
$$;

create function poprad.tunnel_text_is_sound(value text) returns boolean language sql immutable as $$
	select octet_length(value) between 1 and 128 and value !~ '[\x01-\x1f\x7f]'
$$;

create table poprad.tunnel (
	tunnel_id int generated always as identity primary key,
	name text collate "C" not null unique check (octet_length(name) between 1 and 64 and name ~ '^[A-Za-z0-9._+:][A-Za-z0-9._+:-]*$'),
	type text not null default 'l2tp' check (type in ('l2tp', 'l2f', 'pptp')),
	medium text not null default 'ipv4' check (medium in ('ipv4', 'ipv6')),
	server text not null check (poprad.tunnel_endpoint_is_sound(server)), -- where the tunnel ends: the LNS
	client text check (poprad.tunnel_endpoint_is_sound(client)), -- where it begins, if the access server is to choose that address
	client_auth_id text check (poprad.tunnel_text_is_sound(client_auth_id)), -- the names that both ends call themselves
	server_auth_id text check (poprad.tunnel_text_is_sound(server_auth_id)),
	assignment_id text check (poprad.tunnel_text_is_sound(assignment_id)), -- sessions with the same one share a tunnel
	password text check (poprad.tunnel_text_is_sound(password)), -- in clear: the access server must have it
	preference int check (preference between 0 and 16777215), -- the lowest first; null: its place among those that are named
	constraint tunnel_endpoints_check check (poprad.tunnel_endpoint_fits(server, medium)
		and (client is null or poprad.tunnel_endpoint_fits(client, medium)))
);

-- Up to 31 names, each once: so many tags there are.
create function poprad.tunnels_are_sound(names text[]) returns boolean language sql immutable as $$
	select cardinality(names) <= 31 and coalesce(array_ndims(names), 1) = 1 and array_position(names, null) is null
		and (select count(*) = count(distinct n) from unnest(names) n)
$$;

alter table poprad.plan
	add column tunnels text[] not null default '{}' check (poprad.tunnels_are_sound(tunnels)),
	add column tunnel_address boolean not null default false; -- whether a line that is tunnelled gets an address here

alter table poprad.subscriber_policy
	add column tunnels text[] check (poprad.tunnels_are_sound(tunnels)),
	add column tunnel_address boolean;

-- An LNS: it is told of no tunnel, because the lines that it asks about have come through one.
alter table poprad.nas add column ends_tunnels boolean not null default false;
