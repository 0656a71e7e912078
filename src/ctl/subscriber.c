/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber: who may log in. */
#include "base/mem.h"
#include "ctl/attribute.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include "ctl/policy_option.h"
#include <string.h>

static const struct parameter login_argument[] = {
	{.name = "LOGIN",
		.type = VALUE_LOGIN,
		.sentence = "user or user@realm, as the subscriber types it."},
	{0},
};

#define SUBSCRIBER_COMMON_OPTIONS                                                                  \
	{.name = "password",                                                                       \
		.type = VALUE_PASSWORD,                                                            \
		.form = "P",                                                                       \
		.sentence = "Cleartext, {nt}HEX, {SSHA}..., or a crypt(3) string. Other users of " \
			    "this machine can see it on the command line: --password-stdin "       \
			    "avoids that."},                                                       \
		{.name = "password-stdin",                                                         \
			.sentence = "Read the password from the first line of standard input."},   \
		{.name = "static-address",                                                         \
			.type = VALUE_ADDRESS,                                                     \
			.form = "A",                                                               \
			.sentence = "The address that the subscriber always gets."},               \
		{.name = "framed-ipv6-prefix",                                                     \
			.type = VALUE_PREFIX,                                                      \
			.form = "NET",                                                             \
			.sentence = "The IPv6 prefix that his line always gets, such as "          \
				    "2001:db8:0:1::/64."},                                         \
		{.name = "delegated-ipv6-prefix",                                                  \
			.type = VALUE_PREFIX,                                                      \
			.form = "NET",                                                             \
			.sentence = "The IPv6 prefix that his router always gets for what is "     \
				    "behind it, such as 2001:db8:1:100::/56."},                    \
		{.name = "expires",                                                                \
			.type = VALUE_TEXT,                                                        \
			.form = "TIME",                                                            \
			.sentence =                                                                \
				"When the account ends: 2027-01-31, '2027-01-31 12:00' (UTC), "    \
				"or never."},                                                      \
		OPTION_ATTRIBUTE

static const struct parameter add_options[] = {
	{.name = "plan",
		.type = VALUE_NAME,
		.form = "P",
		.is_required = true,
		.sentence = "What was bought."},
	SUBSCRIBER_COMMON_OPTIONS,
	POLICY_OPTIONS("", false),
	SUBSCRIBER_POLICY_OPTIONS,
	{.name = "no-attributes", .sentence = "No further attribute (the default)."},
	{0},
};
static const struct parameter set_options[] = {
	{.name = "plan", .type = VALUE_NAME, .form = "P", .sentence = "What was bought."},
	SUBSCRIBER_COMMON_OPTIONS,
	POLICY_OPTIONS("|none", true),
	SUBSCRIBER_POLICY_OPTIONS,
	{.name = "no-static-address", .sentence = "Take the static address away."},
	{.name = "no-framed-ipv6-prefix", .sentence = "Take the prefix of the line away."},
	{.name = "no-delegated-ipv6-prefix", .sentence = "Take the delegated prefix away."},
	{.name = "no-attributes", .sentence = "Take the further attributes away."},
	{0},
};
static const struct parameter show_options[] = {
	OPTION_JSON,
	{.name = "with-password", .sentence = "Show the stored password too."},
	{0},
};
static const struct parameter list_options[] = {
	OPTION_JSON,
	{.name = "plan",
		.type = VALUE_NAME,
		.form = "P",
		.sentence = "Only subscribers of this plan."},
	{.name = "realm",
		.type = VALUE_REALM,
		.form = "R",
		.sentence = "Only subscribers of this realm."},
	{.name = "status",
		.type = VALUE_CHOICE,
		.form = "active|suspended",
		.sentence = "Only subscribers of this status."},
	{.name = "prefix",
		.type = VALUE_TEXT,
		.form = "TEXT",
		.sentence = "Only logins that begin so."},
	{0},
};
static const struct parameter remove_options[] = {
	{.name = "force", .sentence = "Also with active sessions, which are closed."}, {0}};
