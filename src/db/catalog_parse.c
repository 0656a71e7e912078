/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads the catalog's JSON document into a snapshot. Every field is checked, because the document
 * may come from a file that someone edited, or from a database of another version. The first fault
 * is kept in the reader and reading goes on with harmless values until the row ends, so that the
 * readers of single fields need no error paths of their own. */
#include "db/catalog_private.h"
#include "base/log.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000000        /* per table; far above a provider's, bounds the work */
#define NAME_MAX_SIZE 255       /* octets */
#define SECRET_MAX_SIZE 255     /* octets; RFC 2865 section 3 asks for 16 or more */
#define FILTER_ID_NAME_MAX 249  /* a Filter-Id's 253 octets, less ".out" */
#define ATTRIBUTE_MAX_SIZE 4096 /* octets of text; no value on the wire is longer */
#define PER_PLAN_MAX 64 /* filters, and attributes: more would not fit into an Access-Accept */
#define TIMEOUT_MAX_MS 60000

struct reader {
	TALLOC_CTX *ctx; /* owns the snapshot's memory */
	int rc;          /* of the first fault */
	char *why;
	const char *table; /* where we are */
	size_t row;
	const json_t *object;
};

PRINTF_LIKE(4, 5)
static void refuse(struct reader *reader, int rc, const char *field, const char *format, ...)
{
	if (reader->rc != 0)
		return;
	reader->rc = rc;
	va_list arguments;
	va_start(arguments, format);
	char *what = mem_must(talloc_vasprintf(reader->ctx, format, arguments));
	va_end(arguments);
	if (reader->row > 0)
		reader->why = mem_must(talloc_asprintf(reader->ctx, "%s row %zu: %s: %s",
			reader->table, reader->row, field, what));
	else
		reader->why = mem_must(talloc_asprintf(reader->ctx, "%s: %s", field, what));
	talloc_free(what);
}

/* Fields -------------------------------------------------------------------------------------- */

static const json_t *read_field(struct reader *reader, const char *name)
{
	const json_t *value = json_object_get(reader->object, name);
	if (!value)
		refuse(reader, ERR_SYNTAX, name, "is missing");
	return value;
}

static int64_t read_int(struct reader *reader, const char *name, int64_t min, int64_t max)
{
	const json_t *value = read_field(reader, name);
	if (!value)
		return min;
	if (!json_is_integer(value)) {
		refuse(reader, ERR_SYNTAX, name, "is no integer");
		return min;
	}
	int64_t number = json_integer_value(value);
	if (number < min || number > max) {
		refuse(reader, ERR_RANGE, name, "%lld is not within %lld..%lld", (long long)number,
			(long long)min, (long long)max);
		return min;
	}
	return number;
}

static int32_t read_id(struct reader *reader, const char *name, int32_t min)
{
	return (int32_t)read_int(reader, name, min, INT32_MAX);
}

static uint32_t read_count(struct reader *reader, const char *name, int32_t max)
{
	return (uint32_t)read_int(reader, name, 0, max);
}

static bool read_bool(struct reader *reader, const char *name)
{
	const json_t *value = read_field(reader, name);
	if (value && !json_is_boolean(value))
		refuse(reader, ERR_SYNTAX, name, "is neither true nor false");
	return json_is_true(value);
}

/* A string of 1 to max octets, as the document holds it; "" after a fault. */
static const char *check_text(
	struct reader *reader, const char *name, const json_t *value, size_t max)
{
	if (!json_is_string(value)) {
		if (value)
			refuse(reader, ERR_SYNTAX, name, "is no string");
		return "";
	}
	size_t size = json_string_length(value);
	if (size < 1 || size > max) {
		refuse(reader, ERR_RANGE, name, "has %zu octets, not 1..%zu", size, max);
		return "";
	}
	return json_string_value(value);
}

static const char *read_text(struct reader *reader, const char *name, size_t max)
{
	const char *text = check_text(reader, name, read_field(reader, name), max);
	return mem_must(talloc_strdup(reader->ctx, text));
}

static unsigned read_choice(struct reader *reader, const char *name, const char *const choices[])
{
	const char *text = check_text(reader, name, read_field(reader, name), NAME_MAX_SIZE);
	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0)
			return i;
	}
	refuse(reader, ERR_RANGE, name, "%s is unknown", log_quote_text(text));
	return 0;
}

