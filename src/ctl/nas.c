/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl nas: access servers. The server follows every change within a second, without a
 * restart. */
#include "base/mem.h"
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include "db/catalog.h"
#include <string.h>

static const struct parameter nas_name[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The operator's name of the NAS."}, {0}};

static const struct parameter nas_add_arguments[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "A name of your choice."},
	{.name = "PREFIX",
		.type = VALUE_PREFIX,
		.sentence = "The address or network that its packets come from; the longest match "
			    "counts."},
	{0},
};

#define NAS_COMMON_OPTIONS                                                                         \
	{.name = "secret",                                                                         \
		.type = VALUE_SECRET,                                                              \
		.form = "S",                                                                       \
		.sentence = "The shared secret. Other users of this machine can see it on the "    \
			    "command line: --secret-stdin avoids that."},                          \
		{.name = "secret-stdin",                                                           \
			.sentence = "Read the secret from the first line of standard input."},     \
		{.name = "kind",                                                                   \
			.type = VALUE_KIND,                                                        \
			.form = "K",                                                               \
			.sentence = "What it is (cisco, mikrotik, ...): decides how filters are "  \
				    "sent to it; other by default. The kinds:"},                   \
		{.name = "filter-form",                                                            \
			.type = VALUE_CHOICE,                                                      \
			.form = "usual|names|rules|old-rules|filter-server|none",                  \
			.sentence =                                                                \
				"What it is sent of filters: names, the rules themselves, rules "  \
				"in the form of older equipment, names whose rules it asks for, "  \
				"or nothing. usual (the default) is what its kind says; not "      \
				"every kind has every form."},                                     \
		{.name = "filter-password",                                                        \
			.type = VALUE_SECRET,                                                      \
			.form = "P",                                                               \
			.sentence = "With which it asks for filters (form filter-server): the "    \
				    "password that the router's aaa cache filter has; cisco, as "  \
				    "IOS, by default. Up to 128 octets, and as visible on the "    \
				    "command line as a secret is."},                               \
		{.name = "filter-password-stdin",                                                  \
			.sentence = "Read it from the first line of standard input; from the "     \
				    "second with --secret-stdin."},                                \
		{.name = "group",                                                                  \
			.type = VALUE_NAME,                                                        \
			.form = "G",                                                               \
			.sentence = "The group (POP) it belongs to; made on first use."},          \
		{.name = "require-message-authenticator",                                          \
			.type = VALUE_CHOICE,                                                      \
			.form = "yes|no|auto",                                                     \
			.sentence = "Whether an Access-Request without Message-Authenticator is "  \
				    "dropped; auto (the default) from the first one that had it, " \
				    "per source address."},                                        \
		{.name = "limit-proxy-state",                                                      \
			.type = VALUE_CHOICE,                                                      \
			.form = "yes|no",                                                          \
			.sentence = "Whether an Access-Request with Proxy-State but no "           \
				    "Message-Authenticator is dropped (CVE-2024-3596); yes by "    \
				    "default."},                                                   \
		{.name = "no-accounting",                                                          \
			.type = VALUE_CHOICE,                                                      \
			.form = "yes|no",                                                          \
			.sentence = "It sends no accounting: leases then last until "              \
				    "Session-Timeout; no by default."},                            \
		{.name = "interim",                                                                \
			.type = VALUE_SECONDS,                                                     \
			.form = "D",                                                               \
			.sentence = "Its interval between Interim-Updates (5m), if it has its "    \
				    "own whatever it is told; 0: it sends none. Decides when "     \
				    "its sessions are lost."},                                     \
		{.name = "ends-tunnels",                                                           \
			.type = VALUE_CHOICE,                                                      \
			.form = "yes|no",                                                          \
			.sentence = "It is an LNS: the lines that it asks about have come "        \
				    "through a tunnel, so it is told of none; no by default."},    \
	{                                                                                          \
		.name = "timeout", .type = VALUE_MILLISECONDS, .form = "D",                        \
		.sentence = "How long it waits for an answer (3s); 0, the default, is the "        \
			    "server's request_deadline. At most 60s."                              \
	}

static const struct parameter nas_add_options[] = {NAS_COMMON_OPTIONS, {0}};

static const struct parameter nas_set_options[] = {
	{.name = "prefix",
		.type = VALUE_PREFIX,
		.form = "PREFIX",
		.sentence = "The address or network that its packets come from."},
	NAS_COMMON_OPTIONS,
	{.name = "no-group", .sentence = "Take it out of its group."},
	{.name = "interim-as-told",
		.sentence = "It keeps to the interval that plan or subscriber say."},
	{0},
};

static const struct parameter nas_show_options[] = {
	OPTION_JSON,
	{.name = "with-secret", .sentence = "Show the secret and the filter password too."},
	{0},
};

static const struct parameter json_options[] = {OPTION_JSON, {0}};

#define NAS_COLUMNS                                                               \
	"n.name, n.nas_id, n.prefix, n.kind, g.name as nas_group, "               \
	"n.require_message_authenticator, n.limit_proxy_state, n.no_accounting, " \
	"n.ends_tunnels, n.timeout_ms, n.interim_s, n.filter_form"