static const struct parameter exempt_arguments[] = {
	{.name = "LOGIN", .type = VALUE_LOGIN, .sentence = "The subscriber."},
	{.name = "FILTER", .type = VALUE_NAME, .sentence = "The filter."},
	{0},
};
static const struct parameter quarantine_arguments[] = {
	{.name = "LOGIN", .type = VALUE_LOGIN, .sentence = "The subscriber."},
	{.name = "FILTERSET",
		.type = VALUE_NAME,
		.sentence = "The filter set that stands in the place of the plan's filters."},
	{0},
};
static const struct parameter reason_options[] = {
	{.name = "reason",
		.type = VALUE_TEXT,
		.form = "TEXT",
		.is_required = true,
		.sentence = "Why, for whoever asks later; kept with the time."},
	{0},
};
static const struct parameter import_arguments[] = {
	{.name = "FILE", .type = VALUE_FILE, .sentence = "A CSV file; - is standard input."},
	{0},
};

int subscriber_not_there(const struct call *call, const char *login)
{
	return call_fail(call, CTL_REFUSED,
		"there is no subscriber %s (see popradctl subscriber list)", login);
}

/* $1 to $8, the same for add and set. */
static int add_subscriber_options(struct call *call, struct params *params)
{
	const char *password;
	int code = call_load_conf(call);

	if (code == CTL_OK)
		code = call_secret(call, "password", &password);
	if (code != CTL_OK)
		return code;
	params_add(params, call_value(call, "LOGIN"));
	params_add(params, call_value(call, "plan"));
	params_add(params, password);
	params_add(params, call_value(call, "expires"));
	params_add(params, call_value(call, "static-address"));
	params_add(params, call_value(call, "framed-ipv6-prefix"));
	params_add(params, call_value(call, "delegated-ipv6-prefix"));
	return attribute_params(call, params);
}

/* In the caller's transaction, so that a subscriber who is refused leaves no realm behind. */
static int add_realm(struct pg *pg, const char *login)
{
	struct params params = {0};
	const char *at = strrchr(login, '@');
	long added = 0;
	int code;

	if (at == NULL)
		return CTL_OK;
	params_add(&params, at + 1);
	code = pg_change(pg,
		"insert into poprad.realm (name) values ($1) on conflict (name) do nothing",
		&params, &added);
	if (code == CTL_OK && added > 0)
		fprintf(pg->call->out, "realm %s is new\n", at + 1);
	return code;
}

/* What the subscriber is to have of his own, in the caller's transaction. */
static int set_policy(struct pg *pg, const struct params *policy)
{
	return policy->values[1] == NULL ? CTL_OK
					 : pg_run(pg,
						   "select poprad.subscriber_policy_set($1, "
						   "$2::jsonb)",
						   policy, NULL);
}

static int subscriber_add(struct call *call)
{
	struct params params = {0}, policy = {0};
	struct pg *pg;
	int code = add_subscriber_options(call, &params);

	if (code == CTL_OK && params.values[2] == NULL)
		return call_fail(call, CTL_USAGE,
			"a subscriber needs a password: --password P, or --password-stdin");
	params_add(&policy, params.values[0]);
	if (code == CTL_OK)
		code = policy_params(call, true, &policy);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = pg_run(pg, "begin", NULL, NULL);
	if (code == CTL_OK)
		code = add_realm(pg, params.values[0]);
	if (code == CTL_OK)
		code = pg_run(pg,
			"insert into poprad.subscriber (login, realm_id, plan_id, password, "
			"expires_at, static_address, framed_ipv6_prefix, delegated_ipv6_prefix, "
			"attributes) values ($1, "
			"(select realm_id from poprad.realm "
			"where name = substring($1 from '@([^@]*)$')), poprad.plan_get($2), $3, "
			"nullif($4, 'never')::timestamptz, $5::inet, $6::cidr, $7::cidr, "
			"coalesce($8::text[], '{}'))",
			&params, NULL);
	if (code == CTL_OK)
		code = set_policy(pg, &policy);
	return code != CTL_OK ? code : pg_run(pg, "commit", NULL, NULL);
}

/* *change is NULL unless he gets another plan, with which what he has of his own of filters must
 * fit. */
static int begin_set(struct pg *pg, const char *login, struct catalog_change **change)
{
	struct params params = {0};
	int code;

	*change = NULL;
	if (!call_has(pg->call, "plan"))
		return pg_run(pg, "begin", NULL, NULL);
	params_add(&params, login);
	code = catalog_change_begin(pg, change);
	return code != CTL_OK
		       ? code
		       : pg_run(pg, "select poprad.subscriber_filters_lock($1)", &params, NULL);
}

