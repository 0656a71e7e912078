/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber exempt, unexempt, quarantine, release: what one subscriber has of his own of
 * filters. */
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/unfiltered.h"

/* Whatever NAS he may come by must be able to be sent what is left, or what comes instead. */
static int change(struct call *call, const char *sql, const char *what, const char *reason)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "LOGIN"));
	params_add(&params, what);
	params_add(&params, reason);
	return code != CTL_OK ? code : catalog_change_run(pg, sql, &params);
}

/* His plan's filter, but there it is not the plan's alone. */
static int note_groups(struct call *call, const char *filter)
{
	struct params params = {0};
	const char *groups = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, filter);
	if (code == CTL_OK)
		code = pg_value(pg,
			"select string_agg(g.name, ', ' order by g.name) from "
			"poprad.nas_group_filter i join poprad.nas_group g using (nas_group_id) "
			"join poprad.filter f using (filter_id) where f.name = $1",
			&params, &groups);
	if (code == CTL_OK && groups != NULL)
		fprintf(call->errors,
			"popradctl: note: it applies all the same in the groups that impose it: "
			"%s\n",
			groups);
	return code;
}

int subscriber_exempt(struct call *call)
{
	const char *filter = call_value(call, "FILTER");
	int code = change(call, "select poprad.subscriber_exempt($1, $2, $3)", filter,
		call_value(call, "reason"));

	return code == CTL_OK ? note_groups(call, filter) : code;
}

int subscriber_unexempt(struct call *call)
{
	return change(call, "select poprad.subscriber_exempt_end($1, $2) where $3::text is null",
		call_value(call, "FILTER"), NULL);
}

/* What of the set lets IPv6 pass, which is not said of IPv4 either. */
static int note_ipv6(struct pg *pg, const char *set)
{
	struct params params = {0};
	const char *names = NULL;
	int code;

	params_add(&params, set);
	code = pg_value(pg,
		"select string_agg(f.name, ' and ' order by f.direction) from poprad.filter_set s "
		"join poprad.filter f on f.filter_id in (s.in_filter_id, s.out_filter_id) "
		"where s.name = $1 and not exists (select from poprad.filter_rule r "
		"where r.filter_id = f.filter_id and (r.protocol in ('ipv6', 'icmp6') "
		"or r.source like '%:%' or r.destination like '%:%'))",
		&params, &names);
	if (code == CTL_OK && names != NULL)
		fprintf(pg->call->errors,
			"popradctl: note: %s: nothing is said of IPv6, which passes\n", names);
	return code;
}

/* Equipment that is sent names takes one for a direction. */
static int note_imposed(struct pg *pg, const char *login, const char *set)
{
	struct params params = {0};
	const char *names = NULL;
	int code;

	params_add(&params, login);
	params_add(&params, set);
	code = pg_value(pg,
		"select string_agg(i.name || ' (' || i.by || ')', ', ' order by i.name, i.by) "
		"from (select f.name, f.direction, f.filter_id, 'realm ' || r.name as by "
		"from poprad.subscriber s join poprad.realm r using (realm_id) "
		"join poprad.realm_filter using (realm_id) join poprad.filter f using (filter_id) "
		"where s.login = $1 union all "
		"select f.name, f.direction, f.filter_id, 'group ' || g.name "
		"from poprad.nas_group_filter join poprad.nas_group g using (nas_group_id) "
		"join poprad.filter f using (filter_id)) i join poprad.filter_set q on q.name = $2 "
		"where case i.direction when 'in' then q.in_filter_id else q.out_filter_id end "
		"<> i.filter_id",
		&params, &names);
	if (code == CTL_OK && names != NULL)
		fprintf(pg->call->errors,
			"popradctl: note: where names are sent, what is imposed goes in the place "
			"of the set's filter: %s\n",
			names);
	return code;
}

int subscriber_quarantine(struct call *call)
{
	const char *set = call_value(call, "FILTERSET");
	int code = change(call, "select poprad.subscriber_quarantine($1, $2, $3)", set,
		call_value(call, "reason"));
	struct pg *pg;

	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = note_ipv6(pg, set);
	if (code == CTL_OK)
		code = note_imposed(pg, call_value(call, "LOGIN"), set);
	if (code == CTL_OK)
		code = unfiltered_note(pg, NULL,
			"the quarantine does nothing there: popradctl subscriber suspend is what "
			"is left");
	return code;
}

int subscriber_release(struct call *call)
{
	return change(call, "select poprad.subscriber_quarantine($1, $2, $3)", NULL, NULL);
}
