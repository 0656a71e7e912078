/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/attribute.h"
#include "db/catalog.h"
#include "radius/dictionary.h"

/* RADIUS_MAX_PACKET holds fewer; it also bounds the row. */
#define ATTRIBUTES_MAX 64

int attribute_load_dictionary(const struct call *call)
{
	char *why = NULL;
	int err = dictionary_load(call->ctx, call->conf->dictionary_dir, &why);

	if (err != 0 && err != ERR_EXISTS)
		return call_fail(call, CTL_REFUSED, "the dictionary cannot be loaded: %s", why);
	return CTL_OK;
}

int attribute_params(struct call *call, struct params *params)
{
	size_t count;
	const char *const *texts = call_values(call, "attribute", &count);
	struct encoded_attr attr;
	unsigned carriers = 0;
	char *why = NULL;
	int code;

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
	code = attribute_load_dictionary(call);
	if (code != CTL_OK)
		return code;
	for (size_t i = 0; i < count; i++) {
		if (attr_from_text(call->ctx, texts[i], &attr, &why) != 0)
			return call_fail(call, CTL_REFUSED, "--attribute '%s': %s", texts[i], why);
		carriers |= filter_carrier_of(&attr);
	}
	if ((carriers & CARRIER_FILTER_ID) && (carriers & CARRIER_NAS_RULES))
		return call_fail(call, CTL_REFUSED,
			"Filter-Id and NAS-Filter-Rule exclude each other: a NAS does not heed the "
			"latter beside the former");
	params_add_array(call->ctx, params, texts, count);
	return CTL_OK;
}
