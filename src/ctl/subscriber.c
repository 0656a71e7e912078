/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber: who may log in. */
#include "ctl/attribute.h"
#include "ctl/commands.h"
#include "ctl/policy_option.h"
#include "ctl/pg.h"

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
static const struct parameter topup_options[] = {
	{.name = "time",
		.type = VALUE_SECONDS,
		.form = "D",
		.sentence = "Time that he has bought (10h)."},
	{.name = "volume",
		.type = VALUE_VOLUME,
		.form = "V",
		.sentence = "Octets that he has bought (5G)."},
	{.name = "reason",
		.type = VALUE_TEXT,
		.form = "TEXT",
		.is_required = true,
		.sentence = "What for, kept with the time and who has entered it."},
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
		.verb = "topup",
		.arguments = login_argument,
		.options = topup_options,
		.sentence = "Enters what a prepaid subscriber has bought.",
		.details = "It adds to what is left; counts from the next login on.",
		.example = "popradctl subscriber topup line-7@isp.example --volume 5G --reason "
			   "'voucher 17'",
		.run = subscriber_topup,
	},
	{
		.verb = "topups",
		.arguments = login_argument,
		.options = show_options,
		.sentence = "Lists what a subscriber has bought.",
		.example = "popradctl subscriber topups line-7@isp.example",
		.run = subscriber_topups,
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
			"if wanted, expires_at (2027-01-31, or with a time of UTC), "
			"static_address, framed_ipv6_prefix, delegated_ipv6_prefix, and what the "
			"subscriber has of his own: session_limit, session_timeout_s, "
			"idle_timeout_s, interim_s, login_hours, time_zone, calling_stations, "
			"learn_calling_station, called_stations, nas_port_types, nas_groups, "
			"tunnels, tunnel_address, rate_in_kbit, rate_out_kbit, dns_servers, "
			"routes, address_list, quota_day_s, quota_day_octets, quota_month_s, "
			"quota_month_octets, quota_counts, prepaid. "
			"An empty field is none; entries of a list stand between "
			"semicolons. Values may stand in double quotes. Each error is told with "
			"its line, and nothing is imported then.",
		.example = "popradctl subscriber import subscribers.csv",
		.run = subscriber_import,
	},
	{0},
};
