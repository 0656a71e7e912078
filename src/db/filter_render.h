/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Filters in the words of one sort of access server: what catalog_render.c does for plans and for
 * routers that ask. */
#include "db/catalog_private.h"
#include "radius/encode.h"

/* A choice of filters for one view, while it is rendered: the caller sets the first four and inits
 * part. */
struct rendering {
	TALLOC_CTX *ctx; /* of the work alone */
	const struct catalog *catalog;
	const struct nas_view *view;
	struct filter_choice choice;
	struct reply part;
	size_t packet_octets; /* what they take; more than the part has if that is too small */
	size_t rules;         /* NAS-Filter-Rule's, if they are too many; else 0 */
	char *why;            /* NULL = nothing is wrong */
	char *remark;         /* NULL = nothing else is to be said */
	bool is_refused;
};

/* Fills part, packet_octets and what is wrong or to be said. */
void filter_render(struct rendering *rendering);
/* Keeps what is wrong, unless something is already. is_refused: so that nothing can be sent. */
void filter_render_fail(struct rendering *rendering, bool is_refused, const char *format, ...)
	PRINTF_LIKE(3, 4);
