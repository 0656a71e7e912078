-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- popradctl import freeradius: the operator copies rows in, and reads what became of them.
grant insert on poprad.import_radcheck, poprad.import_radreply, poprad.import_radgroupcheck, poprad.import_radgroupreply,
	poprad.import_radusergroup, poprad.import_nas, poprad.import_radippool, poprad.import_radacct to poprad_operator;
grant execute on function poprad.import_begin(), poprad.import_clear(), poprad.import_fold_case(), poprad.import_settings(text, boolean),
	poprad.import_sessions(bigint, text),
	poprad.import_tell(text[], text[], text[], text[]), poprad.import_texts() to poprad_operator;
