/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads tunnels, and says them in attributes. All kinds of access servers take the same ones. */
#include "db/tunnel.h"
#include "base/mem.h"
#include "radius/encode.h"
#include "radius/packet.h"
#include <string.h>
#include <strings.h>

const char *const tunnel_types[] = {"l2tp", "l2f", "pptp", NULL};
const char *const tunnel_media[] = {"ipv4", "ipv6", NULL};
/* RFC 2868 sections 3.1 and 3.2. */
static const uint32_t type_numbers[] = {3, 2, 1}, medium_numbers[] = {1, 2};

#define HEADER 2
#define TAG 1
/* Type, medium, two endpoints, three names, preference, password. */
#define ATTRIBUTES_PER_TUNNEL 9

/* Reading ------------------------------------------------------------------------------------- */

static const char *read_optional(struct reader *reader, const char *name)
{
	return json_object_get(reader->object, name) != NULL
		       ? reader_text(reader, name, TUNNEL_TEXT_MAX)
		       : NULL;
}

void tunnel_read(struct reader *reader, struct tunnel *tunnel)
{
	tunnel->name = reader_text(reader, "name", TUNNEL_NAME_MAX);
	tunnel->type = type_numbers[reader_choice(reader, "type", tunnel_types)];
	tunnel->medium = medium_numbers[reader_choice(reader, "medium", tunnel_media)];
	tunnel->server = reader_text(reader, "server", TUNNEL_TEXT_MAX);
	tunnel->client = read_optional(reader, "client");
	tunnel->client_auth_id = read_optional(reader, "client_auth_id");
	tunnel->server_auth_id = read_optional(reader, "server_auth_id");
	tunnel->assignment_id = read_optional(reader, "assignment_id");
	tunnel->password = read_optional(reader, "password");
	tunnel->preference = -1;
	if (json_object_get(reader->object, "preference") != NULL)
		tunnel->preference = reader_count(reader, "preference", TUNNEL_PREFERENCE_MAX);
}

const struct tunnel_names *tunnel_read_names(struct reader *reader, const char *name)
{
	const json_t *values = reader_list(reader, name, TUNNELS_MAX);
	if (json_array_size(values) == 0 || reader->rc != 0)
		return NULL;
	struct tunnel_names *list = mem_must(talloc_zero(reader->ctx, struct tunnel_names));
	for (; list->count < json_array_size(values) && reader->rc == 0; list->count++)
		list->names[list->count] = mem_must(talloc_strdup(
			list, reader_check_text(reader, name, json_array_get(values, list->count),
				      TUNNEL_NAME_MAX)));
	return reader->rc == 0 ? list : NULL;
}

/* Rendering ----------------------------------------------------------------------------------- */

struct rendering {
	struct encoded_attr *next;
	uint8_t tag;
};

static void put(struct rendering *rendering, uint8_t number, const void *value, size_t size)
{
	struct encoded_attr *attr = rendering->next++;
	*attr = (struct encoded_attr){.number = number,
		.has_tag = true,
		.tag = rendering->tag,
		.size = HEADER + TAG + size,
		.octets = {number, (uint8_t)(HEADER + TAG + size), rendering->tag}};
	memcpy(attr->octets + HEADER + TAG, value, size);
}

/* A number of three octets: the tag is the fourth. */
static void put_number(struct rendering *rendering, uint8_t number, uint32_t value)
{
	uint8_t octets[] = {(uint8_t)(value >> 16 & 0xff), (uint8_t)(value >> 8 & 0xff),
		(uint8_t)(value & 0xff)};
	put(rendering, number, octets, sizeof octets);
}

static void put_text(struct rendering *rendering, uint8_t number, const char *text)
{
	if (text != NULL)
		put(rendering, number, text, strlen(text));
}

