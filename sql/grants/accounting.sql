-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Accounting: the daemon calls these functions and none of their helpers; the operator reads the views.

grant execute on function
	poprad.account(uuid[], uuid[], int2[], int[], inet[], inet[], text[], text[], text[], text[], text[], text[], inet[],
		inet[], inet[], text[], inet[], bigint[], text[], text[], text[], text[], text[], text[], text[], text[],
		timestamptz[], timestamptz[], bigint[], bigint[], bigint[], boolean[], bigint[], bigint[], text[],
		bigint[]),
	poprad.account_interim(uuid[], int[], text[], text[], bigint[], timestamptz[], timestamptz[], bigint[], bigint[],
		bigint[], bigint[], bigint[]),
	poprad.account_device(int2[], int[], inet[], inet[], text[], timestamptz[], timestamptz[], int[], uuid[]),
	poprad.account_other(uuid[], text[], int[], inet[], text[], text[], timestamptz[]),
	poprad.quarantine(timestamptz[], inet[], text[], text[], text[]),
	poprad.history_months(bigint[]),
	poprad.move_closed(int[])
to poprad_server;

grant execute on function
	poprad.history_list(),
	poprad.history_detach(date),
	poprad.history_attach(date),
	poprad.history_drop(date)
to poprad_operator;
grant delete on poprad.accounting_quarantine to poprad_operator;