static struct addr to_addr(struct reader *reader, const char *name, const json_t *value)
{
	struct addr addr = {0};
	const char *text = check_text(reader, name, value, ADDR_TEXT_MAX);
	if (addr_parse(text, &addr) != 0)
		refuse(reader, ERR_SYNTAX, name, "%s is no address", log_quote_text(text));
	return addr;
}

static struct addr read_addr(struct reader *reader, const char *name)
{
	return to_addr(reader, name, read_field(reader, name));
}

static struct prefix read_prefix(struct reader *reader, const char *name)
{
	struct prefix prefix = {0};
	const char *text = check_text(reader, name, read_field(reader, name), ADDR_TEXT_MAX);
	int rc = prefix_parse(text, &prefix);
	if (rc != 0)
		refuse(reader, rc, name, "%s is no prefix%s", log_quote_text(text),
			rc == ERR_RANGE ? " (bits are set behind its length)" : "");
	return prefix;
}

static const json_t *read_list(struct reader *reader, const char *name, size_t max)
{
	const json_t *list = read_field(reader, name);
	if (!list)
		return NULL;
	if (!json_is_array(list)) {
		refuse(reader, ERR_SYNTAX, name, "is no list");
		return NULL;
	}
	if (json_array_size(list) > max) {
		refuse(reader, ERR_RANGE, name, "has %zu elements, more than %zu",
			json_array_size(list), max);
		return NULL;
	}
	return list;
}

/* Rows ---------------------------------------------------------------------------------------- */

static void read_nas(struct reader *reader, struct catalog *catalog)
{
	static const char *const policies[] = {
		[MESSAGE_AUTHENTICATOR_AUTO] = "auto",
		[MESSAGE_AUTHENTICATOR_YES] = "yes",
		[MESSAGE_AUTHENTICATOR_NO] = "no",
		NULL,
	};
	struct nas *nas = mem_must(talloc_zero(catalog, struct nas));
	nas->nas_id = read_id(reader, "nas_id", 1);
	nas->name = read_text(reader, "name", NAME_MAX_SIZE);
	nas->prefix = read_prefix(reader, "prefix");
	nas->secret = read_text(reader, "secret", SECRET_MAX_SIZE);
	nas->secret_size = strlen(nas->secret);
	const char *kind = check_text(reader, "kind", read_field(reader, "kind"), NAME_MAX_SIZE);
	nas->kind = nas_kind_find(kind);
	if (!nas->kind)
		refuse(reader, ERR_RANGE, "kind", "%s is unknown", log_quote_text(kind));
	nas->nas_group_id = read_id(reader, "nas_group_id", 0);
	nas->is_own_network = read_bool(reader, "is_own_network");
	nas->require_message_authenticator =
		read_choice(reader, "require_message_authenticator", policies);
	nas->limit_proxy_state = read_bool(reader, "limit_proxy_state");
	nas->no_accounting = read_bool(reader, "no_accounting");
	nas->timeout_ms = read_count(reader, "timeout_ms", TIMEOUT_MAX_MS);
	if (reader->rc == 0 && prefix_map_add(catalog->nas_by_prefix, &nas->prefix, nas) != 0)
		refuse(reader, ERR_RANGE, "prefix", "is there twice");
}

static void read_range(struct reader *reader, struct catalog *catalog)
{
	struct pool_range *range = &catalog->ranges[catalog->range_count++];
	range->pool_range_id = read_id(reader, "pool_range_id", 1);
	range->pool_id = read_id(reader, "pool_id", 1);
	range->nas_group_id = read_id(reader, "nas_group_id", 0);
	range->first = read_addr(reader, "first");
	range->last = read_addr(reader, "last");
	if (range->first.family != range->last.family ||
		addr_compare(&range->first, &range->last) > 0)
		refuse(reader, ERR_RANGE, "last", "is not behind first");
}

/* Filters while the plans are read: what a plan names is found by its number. */
struct numbered_filter {
	int32_t filter_id;
	struct filter filter;
};
struct filter_table {
	struct numbered_filter *rows;
	size_t count;
};

static int compare_filters(const void *one, const void *other)
{
	const struct numbered_filter *left = one, *right = other;
	return (left->filter_id > right->filter_id) - (left->filter_id < right->filter_id);
}

