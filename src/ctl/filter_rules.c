/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/filter_rules.h"
#include "base/mem.h"
#include "ctl/value.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_SHOWN 20 /* as many as fit a screen; the rest is counted */

const char *filter_rule_fault(TALLOC_CTX *ctx, const char *text, const char **normal)
{
	struct filter_rule rule;
	struct filter_fault fault;

	if (filter_rule_parse(text, &rule, &fault) != 0)
		return mem_must(talloc_asprintf(
			ctx, "is no rule: column %u: %s", fault.column, fault.text));
	*normal = filter_rule_format(ctx, &rule);
	return NULL;
}

/* The names of poprad.filter_rule_text's parts. The network is what PostgreSQL takes for a cidr. */
static void put_side(json_t *object, const char *side, const struct filter_side *from)
{
	char network[ADDR_TEXT_MAX], member[32];
	const char *text = from->place == FILTER_ANY    ? "any"
			   : from->place == FILTER_POOL ? "pool"
							: prefix_format(&from->network, network);
	json_t *ports = mem_must(json_array());

	json_object_set_new(object, side, mem_must(json_string(text)));
	snprintf(member, sizeof member, "%s_pool", side);
	if (from->place == FILTER_POOL)
		json_object_set_new(object, member, mem_must(json_string(from->pool)));
	snprintf(member, sizeof member, "%s_comparison", side);
	text = filter_comparison_text(from->ports.comparison);
	json_object_set_new(object, member, mem_must(json_string(text)));
	for (size_t i = 0; i < from->ports.count; i++)
		json_array_append_new(ports, json_integer(from->ports.numbers[i]));
	snprintf(member, sizeof member, "%s_ports", side);
	json_object_set_new(object, member, ports);
}

static void put_rule(TALLOC_CTX *ctx, json_t *rules, const struct filter_rule *rule)
{
	json_t *object = mem_must(json_object());

	json_object_set_new(object, "action", json_string(rule->is_permit ? "permit" : "deny"));
	json_object_set_new(
		object, "protocol", mem_must(json_string(filter_protocol_text(ctx, rule))));
	put_side(object, "source", &rule->source);
	put_side(object, "destination", &rule->destination);
	json_object_set_new(object, "is_established", json_boolean(rule->is_established));
	json_array_append_new(rules, object);
}

/* Ends the array. */
static const char *dump(TALLOC_CTX *ctx, json_t *rules)
{
	char *text = mem_must(json_dumps(rules, JSON_COMPACT));
	const char *copy = mem_must(talloc_strdup(ctx, text));

	free(text);
	json_decref(rules);
	return copy;
}

/* What has been checked is read again. */
static void put_checked(TALLOC_CTX *ctx, json_t *rules, const char *text)
{
	struct filter_rule rule;
	struct filter_fault fault;

	if (filter_rule_parse(text, &rule, &fault) == 0)
		put_rule(ctx, rules, &rule);
}

const char *filter_rules_single(TALLOC_CTX *ctx, const char *text)
{
	json_t *rules = mem_must(json_array());

	put_checked(ctx, rules, text);
	return dump(ctx, rules);
}

/* A file of rules that is read. */
struct source {
	struct call *call;
	FILE *file;
	const char *path;
	unsigned long line, errors;
	json_t *rules;
};

static void line_error(struct source *source, unsigned column, const char *why)
{
	if (source->errors++ < ERRORS_SHOWN)
		call_fail(source->call, CTL_USAGE, "%s:%lu:%u: %s", source->path, source->line,
			column, why);
}

/* Reads a line without its end, and passes over what does not fit: the rule is refused then. A NUL
 * becomes an octet that no rule has. False at the end of the file. */
static bool read_line(struct source *source, char line[FILTER_LINE_MAX + 2])
{
	size_t size = 0;
	int octet;

	while ((octet = getc(source->file)) != EOF && octet != '\n')
		if (size < FILTER_LINE_MAX + 1)
			line[size++] = octet == '\0' ? '\1' : (char)octet;
	if (octet == EOF && size == 0)
		return false;
	if (size > 0 && line[size - 1] == '\r')
		size--;
	line[size] = '\0';
	source->line++;
	return true;
}

static void take_line(struct source *source, const char *line)
{
	const char *first = line + strspn(line, " \t");
	struct filter_rule rule;
	struct filter_fault fault;

	/* The comments of shells and of routers. */
	if (*first == '\0' || *first == '#' || *first == '!')
		return;
	if (filter_rule_parse(line, &rule, &fault) != 0)
		line_error(source, fault.column, fault.text);
	else if (json_array_size(source->rules) == FILTER_RULES_MAX)
		line_error(source, 1, "more rules than a filter may have");
	else
		put_rule(source->call->ctx, source->rules, &rule);
}

