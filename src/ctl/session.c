/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl session: who is online, and since when. */
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/field.h"
#include "ctl/output.h"
#include "ctl/value.h"
#include <stdlib.h>
#include <string.h>

static const struct parameter list_options[] = {
	OPTION_JSON,
	{.name = "login",
		.type = VALUE_LOGIN,
		.form = "LOGIN",
		.sentence = "Only sessions of this subscriber, or with this user name."},
	{.name = "nas",
		.type = VALUE_NAME,
		.form = "NAME",
		.sentence = "Only sessions on this NAS."},
	{.name = "state",
		.type = VALUE_CHOICE,
		.form = "open|authorised|active|closed|all",
		.sentence = "Only sessions in this state; open, the default, is authorised or "
			    "active. Sessions closed more than an hour ago are in the history "
			    "and listed only with --address."},
	{.name = "flag",
		.type = VALUE_NAME,
		.form = "FLAG",
		.sentence = "Only sessions that are flagged so, over_quota for instance "
			    "(session show has the flags of each)."},
	{.name = "address",
		.type = VALUE_ADDRESS,
		.form = "A",
		.sentence = "Only sessions that have this address, or an IPv6 prefix that it "
			    "lies in; in every state, and from the history too."},
	{.name = "at",
		.type = VALUE_TEXT,
		.form = "TIME",
		.sentence = "With --address: who had it then, '2027-01-31 12:00' (UTC) or "
			    "'2027-01-31 13:00 +01:00'."},
	{0},
};
static const struct parameter show_arguments[] = {
	{.name = "KEY|LOGIN",
		.type = VALUE_TEXT,
		.sentence = "A session's key, or a login for all its sessions, the newest last."},
	{0},
};
static const struct parameter show_options[] = {
	OPTION_JSON,
	{.name = "last",
		.type = VALUE_NUMBER,
		.form = "N",
		.sentence = "With a login: only the newest N of its sessions."},
	{0},
};
static const struct parameter key_argument[] = {
	{.name = "KEY",
		.type = VALUE_KEY,
		.sentence = "The session's key, as session list shows it."},
	{0},
};
static const struct parameter close_options[] = {
	{.name = "cause",
		.type = VALUE_NAME,
		.form = "CAUSE",
		.sentence = "Acct-Terminate-Cause to record; Admin-Reset by default."},
	{0},
};

static const struct parameter nas_argument[] = {
	{.name = "NAS", .type = VALUE_NAME, .sentence = "The NAS."}, {0}};
static const struct parameter close_nas_options[] = {
	{.name = "before",
		.type = VALUE_TEXT,
		.form = "TIME",
		.sentence = "Only sessions that began before then (UTC); now by default."},
	{.name = "cause",
		.type = VALUE_NAME,
		.form = "CAUSE",
		.sentence = "Acct-Terminate-Cause to record; Admin-Reset by default."},
	{0},
};

#define SESSION_COLUMNS                                                                     \
	"s.session_key, s.state, b.login, s.user_name, n.name as nas, s.subscriber_id, "    \
	"p.name as plan, s.nas_id, s.nas_address, s.nas_ip_address, s.nas_identifier, "     \
	"s.nas_port, s.nas_port_id, s.nas_port_type, s.calling_station_id, "                \
	"s.called_station_id, s.acct_session_id, s.acct_multi_session_id, s.class, "        \
	"s.address, s.framed_address, s.framed_ipv6_address, s.framed_ipv6_prefix, "        \
	"s.framed_interface_id, s.delegated_ipv6_prefix, s.leased_framed_prefix, "          \
	"s.leased_delegated_prefix, s.service_type, s.framed_protocol, "                    \
	"s.authentic, s.connect_info_start, s.connect_info_stop, s.authorised_at, "         \
	"s.authorised_until, s.started_at, s.updated_at, s.last_heard, s.stopped_at, "      \
	"s.closed_at, s.terminate_cause, s.cause_rank, s.interim_s, s.session_time, "       \
	"s.in_octets, s.out_octets, s.in_packets, s.out_packets, s.in_wraps, s.out_wraps, " \
	"to_jsonb(s.flags) as flags"
#define SESSION_JOINS                                             \
	" s left join poprad.subscriber b using (subscriber_id) " \
	"left join poprad.plan p on p.plan_id = s.plan_id "       \
	"left join poprad.nas n on n.nas_id = s.nas_id "
#define SESSIONS_WITH_HISTORY \
	"(select * from poprad.session union all select * from poprad.session_history)"
static const struct listing session_listing = {
	.select = "select " SESSION_COLUMNS " from poprad.session" SESSION_JOINS,
	.key = "s.session_key",
	.after = "coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')",
	.brief = "session_key state user_name nas address started_at session_time in_octets "
		 "out_octets",
};

