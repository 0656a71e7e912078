/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "acct/event_form.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VERSION 1
#define FIELD_HEAD 3
#define TIME_END_US (INT64_C(253402300800) * US_PER_S) /* the year 10000 */

enum kind {
	KIND_TEXT,
	KIND_NUMBER,  /* int64_t; -1 = none */
	KIND_TIME,    /* int64_t, microseconds; always there */
	KIND_STATUS,  /* uint32_t; always there */
	KIND_NAS,     /* int32_t; always there */
	KIND_ADDRESS, /* family 0 = none */
	KIND_PREFIX,
	KIND_KEY,  /* always there */
	KIND_FLAG, /* false = none */
	KIND_CLASS_KEY,
	KIND_PACKET,
};

static const struct field {
	uint8_t number;
	enum kind kind;
	size_t offset;
	const char *name;
} fields[] = {
	{1, KIND_STATUS, offsetof(struct record, status), "status_type"},
	{2, KIND_TEXT, offsetof(struct record, status_name), "status"},
	{3, KIND_TIME, offsetof(struct record, arrival_us), "received_at"},
	{4, KIND_TIME, offsetof(struct record, event_us), "event_at"},
	{5, KIND_NAS, offsetof(struct record, nas_id), "nas_id"},
	{6, KIND_ADDRESS, offsetof(struct record, source), "source"},
	{7, KIND_KEY, offsetof(struct record, new_key), "new_key"},
	{8, KIND_CLASS_KEY, offsetof(struct record, class_key), "class_key"},
	{9, KIND_TEXT, offsetof(struct record, acct_session_id), "acct_session_id"},
	{10, KIND_TEXT, offsetof(struct record, acct_multi_session_id), "acct_multi_session_id"},
	{11, KIND_TEXT, offsetof(struct record, class), "class"},
	{12, KIND_TEXT, offsetof(struct record, line.user_name), "user_name"},
	{13, KIND_TEXT, offsetof(struct record, line.login), "login"},
	{14, KIND_ADDRESS, offsetof(struct record, line.nas_address), "nas_ip_address"},
	{15, KIND_TEXT, offsetof(struct record, line.nas_identifier), "nas_identifier"},
	{16, KIND_NUMBER, offsetof(struct record, line.nas_port), "nas_port"},
	{17, KIND_TEXT, offsetof(struct record, line.nas_port_id), "nas_port_id"},
	{18, KIND_TEXT, offsetof(struct record, line.nas_port_type), "nas_port_type"},
	{19, KIND_TEXT, offsetof(struct record, line.calling_station_id), "calling_station_id"},
	{20, KIND_TEXT, offsetof(struct record, line.called_station_id), "called_station_id"},
	{21, KIND_TEXT, offsetof(struct record, line.service_type), "service_type"},
	{22, KIND_TEXT, offsetof(struct record, line.framed_protocol), "framed_protocol"},
	{23, KIND_ADDRESS, offsetof(struct record, framed_address), "framed_address"},
	{24, KIND_ADDRESS, offsetof(struct record, framed_ipv6_address), "framed_ipv6_address"},
	{25, KIND_PREFIX, offsetof(struct record, framed_ipv6_prefix), "framed_ipv6_prefix"},
	{26, KIND_PREFIX, offsetof(struct record, delegated_ipv6_prefix), "delegated_ipv6_prefix"},
	{27, KIND_TEXT, offsetof(struct record, framed_interface_id), "framed_interface_id"},
	{28, KIND_TEXT, offsetof(struct record, authentic), "authentic"},
	{29, KIND_TEXT, offsetof(struct record, connect_info), "connect_info"},
	{30, KIND_TEXT, offsetof(struct record, terminate_cause), "terminate_cause"},
	{31, KIND_NUMBER, offsetof(struct record, session_time_s), "session_time"},
	{32, KIND_NUMBER, offsetof(struct record, in_octets), "in_octets"},
	{33, KIND_NUMBER, offsetof(struct record, out_octets), "out_octets"},
	{34, KIND_NUMBER, offsetof(struct record, in_packets), "in_packets"},
	{35, KIND_NUMBER, offsetof(struct record, out_packets), "out_packets"},
	{36, KIND_FLAG, offsetof(struct record, has_gigawords), "has_gigawords"},
	{37, KIND_PACKET, offsetof(struct record, packet), "packet"},
};
#define FIELDS (sizeof fields / sizeof *fields)

static const void *place(const struct record *record, const struct field *field)
{
	return (const char *)record + field->offset;
}

static void *place_in(struct record *record, const struct field *field)
{
	return (char *)record + field->offset;
}

