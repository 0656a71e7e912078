/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/pg.h"
#include "base/mem.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Constraints that an operator meets, in his words. */
static const struct {
	const char *constraint, *sentence;
} constraint_sentences[] = {
	{"nas_name_key", "a NAS of that name exists already; change it with popradctl nas set"},
	{"nas_prefix_key", "another NAS has exactly that prefix; see popradctl nas list"},
	{"nas_filter_form_check", "a NAS of that kind does not take filters in that form; "
				  "see --kind of nas add in popradctl(1)"},
	{"nas_filter_password_check", "a filter password has 1 to 128 octets"},
	{"nas_nas_group_id_fkey", "a NAS belongs to that group; give it another group first"},
	{"pool_range_nas_group_id_fkey", "a pool range serves that group; remove the range first"},
	{"plan_name_key", "a plan of that name exists already; change it with popradctl plan set"},
	{"nas_interim_s_check", "an interim interval is 0 (none) or at least 60 seconds"},
	{"plan_interim_s_check", "an interim interval is 0 (none) or at least 60 seconds"},
	{"topup_check", "a top-up is of time, of octets or of both"},
	{"plan_time_zone_is_known", "the database does not know that time zone"},
	{"subscriber_policy_time_zone_is_known", "the database does not know that time zone"},
	{"plan_filter_filter_id_fkey", "a plan uses that filter; take it out of the plan first"},
	{"realm_filter_filter_id_fkey", "a realm imposes that filter; see popradctl realm list"},
	{"nas_group_filter_filter_id_fkey",
		"a group imposes that filter; see popradctl group list"},
	{"plan_suspended_plan_id_fkey", "another plan lets its suspended subscribers in with that "
					"plan; see popradctl plan list"},
	{"plan_expired_plan_id_fkey", "another plan lets its expired subscribers in with that "
				      "plan; see popradctl plan list"},
	{"plan_exhausted_plan_id_fkey", "another plan lets subscribers in with that plan whose "
					"quota is used up; see popradctl plan list"},
	{"plan_exhausted_plan_id_check",
		"subscribers whose quota is used up are let in with another plan"},
	{"plan_suspended_plan_id_check",
		"a plan's suspended subscribers are let in with another plan"},
	{"plan_expired_plan_id_check", "a plan's expired subscribers are let in with another plan"},
	{"tariff_plan_id_fkey", "the plan has a tariff; when its months are billed, take it away "
				"with popradctl plan untariff"},
	{"tariff_currency_check", "a currency is three capital letters, such as EUR"},
	{"tariff_time_unit_s_check", "a unit of time has at least a second"},
	{"tariff_volume_unit_check", "a unit of volume has at least one octet"},
	{"subscriber_plan_id_fkey", "subscribers have that plan; give them another plan first"},
	{"filter_rule_source_pool_id_fkey",
		"a filter's rule names that pool; change the filter first"},
	{"filter_rule_destination_pool_id_fkey",
		"a filter's rule names that pool; change the filter first"},
	{"filter_set_in_filter_id_fkey",
		"a filter set has that filter; see popradctl filterset list"},
	{"filter_set_out_filter_id_fkey",
		"a filter set has that filter; see popradctl filterset list"},
	{"subscriber_policy_quarantine_filter_set_id_fkey",
		"subscribers are in quarantine with that filter set; release them first"},
	{"filter_set_check", "a filter set has at least one filter: --in, --out or both"},
	{"filter_set_name_key", "a filter set of that name exists already; change it with "
				"popradctl filterset set"},
	{"filter_name_key",
		"a filter of that name exists already; change it with popradctl filter set"},
	{"realm_name_key", "that realm exists already"},
	{"subscriber_realm_id_fkey",
		"subscribers are in that realm; see popradctl subscriber list --realm"},
	{"subscriber_login_key", "a subscriber with that login exists already; change it with "
				 "popradctl subscriber set"},
	{"subscriber_static_address_key",
		"another subscriber has that static address; see popradctl address show"},
	{"subscriber_framed_ipv6_prefix_key",
		"another subscriber has that prefix; see popradctl address show"},
	{"subscriber_delegated_ipv6_prefix_key",
		"another subscriber has that prefix; see popradctl address show"},
	{"subscriber_prefixes_check", "the two prefixes of a subscriber must not overlap"},
	{"subscriber_framed_ipv6_prefix_check",
		"the prefix of a line is one of IPv6, of a length of /16 or more"},
	{"subscriber_delegated_ipv6_prefix_check",
		"a delegated prefix is one of IPv6, of a length of /16 or more"},
	{"tunnel_name_key",
		"a tunnel of that name exists already; change it with popradctl tunnel set"},
	{"tunnel_endpoints_check", "an address of the other family cannot be reached over that "
				   "medium; see --medium"},
	{"plan_tunnels_check", "a plan names each tunnel once, and up to 31"},
	{"subscriber_policy_tunnels_check", "a subscriber has each tunnel once, and up to 31"},
	{"nas_timeout_ms_check", "a NAS's timeout is at most 60 seconds"},
};

void params_add(struct params *params, const char *value)
{
	assert(params->count < PARAMS_MAX);
	params->values[params->count++] = value;
}

void params_add_array(
	TALLOC_CTX *ctx, struct params *params, const char *const *values, size_t count)
{
	char *array = mem_must(talloc_strdup(ctx, "{"));

	for (size_t i = 0; i < count; i++) {
		array = mem_must(talloc_strdup_append(array, i == 0 ? "\"" : ",\""));
		for (const char *c = values[i]; *c; c++)
			array = mem_must(talloc_asprintf_append(
				array, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c));
		array = mem_must(talloc_strdup_append(array, "\""));
	}
	params_add(params, mem_must(talloc_strdup_append(array, "}")));
}