/* By the index for a subscriber's own, and among those of nobody for users that are no subscribers.
 */
static void filter_login(struct call *call, struct listing *listing, const char *login)
{
	listing_filter(call->ctx, listing,
		"(s.subscriber_id = (select subscriber_id from poprad.subscriber where login = $) "
		"or (s.subscriber_id is null and s.user_name = $))",
		login);
}

/* Those sessions, also from the history. They are found before they are listed, so that each is
 * read by its key. keys: as text of a uuid[]. */
static void list_keys(const struct call *call, struct listing *listing, const char *keys)
{
	listing->select = "select " SESSION_COLUMNS " from " SESSIONS_WITH_HISTORY SESSION_JOINS;
	listing->brief = "session_key state user_name nas calling_station_id address started_at "
			 "stopped_at terminate_cause";
	listing_filter(call->ctx, listing, "s.session_key = any ($::uuid[])", keys);
}

/* Nobody had it then: who did before and after, for complaints whose time is not exact. */
static int say_nearest(struct pg *pg, const struct params *params)
{
	PGresult *rows;
	int code = pg_run(pg,
		"select is_before, coalesce(b.login, s.user_name, '-'), changed_at, s.session_key "
		"from poprad.sessions_near($1::inet, $2::timestamptz) join " SESSIONS_WITH_HISTORY
		" s using (session_key) left join poprad.subscriber b using (subscriber_id) "
		"order by is_before desc",
		params, &rows);

	if (code != CTL_OK)
		return code;
	for (int row = 0; row < PQntuples(rows); row++) {
		bool is_before = PQgetvalue(rows, row, 0)[0] == 't';

		fputs(is_before ? "before: " : "after: ", pg->call->out);
		field_print(pg->call->out, PQgetvalue(rows, row, 1));
		fprintf(pg->call->out, ", %s %s (session %s)\n", is_before ? "until" : "from",
			PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3));
	}
	PQclear(rows);
	return CTL_OK;
}

/* Those that had the address then, or have it now. */
static int filter_address(struct pg *pg, struct listing *listing, const char *address)
{
	struct params params = {0};
	const char *at = call_value(pg->call, "at"), *when = NULL, *keys = NULL;
	int code;

	params_add(&params, at);
	code = pg_value(pg, "select coalesce($1::timestamptz, now())::text", &params, &when);
	params = (struct params){0};
	params_add(&params, address);
	params_add(&params, when);
	if (code == CTL_OK)
		code = pg_value(pg,
			"select array(select poprad.session_keys_with($1::inet, "
			"$2::timestamptz))::text",
			&params, &keys);
	if (code != CTL_OK)
		return code;
	/* The time as it was understood: zones are what complaints get wrong. */
	list_keys(pg->call, listing, keys);
	if (strcmp(keys, "{}") != 0 || call_has(pg->call, "json"))
		return CTL_OK;
	fprintf(pg->call->out, "no session is known that %s %s at %s\n", at == NULL ? "has" : "had",
		address, when);
	return say_nearest(pg, &params);
}

static int session_list(struct call *call)
{
	struct listing listing = session_listing;
	const char *state = call_value(call, "state"), *address = call_value(call, "address");
	struct pg *pg;
	int code;

	if (address == NULL && call_has(call, "at"))
		return call_fail(call, CTL_USAGE, "--at says when somebody had an --address");
	code = pg_open(call, &pg);
	if (code == CTL_OK && address != NULL)
		code = filter_address(pg, &listing, address);
	filter_login(call, &listing, call_value(call, "login"));
	listing_filter(call->ctx, &listing,
		"s.nas_id = (select nas_id from poprad.nas where name = $)",
		call_value(call, "nas"));
	listing_filter(call->ctx, &listing, "$ = any (s.flags)", call_value(call, "flag"));
	if (state == NULL ? address == NULL : strcmp(state, "open") == 0)
		listing_filter(call->ctx, &listing, "s.state <> $", "closed");
	else if (state != NULL && strcmp(state, "all") != 0)
		listing_filter(call->ctx, &listing, "s.state = $", state);
	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int show_login(struct call *call, const char *text)
{
	struct listing listing = session_listing;
	char *login = mem_must(talloc_strdup(call->ctx, text));
	const char *fault = login_normalise(login), *keys = NULL;
	struct params params = {0};
	struct pg *pg;
	int code;

	if (fault != NULL)
		return call_fail(call, CTL_USAGE, "the login %s", fault);
	params_add(&params, login);
	params_add(&params, call_value(call, "last"));
	code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = pg_value(pg,
			"select array(select poprad.session_keys_of($1, $2::bigint))::text",
			&params, &keys);
	if (code != CTL_OK)
		return code;
	list_keys(call, &listing, keys);
	return output_list(pg, &listing);
}

static int session_show(struct call *call)
{
	struct params params = {0};
	const char *text = call_value(call, "KEY|LOGIN");
	struct pg *pg;
	int code;

	if (!text_is_key(text))
		return show_login(call, text);
	if (call_has(call, "last"))
		return call_fail(call, CTL_USAGE, "--last goes with a login");
	code = pg_open(call, &pg);
	params_add(&params, text);
	return code != CTL_OK
		       ? code
		       : output_show(pg,
				 "select " SESSION_COLUMNS
				 " from " SESSIONS_WITH_HISTORY SESSION_JOINS
				 "where s.session_key = $1::uuid",
				 &params, "session with that key (see popradctl session list)");
}

static int session_close(struct call *call)
{
	struct params params = {0};
	const char *cause = call_value(call, "cause"), *address = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "KEY"));
	params_add(&params, cause == NULL ? "Admin-Reset" : cause);
	if (code == CTL_OK)
		code = pg_value(
			pg, "select host(poprad.session_close($1::uuid, $2))", &params, &address);
	if (code == CTL_OK)
		fprintf(call->out, "closed; %s%s\n",
			address == NULL ? "it held no address" : address,
			address == NULL ? "" : " is free again");
	return code;
}

