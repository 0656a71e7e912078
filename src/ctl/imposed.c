/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/imposed.h"
#include "base/mem.h"
#include "ctl/unfiltered.h"

int filter_names_params(struct call *call, struct params *params)
{
	size_t count;
	const char *const *filters = call_values(call, "filter", &count);

	if (call_has(call, "no-filters") && count > 0)
		return call_fail(call, CTL_USAGE, "--filter and --no-filters exclude each other");
	if (count > 0)
		params_add_array(call->ctx, params, filters, count);
	else
		params_add(params, call_has(call, "no-filters") ? "{}" : NULL);
	return CTL_OK;
}

int imposed_note(struct pg *pg, const char *group)
{
	return call_has(pg->call, "filter")
		       ? unfiltered_note(pg, group,
				 "what is imposed does nothing there: let that equipment filter by "
				 "itself")
		       : CTL_OK;
}