/* The options in the order that both statements use from $3 on. */
static int add_nas_options(struct call *call, struct params *params)
{
	const char *secret, *filter_password = NULL;
	int code = call_secret(call, "secret", &secret);

	if (code == CTL_OK)
		code = call_secret(call, "filter-password", &filter_password);
	params_add(params, secret);
	params_add(params, call_value(call, "kind"));
	params_add(params, call_value(call, "group"));
	params_add(params, call_value(call, "require-message-authenticator"));
	params_add(params, call_value(call, "limit-proxy-state"));
	params_add(params, call_value(call, "no-accounting"));
	params_add(params, call_value(call, "timeout"));
	params_add(params, call_value(call, "filter-form"));
	params_add(params, filter_password);
	params_add(params, call_value(call, "interim"));
	params_add(params, call_value(call, "ends-tunnels"));
	return code;
}

/* "names, rules, none" */
static const char *forms_text(TALLOC_CTX *ctx, const struct nas_kind *kind)
{
	char *text = mem_must(talloc_strdup(ctx, ""));

	for (enum nas_form form = NAS_FORM_USUAL + 1; form < NAS_FORMS; form++)
		if (nas_kind_has_form(kind, form))
			text = mem_must(talloc_asprintf_append(
				text, "%s%s", *text != '\0' ? ", " : "", nas_form_names[form]));
	return text;
}

/* Kind and form together, before the database says less clearly that they do not fit. A NULL or an
 * unknown one is somebody else's business. */
static int check_form(const struct call *call, const char *kind_name, const char *form_name)
{
	const struct nas_kind *kind = kind_name != NULL ? nas_kind_find(kind_name) : NULL;
	enum nas_form form = NAS_FORM_USUAL;

	if (kind == NULL || form_name == NULL)
		return CTL_OK;
	while (form < NAS_FORMS && strcmp(nas_form_names[form], form_name) != 0)
		form++;
	if (form == NAS_FORMS || nas_kind_has_form(kind, form))
		return CTL_OK;
	return call_fail(call, CTL_REFUSED,
		"a NAS of kind %s does not take filters in the form %s; its forms: %s", kind->name,
		form_name, forms_text(call->ctx, kind));
}

/* What is not given stays as it is there. */
static int check_new_form(struct pg *pg, const char *name)
{
	const struct call *call = pg->call;
	const char *kind = call_value(call, "kind"), *form = call_value(call, "filter-form");
	struct params params = {0};
	int code = CTL_OK;

	params_add(&params, name);
	if (kind == NULL)
		code = pg_value(pg, "select kind from poprad.nas where name = $1", &params, &kind);
	if (code == CTL_OK && form == NULL)
		code = pg_value(
			pg, "select filter_form from poprad.nas where name = $1", &params, &form);
	return code != CTL_OK ? code : check_form(call, kind, form);
}

static int nas_add(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code;

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "PREFIX"));
	code = add_nas_options(call, &params);
	if (code == CTL_OK && params.values[2] == NULL)
		return call_fail(
			call, CTL_USAGE, "a NAS needs a secret: --secret S, or --secret-stdin");
	if (code == CTL_OK)
		code = check_form(call, params.values[3] != NULL ? params.values[3] : "other",
			call_value(call, "filter-form"));
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = catalog_change_run(pg,
			"insert into poprad.nas (name, prefix, secret, kind, nas_group_id, "
			"require_message_authenticator, limit_proxy_state, no_accounting, "
			"timeout_ms, filter_form, filter_password, interim_s, ends_tunnels) "
			"values ($1, "
			"$2::cidr, $3, "
			"coalesce($4, 'other'), "
			"poprad.nas_group_get($5), "
			"coalesce($6, 'auto'), coalesce($7::boolean, true), "
			"coalesce($8::boolean, false), coalesce($9::int, 0), coalesce($10, "
			"'usual'), $11, $12::int, coalesce($13::boolean, false))",
			&params);
	return code;
}

static int nas_set(struct call *call)
{
	struct catalog_change *change;
	struct params params = {0};
	struct pg *pg;
	long changed = 0;
	int code;

	if (call_has(call, "group") && call_has(call, "no-group"))
		return call_fail(call, CTL_USAGE, "--group and --no-group exclude each other");
	if (call_has(call, "interim") && call_has(call, "interim-as-told"))
		return call_fail(
			call, CTL_USAGE, "--interim and --interim-as-told exclude each other");
	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "prefix"));
	code = add_nas_options(call, &params);
	params_add(&params, call_has(call, "no-group") ? "true" : "false");
	params_add(&params, call_has(call, "interim-as-told") ? "true" : "false");
	if (code == CTL_OK)
		code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = check_new_form(pg, params.values[0]);
	if (code == CTL_OK)
		code = catalog_change_begin(pg, &change);
	if (code == CTL_OK)
		code = pg_change(pg,
			"update poprad.nas set prefix = coalesce($2::cidr, prefix), "
			"secret = coalesce($3, secret), kind = coalesce($4, kind), nas_group_id = "
			"case when $14::boolean then null "
			"else coalesce(poprad.nas_group_get($5), nas_group_id) end, "
			"require_message_authenticator = "
			"coalesce($6, require_message_authenticator), "
			"limit_proxy_state = coalesce($7::boolean, limit_proxy_state), "
			"no_accounting = coalesce($8::boolean, no_accounting), "
			"timeout_ms = coalesce($9::int, timeout_ms), "
			"filter_form = coalesce($10, filter_form), "
			"filter_password = coalesce($11, filter_password), "
			"ends_tunnels = coalesce($13::boolean, ends_tunnels), "
			"interim_s = case when $15::boolean then null else coalesce($12::int, "
			"interim_s) end where name = $1",
			&params, &changed);
	if (code == CTL_OK && changed == 0)
		return call_fail(call, CTL_REFUSED, "there is no NAS %s (see popradctl nas list)",
			params.values[0]);
	return code != CTL_OK ? code : catalog_change_end(change);
}

