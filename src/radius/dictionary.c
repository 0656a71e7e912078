/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The only file that includes libradius. What its 3.2.1 does badly stays away from it: it is never
 * given a secret (a junk encrypted value would leak), a length it has not room for, NAS-Filter-Rule
 * (its decoder reads past the packet) or the extended attributes 241 to 246 (fragments are joined
 * wrongly and some cannot be encoded again): those remain octets. */
#include "radius/dictionary.h"
#include "base/mem.h"
#include "base/text.h"
#include "radius/assignment.h"
#include "radius/describe.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
/* In this order: libradius.h uses what build.h defines, and without the two #undef it wants the
 * headers of an old PCRE. */
#include <freeradius/build.h>
#undef HAVE_PCRE
#undef HAVE_REGEX
#include <freeradius/libradius.h>

#define ATTRIBUTE_MAX 255 /* octets, header included */

/* Attributes that a list has room for at least. */
#define ROOM_MIN 8
/* Octets for all texts of a packet; those that do not fit get a piece of memory each. */
#define TEXT_ROOM_MAX 2048
/* Names of values that are remembered: all that usual packets hold. */
#define NAMES_KNOWN 64

/* A place in struct attrs is an octet, and counts from 1. */
static_assert(RADIUS_ATTRIBUTES_MAX < UINT8_MAX, "too many attributes");

static bool is_loaded;

int dictionary_load(TALLOC_CTX *ctx, const char *directory, char **why)
{
	if (is_loaded) {
		*why = mem_must(talloc_strdup(ctx, "the dictionary is loaded already"));
		return ERR_EXISTS;
	}
	if (fr_check_lib_magic(RADIUSD_MAGIC_NUMBER) != 0) {
		*why = mem_must(talloc_asprintf(
			ctx, "libradius is not the one this was built with: %s", fr_strerror()));
		return ERR_LIBRARY;
	}
	/* Text that should be an address but is a name must not become a DNS query. */
	fr_hostname_lookups = false;
	fr_max_attributes = RADIUS_ATTRIBUTES_MAX;
	if (dict_init(directory, "dictionary") < 0) {
		*why = mem_must(talloc_asprintf(
			ctx, "%s/dictionary cannot be loaded: %s", directory, fr_strerror()));
		return ERR_SYNTAX;
	}
	is_loaded = true;
	return 0;
}

/* The codec asks for a packet where it might find one's authenticator. */
static RADIUS_PACKET no_packet = {.sockfd = -1, .id = -1, .offset = -1};

static void append(
	struct attrs *attrs, uint32_t vendor, uint32_t number, const uint8_t *value, size_t size)
{
	if (attrs->count == attrs->room) {
		struct attr *old = attrs->list;
		attrs->room *= 2;
		attrs->list = mem_must(talloc_array(attrs, struct attr, (unsigned)attrs->room + 1));
		memcpy(attrs->list, old, attrs->count * sizeof *old);
	}
	attrs->list[attrs->count++] = (struct attr){
		.vendor = vendor, .number = number, .size = (uint16_t)size, .value = value};
	if (vendor == 0 && number <= UINT8_MAX && attrs->first[number] == 0)
		attrs->first[number] = (uint8_t)attrs->count;
}

/* The value in wire form. That of text and octets lives as long as vp; others come in a buffer that
 * the next call overwrites, and are copied. */
static const uint8_t *wire_value(TALLOC_CTX *ctx, const VALUE_PAIR *vp, size_t *size)
{
	const uint8_t *value;
	ssize_t length = rad_vp2data(&value, vp);
	if (length < 0 || length > RADIUS_MAX_PACKET)
		return NULL;
	*size = (size_t)length;
	if (vp->da->type == PW_TYPE_STRING || vp->da->type == PW_TYPE_OCTETS)
		return value;
	return mem_must(talloc_memdup(ctx, value, *size));
}

/* One Vendor-Specific, or several that make one value. Returns the octets it took; an attribute
 * that the codec cannot read is kept whole. */
static size_t decode_vendor(struct attrs *attrs, const uint8_t *octets, size_t left)
{
	VALUE_PAIR *list = NULL;
	ssize_t used = rad_attr2vp(attrs, &no_packet, NULL, NULL, octets, left, &list);
	if (used < octets[1] || (size_t)used > left || !list) {
		append(attrs, 0, octets[0], octets + 2, octets[1] - 2U);
		return octets[1];
	}
	for (const VALUE_PAIR *vp = list; vp && attrs->count <= RADIUS_ATTRIBUTES_MAX;
		vp = vp->next) {
		size_t size = 0;
		const uint8_t *value = wire_value(attrs, vp, &size);
		if (value)
			append(attrs, vp->da->vendor, vp->da->attr, value, size);
	}
	return (size_t)used;
}