static void read_filter(struct reader *reader, struct filter_table *filters)
{
	static const char *const directions[] = {[FILTER_IN] = "in", [FILTER_OUT] = "out", NULL};
	static const char *const scopes[] = {[FILTER_ANYWHERE] = "anywhere",
		[FILTER_OWN_NETWORK] = "own-network",
		[FILTER_ROUTER] = "router",
		NULL};
	struct numbered_filter *row = &filters->rows[filters->count++];
	row->filter_id = read_id(reader, "filter_id", 1);
	row->filter.name = read_text(reader, "name", FILTER_ID_NAME_MAX);
	row->filter.direction = read_choice(reader, "direction", directions);
	row->filter.scope = read_choice(reader, "scope", scopes);
}

static void read_plan_filters(
	struct reader *reader, struct plan *plan, const struct filter_table *filters)
{
	const json_t *list = read_list(reader, "filters", PER_PLAN_MAX);
	unsigned count = (unsigned)json_array_size(list);
	const struct filter **found =
		mem_must(talloc_zero_array(reader->ctx, const struct filter *, count + 1));
	for (unsigned i = 0; i < count; i++) {
		const json_t *id = json_array_get(list, i);
		int64_t number = json_is_integer(id) ? json_integer_value(id) : 0;
		const struct numbered_filter wanted = {
			.filter_id = number > 0 && number <= INT32_MAX ? (int32_t)number : 0};
		const struct numbered_filter *row = bsearch(&wanted, filters->rows, filters->count,
			sizeof *filters->rows, compare_filters);
		if (!row) {
			refuse(reader, ERR_RANGE, "filters", "element %u names no filter", i + 1);
			return;
		}
		found[i] = &row->filter;
	}
	plan->filters = found;
	plan->filter_count = count;
}

/* What the dictionary does not know (a vendor's file was taken away) must not cost every NAS its
 * catalog: the plan goes without it. */
static void read_plan_attributes(struct reader *reader, struct plan *plan)
{
	const json_t *list = read_list(reader, "attributes", PER_PLAN_MAX);
	unsigned count = (unsigned)json_array_size(list);
	struct encoded_attr *attributes =
		mem_must(talloc_zero_array(reader->ctx, struct encoded_attr, count + 1));
	for (unsigned i = 0; i < count; i++) {
		const char *text = check_text(
			reader, "attributes", json_array_get(list, i), ATTRIBUTE_MAX_SIZE);
		char *why = NULL;
		if (reader->rc != 0)
			return;
		if (attr_from_text(reader->ctx, text, &attributes[plan->attribute_count], &why) ==
			0)
			plan->attribute_count++;
		else
			log_event(LOG_LEVEL_WARNING, "plan_attribute_ignored",
				"plan=%s number=%u reason=%s", log_quote_text(plan->name), i + 1,
				log_quote_reason(why));
		talloc_free(why);
	}
	plan->attributes = attributes;
}

/* Ones from the left, then zeros: all that a netmask can be. */
static bool is_netmask(const struct addr *addr)
{
	uint32_t mask = 0;
	for (unsigned i = 0; i < 4; i++)
		mask = (mask << 8) | addr->bytes[i];
	uint32_t rest = ~mask;
	return addr->family == 4 && (rest & (rest + 1)) == 0;
}

static void read_plan(
	struct reader *reader, struct catalog *catalog, const struct filter_table *filters)
{
	struct plan *plan = &catalog->plans[catalog->plan_count++];
	plan->plan_id = read_id(reader, "plan_id", 1);
	plan->name = read_text(reader, "name", NAME_MAX_SIZE);
	plan->pool_id = read_id(reader, "pool_id", 0);
	plan->session_limit = read_count(reader, "session_limit", INT32_MAX);
	plan->session_timeout_s = read_count(reader, "session_timeout_s", INT32_MAX);
	plan->idle_timeout_s = read_count(reader, "idle_timeout_s", INT32_MAX);
	plan->interim_s = read_count(reader, "interim_s", INT32_MAX);
	plan->netmask = read_addr(reader, "netmask");
	if (!is_netmask(&plan->netmask))
		refuse(reader, ERR_RANGE, "netmask", "is no netmask");
	plan->allows_login = read_bool(reader, "allows_login");
	read_plan_filters(reader, plan, filters);
	read_plan_attributes(reader, plan);
}

/* Tables -------------------------------------------------------------------------------------- */

/* Begins a table of the document: the list, or an empty one after a fault. */
static const json_t *begin_table(struct reader *reader, const json_t *document, const char *name)
{
	reader->object = document;
	reader->table = name;
	reader->row = 0;
	return read_list(reader, name, ROWS_MAX);
}

