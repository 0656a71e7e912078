/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/attribute.h"
#include "radius/dictionary.h"

/* RADIUS_MAX_PACKET holds fewer; it also bounds the row. */
#define ATTRIBUTES_MAX 64

int attribute_params(struct call *call, struct params *params)
{
	size_t count;
	const char *const *texts = call_values(call, "attribute", &count);
	struct encoded_attr attr;
	char *why = NULL;

	if (call_has(call, "no-attributes") && count > 0)
		return call_fail(
			call, CTL_USAGE, "--attribute and --no-attributes exclude each other");
	if (count > ATTRIBUTES_MAX)
		return call_fail(
			call, CTL_REFUSED, "at most %d attributes can be given", ATTRIBUTES_MAX);
	if (count == 0) {
		params_add(params, call_has(call, "no-attributes") ? "{}" : NULL);
		return CTL_OK;
	}
	if (dictionary_load(call->ctx, call->conf->dictionary_dir, &why) != 0)
		return call_fail(call, CTL_REFUSED, "the dictionary cannot be loaded: %s", why);
	for (size_t i = 0; i < count; i++)
		if (attr_from_text(call->ctx, texts[i], &attr, &why) != 0)
			return call_fail(call, CTL_REFUSED, "--attribute '%s': %s", texts[i], why);
	params_add_array(call->ctx, params, texts, count);
	return CTL_OK;
}
