/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Which filters a login gets. What they are on the wire was made with the catalog. */
#include "auth/login.h"

const struct rendered_filters *filters_choose(const struct login *login, const struct nas *nas)
{
	static const struct rendered_filters none;
	if (!login->wants_address)
		return &none;
	const struct rendered_filters *rendered = &login->plan->rendered[nas->filter_view];
	if (login->policy->filters != NULL)
		rendered = catalog_own_filters(login->request->pool, login->request->catalog,
			login->plan, login->policy->filters, nas->filter_view);
	for (const struct given_attr *given = login->given; given != NULL; given = given->next)
		if (filter_carrier_of(given->attr) & rendered->yields_to)
			return &none;
	return rendered;
}
