/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Finds the NAS that a packet comes from. The request keeps the catalog snapshot that it was found
 * in, so that a reload in between changes nothing for it. */
#include "request/steps.h"

struct step_result step_nas(struct request *request)
{
	const struct worker *worker = request->worker;
	if (worker->catalog == NULL)
		return DROP_BECAUSE(DROP_no_catalog);
	request->catalog = catalog_hold(worker->catalog);
	request->nas = catalog_find_nas(request->catalog, &request->endpoint.remote);
	if (request->nas == NULL)
		return DROP_BECAUSE(DROP_unknown_nas);

	uint32_t patience_ms = request->nas->timeout_ms;
	if (patience_ms == 0)
		patience_ms = worker->conf->request_deadline_ms;
	request->patience_ns = patience_ms * NS_PER_MS;
	request->deadline_ns = request->arrival_ns + request->patience_ns;
	/* It may have waited that long in the socket's buffer. */
	if (request->deadline_ns <= clock_mono_ns())
		return DROP_BECAUSE(DROP_deadline);
	return NEXT;
}
