-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- In which form a NAS is sent filters. usual: as its kind is, names where it has them.

alter table poprad.nas add column filter_form text not null default 'usual',
	add constraint nas_filter_form_check check (case filter_form
		when 'usual' then true
		when 'none' then true
		when 'names' then kind not in ('ascend', 'nokia', 'huawei', 'accel-ppp')
		when 'rules' then kind in ('cisco', 'ascend', 'nokia', 'other')
		when 'old-rules' then kind = 'ascend'
		else false end);

-- To these kinds no filter was ever sent. What a NAS in service gets is changed by its operator, not by an update.
update poprad.nas set filter_form = 'none' where kind in ('juniper', 'ascend', 'nokia');
