-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Cisco routers that are sent the names of filters and ask for their rules by these names.

alter table poprad.nas
	add column filter_password text check (octet_length(filter_password) between 1 and 128), -- null: cisco, which IOS sends if none is set
	drop constraint nas_filter_form_check,
	add constraint nas_filter_form_check check (case filter_form
		when 'usual' then true
		when 'none' then true
		when 'names' then kind not in ('ascend', 'nokia', 'huawei', 'accel-ppp')
		when 'rules' then kind in ('cisco', 'ascend', 'nokia', 'other')
		when 'old-rules' then kind = 'ascend'
		when 'filter-server' then kind = 'cisco'
		else false end);
