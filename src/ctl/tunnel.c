/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl tunnel: tunnels that access servers are told to open for a line. */
#include "db/tunnel.h"
#include "base/mem.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include <stdlib.h>
#include <string.h>

static const struct parameter tunnel_name[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The tunnel."}, {0}};

/* IS_NEW: for add, whose values cannot be taken away. */
#define TUNNEL_OPTIONS(IS_NEW, NONE)                                                               \
	{.name = "server",                                                                         \
		.type = VALUE_HOST,                                                                \
		.form = "HOST",                                                                    \
		.is_required = (IS_NEW),                                                           \
		.sentence = "Where it ends: address or name of the LNS "                           \
			    "(Tunnel-Server-Endpoint)."},                                          \
		{.name = "type",                                                                   \
			.type = VALUE_CHOICE,                                                      \
			.form = "l2tp|l2f|pptp",                                                   \
			.sentence = "l2tp by default (Tunnel-Type)."},                             \
		{.name = "medium",                                                                 \
			.type = VALUE_CHOICE,                                                      \
			.form = "ipv4|ipv6",                                                       \
			.sentence = "Over what it goes (Tunnel-Medium-Type); what the server's "   \
				    "address is, ipv4 for a name, by default."},                   \
		{.name = "client",                                                                 \
			.type = VALUE_HOST,                                                        \
			.form = "HOST" NONE,                                                       \
			.takes_none = !(IS_NEW),                                                   \
			.sentence = "From which of its addresses the NAS opens it "                \
				    "(Tunnel-Client-Endpoint); it chooses by default."},           \
		{.name = "client-auth-id",                                                         \
			.type = VALUE_TEXT,                                                        \
			.form = "ID" NONE,                                                         \
			.takes_none = !(IS_NEW),                                                   \
			.sentence = "The name by which the NAS presents itself."},                 \
		{.name = "server-auth-id",                                                         \
			.type = VALUE_TEXT,                                                        \
			.form = "ID" NONE,                                                         \
			.takes_none = !(IS_NEW),                                                   \
			.sentence = "The name by which the other end must present itself."},       \
		{.name = "assignment-id",                                                          \
			.type = VALUE_TEXT,                                                        \
			.form = "ID" NONE,                                                         \
			.takes_none = !(IS_NEW),                                                   \
			.sentence = "Lines with the same one share a tunnel."},                    \
		{.name = "preference",                                                             \
			.type = VALUE_NUMBER,                                                      \
			.form = "N" NONE,                                                          \
			.takes_none = !(IS_NEW),                                                   \
			.sentence = "Of several the lowest is tried first, and equal ones share "  \
				    "the lines; by default it is the place among those that a "    \
				    "plan names. 16777215 at most."},                              \
		{.name = "password",                                                               \
			.type = VALUE_SECRET,                                                      \
			.form = "P",                                                               \
			.sentence = "With which both ends know each other (Tunnel-Password). "     \
				    "Other users of this machine can see it on the command line: " \
				    "--password-stdin avoids that."},                              \
	{                                                                                          \
		.name = "password-stdin",                                                          \
		.sentence = "Read the password from the first line of standard input."             \
	}

static const struct parameter add_options[] = {TUNNEL_OPTIONS(true, ""), {0}};
static const struct parameter set_options[] = {
	TUNNEL_OPTIONS(false, "|none"),
	{.name = "no-password", .sentence = "Take its password away."},
	{0},
};
static const struct parameter show_options[] = {
	OPTION_JSON,
	{.name = "with-password", .sentence = "Show the password too."},
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};

static int add_text(struct call *call, const char *option, struct params *params)
{
	const char *text = call_value(call, option);

	params_add(params, text);
	return text == NULL || strlen(text) <= TUNNEL_TEXT_MAX
		       ? CTL_OK
		       : call_fail(call, CTL_REFUSED, "--%s is longer than %d octets", option,
				 TUNNEL_TEXT_MAX);
}

/* $1 to $10 of both statements. */
static int tunnel_params(struct call *call, struct params *params)
{
	static const char *const texts[] = {
		"server", "client", "client-auth-id", "server-auth-id", "assignment-id"};
	const char *preference = call_value(call, "preference"), *password;
	int code = call_secret(call, "password", &password);

	params_add(params, call_value(call, "NAME"));
	params_add(params, call_value(call, "type"));
	params_add(params, call_value(call, "medium"));
	for (size_t n = 0; code == CTL_OK && n < sizeof texts / sizeof *texts; n++)
		code = add_text(call, texts[n], params);
	params_add(params, preference);
	params_add(params, code == CTL_OK ? password : NULL);
	if (code == CTL_OK && preference != NULL &&
		strtoll(preference, NULL, 10) > TUNNEL_PREFERENCE_MAX)
		code = call_fail(
			call, CTL_REFUSED, "--preference is at most %d", TUNNEL_PREFERENCE_MAX);
	if (code == CTL_OK && password != NULL && strlen(password) > TUNNEL_TEXT_MAX)
		code = call_fail(call, CTL_REFUSED, "the password is longer than %d octets",
			TUNNEL_TEXT_MAX);
	return code;
}

/* The medium that an address speaks of; null for a name. */
#define MEDIUM_OF_SERVER                             \
	"case when $4::text like '%:%' then 'ipv6' " \
	"when $4::text ~ '^[0-9.]+$' then 'ipv4' end"

static int tunnel_add(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = tunnel_params(call, &params);

	if (code == CTL_OK)
		code = pg_open(call, &pg);
	return code != CTL_OK
		       ? code
		       : catalog_change_run(pg,
				 "insert into poprad.tunnel (name, type, medium, server, client, "
				 "client_auth_id, server_auth_id, assignment_id, preference, "
				 "password) values ($1, coalesce($2, 'l2tp'), "
				 "coalesce($3, " MEDIUM_OF_SERVER
				 ", 'ipv4'), $4::text, $5, $6, $7, $8, $9::int, "
				 "$10)",
				 &params);
}

/* What is not given stays. */
#define TAKEN(NUMBER, COLUMN)                                                           \
	COLUMN " = case $" NUMBER "::text when 'none' then null else coalesce($" NUMBER \
	       ", " COLUMN ") end, "

static int tunnel_set(struct call *call)
{
	struct catalog_change *change;
	struct params params = {0};
	struct pg *pg;
	long changed = 0;
	int code = tunnel_params(call, &params);

	if (code == CTL_OK && call_has(call, "no-password") && params.values[9] != NULL)
		return call_fail(
			call, CTL_USAGE, "--password and --no-password exclude each other");
	params_add(&params, call_has(call, "no-password") ? "true" : "false");
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = catalog_change_begin(pg, &change);
	if (code == CTL_OK)
		code = pg_change(pg,
			"update poprad.tunnel set type = coalesce($2, type), medium = "
			"coalesce($3, " MEDIUM_OF_SERVER ", medium), server = "
			"coalesce($4::text, server), " TAKEN("5", "client") TAKEN(
				"6", "client_auth_id") TAKEN("7", "server_auth_id") TAKEN("8",
				"assignment_id") "preference = case $9::text when 'none' then null "
						 "else "
						 "coalesce($9::text::int, preference) end, "
						 "password = case when $11::boolean then null else "
						 "coalesce($10, password) end where name = $1",
			&params, &changed);
	if (code == CTL_OK && changed == 0)
		return call_fail(call, CTL_REFUSED,
			"there is no tunnel %s (see popradctl tunnel list)", params.values[0]);
	return code != CTL_OK ? code : catalog_change_end(change);
}

#define TUNNEL_COLUMNS                                                                       \
	"t.name, t.type, t.medium, t.server, t.client, t.client_auth_id, t.server_auth_id, " \
	"t.assignment_id, t.preference, t.password is not null as has_password"

static int tunnel_list(struct call *call)
{
	static const struct listing listing = {
		.select = "select " TUNNEL_COLUMNS " from poprad.tunnel t",
		.key = "t.name",
		.after = "coalesce($1, '')",
		.brief = "name type server client_auth_id preference",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int tunnel_show(struct call *call)
{
	struct params params = {0};
	const char *sql = mem_must(talloc_asprintf(call->ctx,
		"select " TUNNEL_COLUMNS
		"%s, coalesce((select jsonb_agg(p.name order by p.name) from poprad.plan p where "
		"t.name = any (p.tunnels)), '[]') as plans, (select count(*) from "
		"poprad.subscriber_policy o where t.name = any (o.tunnels)) as subscriber_count "
		"from poprad.tunnel t where t.name = $1",
		call_has(call, "with-password") ? ", t.password" : ""));
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	return code != CTL_OK ? code
			      : output_show(pg, sql, &params,
					"tunnel of that name (see popradctl tunnel list)");
}

static int tunnel_remove(struct call *call)
{
	return pg_remove_named(call, "delete from poprad.tunnel where name = $1", "NAME");
}

const struct command tunnel_commands[] = {
	{
		.verb = "add",
		.arguments = tunnel_name,
		.options = add_options,
		.sentence = "Adds a tunnel, which plans and subscribers can name (--tunnel).",
		.example = "popradctl tunnel add isp-a --server 192.0.2.1 --client-auth-id "
			   "lac.example --password open-tunnel",
		.run = tunnel_add,
	},
	{
		.verb = "set",
		.arguments = tunnel_name,
		.options = set_options,
		.sentence =
			"Changes what is given, and leaves the rest; counts from the next login "
			"on.",
		.example = "popradctl tunnel set isp-a --server 192.0.2.7",
		.run = tunnel_set,
	},
	{
		.verb = "show",
		.arguments = tunnel_name,
		.options = show_options,
		.sentence = "Shows a tunnel, and who names it.",
		.example = "popradctl tunnel show isp-a --json",
		.run = tunnel_show,
	},
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the tunnels.",
		.example = "popradctl tunnel list",
		.run = tunnel_list,
	},
	{
		.verb = "remove",
		.arguments = tunnel_name,
		.sentence = "Removes a tunnel that no plan and no subscriber names.",
		.example = "popradctl tunnel remove isp-a",
		.run = tunnel_remove,
	},
	{0},
};
