/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber topup and topups: what prepaid subscribers have bought. */
#include "ctl/commands.h"
#include "ctl/output.h"

int subscriber_topup(struct call *call)
{
	struct params params = {0};
	const char *time = call_value(call, "time"), *volume = call_value(call, "volume");
	struct pg *pg;
	int code;

	if (time == NULL && volume == NULL)
		return call_fail(call, CTL_USAGE, "what has he bought? --time D, --volume V");
	params_add(&params, call_value(call, "LOGIN"));
	params_add(&params, time != NULL ? time : "0");
	params_add(&params, volume != NULL ? volume : "0");
	params_add(&params, call_value(call, "reason"));
	code = pg_open(call, &pg);
	return code != CTL_OK ? code
			      : pg_run(pg,
					"select poprad.subscriber_topup($1, $2::bigint, "
					"$3::bigint, $4)",
					&params, NULL);
}

int subscriber_topups(struct call *call)
{
	struct listing listing = {
		.select = "select t.topup_id, t.at, t.by, t.seconds, t.octets, t.reason "
			  "from poprad.topup t",
		.key = "t.topup_id",
		.after = "coalesce($1::bigint, 0)",
		.brief = "at by seconds octets reason",
	};
	struct params params = {0};
	const char *login = call_value(call, "LOGIN"), *subscriber = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, login);
	if (code == CTL_OK)
		code = pg_value(pg,
			"select subscriber_id::text from poprad.subscriber where login = $1",
			&params, &subscriber);
	if (code != CTL_OK)
		return code;
	if (subscriber == NULL)
		return subscriber_not_there(call, login);
	listing_filter(call->ctx, &listing, "t.subscriber_id = $::int", subscriber);
	return output_list(pg, &listing);
}
