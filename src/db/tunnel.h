/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Tunnels that an access server opens for a subscriber's line (RFC 2868). The catalog has them all;
 * plans and subscribers name them, and each that is named gets a tag of its own in the answer. */
#include "db/catalog_fields.h"
#include "radius/dictionary.h"

#define TUNNELS_MAX 31      /* tags of an answer, RFC 2868 section 3.1 */
#define TUNNEL_TEXT_MAX 128 /* octets of an endpoint, a name or the password */
#define TUNNEL_NAME_MAX 64  /* as popradctl takes names */
#define TUNNEL_PREFERENCE_MAX 0xffffff

struct tunnel {
	const char *name;
	uint32_t type, medium; /* as on the wire */
	const char *server;
	/* NULL = not said */
	const char *client, *client_auth_id, *server_auth_id, *assignment_id, *password;
	int64_t preference; /* -1 = its place among those that are named */
};

/* Words of poprad.tunnel, ending with NULL. */
extern const char *const tunnel_types[], *const tunnel_media[];

struct tunnel_names {
	size_t count;
	const char *names[TUNNELS_MAX];
};

/* Ready for reply_add_encoded, which hides the passwords. */
struct rendered_tunnels {
	struct encoded_attr *attributes;
	size_t count;
	size_t octets; /* that they take of an answer */
};

/* Reads a row of the catalog's table. */
void tunnel_read(struct reader *reader, struct tunnel *tunnel);
/* The list of that name; NULL if it is empty, or after a fault. */
const struct tunnel_names *tunnel_read_names(struct reader *reader, const char *name);

/* tunnels: count of them, the first gets tag 1; the result is owned by ctx. */
struct rendered_tunnels tunnels_render(
	TALLOC_CTX *ctx, const struct tunnel *const *tunnels, size_t count);

/* No password stays in memory that is used again. */
void tunnels_wipe(struct rendered_tunnels *rendered);

/* The attribute sets up a tunnel, or says something of one. */
bool tunnel_is_attribute(const struct encoded_attr *attr);
