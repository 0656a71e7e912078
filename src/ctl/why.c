/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl why: what the help desk wants to know of a login. The database collects it; what the
 * reasons mean, and what the stored password can verify, is known here. */
#include "auth/password.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "ctl/commands.h"
#include "ctl/pg.h"
#include "ctl/why_print.h"
#include "request/line.h"
#include <string.h>

#define LAST_DEFAULT "50"

static const struct parameter why_arguments[] = {
	{.name = "LOGIN",
		.type = VALUE_TEXT,
		.sentence = "The login as the customer's equipment sends it, be it known or not."},
	{0},
};
static const struct parameter why_options[] = {
	OPTION_JSON,
	{.name = "nas",
		.type = VALUE_NAME,
		.form = "NAME",
		.sentence = "Only attempts through this NAS."},
	{.name = "last",
		.type = VALUE_NUMBER,
		.form = "N",
		.sentence = "How many attempts are looked at; " LAST_DEFAULT " by default."},
	{0},
};

static int check_nas(struct pg *pg, const char *nas)
{
	struct params params = {0};
	const char *found = NULL;
	int code = CTL_OK;

	params_add(&params, nas);
	if (nas != NULL)
		code = pg_value(pg, "select name from poprad.nas where name = $1", &params, &found);
	if (code == CTL_OK && nas != NULL && found == NULL)
		return call_fail(
			pg->call, CTL_REFUSED, "there is no nas %s (see popradctl nas list)", nas);
	return code;
}

static const char *const form_names[] = {
	[PASSWORD_CLEAR] = "cleartext",
	[PASSWORD_NT] = "nt",
	[PASSWORD_CRYPT] = "crypt",
	[PASSWORD_DIGEST] = "digest",
	[PASSWORD_UNKNOWN] = "unknown",
};

/* Its form alone goes into the document. */
static int add_password_form(struct pg *pg, json_t *why, const char *login)
{
	struct params params = {0};
	const char *stored = NULL;
	struct password password;
	int code;

	params_add(&params, login);
	code = pg_value(
		pg, "select password from poprad.subscriber where login = $1", &params, &stored);
	if (code != CTL_OK || stored == NULL)
		return code;
	password_classify(stored, &password);
	json_object_set_new(why, "password", json_string(form_names[password.form]));
	explicit_bzero(&password, sizeof(password));
	return CTL_OK;
}

static void add_advice(json_t *all, const char *reason)
{
	const struct advice *advice = reason == NULL ? NULL : advice_find(reason);

	if (advice != NULL)
		json_object_set_new(all, reason,
			mem_must(json_pack("{s:s, s:s, s:s}", "what", advice->sentence, "help",
				advice->help, "customer", advice->customer)));
}

static void add_advices(json_t *why)
{
	static const char *const lists[] = {"attempts", "dropped"};
	json_t *all = mem_must(json_object());
	const json_t *one;
	size_t index;

	for (size_t n = 0; n < sizeof(lists) / sizeof(*lists); n++)
		json_array_foreach(json_object_get(why, lists[n]), index, one)
			add_advice(all, json_string_value(json_object_get(one, "reason")));
	add_advice(all, "suspended");
	add_advice(all, "expired");
	add_advice(all, "quota_used_up");
	add_advice(all, "unknown_subscriber");
	json_object_set_new(why, "advice", all);
}

static int ask(struct pg *pg, const char *login, json_t **why)
{
	struct params params = {0};
	const char *nas = call_value(pg->call, "nas"), *last = call_value(pg->call, "last");
	const char *text = NULL;
	int code = check_nas(pg, nas);

	params_add(&params, login);
	params_add(&params, nas);
	params_add(&params, last == NULL ? LAST_DEFAULT : last);
	if (code == CTL_OK)
		code = pg_value(pg, "select poprad.why($1, $2, $3::int)::text", &params, &text);
	if (code == CTL_OK)
		*why = mem_must(json_loads(text, 0, NULL));
	return code;
}

static int why_run(struct call *call)
{
	const char *login = line_login(call->ctx, call_value(call, "LOGIN"));
	json_t *why = NULL;
	struct pg *pg;
	int code = pg_open(call, &pg);

	if (code == CTL_OK)
		code = ask(pg, login, &why);
	if (code == CTL_OK)
		code = add_password_form(pg, why, login);
	if (code == CTL_OK) {
		add_advices(why);
		if (call_has(call, "json")) {
			json_dumpf(why, call->out, JSON_COMPACT);
			fputc('\n', call->out);
		} else {
			why_print(call->out, why);
		}
	}
	json_decref(why);
	return code;
}

const struct command why_commands[] = {
	{
		.verb = NULL,
		.arguments = why_arguments,
		.options = why_options,
		.sentence = "Says why somebody can or cannot log in, and what to do.",
		.details = "Shows the subscriber's state, what the stored password can verify, "
			   "sessions, the last login attempts with their reasons, and packets "
			   "that were dropped before it was known whose they are. For a login "
			   "that nobody has it names similar ones. Times are UTC. Attempts are "
			   "kept for attempts_keep (poprad.conf(5)).",
		.example = "popradctl why line-7@isp.example",
		.run = why_run,
	},
	{0},
};
