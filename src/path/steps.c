/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The life of a packet, in the order in which it happens. Each step is one function in the file of
 * its name and says what comes next: the next step, a wait (for a lane, or a hash), the reply, or a
 * drop with its reason (request/request.h). What happens around the steps, to a retransmission or
 * when time runs out, is the table at the top of request/request.h. */
#include "acct/acct.h"
#include "auth/auth.h"
#include "path/steps.h"
#include "request/steps.h"

static step_function step_route;

/* Every packet. */
const struct step path_steps[] = {
	{"nas", step_nas},           /* source address -> NAS, secret, deadline */
	{"admit", step_admit},       /* well formed, allowed here, signed as the NAS must */
	{"dupcache", step_dupcache}, /* new; or in progress: drop; or answered: the same octets */
	{"decode", step_decode},     /* octets -> attributes */
	{"route", step_route},       /* code -> one of the tables below */
	{NULL, NULL},
};

/* Access-Request. A step that refuses the login replies with Access-Reject. */
static const struct step authenticate_steps[] = {
	{"read", auth_read},     /* who, on which line, with which credential */
	{"find", auth_find},     /* waits for the subscriber's row (login lane) */
	{"verify", auth_verify}, /* password; waits if its hash is slow (hash threads) */
	{"policy", auth_policy}, /* verdict, status, expiry, service; what the session gets */
	{"admit", auth_admit},   /* waits for session and address (login lane) */
	{"reply", auth_reply},   /* Access-Accept, or what the database refused */
	{NULL, NULL},
};

/* Accounting-Request. */
static const struct step account_steps[] = {
	{"validate", acct_validate}, /* attributes -> record, fit for the database */
	{"record", acct_record},     /* waits until it is durable (accounting lane) */
	{"respond", acct_respond},   /* Accounting-Response */
	{NULL, NULL},
};

/* Status-Server. */
static const struct step status_steps[] = {
	{"status", step_status}, /* replies while this port's work can be done */
	{NULL, NULL},
};

static struct step_result step_route(struct request *request)
{
	switch (request->facts.code) {
	case CODE_ACCESS_REQUEST:
		request->next_step = authenticate_steps;
		return NEXT;
	case CODE_ACCOUNTING_REQUEST:
		request->next_step = account_steps;
		return NEXT;
	case CODE_STATUS_SERVER:
		request->next_step = status_steps;
		return NEXT;
	default:
		return DROP_BECAUSE(DROP_bad_code);
	}
}
