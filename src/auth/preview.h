/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a login would be sent of filters, rates, name servers and given attributes, without a login:
 * for popradctl. It is found by the functions that logins use. */
#include "db/catalog.h"
#include "radius/packet.h"

/* As poprad.find returns it. */
struct preview_subscriber {
	const char *login;
	int32_t plan_id;
	const char *policy;     /* NULL = nothing of his own */
	const char *attributes; /* one a line; NULL = none */
};

/* Attributes, as in a packet. */
struct preview {
	uint8_t octets[RADIUS_MAX_PACKET];
	size_t size;
	bool is_refused; /* the filters cannot be said to that NAS: the login would be rejected */
};

/* For a login that wants an address. ERR_NOT_FOUND: the catalog does not have the plan or the
 * filter set of his quarantine. ERR_SYNTAX, ERR_RANGE: what he has of his own cannot be read. */
int auth_preview(struct catalog *catalog, const struct nas *nas,
	const struct preview_subscriber *subscriber, struct preview *preview) MUST_CHECK;
