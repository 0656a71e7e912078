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

/* In that realm; of a group, of all who may come there. */
static int note_exemptions(struct pg *pg, const char *realm)
{
	struct params params = {0};
	const char *count = NULL;
	size_t filter_count;
	const char *const *filters = call_values(pg->call, "filter", &filter_count);
	int code;

	params_add_array(pg->call->ctx, &params, filters, filter_count);
	params_add(&params, realm);
	code = pg_value(pg,
		"select nullif(count(*), 0)::text from poprad.subscriber_exemption e "
		"join poprad.filter f using (filter_id) join poprad.subscriber s using "
		"(subscriber_id) where f.name = any ($1::text[]) and ($2::text is null or "
		"s.realm_id "
		"= (select r.realm_id from poprad.realm r where r.name = $2))",
		&params, &count);
	if (code == CTL_OK && count != NULL)
		fprintf(pg->call->errors,
			"popradctl: note: %s exemption(s) from it do not count there\n", count);
	return code;
}

int imposed_note(struct pg *pg, const char *realm, const char *group)
{
	int code;

	if (!call_has(pg->call, "filter"))
		return CTL_OK;
	code = unfiltered_note(pg, group,
		"what is imposed does nothing there: let that equipment filter by itself");
	return code == CTL_OK ? note_exemptions(pg, realm) : code;
}
