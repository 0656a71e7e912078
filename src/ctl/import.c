/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl subscriber import: CSV -> COPY into a temporary table -> checks over the whole file ->
 * one insert, all in one transaction. Checks of a single row are made here, checks against other
 * rows and the database there. */
#include "base/addr.h"
#include "base/mem.h"
#include "ctl/attribute.h"
#include "ctl/commands.h"
#include "ctl/csv.h"
#include "ctl/pg.h"
#include "ctl/policy_option.h"
#include "ctl/value.h"
#include <errno.h>
#include <stdarg.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ERRORS_SHOWN 20     /* as many as fit a screen; the rest is counted */
#define PROGRESS_ROWS 10000 /* a few times a second */

enum column {
	LOGIN,
	PASSWORD,
	PLAN,
	EXPIRES_AT,
	STATIC_ADDRESS,
	FRAMED_IPV6_PREFIX,
	DELEGATED_IPV6_PREFIX,
	/* what he has of his own */
	SESSION_LIMIT,
	SESSION_TIMEOUT,
	IDLE_TIMEOUT,
	INTERIM,
	LOGIN_HOURS,
	TIME_ZONE,
	CALLING_STATIONS,
	LEARN_CALLING_STATION,
	CALLED_STATIONS,
	NAS_PORT_TYPES,
	NAS_GROUPS,
	TUNNELS,
	TUNNEL_ADDRESS,
	RATE_IN,
	RATE_OUT,
	DNS_SERVERS,
	ROUTES,
	ADDRESS_LIST,
	QUOTA_DAY_TIME,
	QUOTA_DAY_VOLUME,
	QUOTA_MONTH_TIME,
	QUOTA_MONTH_VOLUME,
	QUOTA_COUNTS,
	PREPAID,
	COLUMNS
};

struct import;
/* Brings the text into the form that is stored, in place or in room for it. What is wrong, or NULL.
 */
typedef const char *check_function(struct import *import, char *text, char *normal);
static check_function check_login, check_password, check_plan, check_time, check_address,
	check_prefix;
#define NORMAL_MAX 64 /* of an address, a prefix or a time */

/* A column is one of poprad.subscriber, or a field of the policy. */
static const struct {
	const char *name;
	bool is_required;
	check_function *check; /* NULL: policy's */
	enum policy_field policy;
} columns[COLUMNS] = {
	[LOGIN] = {"login", true, check_login, 0},
	[PASSWORD] = {"password", true, check_password, 0},
	[PLAN] = {"plan", true, check_plan, 0},
	[EXPIRES_AT] = {"expires_at", false, check_time, 0},
	[STATIC_ADDRESS] = {"static_address", false, check_address, 0},
	[FRAMED_IPV6_PREFIX] = {"framed_ipv6_prefix", false, check_prefix, 0},
	[DELEGATED_IPV6_PREFIX] = {"delegated_ipv6_prefix", false, check_prefix, 0},
	[SESSION_LIMIT] = {"session_limit", false, NULL, POLICY_SESSION_LIMIT},
	[SESSION_TIMEOUT] = {"session_timeout_s", false, NULL, POLICY_SESSION_TIMEOUT},
	[IDLE_TIMEOUT] = {"idle_timeout_s", false, NULL, POLICY_IDLE_TIMEOUT},
	[INTERIM] = {"interim_s", false, NULL, POLICY_INTERIM},
	[LOGIN_HOURS] = {"login_hours", false, NULL, POLICY_LOGIN_HOURS},
	[TIME_ZONE] = {"time_zone", false, NULL, POLICY_TIME_ZONE},
	[CALLING_STATIONS] = {"calling_stations", false, NULL, POLICY_CALLING_STATIONS},
	[LEARN_CALLING_STATION] = {"learn_calling_station", false, NULL,
		POLICY_LEARN_CALLING_STATION},
	[CALLED_STATIONS] = {"called_stations", false, NULL, POLICY_CALLED_STATIONS},
	[NAS_PORT_TYPES] = {"nas_port_types", false, NULL, POLICY_NAS_PORT_TYPES},
	[NAS_GROUPS] = {"nas_groups", false, NULL, POLICY_NAS_GROUPS},
	[TUNNELS] = {"tunnels", false, NULL, POLICY_TUNNELS},
	[TUNNEL_ADDRESS] = {"tunnel_address", false, NULL, POLICY_TUNNEL_ADDRESS},
	[RATE_IN] = {"rate_in_kbit", false, NULL, POLICY_RATE_IN},
	[RATE_OUT] = {"rate_out_kbit", false, NULL, POLICY_RATE_OUT},
	[DNS_SERVERS] = {"dns_servers", false, NULL, POLICY_DNS_SERVERS},
	[ROUTES] = {"routes", false, NULL, POLICY_ROUTES},
	[ADDRESS_LIST] = {"address_list", false, NULL, POLICY_ADDRESS_LIST},
	[QUOTA_DAY_TIME] = {"quota_day_s", false, NULL, POLICY_QUOTA_DAY_TIME},
	[QUOTA_DAY_VOLUME] = {"quota_day_octets", false, NULL, POLICY_QUOTA_DAY_VOLUME},
	[QUOTA_MONTH_TIME] = {"quota_month_s", false, NULL, POLICY_QUOTA_MONTH_TIME},
	[QUOTA_MONTH_VOLUME] = {"quota_month_octets", false, NULL, POLICY_QUOTA_MONTH_VOLUME},
	[QUOTA_COUNTS] = {"quota_counts", false, NULL, POLICY_QUOTA_COUNTS},
	[PREPAID] = {"prepaid", false, NULL, POLICY_PREPAID},
};