/* What he is exempt from stays, for the day when he has that filter again. */
static int note_exemptions(struct pg *pg, const char *login)
{
	struct params params = {0};
	const char *names = NULL;
	int code;

	params_add(&params, login);
	code = pg_value(pg,
		"select string_agg(f.name, ', ' order by f.name) from poprad.subscriber s "
		"join poprad.subscriber_exemption e using (subscriber_id) "
		"join poprad.filter f using (filter_id) where s.login = $1 and not exists (select "
		"from poprad.plan_filter p where p.plan_id = s.plan_id and p.filter_id = "
		"e.filter_id)",
		&params, &names);
	if (code == CTL_OK && names != NULL)
		fprintf(pg->call->errors,
			"popradctl: note: still exempt from what his plan does not have: %s\n",
			names);
	return code;
}

/* $9 to $11: what he no longer has. */
static int add_taken_away(struct call *call, struct params *params)
{
	static const char *const options[][2] = {
		{"static-address", "no-static-address"},
		{"framed-ipv6-prefix", "no-framed-ipv6-prefix"},
		{"delegated-ipv6-prefix", "no-delegated-ipv6-prefix"},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (call_has(call, options[i][0]) && call_has(call, options[i][1]))
			return call_fail(call, CTL_USAGE, "--%s and --%s exclude each other",
				options[i][0], options[i][1]);
		params_add(params, call_has(call, options[i][1]) ? "true" : "false");
	}
	return CTL_OK;
}

static int subscriber_set(struct call *call)
{
	struct params params = {0}, policy = {0};
	struct catalog_change *change = NULL;
	struct pg *pg;
	long changed = 0;
	int code;

	code = add_subscriber_options(call, &params);
	if (code == CTL_OK)
		code = add_taken_away(call, &params);
	params_add(&policy, params.values[0]);
	if (code == CTL_OK)
		code = policy_params(call, true, &policy);
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = begin_set(pg, params.values[0], &change);
	if (code == CTL_OK)
		code = pg_change(pg,
			"update poprad.subscriber set "
			"plan_id = coalesce(poprad.plan_get($2), plan_id), "
			"password = coalesce($3, password), expires_at = case when $4::text is "
			"null "
			"then expires_at else nullif($4, 'never')::timestamptz end, "
			"static_address = case when $9::boolean then null "
			"else coalesce($5::inet, static_address) end, "
			"framed_ipv6_prefix = case when $10::boolean then null "
			"else coalesce($6::cidr, framed_ipv6_prefix) end, "
			"delegated_ipv6_prefix = case when $11::boolean then null "
			"else coalesce($7::cidr, delegated_ipv6_prefix) end, "
			"attributes = coalesce($8::text[], attributes) where login = $1",
			&params, &changed);
	if (code == CTL_OK && changed == 0)
		return subscriber_not_there(call, params.values[0]);
	if (code == CTL_OK)
		code = set_policy(pg, &policy);
	if (code == CTL_OK)
		code = change != NULL ? catalog_change_end(change)
				      : pg_run(pg, "commit", NULL, NULL);
	return code == CTL_OK && change != NULL ? note_exemptions(pg, params.values[0]) : code;
}

#define SUBSCRIBER_COLUMNS                                                                       \
	"s.login, s.subscriber_id, r.name as realm, p.name as plan, s.status, s.expires_at, "    \
	"s.static_address, s.framed_ipv6_prefix, s.delegated_ipv6_prefix, o.session_limit, "     \
	"o.session_timeout_s, o.idle_timeout_s, "                                                \
	"o.interim_s, o.login_hours, o.time_zone, o.rate_in_kbit, o.rate_out_kbit, "             \
	"to_jsonb(o.dns_servers) as dns_servers, o.address_list, to_jsonb(o.routes) as routes, " \
	"to_jsonb(o.calling_stations) as calling_stations, o.learn_calling_station, "            \
	"o.learned_calling_station, o.learned_at, "                                              \
	"to_jsonb(o.called_stations) as called_stations, "                                       \
	"to_jsonb(o.nas_port_types) as nas_port_types, to_jsonb(o.nas_groups) as nas_groups, "   \
	"to_jsonb(o.tunnels) as tunnels, o.tunnel_address, "                                     \
	"to_jsonb(s.attributes) as attributes, "                                                 \
	"s.created_at"
#define SUBSCRIBER_TABLES                                               \
	" from poprad.subscriber s join poprad.plan p using (plan_id) " \
	"left join poprad.realm r on r.realm_id = s.realm_id "          \
	"left join poprad.subscriber_policy o using (subscriber_id) "

