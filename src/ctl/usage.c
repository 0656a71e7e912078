/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl usage: what a subscriber used on which day. */
#include "ctl/commands.h"
#include "ctl/output.h"

static const struct parameter usage_arguments[] = {
	{.name = "LOGIN", .type = VALUE_LOGIN, .sentence = "The subscriber."}, {0}};
static const struct parameter usage_options[] = {
	OPTION_JSON,
	{.name = "month",
		.type = VALUE_MONTH,
		.form = "YYYY-MM",
		.sentence = "Only days of this month."},
	{0},
};

static const struct listing usage_listing = {
	.select = "select u.day || ' ' || u.plan_id as _key, u.day, p.name as plan, u.seconds, "
		  "u.octets_in, u.octets_out, u.sessions "
		  "from (select subscriber_id, day, plan_id, sum(seconds)::bigint as seconds, "
		  "least(sum(octets_in), 9223372036854775807)::bigint as octets_in, "
		  "least(sum(octets_out), 9223372036854775807)::bigint as octets_out, "
		  "sum(sessions)::bigint as sessions from poprad.usage "
		  "group by subscriber_id, day, plan_id) u "
		  "left join poprad.plan p using (plan_id)",
	.key = "(u.day || ' ' || u.plan_id)",
	.after = "coalesce($1, '')",
	.brief = "day plan seconds octets_in octets_out sessions",
};

static int usage_run(struct call *call)
{
	struct listing listing = usage_listing;
	const char *login = call_value(call, "LOGIN"), *month = call_value(call, "month");
	const char *subscriber = NULL;
	struct params params = {0};
	struct pg *pg;
	int code;

	code = pg_open(call, &pg);
	params_add(&params, login);
	if (code == CTL_OK)
		code = pg_value(pg,
			"select subscriber_id::text from poprad.subscriber where login = $1",
			&params, &subscriber);
	if (code != CTL_OK)
		return code;
	if (subscriber == NULL)
		return subscriber_not_there(call, login);
	listing_filter(call->ctx, &listing, "u.subscriber_id = $::int", subscriber);
	listing_filter(
		call->ctx, &listing, "date_trunc('month', u.day::timestamp) = $::date", month);
	return output_list(pg, &listing);
}

const struct command usage_commands[] = {
	{
		.verb = NULL,
		.arguments = usage_arguments,
		.options = usage_options,
		.sentence = "Shows what a subscriber used on which day.",
		.details = "Days are those of the subscriber's time zone. in is from the "
			   "subscriber into the access server. What open sessions have counted "
			   "by their newest record is in it. sessions are those whose first "
			   "day it is.",
		.example = "popradctl usage line-7@isp.example --month 2027-01",
		.run = usage_run,
	},
	{0},
};
