-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The rows of the four tables of attributes that are to be imported, in one form. name: what an attribute is compared by.

create or replace view poprad.import_item as
select i.source, i.place, i.id, i.owner, i.attribute, lower(i.attribute) as name, i.op, i.value,
	jsonb_build_object('source', i.source, 'id', i.id, 'attribute', i.attribute, 'name', lower(i.attribute), 'op', i.op,
		'value', i.value) as item
from (
	select a.source, a.place, a.id, a.owner, trim(a.attribute) as attribute, coalesce(nullif(trim(a.op), ''), a.usual_op) as op,
		-- quotation marks around the whole of a value belong to its writing
		case when length(a.value) > 1 and left(a.value, 1) in ('"', '''') and left(a.value, 1) = right(a.value, 1)
			then substr(a.value, 2, length(a.value) - 2) else coalesce(a.value, '') end as value
	from (
		select 'radcheck' as source, place, id, username as owner, attribute, op, value, '==' as usual_op from poprad.import_radcheck
		union all
		select 'radreply', place, id, username, attribute, op, value, '=' from poprad.import_radreply
		union all
		select 'radgroupcheck', place, id, groupname, attribute, op, value, '==' from poprad.import_radgroupcheck
		union all
		select 'radgroupreply', place, id, groupname, attribute, op, value, '=' from poprad.import_radgroupreply
	) a
) i;

create or replace view poprad.import_understood as
select i.*, poprad.import_is_understood(i.source, i.owner, i.name, i.op, i.value) as is_understood
from poprad.import_item i;