static size_t count_attributes(const uint8_t *packet, size_t length)
{
	size_t count = 0;
	for (size_t at = RADIUS_HEADER_SIZE; at < length; at += packet[at + 1])
		count++;
	return count;
}

/* With a list that has room for one attribute per type-length-value, and then text: one piece. */
static struct attrs *attrs_new(TALLOC_CTX *ctx, size_t room, size_t length)
{
	size_t list_size = (room + 1) * sizeof(struct attr);
	size_t text_room = TEXT_CLEAN_ROOM(length);
	if (text_room > TEXT_ROOM_MAX)
		text_room = TEXT_ROOM_MAX;
	struct attrs *attrs =
		mem_must(talloc_size(ctx, sizeof(struct attrs) + list_size + text_room));
	*attrs = (struct attrs){
		.list = (struct attr *)(attrs + 1), .room = room, .text_room = text_room};
	attrs->text = (char *)attrs->list + list_size;
	return attrs;
}

int attrs_decode(TALLOC_CTX *ctx, const uint8_t *packet, size_t length, struct attrs **attrs)
{
	size_t room = count_attributes(packet, length);
	struct attrs *decoded = attrs_new(ctx, room < ROOM_MIN ? ROOM_MIN : room, length);
	size_t at = RADIUS_HEADER_SIZE;
	while (at < length && decoded->count <= RADIUS_ATTRIBUTES_MAX) {
		const uint8_t *octets = packet + at;
		if (octets[0] == ATTR_VENDOR_SPECIFIC) {
			at += decode_vendor(decoded, octets, length - at);
		} else {
			append(decoded, 0, octets[0], octets + 2, octets[1] - 2U);
			at += octets[1];
		}
	}
	if (decoded->count > RADIUS_ATTRIBUTES_MAX) {
		talloc_free(decoded);
		return ERR_FULL;
	}
	decoded->list[decoded->count].value = NULL;
	*attrs = decoded;
	return 0;
}

/* The dictionary's look-up hashes number and value twice over, and the same few names are asked for
 * by every packet. */
static const char *find_value_name(uint32_t number, uint32_t value)
{
	static struct {
		const char *name;
		uint32_t number, value;
	} known[NAMES_KNOWN];
	size_t place = (number * 7 + value) % NAMES_KNOWN;
	if (known[place].name && known[place].number == number && known[place].value == value)
		return known[place].name;
	const DICT_VALUE *found = dict_valbyattr(number, 0, (int)value);
	if (!found)
		return NULL;
	known[place].name = found->name;
	known[place].number = number;
	known[place].value = value;
	return found->name;
}

const char *attrs_get_value_name(struct attrs *attrs, uint32_t number)
{
	uint32_t value;
	if (!attrs_get_u32(attrs, number, &value))
		return NULL;
	const char *name = find_value_name(number, value);
	return name ? name : mem_must(talloc_asprintf(attrs, "%u", value));
}

/* Attributes that would break a reply if somebody entered them. */
static const struct refusal {
	uint32_t vendor, number;
	const char *reason;
} refusals[] = {
	{0, ATTR_USER_PASSWORD, "a credential belongs into requests only"},
	{0, ATTR_CHAP_PASSWORD, "a credential belongs into requests only"},
	{0, ATTR_CHAP_CHALLENGE, "a credential belongs into requests only"},
	{0, ATTR_FRAMED_IP_ADDRESS,
		"addresses come from the plan's pool or the subscriber's static address, so that "
		"no two sessions hold the same one"},
	{0, ATTR_STATE, "the server makes it for a challenge"},
	{0, ATTR_PROXY_STATE, "the server copies it from each request"},
	{0, ATTR_EAP_MESSAGE, "the server does not serve EAP"},
	{0, ATTR_MESSAGE_AUTHENTICATOR, "the server makes it for each packet"},
	{VENDOR_MICROSOFT, MS_CHAP_RESPONSE, "a credential belongs into requests only"},
	{VENDOR_MICROSOFT, MS_CHAP2_RESPONSE, "a credential belongs into requests only"},
	{VENDOR_MICROSOFT, MS_CHAP_CHALLENGE, "a credential belongs into requests only"},
	{VENDOR_MICROSOFT, MS_CHAP_ERROR, "the server makes it for each login"},
	{VENDOR_MICROSOFT, MS_CHAP2_SUCCESS, "the server makes it for each login"},
	{VENDOR_MICROSOFT, MS_CHAP_MPPE_KEYS, "the server makes it for each login"},
};

