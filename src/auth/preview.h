/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a login would be sent, without a login: for popradctl. It is found by the functions that
 * logins use. */
#include "base/metrics.h"
#include "db/catalog.h"
#include "radius/packet.h"

/* As poprad.find returns it. */
struct preview_subscriber {
	const char *login;
	int32_t plan_id;
	bool is_active;
	int64_t expires_us; /* INT64_MAX = never */
	struct addr static_address;
	struct prefix framed_prefix, delegated_prefix;
	const char *policy;     /* NULL = nothing of his own */
	const char *attributes; /* one a line; NULL = none */
};

/* Attributes, as in a packet. */
struct preview {
	uint8_t octets[RADIUS_MAX_PACKET];
	size_t size;
	enum reject
		unfit; /* what he is to have cannot be said to that NAS, and he would be rejected */
	/* Why he would be rejected now, and all this is what he would get else; none = he would not
	 */
	enum reject rejected;
	enum reject garden_reason; /* of what he gets a walled garden's; none = his plan's */
	int32_t plan_id;           /* whose this is */
	bool has_pool_address;     /* an address of the plan's pool comes besides */
	bool has_pool_framed_prefix, has_pool_delegated_prefix; /* likewise */
};

/* For a login that wants an address. ERR_NOT_FOUND: the catalog does not have the plan or the
 * filter set of his quarantine. ERR_SYNTAX, ERR_RANGE: what he has of his own cannot be read. */
int auth_preview(struct catalog *catalog, const struct nas *nas,
	const struct preview_subscriber *subscriber, struct preview *preview) MUST_CHECK;