struct import {
	struct call *call;
	struct pg *pg;
	struct csv *csv;
	const char *path;
	size_t positions[COLUMNS]; /* of each column in a row, from 1; 0 = not in the file */
	size_t column_count;
	unsigned long rows, errors, shown;
	bool has_progress;
};

static void end_progress(struct import *import)
{
	if (import->has_progress)
		fputs("\r\033[K", import->call->errors);
	import->has_progress = false;
}

static void PRINTF_LIKE(3, 4)
	line_error(struct import *import, unsigned long line, const char *format, ...)
{
	va_list list;

	import->errors++;
	if (import->shown == ERRORS_SHOWN)
		return;
	import->shown++;
	end_progress(import);
	fprintf(import->call->errors, "popradctl: %s:%lu: ", import->path, line);
	va_start(list, format);
	vfprintf(import->call->errors, format, list);
	va_end(list);
	fputc('\n', import->call->errors);
}

static void show_progress(struct import *import)
{
	if (import->rows % PROGRESS_ROWS != 0 || !isatty(fileno(import->call->errors)))
		return;
	import->has_progress = true;
	fprintf(import->call->errors, "\r%lu rows read", import->rows);
	fflush(import->call->errors);
}

static size_t find_column(const char *name)
{
	size_t column = 0;

	while (column < COLUMNS && strcmp(name, columns[column].name) != 0)
		column++;
	return column;
}

static const char *header_fault(struct import *import)
{
	struct csv *csv = import->csv;

	for (size_t i = 0; csv->fault == NULL && i < csv->count; i++) {
		size_t column = find_column(csv->fields[i]);

		if (column == COLUMNS)
			return mem_must(talloc_asprintf(import->call->ctx,
				"names a column other than those that --help lists: %s",
				csv->fields[i]));
		if (import->positions[column] != 0)
			return "names a column twice";
		import->positions[column] = i + 1;
	}
	for (size_t column = 0; column < COLUMNS; column++)
		if (columns[column].is_required && import->positions[column] == 0)
			return "lacks one of the columns login, password and plan";
	return csv->fault;
}

static int read_header(struct import *import)
{
	struct csv *csv = import->csv;
	const char *fault;
	int code = CTL_OK;

	if (!csv_next(csv))
		return call_fail(import->call, CTL_REFUSED,
			"%s is empty: its first line must be login,password,plan or "
			"login,password,plan,static_address",
			import->path);
	fault = header_fault(import);
	if (fault != NULL)
		return call_fail(import->call, CTL_REFUSED, "%s:%lu: the header %s", import->path,
			csv->line, fault);
	import->column_count = csv->count;
	if (import->positions[NAS_PORT_TYPES] == 0)
		return CTL_OK;
	code = call_load_conf(import->call);
	return code == CTL_OK ? attribute_load_dictionary(import->call) : code;
}

