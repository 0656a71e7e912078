/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Says a plan's filters in the words of one kind of access server. */
#include "auth/login.h"
#include <stdio.h>

/* A name, its direction and the attribute's limit of 253 octets. */
#define FILTER_ID_MAX 254

/* A filter for routers is no NAS's business, and one for our own network only makes sense where the
 * traffic crosses it: a virtual POP's does not. */
static bool filter_applies(const struct filter *filter, const struct nas *nas)
{
	switch (filter->scope) {
	case FILTER_ANYWHERE:
		return true;
	case FILTER_OWN_NETWORK:
		return nas->is_own_network;
	case FILTER_ROUTER:
		return false;
	}
	return false;
}

void filters_add(struct reply *reply, const struct plan *plan, const struct nas *nas)
{
	enum filter_style style = nas->kind->filter_style;
	if (style == FILTER_NONE)
		return;
	for (size_t n = 0; n < plan->filter_count; n++) {
		const struct filter *filter = plan->filters[n];
		char text[FILTER_ID_MAX];
		if (!filter_applies(filter, nas))
			continue;
		const char *suffix = filter->direction == FILTER_IN ? ".in" : ".out";
		snprintf(text, sizeof text, "%s%s", filter->name,
			style == FILTER_ID_WITH_DIRECTION ? suffix : "");
		reply_add_text(reply, ATTR_FILTER_ID, text);
	}
}
