/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What happens to an Accounting-Request: it is read, stored, and only then answered. */
#include "db/lane.h"
#include "request/request.h"

/* Attributes -> one accounting record, made fit for the database. */
step_function acct_validate;
/* Stores it; waits for the accounting lane. */
step_function acct_record;
/* The Accounting-Response. */
step_function acct_respond;

/* poprad.account, account_interim, account_device, account_other and quarantine. */
extern const struct lane_call acct_session_call, acct_interim_call, acct_device_call,
	acct_other_call, acct_quarantine_call;