static int subscriber_list(struct call *call)
{
	struct listing listing = {
		.select = "select " SUBSCRIBER_COLUMNS SUBSCRIBER_TABLES,
		.key = "s.login",
		.after = "coalesce($1, '')",
		.brief = "login plan status static_address expires_at",
	};
	const char *prefix = call_value(call, "prefix");
	struct pg *pg;
	int code = pg_open(call, &pg);

	/* plan_id and realm_id from look-ups of their own, so that the join stays in key order */
	listing_filter(call->ctx, &listing,
		"s.plan_id = (select plan_id from poprad.plan where name = $)",
		call_value(call, "plan"));
	listing_filter(call->ctx, &listing,
		"s.realm_id = (select realm_id from poprad.realm where name = $)",
		call_value(call, "realm"));
	listing_filter(call->ctx, &listing, "s.status = $", call_value(call, "status"));
	/* chr(1114111) is the last character there is: the index range of a prefix ends there. */
	listing_filter(call->ctx, &listing, "s.login >= $", prefix);
	listing_filter(call->ctx, &listing, "s.login <= $ || chr(1114111)", prefix);
	listing_filter(call->ctx, &listing, "starts_with(s.login, $)", prefix);
	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int subscriber_show(struct call *call)
{
	struct params params = {0};
	const char *sql = mem_must(talloc_asprintf(call->ctx,
		"select " SUBSCRIBER_COLUMNS ", case when s.password like '{%%' "
		"then lower(substring(s.password from '^{([^}]*)}')) "
		"when s.password like '$%%' then 'crypt' else 'clear' end as password_form, "
		"poprad.realm_filters(s.realm_id) as imposed_filters, "
		"poprad.subscriber_exemptions(s.subscriber_id) as exempt_from, "
		"poprad.subscriber_quarantined(s.subscriber_id) as quarantine, "
		"%s coalesce((select l.address from poprad.session l "
		"where l.subscriber_id = s.subscriber_id and l.address is not null "
		"order by l.session_key desc limit 1), t.last_address) as last_address, "
		"coalesce((select jsonb_agg(jsonb_build_object("
		"'session_key', e.session_key, 'state', e.state, 'nas', n.name, "
		"'nas_address', host(e.nas_address), 'nas_port', e.nas_port, "
		"'calling_station_id', e.calling_station_id, 'address', host(e.address), "
		"'leased_framed_prefix', e.leased_framed_prefix, 'leased_delegated_prefix', "
		"e.leased_delegated_prefix, "
		"'framed_address', host(e.framed_address), "
		"'framed_ipv6_prefix', e.framed_ipv6_prefix, 'delegated_ipv6_prefix', "
		"e.delegated_ipv6_prefix, "
		"'authorised_at', e.authorised_at, "
		"'started_at', e.started_at, 'session_time', e.session_time, "
		"'in_octets', e.in_octets, 'out_octets', e.out_octets, "
		"'flags', e.flags) order by e.session_key) from poprad.session e "
		"left join poprad.nas n using (nas_id) where e.subscriber_id = s.subscriber_id "
		"and e.state <> 'closed'), '[]') as sessions" SUBSCRIBER_TABLES
		"left join poprad.subscriber_state t using (subscriber_id) where s.login = $1",
		call_has(call, "with-password") ? "s.password," : ""));
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "LOGIN"));
	return code != CTL_OK
		       ? code
		       : output_show(pg, sql, &params,
				 "subscriber with that login (see popradctl subscriber list)");
}

static int subscriber_forget_station(struct call *call)
{
	struct params params = {0};
	const char *station = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "LOGIN"));
	if (code == CTL_OK)
		code = pg_value(
			pg, "select poprad.subscriber_forget_station($1)", &params, &station);
	if (code == CTL_OK)
		fprintf(call->out, "it was %s; the next login teaches another\n", station);
	return code;
}

static int set_status(struct call *call, const char *status)
{
	struct params params = {0};
	struct pg *pg;
	long changed = 0;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "LOGIN"));
	params_add(&params, status);
	if (code == CTL_OK)
		code = pg_change(pg, "update poprad.subscriber set status = $2 where login = $1",
			&params, &changed);
	return code == CTL_OK && changed == 0 ? subscriber_not_there(call, params.values[0]) : code;
}

static int subscriber_suspend(struct call *call)
{
	return set_status(call, "suspended");
}

static int subscriber_resume(struct call *call)
{
	return set_status(call, "active");
}

