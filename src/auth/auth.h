/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What happens to an Access-Request, in this order: each step is in the file of its name. A step
 * that refuses the login ends with auth_reject; then the later ones do not run. */
#include "db/lane.h"
#include "request/request.h"

/* Attributes -> who logs in on which line, with which credential. */
step_function auth_read;
/* The subscriber's row; waits for the login lane. */
step_function auth_find;
/* Does the credential fit the stored password? A slow hash is waited for. */
step_function auth_verify;
/* Password verdict, status, expiry, plan, service; then what the session gets. */
step_function auth_policy;
/* Session limit, address and session row; waits for the login lane. */
step_function auth_admit;
/* The Access-Accept, or the Access-Reject for what the database refused. */
step_function auth_reply;

/* poprad.find and poprad.admit, without and with prefixes, in the order in which they leave in one
 * flush. */
extern const struct lane_call auth_find_call, auth_find_metered_call, auth_admit_call,
	auth_admit_whole_call;