/* NULL: there is none. */
static char *field(struct import *import, enum column column)
{
	size_t position = import->positions[column];

	return position == 0 ? NULL : import->csv->fields[position - 1];
}

static const char *check_login(struct import *import, char *text, char *normal)
{
	(void)import, (void)normal;
	return login_normalise(text);
}

static const char *check_password(struct import *import, char *text, char *normal)
{
	(void)import, (void)normal;
	return password_fault(text);
}

static const char *check_plan(struct import *import, char *text, char *normal)
{
	(void)import, (void)normal;
	return text_fault(text, VALUE_NAME_MAX);
}

static const char *check_address(struct import *import, char *text, char *normal)
{
	struct addr addr;

	(void)import;
	if (addr_parse(text, &addr) != 0)
		return "is no address";
	addr_format(&addr, normal);
	return NULL;
}

static const char *check_prefix(struct import *import, char *text, char *normal)
{
	struct prefix prefix;

	(void)import;
	if (prefix_parse(text, &prefix) != 0 || prefix.addr.family != 6)
		return "is no IPv6 prefix";
	prefix_format(&prefix, normal);
	return NULL;
}

/* A day, or a time of UTC. */
static const char *check_time(struct import *import, char *text, char *normal)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};

	(void)import;
	*normal = '\0';
	if (strcmp(text, "never") == 0)
		return NULL;
	for (size_t n = 0; n < sizeof(forms) / sizeof(*forms); n++) {
		struct tm tm = {0}, made;
		const char *end = strptime(text, forms[n], &tm);

		if (end == NULL || *end != '\0')
			continue;
		made = tm;
		/* The 30th of February would be another day. */
		if (timegm(&made) == -1 || made.tm_mday != tm.tm_mday)
			break;
		strftime(normal, NORMAL_MAX, "%Y-%m-%d %H:%M:%S+00", &tm);
		return NULL;
	}
	return "is no time like 2027-01-31 or 2027-01-31 12:00";
}

static bool fault_is(struct import *import, enum column column, const char *fault)
{
	if (fault != NULL)
		line_error(import, import->csv->line, "%s %s", columns[column].name, fault);
	return fault != NULL;
}

/* What he has of his own, into the object. */
static bool check_policy(struct import *import, enum column column, char *text, json_t *policy)
{
	const char *fault;
	json_t *value = policy_column_value(import->call, columns[column].policy, text, &fault);

	if (fault != NULL)
		json_decref(value);
	else
		json_object_set_new(
			policy, policy_field_info(columns[column].policy)->column, value);
	return !fault_is(import, column, fault);
}

struct row {
	char normal[COLUMNS][NORMAL_MAX]; /* "": none, or the field as it is */
	json_t *policy;
};

static bool check_row(struct import *import, struct row *row)
{
	struct csv *csv = import->csv;

	if (csv->fault != NULL) {
		line_error(import, csv->line, "the row %s", csv->fault);
		return false;
	}
	if (csv->count != import->column_count) {
		line_error(import, csv->line, "the row has %zu fields, the header %zu", csv->count,
			import->column_count);
		return false;
	}
	for (enum column column = 0; column < COLUMNS; column++) {
		char *text = field(import, column);

		row->normal[column][0] = '\0';
		if (text == NULL || (*text == '\0' && !columns[column].is_required))
			continue;
		if (columns[column].check == NULL
				? !check_policy(import, column, text, row->policy)
				: fault_is(import, column,
					  columns[column].check(import, text, row->normal[column])))
			return false;
	}
	return true;
}

/* COPY's text form: a backslash is doubled; control characters have been refused. */
static char *put_text(char *end, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			*end++ = '\\';
		*end++ = *text;
	}
	*end++ = '\t';
	return end;
}

static char *put_normal(char *end, const char *text)
{
	return end + snprintf(end, NORMAL_MAX + 2, "%s\t", *text != '\0' ? text : "\\N");
}

