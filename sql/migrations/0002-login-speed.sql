-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- admit() hands parallel arrays to its helpers, no longer rows of many columns.

drop function if exists poprad.admit_turn, poprad.admit_decide, poprad.admit_give_up, poprad.admit_lease,
	poprad.admit_search, poprad.admit_store, poprad.is_address_for;
drop type poprad.admission, poprad.login_request;