/* Goes to a row; false after any fault. */
static bool begin_row(struct reader *reader, const json_t *table, size_t index)
{
	if (reader->rc != 0 || index >= json_array_size(table))
		return false;
	reader->row = index + 1;
	reader->object = json_array_get(table, index);
	if (!json_is_object(reader->object))
		refuse(reader, ERR_SYNTAX, "row", "is no object");
	return reader->rc == 0;
}

static void *new_rows(struct catalog *catalog, const json_t *table, size_t size)
{
	return mem_must(talloc_zero_size(catalog, (json_array_size(table) + 1) * size));
}

static void read_learned(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = begin_table(reader, document, "learned");
	catalog->learned = new_rows(catalog, table, sizeof *catalog->learned);
	for (size_t i = 0; reader->rc == 0 && i < json_array_size(table); i++) {
		reader->row = i + 1;
		catalog->learned[catalog->learned_count++] =
			to_addr(reader, "source", json_array_get(table, i));
	}
	qsort(catalog->learned, catalog->learned_count, sizeof *catalog->learned,
		catalog_compare_addrs);
}

static void read_filters(struct reader *reader, const json_t *document, struct catalog *catalog,
	struct filter_table *filters)
{
	const json_t *table = begin_table(reader, document, "filters");
	filters->rows = new_rows(catalog, table, sizeof *filters->rows);
	for (size_t i = 0; begin_row(reader, table, i); i++)
		read_filter(reader, filters);
	qsort(filters->rows, filters->count, sizeof *filters->rows, compare_filters);
	for (size_t i = 1; i < filters->count; i++) {
		if (filters->rows[i].filter_id == filters->rows[i - 1].filter_id)
			refuse(reader, ERR_RANGE, "filter_id", "is there twice");
	}
}

static void read_plans(struct reader *reader, const json_t *document, struct catalog *catalog,
	const struct filter_table *filters)
{
	const json_t *table = begin_table(reader, document, "plans");
	catalog->plans = new_rows(catalog, table, sizeof *catalog->plans);
	for (size_t i = 0; begin_row(reader, table, i); i++)
		read_plan(reader, catalog, filters);
	qsort(catalog->plans, catalog->plan_count, sizeof *catalog->plans, catalog_compare_plans);
	for (size_t i = 1; i < catalog->plan_count; i++) {
		if (catalog->plans[i].plan_id == catalog->plans[i - 1].plan_id)
			refuse(reader, ERR_RANGE, "plan_id", "is there twice");
	}
}

static void read_document(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	struct filter_table filters = {0};
	reader->object = document;
	catalog->version = read_int(reader, "version", 0, INT64_MAX);

	const json_t *table = begin_table(reader, document, "nas");
	for (size_t i = 0; begin_row(reader, table, i); i++)
		read_nas(reader, catalog);
	read_learned(reader, document, catalog);
	table = begin_table(reader, document, "pool_ranges");
	catalog->ranges = new_rows(catalog, table, sizeof *catalog->ranges);
	for (size_t i = 0; begin_row(reader, table, i); i++)
		read_range(reader, catalog);
	read_filters(reader, document, catalog, &filters);
	read_plans(reader, document, catalog, &filters);
}

int catalog_parse(
	TALLOC_CTX *ctx, const char *json, size_t size, struct catalog **catalog_out, char **why)
{
	if (size > CATALOG_SIZE_MAX) {
		*why = mem_must(talloc_asprintf(
			ctx, "the document has %zu octets, more than %zu", size, CATALOG_SIZE_MAX));
		return ERR_RANGE;
	}
	json_error_t error;
	json_t *document = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
	if (!document) {
		*why = mem_must(talloc_asprintf(
			ctx, "line %d: %s", error.line, log_quote_text(error.text)));
		return ERR_SYNTAX;
	}

	struct catalog *catalog = mem_must(talloc_zero(ctx, struct catalog));
	catalog->holders = 1;
	catalog->nas_by_prefix = prefix_map_new(catalog);
	struct reader reader = {.ctx = catalog};
	if (json_is_object(document))
		read_document(&reader, document, catalog);
	else
		refuse(&reader, ERR_SYNTAX, "document", "is no object");
	json_decref(document);

	if (reader.rc != 0) {
		*why = talloc_steal(ctx, reader.why);
		talloc_free(catalog);
		return reader.rc;
	}
	*catalog_out = catalog;
	return 0;
}