/* Why a reply cannot carry it, or NULL. */
static const char *refusal_reason(const DICT_ATTR *da)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].vendor == da->vendor && refusals[i].number == da->attr)
			return refusals[i].reason;
	/* The parts of a TLV have packed numbers; everything else above 255 is FreeRADIUS's own. */
	if (da->vendor == 0 && da->attr > 255 && !da->flags.is_tlv)
		return "it is internal to FreeRADIUS and never travels in a packet";
	switch (da->type) {
	case PW_TYPE_TLV:
	case PW_TYPE_VSA:
	case PW_TYPE_EVS:
	case PW_TYPE_EXTENDED:
	case PW_TYPE_LONG_EXTENDED:
		return "it holds other attributes; name one of them";
	default:
		break;
	}
	switch (da->flags.encrypt) {
	case FLAG_ENCRYPT_NONE:
		return NULL;
	case FLAG_ENCRYPT_TUNNEL_PASSWORD: {
		const DICT_VENDOR *vendor = dict_vendorbyvalue((int)da->vendor);
		bool is_plain =
			da->vendor == 0 || (vendor && vendor->type == 1 && vendor->length == 1);
		return da->attr <= 255 && is_plain
			       ? NULL
			       : "this vendor's hidden values are not supported";
	}
	case FLAG_ENCRYPT_USER_PASSWORD:
		return "it is hidden like a User-Password, which is for requests";
	default:
		return "it is hidden in Ascend's own way, which is not supported";
	}
}

/* True if the whole value stands behind a header of the usual size. For what cannot be decoded
 * here: hidden values, and NAS-Filter-Rule with its broken decoder. */
static bool is_verbatim(const VALUE_PAIR *vp, const struct encoded_attr *attr)
{
	size_t header = vp->da->vendor == 0 ? 2 : 8;
	return attr->size == header + vp->vp_length;
}

/* True if decoding gives back exactly the value that was encoded: the encoder cuts what is too long
 * without a word. */
static bool survives(TALLOC_CTX *ctx, const VALUE_PAIR *vp, const struct encoded_attr *attr)
{
	size_t given_size, back_size;
	VALUE_PAIR *back = NULL;
	ssize_t used = rad_attr2vp(ctx, &no_packet, NULL, NULL, attr->octets, attr->size, &back);
	if (used != (ssize_t)attr->size || !back || back->next)
		return false;
	if (back->da->vendor != vp->da->vendor || back->da->attr != vp->da->attr ||
		back->tag != vp->tag)
		return false;
	const uint8_t *given = wire_value(ctx, vp, &given_size);
	const uint8_t *value = wire_value(ctx, back, &back_size);
	return given && value && back_size == given_size && memcmp(value, given, given_size) == 0;
}

/* The greatest number that the type holds; 0: it is no number. */
static uint64_t number_max(PW_TYPE type)
{
	switch (type) {
	case PW_TYPE_BYTE:
		return UINT8_MAX;
	case PW_TYPE_SHORT:
		return UINT16_MAX;
	case PW_TYPE_INTEGER:
	case PW_TYPE_DATE:
		return UINT32_MAX;
	case PW_TYPE_SIGNED:
		return INT32_MAX;
	case PW_TYPE_INTEGER64:
		return UINT64_MAX;
	default:
		return 0;
	}
}

/* The library's parser wraps a number that is too great, and takes a bare number for an address.
 * Returns what is wrong, or NULL. */
static const char *misfit(PW_TYPE type, const char *text)
{
	uint64_t most = number_max(type);
	struct addr addr;
	if (type == PW_TYPE_IPV4_ADDR || type == PW_TYPE_IPV6_ADDR || type == PW_TYPE_COMBO_IP_ADDR)
		return addr_parse(text, &addr) ? "is not an address" : NULL;
	if (most == 0)
		return NULL;
	bool is_negative = *text == '-';
	if (is_negative && type != PW_TYPE_SIGNED)
		return "is negative";
	char *end;
	errno = 0;
	uint64_t number = strtoull(text + is_negative, &end, 0);
	/* Something behind the digits: the name of a value, or a date. */
	bool is_number = *end == '\0';
	return is_number && (errno || number > most + is_negative) ? "is out of range" : NULL;
}

