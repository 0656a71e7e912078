-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Where a subscriber may log in from: what the NAS tells of the line must be in each list that says something.

-- A list of one dimension without nulls or empty entries. What src/base/station.c refuses, a star that is not the end, is
-- refused here.
create function poprad.binding_is_sound(entries text[]) returns boolean language sql immutable as $$
	select cardinality(entries) <= 32 and coalesce(array_ndims(entries), 1) = 1 and not exists (
		select from unnest(entries) e (entry)
		where entry is null or octet_length(entry) not between 1 and 253 or entry ~ '[\x01-\x1f\x7f]' or entry ~ '^\*|\*.')
$$;

alter table poprad.plan
	add column calling_stations text[] not null default '{}' check (poprad.binding_is_sound(calling_stations)),
	add column called_stations text[] not null default '{}' check (poprad.binding_is_sound(called_stations)),
	add column nas_port_types text[] not null default '{}' check (poprad.binding_is_sound(nas_port_types)), -- the dictionary's names
	add column nas_groups text[] not null default '{}' check (poprad.binding_is_sound(nas_groups)), -- names of nas_group
	add column learn_calling_station boolean not null default false; -- where calling_stations says nothing

alter table poprad.subscriber_policy
	add column calling_stations text[] check (poprad.binding_is_sound(calling_stations)),
	add column called_stations text[] check (poprad.binding_is_sound(called_stations)),
	add column nas_port_types text[] check (poprad.binding_is_sound(nas_port_types)),
	add column nas_groups text[] check (poprad.binding_is_sound(nas_groups)),
	add column learn_calling_station boolean,
	add column learned_calling_station text check (octet_length(learned_calling_station) between 1 and 1024), -- in the server's form
	add column learned_at timestamptz,
	add constraint subscriber_policy_learned_check check ((learned_calling_station is null) = (learned_at is null));
