-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Filters that a realm, or a group of access servers, imposes on whoever logs in there. The bounds are those of the
-- catalog's reader.

create table poprad.realm_filter (
	realm_id int not null references poprad.realm on delete cascade,
	position int not null check (position between 1 and 8),
	filter_id int not null references poprad.filter,
	primary key (realm_id, position),
	unique (realm_id, filter_id)
);

create table poprad.nas_group_filter (
	nas_group_id int not null references poprad.nas_group on delete cascade,
	position int not null check (position between 1 and 8),
	filter_id int not null references poprad.filter,
	primary key (nas_group_id, position),
	unique (nas_group_id, filter_id)
);