static int parse_value(VALUE_PAIR *vp, const struct assignment *parts)
{
	vp->tag = (int8_t)parts->tag;
	if (vp->da->type == PW_TYPE_STRING) {
		fr_pair_value_bstrncpy(vp, parts->value, parts->value_size);
		return 0;
	}
	const char *wrong = misfit(vp->da->type, parts->value);
	if (wrong) {
		fr_strerror_printf("\"%s\" %s", parts->value, wrong);
		return ERR_RANGE;
	}
	return fr_pair_value_from_str(vp, parts->value, parts->value_size) < 0 ? ERR_SYNTAX : 0;
}

static int encode_plain(TALLOC_CTX *ctx, const VALUE_PAIR *vp, struct encoded_attr *attr)
{
	uint8_t octets[2 * ATTRIBUTE_MAX]; /* so that what is too long shows as more than one */
	const VALUE_PAIR *next = vp;
	int size = rad_vp2attr(&no_packet, NULL, NULL, &next, octets, sizeof octets);
	if (size <= 2 || size > ATTRIBUTE_MAX || octets[1] != size || next)
		return ERR_RANGE;
	attr->size = (size_t)size;
	memcpy(attr->octets, octets, attr->size);
	bool is_opaque = attr->encryption != ATTR_CLEAR ||
			 (vp->da->vendor == 0 && vp->da->attr == ATTR_NAS_FILTER_RULE);
	return (is_opaque ? is_verbatim(vp, attr) : survives(ctx, vp, attr)) ? 0 : ERR_RANGE;
}

/* Encoded in clear, without the tag, which later stands before the salt. */
static int encode_hidden(TALLOC_CTX *ctx, VALUE_PAIR *vp, struct encoded_attr *attr)
{
	const DICT_ATTR *da = vp->da;
	DICT_ATTR clear = *da;
	clear.flags.encrypt = FLAG_ENCRYPT_NONE;
	clear.flags.has_tag = 0;
	attr->encryption = ATTR_SALTED;
	vp->da = &clear;
	int error = vp->vp_length > ENCRYPTED_VALUE_MAX ? ERR_RANGE : encode_plain(ctx, vp, attr);
	vp->da = da;
	return error;
}

static int encode_assignment(TALLOC_CTX *ctx, const DICT_ATTR *da, const struct assignment *parts,
	struct encoded_attr *attr, char **why)
{
	VALUE_PAIR *vp = mem_must(fr_pair_afrom_da(ctx, da));
	int error = parse_value(vp, parts);
	if (error) {
		*why = mem_must(talloc_asprintf(
			ctx, "%s: the value does not fit: %s", da->name, fr_strerror()));
		return error;
	}
	*attr = (struct encoded_attr){.vendor = da->vendor, .number = da->attr};
	attr->has_tag = da->flags.has_tag;
	attr->tag = parts->tag;
	error = da->flags.encrypt == FLAG_ENCRYPT_NONE ? encode_plain(ctx, vp, attr)
						       : encode_hidden(ctx, vp, attr);
	if (error)
		*why = mem_must(talloc_asprintf(
			ctx, "%s: the value does not fit into one attribute", da->name));
	return error;
}

int attr_from_text(TALLOC_CTX *ctx, const char *text, struct encoded_attr *attr, char **why)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(ctx));
	struct assignment parts = {0};
	int error = assignment_split(scratch, text, &parts, why);
	const DICT_ATTR *da = error ? NULL : dict_attrbyname(parts.name);
	const char *reason = da ? refusal_reason(da) : NULL;
	if (!error && !da) {
		*why = mem_must(talloc_asprintf(
			scratch, "%s: the dictionary knows no such attribute", parts.name));
		error = ERR_NOT_FOUND;
	} else if (reason) {
		*why = mem_must(
			talloc_asprintf(scratch, "%s cannot be entered: %s", da->name, reason));
		error = ERR_RANGE;
	} else if (da && parts.has_tag && !da->flags.has_tag) {
		*why = mem_must(talloc_asprintf(scratch, "%s takes no tag", da->name));
		error = ERR_SYNTAX;
	} else if (da) {
		error = encode_assignment(scratch, da, &parts, attr, why);
	}
	if (error)
		*why = talloc_steal(ctx, *why);
	talloc_free(scratch);
	return error;
}