static int send_row(struct import *import, const struct row *row)
{
	char line[4 * CSV_ROW_MAX + 1024], *end = line;
	char *policy = json_object_size(row->policy) == 0
			       ? NULL
			       : mem_must(json_dumps(row->policy, JSON_COMPACT));

	end += snprintf(line, sizeof(line), "%lu\t", import->csv->line);
	end = put_text(end, field(import, LOGIN));
	end = put_text(end, field(import, PASSWORD));
	end = put_text(end, field(import, PLAN));
	for (enum column column = EXPIRES_AT; column <= DELEGATED_IPV6_PREFIX; column++)
		end = put_normal(end, row->normal[column]);
	if (policy != NULL)
		end = put_text(end, policy);
	else
		end = put_normal(end, "");
	end[-1] = '\n';
	free(policy);
	if (PQputCopyData(import->pg->connection, line, (int)(end - line)) != 1)
		return pg_fail(import->pg, NULL);
	return CTL_OK;
}

static int send_rows(struct import *import)
{
	int code = CTL_OK;

	while (code == CTL_OK && csv_next(import->csv)) {
		struct row row = {.policy = mem_must(json_object())};

		import->rows++;
		show_progress(import);
		if (check_row(import, &row))
			code = send_row(import, &row);
		json_decref(row.policy);
	}
	end_progress(import);
	if (code == CTL_OK && ferror(import->csv->file))
		return call_fail(import->call, CTL_REFUSED, "cannot read %s: %s", import->path,
			strerror(errno));
	return code;
}

static int begin_copy(struct import *import)
{
	PGresult *result;
	int code = pg_run(import->pg, "begin", NULL, NULL);

	if (code == CTL_OK)
		code = pg_run(import->pg,
			"create temporary table import_line (line bigint not null, "
			"login text collate \"C\" not null, password text not null, "
			"plan text collate \"C\" not null, expires_at timestamptz, static_address "
			"inet, "
			"framed_ipv6_prefix cidr, delegated_ipv6_prefix cidr, policy jsonb) on "
			"commit drop",
			NULL, NULL);
	if (code != CTL_OK)
		return code;
	result = PQexec(import->pg->connection, "copy import_line from stdin");
	if (PQresultStatus(result) != PGRES_COPY_IN)
		code = pg_fail(import->pg, result);
	PQclear(result);
	return code;
}