/* Values as octets ------------------------------------------------------------------------- */

#define SCRATCH_SIZE 32 /* of all but texts and packets */

static size_t put_number(uint8_t *to, int64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)((uint64_t)value >> (8 * (size - 1 - i)));
	return size;
}

static int64_t get_number(const uint8_t *from, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | from[i];
	return (int64_t)value;
}

static size_t put_addr(uint8_t *to, const struct addr *addr)
{
	size_t size = addr->family == 4 ? 4 : 16;
	memcpy(to, addr->bytes, size);
	return size;
}

static size_t put_prefix(uint8_t *to, const struct prefix *prefix)
{
	if (!addr_is_set(&prefix->addr))
		return 0;
	to[0] = prefix->bits;
	return 1 + put_addr(to + 1, &prefix->addr);
}

/* The value's octets, in scratch or where they are; NULL: there is none. */
static const uint8_t *value_of(const struct record *record, const struct field *field,
	uint8_t scratch[SCRATCH_SIZE], size_t *size)
{
	const void *at = place(record, field);
	const char *text;
	int64_t number;
	switch (field->kind) {
	case KIND_TEXT:
		memcpy(&text, at, sizeof text);
		*size = text != NULL ? strlen(text) : 0;
		return (const uint8_t *)text;
	case KIND_NUMBER:
	case KIND_TIME:
		memcpy(&number, at, sizeof number);
		*size = put_number(scratch, number, 8);
		return field->kind == KIND_NUMBER && number < 0 ? NULL : scratch;
	case KIND_STATUS:
	case KIND_NAS:
		number =
			field->kind == KIND_NAS ? (int64_t)record->nas_id : (int64_t)record->status;
		*size = put_number(scratch, number, 4);
		return scratch;
	case KIND_ADDRESS:
		*size = put_addr(scratch, at);
		return addr_is_set(at) ? scratch : NULL;
	case KIND_PREFIX:
		*size = put_prefix(scratch, at);
		return *size > 0 ? scratch : NULL;
	case KIND_KEY:
		*size = SESSION_KEY_SIZE;
		return at;
	case KIND_CLASS_KEY:
		*size = SESSION_KEY_SIZE;
		return record->has_class_key ? at : NULL;
	case KIND_FLAG:
		*size = 0;
		return *(const bool *)at ? scratch : NULL;
	case KIND_PACKET:
		*size = record->packet_size;
		return record->packet;
	}
	return NULL;
}

size_t event_encode(const struct record *record, uint8_t *octets, size_t room)
{
	uint8_t scratch[SCRATCH_SIZE] = {0};
	size_t used = 0;
	octets[used++] = VERSION;
	for (const struct field *field = fields; field < fields + FIELDS; field++) {
		size_t size;
		const uint8_t *value = value_of(record, field, scratch, &size);
		if (value == NULL)
			continue;
		assert(size <= UINT16_MAX && used + FIELD_HEAD + size <= room);
		octets[used] = field->number;
		put_number(octets + used + 1, (int64_t)size, 2);
		memcpy(octets + used + FIELD_HEAD, value, size);
		if (field->kind == KIND_PACKET)
			acct_blank_packet(octets + used + FIELD_HEAD, size);
		used += FIELD_HEAD + size;
	}
	return used;
}

/* Octets as values ------------------------------------------------------------------------- */

static bool take_text(TALLOC_CTX *ctx, char **text, const uint8_t *octets, size_t size)
{
	if (!text_is_clean(octets, size))
		return false;
	*text = mem_must(talloc_strndup(ctx, (const char *)octets, size));
	return true;
}

static bool take_addr(struct addr *addr, const uint8_t *octets, size_t size)
{
	if (size != 4 && size != 16)
		return false;
	*addr = addr_from_bytes(size == 4 ? 4 : 6, octets);
	return true;
}

static bool take_prefix(struct prefix *prefix, const uint8_t *octets, size_t size)
{
	struct addr addr;
	if (size < 1 || !take_addr(&addr, octets + 1, size - 1))
		return false;
	*prefix = prefix_of(&addr, octets[0]);
	return true;
}

static bool take_packet(TALLOC_CTX *ctx, struct record *record, const uint8_t *octets, size_t size)
{
	if (size < RADIUS_HEADER_SIZE || size > RADIUS_MAX_PACKET)
		return false;
	record->packet = mem_must(talloc_memdup(ctx, octets, size));
	record->packet_size = size;
	return true;
}

