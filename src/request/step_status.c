/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Answers Status-Server (RFC 5997 section 2.1): with Access-Accept on the authentication port, with
 * Accounting-Response on the accounting port. */
#include "request/steps.h"

struct step_result step_status(struct request *request)
{
	const struct worker *worker = request->worker;
	bool is_auth = request->endpoint.role == PORT_AUTH;
	if (!lane_is_up(is_auth ? worker->login_lane : worker->accounting_lane))
		return DROP_BECAUSE(DROP_not_serving);
	request_begin_reply(request, is_auth ? CODE_ACCESS_ACCEPT : CODE_ACCOUNTING_RESPONSE);
	return REPLY;
}
