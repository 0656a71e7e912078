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

/* What is wrong, or NULL. */
static const char *value_fault(TALLOC_CTX *ctx, const struct policy_field_info *info, json_t *value)
{
	static const struct policy nothing;
	const struct policy *policy;
	json_t *document = mem_must(json_pack("{sO}", info->column, value));
	char *text = mem_must(json_dumps(document, JSON_COMPACT)), *why;
	int rc = policy_overlay(ctx, &nothing, text, &policy, &why);

	free(text);
	json_decref(document);
	/* "interim_s: 10 is ..." */
	return rc == 0 ? NULL : why + strlen(info->column) + 2;
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

/* Each as the dictionary calls it, for so the server calls what a NAS sends. What is wrong, or
 * NULL. */
static const char *name_port_types(struct call *call, json_t *types)
{
	for (size_t i = 0; i < json_array_size(types); i++) {
		const char *given = json_string_value(json_array_get(types, i));
		const char *text =
			mem_must(talloc_asprintf(call->ctx, "NAS-Port-Type = %s", given));
		struct encoded_attr attr;
		json_t *name = NULL;
		char *why = NULL;

		if (attr_from_text(call->ctx, text, &attr, &why) != 0)
			return why;
		describe_attributes(attr.octets, attr.size, keep_value, &name);
		if (name != NULL)
			json_array_set_new(types, i, name);
	}
	return NULL;
}

/* One that is a list of types of port needs the dictionary. */
static int check(struct call *call, enum policy_field field, json_t *value)
{
	const struct policy_field_info *info = policy_field_info(field);
	const char *why = NULL;
	int code = CTL_OK;

	if (field == POLICY_NAS_PORT_TYPES && json_array_size(value) > 0) {
		code = call_load_conf(call);
		if (code == CTL_OK)
			code = attribute_load_dictionary(call);
		if (code == CTL_OK)
			why = name_port_types(call, value);
	}
	if (code == CTL_OK && why == NULL)
		why = value_fault(call->ctx, info, value);
	return why == NULL ? code : call_fail(call, CTL_REFUSED, "--%s: %s", info->option, why);
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
		if (code == CTL_OK && !json_is_null(value))
			code = check(call, field, value);
		json_object_set_new(document, info->column, value);
	}
	text = mem_must(json_dumps(document, JSON_COMPACT));
	params_add(params,
		json_object_size(document) > 0 ? mem_must(talloc_strdup(call->ctx, text)) : NULL);
	free(text);
	json_decref(document);
	return code;
}

#define NUMBER_MAX_DIGITS \
	18 /* fits; what is too large for the field is refused as it is elsewhere */

static json_t *read_list(char *text)
{
	json_t *list = mem_must(json_array());
	char *entry;

	while ((entry = strsep(&text, ";")) != NULL) {
		entry += strspn(entry, " ");
		for (size_t size = strlen(entry); size > 0 && entry[size - 1] == ' ';)
			entry[--size] = '\0';
		if (*entry != '\0')
			json_array_append_new(list, mem_must(json_string(entry)));
	}
	return list;
}

static json_t *read_value(const struct policy_field_info *info, char *text)
{
	bool is_yes = strcmp(text, "yes") == 0;

	switch (info->type) {
	case POLICY_LIST:
		return read_list(text);
	case POLICY_TEXT:
		return mem_must(json_string(text));
	case POLICY_FLAG:
		return is_yes || strcmp(text, "no") == 0 ? mem_must(json_boolean(is_yes)) : NULL;
	case POLICY_NUMBER:
		break;
	}
	return *text != '\0' && strlen(text) <= NUMBER_MAX_DIGITS &&
			       text[strspn(text, "0123456789")] == '\0'
		       ? mem_must(json_integer(strtoll(text, NULL, 10)))
		       : NULL;
}

json_t *policy_column_value(
	struct call *call, enum policy_field field, char *text, const char **why)
{
	const struct policy_field_info *info = policy_field_info(field);
	json_t *value = read_value(info, text);

	*why = value == NULL
		       ? (info->type == POLICY_FLAG ? "is neither yes nor no" : "is no number")
	       : field == POLICY_NAS_PORT_TYPES ? name_port_types(call, value)
						: NULL;
	if (*why == NULL)
		*why = value_fault(call->ctx, info, value);
	return value;
}
