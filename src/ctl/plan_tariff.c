/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl plan tariff and untariff: what a plan costs beyond what is included. */
#include "ctl/commands.h"
#include "ctl/pg.h"

/* the month that was given, else the present one */
#define SINCE "coalesce($2::date, date_trunc('month', now() at time zone 'UTC')::date)"

static int change_tariff(struct call *call, const char *sql, const struct params *params)
{
	struct params plan = {.values = {params->values[0]}, .count = 1};
	const char *plan_id;
	long changed = 0;
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code == CTL_OK)
		code = pg_value(pg, "select poprad.plan_get($1)::text", &plan, &plan_id);
	if (code == CTL_OK)
		code = pg_change(pg, sql, params, &changed);
	if (code == CTL_OK && changed == 0)
		return call_fail(call, CTL_REFUSED,
			"plan %s has no tariff that begins there (see popradctl plan show %s)",
			params->values[0], params->values[0]);
	return code;
}

int plan_tariff(struct call *call)
{
	static const char *const options[] = {"currency", "included-time", "time-unit",
		"time-price", "included-volume", "volume-unit", "volume-price"};
	struct params params = {0};

	if (call_value(call, "time-price") == NULL && call_value(call, "volume-price") == NULL)
		return call_fail(
			call, CTL_USAGE, "what does it cost? --time-price, --volume-price or both");
	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "since"));
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		params_add(&params, call_value(call, options[i]));
	return change_tariff(call,
		"insert into poprad.tariff (plan_id, since, currency, included_s, time_unit_s, "
		"time_price, included_octets, volume_unit, volume_price) "
		"select poprad.plan_get($1), " SINCE ", $3, coalesce($4::bigint, 0), "
		"coalesce($5::bigint, 3600), $6::numeric, coalesce($7::bigint, 0), "
		"coalesce($8::bigint, 1000000000), $9::numeric "
		"on conflict (plan_id, since) do update set currency = excluded.currency, "
		"included_s = excluded.included_s, time_unit_s = excluded.time_unit_s, "
		"time_price = excluded.time_price, included_octets = excluded.included_octets, "
		"volume_unit = excluded.volume_unit, volume_price = excluded.volume_price",
		&params);
}

int plan_untariff(struct call *call)
{
	struct params params = {0};

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "since"));
	return change_tariff(call,
		"delete from poprad.tariff where plan_id = poprad.plan_get($1) and since = " SINCE,
		&params);
}
