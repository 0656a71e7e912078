/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads the catalog's JSON document into a snapshot. Every field is checked, because the document
 * may come from a file that someone edited, or from a database of another version. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/catalog_private.h"
#include "radius/pap.h"
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX_SIZE 255     /* octets; RFC 2865 section 3 asks for 16 or more */
#define ATTRIBUTE_MAX_SIZE 4096 /* octets of text; no value on the wire is longer */
#define TIMEOUT_MAX_MS 60000

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
	nas->nas_id = reader_id(reader, "nas_id", 1);
	nas->name = reader_text(reader, "name", NAME_MAX_SIZE);
	nas->prefix = reader_prefix(reader, "prefix");
	nas->secret = reader_text(reader, "secret", SECRET_MAX_SIZE);
	nas->secret_size = strlen(nas->secret);
	const char *kind =
		reader_check_text(reader, "kind", reader_field(reader, "kind"), NAME_MAX_SIZE);
	nas->kind = nas_kind_find(kind);
	if (!nas->kind)
		reader_refuse(reader, ERR_RANGE, "kind", "%s is unknown", log_quote_text(kind));
	nas->nas_group_id = reader_id(reader, "nas_group_id", 0);
	/* A copy that an earlier version has left does not name it. */
	if (nas->nas_group_id != 0 && json_object_get(reader->object, "nas_group") != NULL)
		nas->nas_group = reader_text(reader, "nas_group", NAME_MAX_SIZE);
	nas->is_own_network = reader_bool(reader, "is_own_network");
	nas->require_message_authenticator =
		reader_choice(reader, "require_message_authenticator", policies);
	nas->limit_proxy_state = reader_bool(reader, "limit_proxy_state");
	nas->ends_tunnels = json_object_get(reader->object, "ends_tunnels") != NULL &&
			    reader_bool(reader, "ends_tunnels");
	nas->no_accounting = reader_bool(reader, "no_accounting");
	nas->timeout_ms = reader_count(reader, "timeout_ms", TIMEOUT_MAX_MS);
	enum nas_form form = reader_choice(reader, "filter_form", nas_form_names);
	nas->is_old = form == NAS_FORM_OLD_RULES;
	if (form == NAS_FORM_FILTER_SERVER)
		nas->filter_password = reader_text(reader, "filter_password", PAP_PASSWORD_MAX);
	const struct nas_view view = {.kind = nas->kind,
		.form = form,
		.is_own_network = nas->is_own_network,
		.imposed = catalog_imposed_by_group(catalog, nas->nas_group_id)};
	if (reader->rc == 0)
		nas->filter_view = catalog_add_view(catalog, &view);
	if (nas->filter_view == NAS_VIEWS_MAX)
		reader_refuse(reader, ERR_RANGE, "nas_group_id",
			"there are more than %d sorts of access servers, by kind, form and what "
			"their groups impose",
			NAS_VIEWS_MAX);
	if (reader->rc == 0 && prefix_map_add(catalog->nas_by_prefix, &nas->prefix, nas) != 0)
		reader_refuse(reader, ERR_RANGE, "prefix", "is there twice");
}

static void read_range(struct reader *reader, struct catalog *catalog)
{
	struct pool_range *range = &catalog->ranges[catalog->range_count++];
	range->pool_range_id = reader_id(reader, "pool_range_id", 1);
	range->pool_id = reader_id(reader, "pool_id", 1);
	range->nas_group_id = reader_id(reader, "nas_group_id", 0);
	range->first = reader_addr(reader, "first");
	range->last = reader_addr(reader, "last");
	if (range->first.family != range->last.family ||
		addr_compare(&range->first, &range->last) > 0)
		reader_refuse(reader, ERR_RANGE, "last", "is not behind first");
}

static void read_plan_filters(
	struct reader *reader, struct plan *plan, const struct catalog *catalog)
{
	const json_t *list = reader_list(reader, "filters", PER_PLAN_MAX);
	unsigned count = (unsigned)json_array_size(list);
	const struct filter **found =
		mem_must(talloc_zero_array(reader->ctx, const struct filter *, count + 1));
	for (unsigned i = 0; i < count; i++) {
		const struct filter *filter = catalog_find_filter(catalog, json_array_get(list, i));
		if (!filter) {
			reader_refuse(
				reader, ERR_RANGE, "filters", "element %u names no filter", i + 1);
			return;
		}
		found[i] = filter;
	}
	plan->filters = found;
	plan->filter_count = count;
}

/* What the dictionary does not know (a vendor's file was taken away) must not cost every NAS its
 * catalog: the plan goes without it. */