static int read_file(struct call *call, const char *path, json_t *rules)
{
	struct source source = {.call = call, .path = path, .rules = rules};
	char line[FILTER_LINE_MAX + 2];
	bool is_failed;

	source.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (source.file == NULL)
		return call_fail(call, CTL_REFUSED, "cannot read %s: %s", path, strerror(errno));
	while (read_line(&source, line))
		take_line(&source, line);
	is_failed = ferror(source.file) != 0;
	if (source.file != stdin)
		fclose(source.file);
	if (is_failed)
		return call_fail(call, CTL_REFUSED, "cannot read %s", path);
	if (source.errors > ERRORS_SHOWN)
		return call_fail(call, CTL_USAGE, "%s: %lu wrong lines more", path,
			source.errors - ERRORS_SHOWN);
	return source.errors > 0 ? CTL_USAGE : CTL_OK;
}

int filter_rules_given(struct call *call, const char **json)
{
	const char *path = call_value(call, "file");
	json_t *rules = mem_must(json_array());
	int code = CTL_OK;
	size_t count;
	const char *const *texts = call_values(call, "rule", &count);

	*json = NULL;
	if (path != NULL && count > 0)
		code = call_fail(call, CTL_USAGE, "--rule and --file exclude each other");
	else if (path != NULL)
		code = read_file(call, path, rules);
	for (size_t i = 0; i < count; i++)
		put_checked(call->ctx, rules, texts[i]);
	if (code == CTL_OK && (path != NULL || count > 0))
		*json = dump(call->ctx, rules);
	else
		json_decref(rules);
	return code;
}

/* Rows of one filter follow each other: the list grows with each. */
static int add_row(struct pg *pg, const PGresult *rows, int row, struct filter_list *list,
	struct filter_rule *rule)
{
	const char *text = PQgetvalue(rows, row, 2);
	struct filter_fault fault;

	list->direction = strcmp(PQgetvalue(rows, row, 1), "in") == 0 ? FILTER_IN : FILTER_OUT;
	if (PQgetisnull(rows, row, 2))
		return CTL_OK;
	if (filter_rule_parse(text, rule, &fault) != 0)
		return call_fail(pg->call, CTL_REFUSED, "filter %s, rule %zu: column %u: %s",
			list->name, list->count + 1, fault.column, fault.text);
	list->count++;
	return CTL_OK;
}

int filter_lists_load(struct pg *pg, const char *name, struct filter_list **lists, size_t *count)
{
	static const char sql[] =
		"select f.name, f.direction, case when r.position > 0 then "
		"poprad.filter_rule_text(r) end from poprad.filter f "
		"left join poprad.filter_rule r using (filter_id) where $1::text is null or f.name "
		"= $1 "
		"order by f.name, r.position";
	TALLOC_CTX *ctx = pg->call->ctx;
	struct params params = {.values = {name}, .count = 1};
	struct filter_rule *rules;
	PGresult *rows;
	int code = pg_run(pg, sql, &params, &rows);

	if (code != CTL_OK)
		return code;
	*count = 0;
	*lists =
		mem_must(talloc_zero_array(ctx, struct filter_list, (unsigned)PQntuples(rows) + 1));
	rules = mem_must(talloc_zero_array(ctx, struct filter_rule, (unsigned)PQntuples(rows) + 1));
	for (int row = 0; code == CTL_OK && row < PQntuples(rows); row++) {
		struct filter_list *list = *lists + *count;
		const char *row_name = PQgetvalue(rows, row, 0);

		if (*count == 0 || strcmp(list[-1].name, row_name) != 0) {
			list->name = mem_must(talloc_strdup(ctx, row_name));
			list->rules = &rules[row];
			++*count;
		} else {
			list--;
		}
		code = add_row(pg, rows, row, list, &rules[row]);
	}
	PQclear(rows);
	if (code == CTL_OK && *count == 0 && name != NULL)
		return call_fail(pg->call, CTL_REFUSED,
			"there is no filter %s (see popradctl filter list)", name);
	return code;
}

int filter_pools_load(struct pg *pg, struct filter_pools *pools)
{
	static const char sql[] =
		"select p.name, r.prefix from poprad.pool p left join poprad.pool_range r using "
		"(pool_id) order by p.name, r.prefix";
	TALLOC_CTX *ctx = pg->call->ctx;
	struct filter_pool *pool, *first;
	struct prefix *networks;
	PGresult *rows;
	int code = pg_run(pg, sql, NULL, &rows);

	if (code != CTL_OK)
		return code;
	first = mem_must(talloc_zero_array(ctx, struct filter_pool, (unsigned)PQntuples(rows) + 1));
	networks = mem_must(talloc_zero_array(ctx, struct prefix, (unsigned)PQntuples(rows) + 1));
	pool = first;
	for (int row = 0; code == CTL_OK && row < PQntuples(rows); row++) {
		const char *name = PQgetvalue(rows, row, 0);

		if (pool == first || strcmp(pool[-1].name, name) != 0) {
			*pool++ = (struct filter_pool){
				mem_must(talloc_strdup(ctx, name)), &networks[row], 0};
		}
		if (PQgetisnull(rows, row, 1))
			continue;
		if (prefix_parse(PQgetvalue(rows, row, 1), &networks[row]) != 0)
			code = call_fail(
				pg->call, CTL_DATABASE, "pool %s has a range that is none", name);
		pool[-1].count++;
	}
	PQclear(rows);
	*pools = (struct filter_pools){first, (size_t)(pool - first)};
	return code;
}
