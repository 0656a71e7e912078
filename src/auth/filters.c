/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Which filters a login gets. What they are on the wire was made with the catalog. */
#include "auth/login.h"
#include "request/trace.h"

static void say_imposed(struct request *request, const struct imposed *imposed)
{
	if (imposed != NULL)
		trace_say(request, "%s imposes %zu filter%s", imposed->by, imposed->count,
			imposed->count == 1 ? "" : "s");
}

const struct rendered_filters *filters_choose(const struct login *login, const struct nas *nas)
{
	static const struct rendered_filters none;
	if (!login->wants_address)
		return &none;
	const struct rendered_filters *rendered = &login->plan->rendered[nas->filter_view];
	const struct catalog *catalog = login->request->catalog;
	const struct imposed *by_realm = catalog_imposed_by_realm(catalog, login->line.login);
	if (login->request->trace != NULL) {
		say_imposed(login->request, catalog_imposed_by_group(catalog, nas->nas_group_id));
		say_imposed(login->request, by_realm);
	}
	if (login->policy->filters != NULL || by_realm != NULL)
		rendered = catalog_own_filters(login->request->pool, catalog, login->plan, by_realm,
			login->policy->filters, nas->filter_view);
	for (const struct given_attr *given = login->given; given != NULL; given = given->next)
		if (filter_carrier_of(given->attr) & rendered->yields_to)
			return &none;
	return rendered;
}