/* In clear, and without the tag, which goes before the salt. */
static void put_password(struct rendering *rendering, const char *password)
{
	struct encoded_attr *attr = rendering->next++;
	size_t size = strlen(password);
	*attr = (struct encoded_attr){.number = ATTR_TUNNEL_PASSWORD,
		.encryption = ATTR_SALTED,
		.has_tag = true,
		.tag = rendering->tag,
		.size = HEADER + size,
		.octets = {ATTR_TUNNEL_PASSWORD, (uint8_t)(HEADER + size)}};
	memcpy(attr->octets + HEADER, password, size);
}

static void put_tunnel(
	struct rendering *rendering, const struct tunnel *tunnel, size_t place, size_t count)
{
	put_number(rendering, ATTR_TUNNEL_TYPE, tunnel->type);
	put_number(rendering, ATTR_TUNNEL_MEDIUM_TYPE, tunnel->medium);
	put_text(rendering, ATTR_TUNNEL_CLIENT_ENDPOINT, tunnel->client);
	put_text(rendering, ATTR_TUNNEL_SERVER_ENDPOINT, tunnel->server);
	if (tunnel->password != NULL)
		put_password(rendering, tunnel->password);
	put_text(rendering, ATTR_TUNNEL_ASSIGNMENT_ID, tunnel->assignment_id);
	if (tunnel->preference >= 0)
		put_number(rendering, ATTR_TUNNEL_PREFERENCE, (uint32_t)tunnel->preference);
	else if (count > 1)
		put_number(rendering, ATTR_TUNNEL_PREFERENCE, (uint32_t)place);
	put_text(rendering, ATTR_TUNNEL_CLIENT_AUTH_ID, tunnel->client_auth_id);
	put_text(rendering, ATTR_TUNNEL_SERVER_AUTH_ID, tunnel->server_auth_id);
}

struct rendered_tunnels tunnels_render(
	TALLOC_CTX *ctx, const struct tunnel *const *tunnels, size_t count)
{
	struct encoded_attr *attributes = mem_must(talloc_zero_array(
		ctx, struct encoded_attr, (unsigned)count * ATTRIBUTES_PER_TUNNEL + 1));
	struct rendering rendering = {.next = attributes};
	for (size_t i = 0; i < count; i++) {
		rendering.tag = (uint8_t)(i + 1);
		put_tunnel(&rendering, tunnels[i], i + 1, count);
	}
	struct rendered_tunnels rendered = {
		.attributes = attributes, .count = (size_t)(rendering.next - attributes)};
	for (size_t i = 0; i < rendered.count; i++)
		rendered.octets += encoded_attr_octets(&attributes[i]);
	return rendered;
}

void tunnels_wipe(struct rendered_tunnels *rendered)
{
	if (rendered->attributes != NULL)
		explicit_bzero(
			rendered->attributes, rendered->count * sizeof *rendered->attributes);
}

/* Those that are given ------------------------------------------------------------------------ */

static bool is_cisco_vpdn(const struct encoded_attr *attr)
{
	static const char beginning[] = "vpdn:";
	size_t size = sizeof beginning - 1;
	return attr->vendor == VENDOR_CISCO && attr->number == CISCO_AVPAIR &&
	       attr->size >= 8 + size &&
	       strncasecmp((const char *)attr->octets + 8, beginning, size) == 0;
}

bool tunnel_is_attribute(const struct encoded_attr *attr)
{
	static const uint8_t numbers[] = {ATTR_TUNNEL_TYPE, ATTR_TUNNEL_MEDIUM_TYPE,
		ATTR_TUNNEL_CLIENT_ENDPOINT, ATTR_TUNNEL_SERVER_ENDPOINT, ATTR_TUNNEL_PASSWORD,
		ATTR_TUNNEL_PRIVATE_GROUP_ID, ATTR_TUNNEL_ASSIGNMENT_ID, ATTR_TUNNEL_PREFERENCE,
		ATTR_TUNNEL_CLIENT_AUTH_ID, ATTR_TUNNEL_SERVER_AUTH_ID};
	if (attr->vendor != 0)
		return is_cisco_vpdn(attr);
	return attr->number <= UINT8_MAX &&
	       memchr(numbers, (int)attr->number, sizeof numbers) != NULL;
}
