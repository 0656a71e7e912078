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
	char *user_name;         /* as the NAS sent it */
	char *login;             /* its canonical form, see line_login */
	struct addr nas_address; /* NAS-IP-Address, else NAS-IPv6-Address */
	char *nas_identifier;
	int64_t nas_port; /* -1 = absent */
	char *nas_port_id, *nas_port_type;
	char *calling_station_id, *called_station_id;
	char *service_type, *framed_protocol;
};

void line_read(TALLOC_CTX *ctx, const struct attrs *attrs, struct line *line);

/* The form in which subscribers are stored: what stands behind the last @ in lower case, for realms
 * compare without case, and the user part exactly. NULL for NULL. */
char *line_login(TALLOC_CTX *ctx, const char *user_name);