static int end_copy(struct import *import)
{
	PGresult *result;
	int code = CTL_OK;

	if (PQputCopyEnd(import->pg->connection, NULL) != 1)
		return pg_fail(import->pg, NULL);
	while ((result = PQgetResult(import->pg->connection)) != NULL) {
		if (code == CTL_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
			code = pg_fail(import->pg, result);
		PQclear(result);
	}
	return code == CTL_OK ? pg_run(import->pg, "analyze import_line", NULL, NULL) : code;
}

/* What is wrong between rows, and between rows and the database. */
static const char checks[] =
	"with realms as (select line, login, substring(login from '@([^@]*)$') as realm "
	"from import_line), bad (line, message) as ("
	"select line, 'login ' || login || ' stands in line ' || first_line || ' already' from "
	"(select line, login, min(line) over (partition by login) as first_line "
	"from import_line) d where line <> first_line "
	"union all select i.line, 'a subscriber ' || login || ' exists already' "
	"from import_line i join poprad.subscriber using (login) "
	"union all select line, 'there is no plan ' || plan || ' (see popradctl plan list)' "
	"from import_line where plan not in (select name from poprad.plan) "
	"union all select line, 'there is no realm ' || realm || ' (popradctl realm add ' || "
	"realm || ')' from realms where realm not in (select name from poprad.realm) "
	"union all select line, 'static address ' || host(static_address) || ' stands in line ' "
	"|| first_line || ' already' from (select line, static_address, min(line) over "
	"(partition by static_address) as first_line from import_line "
	"where static_address is not null) d where line <> first_line "
	"union all select i.line, 'subscriber ' || s.login || ' has the static address ' || "
	"host(s.static_address) from import_line i "
	"join poprad.subscriber s using (static_address) "
	"union all select line, 'the prefix ' || prefix || ' stands in line ' || first_line || "
	"' already' from (select line, prefix, min(line) over (partition by prefix) as first_line "
	"from import_line, unnest(array[framed_ipv6_prefix, delegated_ipv6_prefix]) prefix "
	"where prefix is not null) d where line <> first_line "
	"union all select i.line, 'subscriber ' || s.login || ' has the prefix ' || "
	"i.framed_ipv6_prefix from import_line i join poprad.subscriber s "
	"using (framed_ipv6_prefix) "
	"union all select i.line, 'subscriber ' || s.login || ' has the prefix ' || "
	"i.delegated_ipv6_prefix from import_line i join poprad.subscriber s "
	"using (delegated_ipv6_prefix) "
	"union all select i.line, 'the address ' || host(a.address) || "
	"' is leased now (see popradctl address show)' from import_line i "
	"join poprad.address a on a.address = i.static_address "
	"where a.session_key is not null "
	"union all select line, 'there is no NAS group ' || g || ' (see popradctl group list)' "
	"from import_line, jsonb_array_elements_text(policy -> 'nas_groups') g "
	"where g not in (select name from poprad.nas_group) "
	"union all select line, 'there is no tunnel ' || t || ' (see popradctl tunnel list)' "
	"from import_line, jsonb_array_elements_text(policy -> 'tunnels') t "
	"where t not in (select name from poprad.tunnel)) "
	"select line, message, count(*) over () from bad order by line, message limit $1::int";

static int check_rows(struct import *import)
{
	char limit[16];
	struct params params = {0};
	PGresult *rows;
	int code;

	snprintf(limit, sizeof(limit), "%d", ERRORS_SHOWN);
	params_add(&params, limit);
	code = pg_run(import->pg, checks, &params, &rows);
	if (code != CTL_OK)
		return code;
	for (int row = 0; row < PQntuples(rows); row++)
		line_error(import, strtoul(PQgetvalue(rows, row, 0), NULL, 10), "%s",
			PQgetvalue(rows, row, 1));
	if (PQntuples(rows) > 0)
		import->errors +=
			strtoul(PQgetvalue(rows, 0, 2), NULL, 10) - (unsigned long)PQntuples(rows);
	PQclear(rows);
	if (import->errors > import->shown)
		fprintf(import->call->errors, "popradctl: %s: and %lu further errors\n",
			import->path, import->errors - import->shown);
	if (import->errors > 0)
		return call_fail(import->call, CTL_REFUSED,
			"nothing was imported: correct the lines above and try again");
	return CTL_OK;
}

static int insert_rows(struct import *import)
{
	long inserted = 0;
	int code = pg_change(import->pg,
		"insert into poprad.subscriber (login, realm_id, plan_id, password, "
		"expires_at, static_address, framed_ipv6_prefix, delegated_ipv6_prefix) "
		"select i.login, r.realm_id, p.plan_id, i.password, i.expires_at, "
		"i.static_address, i.framed_ipv6_prefix, i.delegated_ipv6_prefix "
		"from import_line i join poprad.plan p on p.name = i.plan left join poprad.realm r "
		"on r.name = substring(i.login from '@([^@]*)$') order by i.line",
		NULL, &inserted);

	if (code == CTL_OK)
		code = pg_run(import->pg,
			"select poprad.subscriber_policy_set(login, policy) from import_line "
			"where policy is not null",
			NULL, NULL);
	if (code == CTL_OK)
		code = pg_run(import->pg, "commit", NULL, NULL);
	if (code == CTL_OK)
		fprintf(import->call->out, "%ld subscribers imported\n", inserted);
	return code;
}

static int import_file(struct import *import)
{
	int code = read_header(import);

	if (code == CTL_OK)
		code = pg_open(import->call, &import->pg);
	if (code == CTL_OK)
		code = begin_copy(import);
	if (code == CTL_OK)
		code = send_rows(import);
	if (code == CTL_OK)
		code = end_copy(import);
	if (code == CTL_OK)
		code = check_rows(import);
	return code == CTL_OK ? insert_rows(import) : code;
}

int subscriber_import(struct call *call)
{
	const char *path = call_value(call, "FILE");
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	struct import import = {.call = call, .path = is_stdin ? "standard input" : path};
	int code;

	if (file == NULL)
		return call_fail(call, CTL_REFUSED, "cannot read %s: %s", path, strerror(errno));
	import.csv = csv_new(call->ctx, file);
	code = import_file(&import);
	if (!is_stdin)
		fclose(file);
	return code;
}
