/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Who asks, and on which line of which device: the attributes that Access-Request and
 * Accounting-Request share, as the database takes them. */
#include "base/addr.h"
#include "radius/dictionary.h"
#include <stdint.h>
#include <talloc.h>

/* Texts are clean (text_clean); NULL = absent or empty. */
struct line {
	const char *user_name;   /* as the NAS sent it */
	const char *login;       /* its canonical form, see line_login */
	struct addr nas_address; /* NAS-IP-Address, else NAS-IPv6-Address */
	const char *nas_identifier;
	int64_t nas_port; /* -1 = absent */
	const char *nas_port_id, *nas_port_type;
	const char *calling_station_id, *called_station_id;
	const char *service_type, *framed_protocol;
};

/* The texts live as long as attrs. */
void line_read(struct attrs *attrs, struct line *line);

/* The form in which subscribers are stored: what stands behind the last @ in lower case, for realms
 * compare without case, and the user part exactly. Either user_name itself or a copy in ctx; NULL
 * for NULL. */
const char *line_login(TALLOC_CTX *ctx, const char *user_name);