/* libpq's messages have several lines; ours is one. */
static const char *one_line(TALLOC_CTX *ctx, const char *text)
{
	char *line = mem_must(talloc_strdup(ctx, text));

	for (char *c = line; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	for (size_t size = strlen(line); size > 0 && line[size - 1] == ' '; size--)
		line[size - 1] = '\0';
	return line;
}

static int fail_connection(struct pg *pg)
{
	return call_fail(pg->call, CTL_DATABASE, "the database is away: %s",
		one_line(pg->call->ctx, PQerrorMessage(pg->connection)));
}

static const char *constraint_sentence(const PGresult *result)
{
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	for (size_t i = 0; constraint != NULL &&
			   i < sizeof(constraint_sentences) / sizeof(*constraint_sentences);
		i++)
		if (strcmp(constraint_sentences[i].constraint, constraint) == 0)
			return constraint_sentences[i].sentence;
	return NULL;
}

/* DETAIL and CONTEXT stay out: they repeat rows, and rows have passwords. */
int pg_fail(struct pg *pg, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	const char *sentence = constraint_sentence(result);
	bool is_refusal;

	if (state == NULL || message == NULL)
		return fail_connection(pg);
	is_refusal = strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
		     strncmp(state, "P0", 2) == 0;
	if (sentence != NULL)
		return call_fail(pg->call, CTL_REFUSED, "%s", sentence);
	return call_fail(pg->call, is_refusal ? CTL_REFUSED : CTL_DATABASE, "%s%s%s%s",
		is_refusal ? "" : "the database failed: ", one_line(pg->call->ctx, message),
		hint == NULL ? "" : "; ", hint == NULL ? "" : one_line(pg->call->ctx, hint));
}

static int pg_close(struct pg *pg)
{
	PQfinish(pg->connection);
	return 0;
}

int pg_open_conninfo(struct call *call, const char *conninfo, struct pg **opened)
{
	/* The caller's settings come last, so that a connection string in dbname is expanded. */
	const char *const keywords[] = {
		"client_encoding", "fallback_application_name", "connect_timeout", "dbname", NULL};
	const char *const values[] = {"UTF8", "popradctl", "10", conninfo, NULL};
	struct pg *pg = mem_must(talloc_zero(call->ctx, struct pg));

	pg->call = call;
	pg->connection = mem_must(PQconnectdbParams(keywords, values, 1));
	talloc_set_destructor(pg, pg_close);
	if (PQstatus(pg->connection) != CONNECTION_OK)
		return fail_connection(pg);
	*opened = pg;
	return pg_run(pg,
		"select set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', "
		"false), "
		"set_config('client_min_messages', 'warning', false), "
		"set_config('statement_timeout', '0', false)",
		NULL, NULL);
}

int pg_open(struct call *call, struct pg **pg)
{
	int code = call_load_conf(call);

	return code != CTL_OK ? code : pg_open_conninfo(call, call->conf->operator_database, pg);
}

int pg_run(struct pg *pg, const char *sql, const struct params *params, PGresult **result)
{
	static const struct params none;
	PGresult *got;
	int code = CTL_OK;

	if (params == NULL)
		params = &none;
	got = PQexecParams(pg->connection, sql, params->count, NULL, params->values, NULL, NULL, 0);
	if (PQresultStatus(got) != PGRES_TUPLES_OK && PQresultStatus(got) != PGRES_COMMAND_OK)
		code = pg_fail(pg, got);
	if (code == CTL_OK && result != NULL)
		*result = got;
	else
		PQclear(got);
	return code;
}

int pg_change(struct pg *pg, const char *sql, const struct params *params, long *changed)
{
	PGresult *result;
	int code = pg_run(pg, sql, params, &result);

	if (code != CTL_OK)
		return code;
	*changed = strtol(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	return CTL_OK;
}

int pg_remove_row(struct pg *pg, const char *sql, const char *argument)
{
	const struct call *call = pg->call;
	struct params params = {0};
	long changed = 0;
	int code;

	params_add(&params, call_value(call, argument));
	code = pg_change(pg, sql, &params, &changed);
	if (code == CTL_OK && changed == 0)
		return call_fail(call, CTL_REFUSED, "there is no %s %s (see popradctl %s list)",
			call->noun->name, params.values[0], call->noun->name);
	return code;
}

int pg_remove_named(struct call *call, const char *sql, const char *argument)
{
	struct pg *pg;
	int code = pg_open(call, &pg);

	return code != CTL_OK ? code : pg_remove_row(pg, sql, argument);
}

int pg_value(struct pg *pg, const char *sql, const struct params *params, const char **value)
{
	PGresult *result;
	int code = pg_run(pg, sql, params, &result);

	if (code != CTL_OK)
		return code;
	*value = PQntuples(result) == 0 || PQgetisnull(result, 0, 0)
			 ? NULL
			 : mem_must(talloc_strdup(pg->call->ctx, PQgetvalue(result, 0, 0)));
	PQclear(result);
	return CTL_OK;
}

int pg_script(struct pg *pg, const char *sql, const char *name)
{
	PGresult *result = PQexec(pg->connection, sql);
	int code = CTL_OK;

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
		PQresultStatus(result) != PGRES_TUPLES_OK &&
		PQresultStatus(result) != PGRES_EMPTY_QUERY) {
		code = call_fail(pg->call, CTL_DATABASE, "%s: %s", name,
			one_line(pg->call->ctx, PQresultErrorMessage(result)));
	}
	PQclear(result);
	return code;
}