static int subscriber_remove(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "LOGIN"));
	params_add(&params, call_has(call, "force") ? "true" : "false");
	return code != CTL_OK ? code
			      : pg_run(pg, "select poprad.subscriber_remove($1, $2::boolean)",
					&params, NULL);
}

const struct command subscriber_commands[] = {
	{
		.verb = "add",
		.arguments = login_argument,
		.options = add_options,
		.sentence = "Adds a subscriber.",
		.details = "CHAP needs the password in cleartext, MS-CHAP in cleartext or as {nt}; "
			   "other hashes serve PAP only. A realm that does not exist yet is added.",
		.example = "popradctl subscriber add line-7@isp.example --password secret7 --plan "
			   "gold",
		.run = subscriber_add,
	},
	{
		.verb = "set",
		.arguments = login_argument,
		.options = set_options,
		.sentence =
			"Changes what is given, and leaves the rest; counts from the next login "
			"on.",
		.example = "popradctl subscriber set line-7@isp.example --expires 2027-01-31",
		.run = subscriber_set,
	},
	{
		.verb = "show",
		.arguments = login_argument,
		.options = show_options,
		.sentence = "Shows a subscriber and the open sessions, without the password.",
		.example = "popradctl subscriber show line-7@isp.example --json",
		.run = subscriber_show,
	},
	{
		.verb = "list",
		.options = list_options,
		.sentence = "Lists subscribers in the order of their logins.",
		.example = "popradctl subscriber list --plan gold --status suspended",
		.run = subscriber_list,
	},
	{
		.verb = "suspend",
		.arguments = login_argument,
		.sentence = "Refuses further logins; open sessions go on.",
		.example = "popradctl subscriber suspend line-7@isp.example",
		.run = subscriber_suspend,
	},
	{
		.verb = "resume",
		.arguments = login_argument,
		.sentence = "Ends a suspension.",
		.example = "popradctl subscriber resume line-7@isp.example",
		.run = subscriber_resume,
	},
	{
		.verb = "forget-station",
		.arguments = login_argument,
		.sentence = "Forgets the calling station that was learned of a subscriber "
			    "(--learn-calling-station).",
		.details = "The next login that is let in binds him to its own: for a customer who "
			   "has moved, or has new equipment. Open sessions go on.",
		.example = "popradctl subscriber forget-station line-7@isp.example",
		.run = subscriber_forget_station,
	},
	{
		.verb = "exempt",
		.arguments = exempt_arguments,
		.options = reason_options,
		.sentence = "Leaves one of the plan's filters out for this subscriber.",
		.details = "Counts from the next login on.",
		.example = "popradctl subscriber exempt line-7@isp.example no-smtp --reason "
			   "'has a mail server'",
		.run = subscriber_exempt,
	},
	{
		.verb = "unexempt",
		.arguments = exempt_arguments,
		.sentence = "Ends an exemption.",
		.example = "popradctl subscriber unexempt line-7@isp.example no-smtp",
		.run = subscriber_unexempt,
	},
	{
		.verb = "quarantine",
		.arguments = quarantine_arguments,
		.options = reason_options,
		.sentence = "Puts a stricter filter set in the place of the plan's filters.",
		.details =
			"Neither an exemption nor an attribute of the plan or the subscriber takes "
			"its place. Counts from the next login on.",
		.example = "popradctl subscriber quarantine line-7@isp.example spam-hold --reason "
			   "'sends spam'",
		.run = subscriber_quarantine,
	},
	{
		.verb = "release",
		.arguments = login_argument,
		.sentence = "Ends a quarantine.",
		.example = "popradctl subscriber release line-7@isp.example",
		.run = subscriber_release,
	},
	{
		.verb = "remove",
		.arguments = login_argument,
		.options = remove_options,
		.sentence = "Removes a subscriber; what was accounted stays.",
		.details = "Refused while a session of the subscriber is active, unless --force is "
			   "given.",
		.example = "popradctl subscriber remove line-7@isp.example --force",
		.run = subscriber_remove,
	},
	{
		.verb = "import",
		.arguments = import_arguments,
		.sentence = "Adds the subscribers of a CSV file, all or none.",
		.details =
			"The first line names the columns in any order: login, password, plan and, "
			"if wanted, static_address. Values may stand in double quotes. Each error "
			"is told with its line, and nothing is imported then.",
		.example = "popradctl subscriber import subscribers.csv",
		.run = subscriber_import,
	},
	{0},
};
