/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl filter export: filters in the words of routers and access servers. Everything is
 * rendered before the first line is written, so that a router is never given half of it. */
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/filter_rules.h"
#include <string.h>

struct export
{
	struct call *call;
	const char *format;
	const char *interface; /* NULL: all */
	struct filter_pools pools;
	char *text;
};

/* Values as attributes are written in a plan's attributes, and in other servers' files. */
static void put_values(struct export *export, const char *attribute,
	const struct filter_values *values, bool is_hex)
{
	for (size_t i = 0; i < values->count; i++) {
		const struct filter_value *value = &values->values[i];

		export->text = mem_must(talloc_asprintf_append_buffer(
			export->text, "%s = %s", attribute, is_hex ? "0x" : "\""));
		for (size_t k = 0; k < value->size; k++) {
			const char *form = is_hex                     ? "%02x"
					   : value->octets[k] == '\0' ? "\\000"
								      : "%c";

			export->text = mem_must(talloc_asprintf_append_buffer(
				export->text, form, value->octets[k]));
		}
		export->text = mem_must(
			talloc_asprintf_append_buffer(export->text, is_hex ? "\n" : "\"\n"));
	}
}

static int render_attributes(
	struct export *export, const struct filter_list *list, struct filter_fault *fault)
{
	TALLOC_CTX *ctx = export->call->ctx;
	const struct filter_pools *pools = &export->pools;
	bool is_ascend = strcmp(export->format, "ascend") == 0;
	bool is_cisco = strcmp(export->format, "cisco-avpair") == 0;
	struct filter_values values;
	int err;

	if (is_ascend)
		err = filter_ascend(ctx, list, 1, pools, FILTER_ASCEND_LONG, &values, fault);
	else if (is_cisco)
		err = filter_cisco_avpairs(ctx, list, 1, pools, &values, fault);
	else
		err = filter_nas_rules(ctx, list, 1, pools, FILTER_PORTS_MAX, &values, NULL, fault);
	if (err != 0)
		return err;
	export->text = mem_must(talloc_asprintf_append_buffer(export->text,
		"# %s, %s: %zu attributes, %zu octets of a packet\n", list->name,
		list->direction == FILTER_IN ? "in" : "out", values.count, values.packet_octets));
	put_values(export,
		is_ascend  ? "Ascend-Data-Filter"
		: is_cisco ? "Cisco-AVPair"
			   : "NAS-Filter-Rule",
		&values, is_ascend);
	return 0;
}

static int render_text(
	struct export *export, const struct filter_list *list, struct filter_fault *fault)
{
	const struct filter_pools *pools = &export->pools;
	char *text = NULL;
	int err;

	if (strcmp(export->format, "ios") == 0)
		err = filter_ios(export->call->ctx, list, pools, &text, fault);
	else if (strcmp(export->format, "mikrotik") == 0)
		err = filter_mikrotik(export->call->ctx, list, pools, &text, fault);
	else
		err = filter_nftables(
			export->call->ctx, list, pools, export->interface, &text, fault);
	if (err == 0)
		export->text = mem_must(talloc_strdup_append_buffer(export->text, text));
	return err;
}

static int render(struct export *export, const struct filter_list *list)
{
	bool is_text = strcmp(export->format, "ios") == 0 ||
		       strcmp(export->format, "mikrotik") == 0 ||
		       strcmp(export->format, "nftables") == 0;
	struct filter_fault fault;
	int err = is_text ? render_text(export, list, &fault)
			  : render_attributes(export, list, &fault);

	return err == 0 ? CTL_OK
			: call_fail(export->call, CTL_REFUSED, "filter %s as %s: %s", list->name,
				  export->format, fault.text);
}

static int render_named(struct export *export, struct pg *pg, const char *name)
{
	struct filter_list *lists;
	size_t count;
	int code = filter_lists_load(pg, name, &lists, &count);

	for (size_t i = 0; code == CTL_OK && i < count; i++)
		code = render(export, &lists[i]);
	return code;
}

int filter_export(struct call *call)
{
	struct export export = {.call = call,
		.format = call_value(call, "format"),
		.interface = call_value(call, "interface"),
		.text = mem_must(talloc_strdup(call->ctx, ""))};
	size_t count;
	const char *const *names = call_values(call, "NAME", &count);
	struct pg *pg;
	int code;

	if (export.interface != NULL && strcmp(export.format, "nftables") != 0)
		return call_fail(call, CTL_USAGE, "--interface goes with --format nftables");
	code = pg_open(call, &pg);
	/* Filters and pools as they are at one moment. */
	if (code == CTL_OK)
		code = pg_run(pg, "begin isolation level repeatable read read only", NULL, NULL);
	if (code == CTL_OK)
		code = filter_pools_load(pg, &export.pools);
	if (code == CTL_OK && count == 0)
		code = render_named(&export, pg, NULL);
	for (size_t i = 0; code == CTL_OK && i < count; i++)
		code = render_named(&export, pg, names[i]);
	if (code == CTL_OK)
		fputs(export.text, call->out);
	return code;
}