static void read_plan_attributes(struct reader *reader, struct plan *plan)
{
	const json_t *list = reader_list(reader, "attributes", PER_PLAN_MAX);
	unsigned count = (unsigned)json_array_size(list);
	struct encoded_attr *attributes =
		mem_must(talloc_zero_array(reader->ctx, struct encoded_attr, count + 1));
	for (unsigned i = 0; i < count; i++) {
		const char *text = reader_check_text(
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

/* Most plans have none, and then nothing is said of them. */
static void read_plan_prefixes(struct reader *reader, struct plan *plan)
{
	if (json_object_get(reader->object, "framed_ipv6_pool_id") == NULL)
		return;
	plan->framed_ipv6_pool_id = reader_id(reader, "framed_ipv6_pool_id", 0);
	plan->delegated_ipv6_pool_id = reader_id(reader, "delegated_ipv6_pool_id", 0);
	plan->prefix_required = reader_bool(reader, "prefix_required");
}

static void read_plan(struct reader *reader, struct catalog *catalog)
{
	struct plan *plan = &catalog->plans[catalog->plan_count++];
	plan->plan_id = reader_id(reader, "plan_id", 1);
	plan->name = reader_text(reader, "name", NAME_MAX_SIZE);
	plan->pool_id = reader_id(reader, "pool_id", 0);
	read_plan_prefixes(reader, plan);
	policy_read(reader, &plan->policy);
	plan->suspended_plan_id = reader_id(reader, "suspended_plan_id", 0);
	plan->expired_plan_id = reader_id(reader, "expired_plan_id", 0);
	if (json_object_get(reader->object, "exhausted_plan_id") != NULL)
		plan->exhausted_plan_id = reader_id(reader, "exhausted_plan_id", 1);
	plan->netmask = reader_addr(reader, "netmask");
	if (!is_netmask(&plan->netmask))
		reader_refuse(reader, ERR_RANGE, "netmask", "is no netmask");
	plan->allows_login = reader_bool(reader, "allows_login");
	read_plan_filters(reader, plan, catalog);
	read_plan_attributes(reader, plan);
}

/* Tables -------------------------------------------------------------------------------------- */

static void *new_rows(struct catalog *catalog, const json_t *table, size_t size)
{
	return mem_must(talloc_zero_size(catalog, (json_array_size(table) + 1) * size));
}

static void read_learned(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "learned");
	catalog->learned = new_rows(catalog, table, sizeof *catalog->learned);
	for (size_t i = 0; reader->rc == 0 && i < json_array_size(table); i++) {
		reader->row = i + 1;
		catalog->learned[catalog->learned_count++] =
			reader_to_addr(reader, "source", json_array_get(table, i));
	}
	qsort(catalog->learned, catalog->learned_count, sizeof *catalog->learned,
		catalog_compare_addrs);
}

static void read_plans(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	const json_t *table = reader_begin_table(reader, document, "plans");
	catalog->plans = new_rows(catalog, table, sizeof *catalog->plans);
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		read_plan(reader, catalog);
	qsort(catalog->plans, catalog->plan_count, sizeof *catalog->plans, catalog_compare_plans);
	for (size_t i = 1; i < catalog->plan_count; i++) {
		if (catalog->plans[i].plan_id == catalog->plans[i - 1].plan_id)
			reader_refuse(reader, ERR_RANGE, "plan_id", "is there twice");
	}
}

static void read_document(struct reader *reader, const json_t *document, struct catalog *catalog)
{
	reader->object = document;
	catalog->version = reader_int(reader, "version", 0, INT64_MAX);
	/* A copy that an earlier version has left does not tell. */
	catalog->has_quotas = json_object_get(document, "has_quotas") != NULL &&
			      reader_bool(reader, "has_quotas");
	catalog_read_filters(reader, document, catalog);
	catalog_read_imposed(reader, document, catalog);
	const json_t *table = reader_begin_table(reader, document, "nas");
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		read_nas(reader, catalog);
	read_learned(reader, document, catalog);
	table = reader_begin_table(reader, document, "pool_ranges");
	catalog->ranges = new_rows(catalog, table, sizeof *catalog->ranges);
	for (size_t i = 0; reader_begin_row(reader, table, i); i++)
		read_range(reader, catalog);
	catalog_read_tunnels(reader, document, catalog);
	read_plans(reader, document, catalog);
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
		reader_refuse(&reader, ERR_SYNTAX, "document", "is no object");
	if (reader.rc == 0) {
		catalog_render_all_tunnels(catalog);
		catalog_render_provisions(catalog);
		catalog_render_filters(catalog);
		if (json_object_get(document, "own_filters")) {
			catalog_check_realms(catalog);
			catalog_check_own_filters(&reader, document, catalog);
		}
	}
	json_decref(document);

	if (reader.rc != 0) {
		*why = talloc_steal(ctx, reader.why);
		talloc_free(catalog);
		return reader.rc;
	}
	*catalog_out = catalog;
	return 0;
}