static bool take(TALLOC_CTX *ctx, struct record *record, const struct field *field,
	const uint8_t *octets, size_t size)
{
	void *at = place_in(record, field);
	switch (field->kind) {
	case KIND_TEXT:
		return take_text(ctx, at, octets, size);
	case KIND_NUMBER:
	case KIND_TIME:
		*(int64_t *)at = get_number(octets, size);
		return size == 8 && *(const int64_t *)at >= 0 &&
		       (field->kind == KIND_NUMBER || *(const int64_t *)at < TIME_END_US);
	case KIND_STATUS:
		record->status = (uint32_t)get_number(octets, size);
		return size == 4;
	case KIND_NAS:
		record->nas_id = (int32_t)get_number(octets, size);
		return size == 4;
	case KIND_ADDRESS:
		return take_addr(at, octets, size);
	case KIND_PREFIX:
		return take_prefix(at, octets, size);
	case KIND_CLASS_KEY:
		record->has_class_key = true;
		/* fallthrough */
	case KIND_KEY:
		if (size == SESSION_KEY_SIZE)
			memcpy(at, octets, size);
		return size == SESSION_KEY_SIZE;
	case KIND_FLAG:
		*(bool *)at = true;
		return size == 0;
	case KIND_PACKET:
		return take_packet(ctx, record, octets, size);
	}
	return false;
}

static const struct field *find_field(uint8_t number)
{
	for (const struct field *field = fields; field < fields + FIELDS; field++)
		if (field->number == number)
			return field;
	return NULL;
}

static void begin(struct record *record)
{
	*record = (struct record){0};
	for (const struct field *field = fields; field < fields + FIELDS; field++)
		if (field->kind == KIND_NUMBER)
			*(int64_t *)place_in(record, field) = -1;
}

/* What every record has, whoever wrote it. */
static bool is_complete(const struct record *record)
{
	return record->packet != NULL && record->acct_session_id != NULL &&
	       addr_is_set(&record->source) && record->nas_id > 0;
}

int event_decode(TALLOC_CTX *ctx, const uint8_t *octets, size_t size, struct record *record)
{
	uint64_t seen = 0;
	begin(record);
	record->pool = ctx;
	if (size < 1 || octets[0] != VERSION)
		return ERR_SYNTAX;
	for (size_t at = 1; at < size;) {
		if (size - at < FIELD_HEAD)
			return ERR_SYNTAX;
		const struct field *field = find_field(octets[at]);
		size_t value_size = (size_t)get_number(octets + at + 1, 2);
		at += FIELD_HEAD;
		if (field == NULL || value_size > size - at || (seen >> field->number & 1) != 0 ||
			!take(ctx, record, field, octets + at, value_size))
			return ERR_SYNTAX;
		seen |= UINT64_C(1) << field->number;
		at += value_size;
	}
	return is_complete(record) ? 0 : ERR_SYNTAX;
}

/* For people ------------------------------------------------------------------------------- */

static void time_as_text(int64_t us, char *text, size_t room)
{
	char second[TEXT_TIME_BYTES + 1];
	text_put_time(second, us / US_PER_S);
	snprintf(text, room, "%s.%06dZ", second, (int)(us % US_PER_S));
}

static char *value_as_text(
	const struct record *record, const struct field *field, const uint8_t *value, size_t size)
{
	char text[ADDR_TEXT_MAX] = "yes";
	const void *at = place(record, field);
	switch (field->kind) {
	case KIND_TEXT:
		return mem_must(talloc_strndup(record->pool, (const char *)value, size));
	case KIND_NUMBER:
	case KIND_STATUS:
	case KIND_NAS:
		snprintf(text, sizeof text, "%" PRId64, get_number(value, size));
		break;
	case KIND_TIME:
		time_as_text(get_number(value, size), text, sizeof text);
		break;
	case KIND_ADDRESS:
		addr_format(at, text);
		break;
	case KIND_PREFIX:
		prefix_format(at, text);
		break;
	case KIND_KEY:
	case KIND_CLASS_KEY:
		text_to_hex(value, size, text);
		break;
	case KIND_FLAG:
		break;
	case KIND_PACKET: {
		char *hex = mem_must(talloc_size(record->pool, 2 * size + 1));
		text_to_hex(value, size, hex);
		return hex;
	}
	}
	return mem_must(talloc_strdup(record->pool, text));
}

void event_describe(const struct record *record,
	void (*tell)(void *owner, const char *name, const char *value), void *owner)
{
	uint8_t scratch[SCRATCH_SIZE] = {0};
	for (const struct field *field = fields; field < fields + FIELDS; field++) {
		size_t size;
		const uint8_t *value = value_of(record, field, scratch, &size);
		if (value == NULL)
			continue;
		char *text = value_as_text(record, field, value, size);
		tell(owner, field->name, text);
		talloc_free(text);
	}
}
