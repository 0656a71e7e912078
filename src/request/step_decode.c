/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Turns the octets into attributes. It stands behind the signature and the duplicates, because it
 * is the dearest of the steps that need no database. */
#include "request/steps.h"

struct step_result step_decode(struct request *request)
{
	if (attrs_decode(request->pool, request->packet, request->facts.length, &request->attrs) !=
		0)
		return DROP_BECAUSE(DROP_bad_attribute);
	return NEXT;
}