/* One step, a transaction of its own, so that nothing else waits for long. *after: where the next
 * goes on; NULL: there is none left. */
static int close_some(
	struct pg *pg, struct params *params, unsigned long *total, const char **after)
{
	PGresult *rows;
	int code;

	params->values[3] = *after;
	code = pg_run(pg,
		"select closed, last from poprad.nas_sessions_close($1, $2::timestamptz, $3, "
		"$4::uuid)",
		params, &rows);
	if (code != CTL_OK)
		return code;
	*total += strtoul(PQgetvalue(rows, 0, 0), NULL, 10);
	*after = PQgetisnull(rows, 0, 1)
			 ? NULL
			 : mem_must(talloc_strdup(pg->call->ctx, PQgetvalue(rows, 0, 1)));
	PQclear(rows);
	return CTL_OK;
}

static int session_close_nas(struct call *call)
{
	struct params time = {0}, params = {0};
	const char *cause = call_value(call, "cause"), *before = NULL;
	const char *after = "00000000-0000-0000-0000-000000000000";
	unsigned long total = 0;
	struct pg *pg;
	int code = pg_open(call, &pg);

	/* One time for all steps: who logs in meanwhile stays. */
	params_add(&time, call_value(call, "before"));
	if (code == CTL_OK)
		code = pg_value(
			pg, "select coalesce($1::timestamptz, now())::text", &time, &before);
	params_add(&params, call_value(call, "NAS"));
	params_add(&params, before);
	params_add(&params, cause == NULL ? "Admin-Reset" : cause);
	params_add(&params, after);
	while (code == CTL_OK && after != NULL)
		code = close_some(pg, &params, &total, &after);
	if (code == CTL_OK)
		fprintf(call->out, "%lu sessions closed\n", total);
	return code;
}

const struct command session_commands[] = {
	{
		.verb = "list",
		.options = list_options,
		.sentence = "Lists sessions in the order of their birth.",
		.details = "Who had an address then? --address and --at tell: by what the NAS "
			   "reported, else by what was leased.",
		.example = "popradctl session list --address 10.0.8.17 --at '2027-01-31 12:00'",
		.run = session_list,
	},
	{
		.verb = "show",
		.arguments = show_arguments,
		.options = show_options,
		.sentence = "Shows one session, or those of a login, also from the history.",
		.example = "popradctl session show line-7@isp.example --last 50",
		.run = session_show,
	},
	{
		.verb = "close",
		.arguments = key_argument,
		.options = close_options,
		.sentence = "Closes a session whose end was never reported, and frees its address.",
		.details =
			"It does not disconnect anybody: use it when the NAS no longer knows the "
			"session. A Stop that comes later still counts.",
		.example = "popradctl session close 0193a1c2-5a60-7000-8000-000000000001",
		.run = session_close,
	},
	{
		.verb = "close-nas",
		.arguments = nas_argument,
		.options = close_nas_options,
		.sentence =
			"Closes all sessions of a NAS that will not report their end, and frees "
			"their addresses.",
		.details = "For a NAS that was lost or replaced; one that boots says so itself "
			   "(Accounting-On). It does not disconnect anybody.",
		.example = "popradctl session close-nas bank-7 --before '2027-01-31 12:00'",
		.run = session_close_nas,
	},
	{0},
};
