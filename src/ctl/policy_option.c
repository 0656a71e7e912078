/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Each value is read as the server will read it, before it is stored. */
#include "ctl/policy_option.h"
#include "base/mem.h"
#include "ctl/attribute.h"
#include "db/policy.h"
#include "radius/describe.h"
#include <stdlib.h>
#include <string.h>

static int check(struct call *call, const struct policy_field_info *info, json_t *value)
{
	static const struct policy nothing;
	const struct policy *policy;
	json_t *document = mem_must(json_pack("{sO}", info->column, value));
	char *text = mem_must(json_dumps(document, JSON_COMPACT)), *why;
	int rc = policy_overlay(call->ctx, &nothing, text, &policy, &why);

	free(text);
	json_decref(document);
	if (rc == 0)
		return CTL_OK;
	/* "interim_s: 10 is ..." */
	return call_fail(
		call, CTL_REFUSED, "--%s: %s", info->option, why + strlen(info->column) + 2);
}

/* NULL: the option was not given, or what was given cannot be (*code then). */
static json_t *list_value(struct call *call, const struct policy_field_info *info, int *code)
{
	size_t count;
	const char *const *given = call_values(call, info->option, &count);
	bool is_empty = call_has(call, info->no_option);
	json_t *list;

	if (count > 0 && is_empty)
		*code = call_fail(call, CTL_USAGE, "--%s and --%s exclude each other", info->option,
			info->no_option);
	if (*code != CTL_OK || (count == 0 && !is_empty))
		return NULL;
	/* Without a plan's in its place, nothing is not to be stored. */
	if (is_empty && info->is_own_alone)
		return json_null();
	list = mem_must(json_array());
	for (size_t i = 0; i < count; i++) {
		if (strcmp(given[i], "none") != 0) {
			json_array_append_new(list, mem_must(json_string(given[i])));
			continue;
		}
		if (count > 1)
			*code = call_fail(call, CTL_USAGE, "--%s none stands alone", info->option);
		json_decref(list);
		return *code == CTL_OK ? json_null() : NULL;
	}
	return list;
}

static json_t *single_value(struct call *call, const struct policy_field_info *info, int *code)
{
	const char *given = call_value(call, info->option);
	bool is_empty = info->no_option != NULL && call_has(call, info->no_option);

	if (given != NULL && is_empty)
		*code = call_fail(call, CTL_USAGE, "--%s and --%s exclude each other", info->option,
			info->no_option);
	if (*code != CTL_OK || (given == NULL && !is_empty))
		return NULL;
	if (is_empty)
		return mem_must(json_string(""));
	if (strcmp(given, "none") == 0)
		return mem_must(json_null());
	switch (info->type) {
	case POLICY_TEXT:
		return mem_must(json_string(given));
	case POLICY_FLAG:
		return mem_must(json_boolean(strcmp(given, "yes") == 0));
	case POLICY_NUMBER:
	case POLICY_LIST:
		break;
	}
	return mem_must(json_integer(strtoll(given, NULL, 10)));
}

static void keep_value(void *owner, const struct described *described)
{
	json_t **name = owner;

	if (described->value != NULL)
		*name = mem_must(json_string(described->value));
}

/* Each as the dictionary calls it, for so the server calls what a NAS sends. */
static int name_port_types(struct call *call, json_t *types)
{
	int code = json_array_size(types) > 0 ? call_load_conf(call) : CTL_OK;

	if (code == CTL_OK && json_array_size(types) > 0)
		code = attribute_load_dictionary(call);
	for (size_t i = 0; code == CTL_OK && i < json_array_size(types); i++) {
		const char *given = json_string_value(json_array_get(types, i));
		const char *text =
			mem_must(talloc_asprintf(call->ctx, "NAS-Port-Type = %s", given));
		struct encoded_attr attr;
		json_t *name = NULL;
		char *why = NULL;

		if (attr_from_text(call->ctx, text, &attr, &why) != 0)
			return call_fail(call, CTL_REFUSED, "--nas-port-type '%s': %s", given, why);
		describe_attributes(attr.octets, attr.size, keep_value, &name);
		if (name != NULL)
			json_array_set_new(types, i, name);
	}
	return code;
}

int policy_params(struct call *call, bool is_subscriber, struct params *params)
{
	json_t *document = mem_must(json_object());
	int code = CTL_OK;
	char *text;

	for (enum policy_field field = 0; code == CTL_OK && field < POLICY_FIELDS; field++) {
		const struct policy_field_info *info = policy_field_info(field);
		json_t *value;

		if (info->is_own_alone && !is_subscriber)
			continue;
		value = info->type == POLICY_LIST ? list_value(call, info, &code)
						  : single_value(call, info, &code);
		if (value == NULL)
			continue;
		if (field == POLICY_NAS_PORT_TYPES)
			code = name_port_types(call, value);
		if (code == CTL_OK && !json_is_null(value))
			code = check(call, info, value);
		json_object_set_new(document, info->column, value);
	}
	text = mem_must(json_dumps(document, JSON_COMPACT));
	params_add(params,
		json_object_size(document) > 0 ? mem_must(talloc_strdup(call->ctx, text)) : NULL);
	free(text);
	json_decref(document);
	return code;
}
