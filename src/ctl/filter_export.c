/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl filter export: filters in the words of routers and access servers. Everything is
 * rendered before the first line is written, so that a router is never given half of it. */
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/filter_rules.h"
#include <string.h>

struct exporter {
	struct call *call;
	const char *interface; /* NULL: all */
	struct filter_pools pools;
	char *text; /* so far */
};

/* Appends one list. An error code of filter.h's; *fault says what cannot be said. */
typedef int render(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault);

static int render_ios(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault)
{
	char *text = NULL;
	int err = filter_ios(exporter->call->ctx, list, &exporter->pools, &text, fault);

	if (err == 0)
		exporter->text = mem_must(talloc_strdup_append_buffer(exporter->text, text));
	return err;
}

static int render_mikrotik(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault)
{
	char *text = NULL;
	int err = filter_mikrotik(exporter->call->ctx, list, &exporter->pools, &text, fault);

	if (err == 0)
		exporter->text = mem_must(talloc_strdup_append_buffer(exporter->text, text));
	return err;
}

static int render_nftables(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault)
{
	char *text = NULL;
	int err = filter_nftables(
		exporter->call->ctx, list, &exporter->pools, exporter->interface, &text, fault);

	if (err == 0)
		exporter->text = mem_must(talloc_strdup_append_buffer(exporter->text, text));
	return err;
}

/* Octets as "Name = value" has them: in hex, or as text with \000 for NUL. */
static void put_value(struct exporter *exporter, const char *attribute,
	const struct filter_value *value, bool is_hex)
{
	char **text = &exporter->text;

	*text = mem_must(
		talloc_asprintf_append_buffer(*text, "%s = %s", attribute, is_hex ? "0x" : "\""));
	for (size_t i = 0; i < value->size; i++) {
		const char *form = is_hex ? "%02x" : value->octets[i] == '\0' ? "\\000" : "%c";

		*text = mem_must(talloc_asprintf_append_buffer(*text, form, value->octets[i]));
	}
	*text = mem_must(talloc_asprintf_append_buffer(*text, is_hex ? "\n" : "\"\n"));
}

static void put_values(struct exporter *exporter, const struct filter_list *list,
	const char *attribute, const struct filter_values *values, bool is_hex)
{
	exporter->text = mem_must(talloc_asprintf_append_buffer(exporter->text,
		"# %s, %s: %zu attributes, %zu octets of a packet\n", list->name,
		list->direction == FILTER_IN ? "in" : "out", values->count, values->packet_octets));
	for (size_t i = 0; i < values->count; i++)
		put_value(exporter, attribute, &values->values[i], is_hex);
}

static int render_cisco(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault)
{
	struct filter_values values;
	int err = filter_cisco_avpairs(
		exporter->call->ctx, list, 1, &exporter->pools, &values, fault);

	if (err == 0)
		put_values(exporter, list, "Cisco-AVPair", &values, false);
	return err;
}

static int render_ascend(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault)
{
	struct filter_values values;
	int err = filter_ascend(
		exporter->call->ctx, list, 1, &exporter->pools, FILTER_ASCEND_LONG, &values, fault);

	if (err == 0)
		put_values(exporter, list, "Ascend-Data-Filter", &values, true);
	return err;
}

static int render_radius(
	struct exporter *exporter, const struct filter_list *list, struct filter_fault *fault)
{
	struct filter_values values;
	int err = filter_nas_rules(exporter->call->ctx, list, 1, &exporter->pools, FILTER_PORTS_MAX,
		&values, NULL, fault);

	if (err == 0)
		put_values(exporter, list, "NAS-Filter-Rule", &values, false);
	return err;
}

static const struct {
	const char *format;
	render *render;
} formats[] = {
	{"ios", render_ios},
	{"mikrotik", render_mikrotik},
	{"nftables", render_nftables},
	{"cisco-avpair", render_cisco},
	{"ascend", render_ascend},
	{"radius", render_radius},
};

static int render_list(struct exporter *exporter, const struct filter_list *list)
{
	const char *format = call_value(exporter->call, "format");
	struct filter_fault fault = {0};
	size_t at = 0;

	/* It is one of them: the table of options has the same words. */
	while (strcmp(formats[at].format, format) != 0)
		at++;
	if (formats[at].render(exporter, list, &fault) == 0)
		return CTL_OK;
	return call_fail(
		exporter->call, CTL_REFUSED, "filter %s as %s: %s", list->name, format, fault.text);
}

/* NULL: all of them. */
static int render_named(struct exporter *exporter, struct pg *pg, const char *name)
{
	struct filter_list *lists;
	size_t count;
	int code = filter_lists_load(pg, name, &lists, &count);

	for (size_t i = 0; code == CTL_OK && i < count; i++)
		code = render_list(exporter, &lists[i]);
	return code;
}

int filter_export(struct call *call)
{
	struct exporter exporter = {.call = call,
		.interface = call_value(call, "interface"),
		.text = mem_must(talloc_strdup(call->ctx, ""))};
	size_t count;
	const char *const *names = call_values(call, "NAME", &count);
	struct pg *pg;
	int code;

	if (exporter.interface != NULL && strcmp(call_value(call, "format"), "nftables") != 0)
		return call_fail(call, CTL_USAGE, "--interface goes with --format nftables");
	code = pg_open(call, &pg);
	/* Filters and pools as they are at one moment. */
	if (code == CTL_OK)
		code = pg_run(pg, "begin isolation level repeatable read read only", NULL, NULL);
	if (code == CTL_OK)
		code = filter_pools_load(pg, &exporter.pools);
	if (code == CTL_OK && count == 0)
		code = render_named(&exporter, pg, NULL);
	for (size_t i = 0; code == CTL_OK && i < count; i++)
		code = render_named(&exporter, pg, names[i]);
	if (code == CTL_OK)
		fputs(exporter.text, call->out);
	return code;
}