/* For people ------------------------------------------------------------------------------- */

/* Room for any value in hex digits. */
#define DESCRIBED_MAX (2 * RADIUS_MAX_PACKET)

struct describer {
	TALLOC_CTX *scratch;
	void (*one)(void *owner, const struct described *described);
	void *owner;
};

static const char *raw_name(TALLOC_CTX *scratch, uint8_t number)
{
	const DICT_ATTR *da = dict_attrbyvalue(number, 0);
	return da ? da->name : mem_must(talloc_asprintf(scratch, "Attr-%u", number));
}

/* What the codec does not read, or must not: as text or hex digits if it may be shown. */
static void describe_raw(const struct describer *describer, const uint8_t *octets, bool is_shown)
{
	size_t size = octets[1] - 2U;
	const uint8_t *value = octets + 2;
	struct described described = {.name = raw_name(describer->scratch, octets[0])};
	if (is_shown && !describe_is_telling(value, size)) {
		described.value = text_clean(describer->scratch, value, size);
		described.is_text = true;
	}
	describer->one(describer->owner, &described);
}

/* A value of a wrong size has an attribute of its own, without the dictionary's marks. */
static bool is_hidden(const VALUE_PAIR *vp)
{
	const DICT_ATTR *known = dict_attrbyvalue(vp->da->attr, vp->da->vendor);
	const DICT_ATTR *da = known ? known : vp->da;
	return da->flags.encrypt != FLAG_ENCRYPT_NONE || da->flags.secret ||
	       describe_hides(da->vendor, da->attr, da->name);
}

/* With its tag, as attr_from_text takes it. */
static const char *pair_name(TALLOC_CTX *scratch, const VALUE_PAIR *vp)
{
	return vp->da->flags.has_tag && vp->tag >= 1 && vp->tag <= TAG_NUMBER_MAX
		       ? mem_must(talloc_asprintf(scratch, "%s:%d", vp->da->name, vp->tag))
		       : vp->da->name;
}

static void describe_pair(const struct describer *describer, const VALUE_PAIR *vp)
{
	struct described described = {.name = pair_name(describer->scratch, vp)};
	bool is_octets = vp->da->type == PW_TYPE_STRING || vp->da->type == PW_TYPE_OCTETS;
	if (is_hidden(vp) || (is_octets && describe_is_telling(vp->vp_octets, vp->vp_length))) {
		/* its name alone */
	} else if (vp->da->type == PW_TYPE_STRING) {
		described.value = text_clean(
			describer->scratch, (const uint8_t *)vp->vp_strvalue, vp->vp_length);
		described.is_text = true;
	} else {
		char *value = mem_must(talloc_zero_size(describer->scratch, DESCRIBED_MAX));
		vp_prints_value(value, DESCRIBED_MAX, vp, 0);
		described.value =
			text_clean(describer->scratch, (const uint8_t *)value, strlen(value));
	}
	describer->one(describer->owner, &described);
}

static bool is_for_codec(uint8_t number)
{
	return number != ATTR_NAS_FILTER_RULE && (number < 241 || number > 246);
}

static void describe_one(const struct describer *describer, const uint8_t *octets)
{
	VALUE_PAIR *list = NULL;
	uint8_t number = octets[0];
	if (number == 0 || !is_for_codec(number) || octets[1] == 2) {
		describe_raw(describer, octets, number == ATTR_NAS_FILTER_RULE || octets[1] == 2);
		return;
	}
	ssize_t used =
		rad_attr2vp(describer->scratch, &no_packet, NULL, NULL, octets, octets[1], &list);
	/* Inside of what cannot be read may be anything. */
	if (used != octets[1] || !list) {
		describe_raw(describer, octets, false);
		return;
	}
	for (const VALUE_PAIR *vp = list; vp; vp = vp->next)
		if (vp->da->vendor == 0 && vp->da->attr == ATTR_VENDOR_SPECIFIC)
			describe_raw(describer, octets, false);
		else
			describe_pair(describer, vp);
}

void describe_attributes(const uint8_t *attributes, size_t size,
	void (*one)(void *owner, const struct described *described), void *owner)
{
	while (size >= 2 && attributes[1] >= 2 && attributes[1] <= size) {
		struct describer describer = {mem_must(talloc_new(NULL)), one, owner};
		describe_one(&describer, attributes);
		talloc_free(describer.scratch);
		size -= attributes[1];
		attributes += attributes[1];
	}
}