static int nas_list(struct call *call)
{
	static const struct listing listing = {
		.select = "select " NAS_COLUMNS " from poprad.nas n left join poprad.nas_group g "
			  "using (nas_group_id)",
		.key = "n.name",
		.after = "coalesce($1, '')",
		.brief = "name prefix kind filter_form nas_group require_message_authenticator "
			 "limit_proxy_state "
			 "no_accounting timeout_ms interim_s",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int nas_show(struct call *call)
{
	struct params params = {0};
	const char *sql = mem_must(talloc_asprintf(call->ctx,
		"select " NAS_COLUMNS "%s, coalesce((select jsonb_agg(host(l.source) "
		"order by l.source) from poprad.nas_learned l where l.nas_id = n.nas_id), '[]') "
		"as nas_learned from poprad.nas n left join poprad.nas_group g "
		"using (nas_group_id) where n.name = $1",
		call_has(call, "with-secret") ? ", n.secret, n.filter_password" : ""));
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	return code != CTL_OK
		       ? code
		       : output_show(pg, sql, &params, "NAS of that name (see popradctl nas list)");
}

static int nas_remove(struct call *call)
{
	struct params params = {0};
	const char *left = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	if (code == CTL_OK)
		code = pg_value(pg,
			"with gone as (delete from poprad.nas where name = $1 returning nas_id) "
			"select (select count(*) from poprad.session s where s.nas_id = "
			"gone.nas_id "
			"and s.state <> 'closed')::text from gone",
			&params, &left);
	if (code == CTL_OK && left == NULL)
		return call_fail(call, CTL_REFUSED, "there is no NAS %s (see popradctl nas list)",
			params.values[0]);
	if (code == CTL_OK && strcmp(left, "0") != 0)
		fprintf(call->out,
			"%s open session(s) of it keep their addresses: popradctl session list, "
			"session close\n",
			left);
	return code;
}

static int nas_forget(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	long changed = 0;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "ADDRESS"));
	if (code == CTL_OK)
		code = pg_change(pg, "delete from poprad.nas_learned where source = $1::inet",
			&params, &changed);
	if (code == CTL_OK && changed == 0)
		return call_fail(
			call, CTL_REFUSED, "nothing was learned about %s", params.values[0]);
	return code;
}

static const struct parameter address_argument[] = {
	{.name = "ADDRESS", .type = VALUE_ADDRESS, .sentence = "The source address."}, {0}};

const struct command nas_commands[] = {
	{
		.verb = "add",
		.arguments = nas_add_arguments,
		.options = nas_add_options,
		.sentence = "Adds an access server, or a network of them.",
		.details = "It is served at once, without a restart.",
		.example = "popradctl nas add bank-7 127.0.1.0/24 --secret testing123 --kind cisco "
			   "--group west",
		.run = nas_add,
	},
	{
		.verb = "set",
		.arguments = nas_name,
		.options = nas_set_options,
		.sentence = "Changes what is given, and leaves the rest.",
		.example = "popradctl nas set bank-7 --require-message-authenticator yes",
		.run = nas_set,
	},
	{
		.verb = "list",
		.options = json_options,
		.sentence = "Lists the access servers, without their secrets.",
		.example = "popradctl nas list",
		.run = nas_list,
	},
	{
		.verb = "show",
		.arguments = nas_name,
		.options = nas_show_options,
		.sentence = "Shows one, with the addresses of which Message-Authenticator was "
			    "learned.",
		.example = "popradctl nas show bank-7 --json",
		.run = nas_show,
	},
	{
		.verb = "remove",
		.arguments = nas_name,
		.sentence = "Removes it; its packets are dropped from then on.",
		.details = "No Stop of its open sessions can come any more: close them by hand.",
		.example = "popradctl nas remove bank-7",
		.run = nas_remove,
	},
	{
		.verb = "forget",
		.arguments = address_argument,
		.sentence = "Forgets that a source address sends Message-Authenticator.",
		.details = "For a NAS on auto that was replaced by one that sends none.",
		.example = "popradctl nas forget 127.0.1.9",
		.run = nas_forget,
	},
	{0},
};
