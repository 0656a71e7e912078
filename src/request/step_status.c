/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Answers Status-Server (RFC 5997 section 2.1): with Access-Accept on the authentication port, with
 * Accounting-Response on the accounting port. */
#include "request/steps.h"
#include "spool/spool.h"

struct step_result step_status(struct request *request)
{
	const struct worker *worker = request->worker;
	bool is_auth = request->endpoint.role == PORT_AUTH;
	bool is_served = lane_is_up(is_auth ? worker->login_lane : worker->accounting_lane) ||
			 (!is_auth && spool_is_open(worker->spool));
	if (!is_served)
		return DROP_BECAUSE(DROP_not_serving);
	request_begin_reply(request, is_auth ? CODE_ACCESS_ACCEPT : CODE_ACCOUNTING_RESPONSE);
	return REPLY;
}
