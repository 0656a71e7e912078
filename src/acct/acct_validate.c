/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Makes a record of an Accounting-Request. What is missing or absurd in it is left out rather than
 * refused: the NAS could not send it better, and the rest of it is money. */
#include "acct/event_time.h"
#include "acct/record.h"
#include "base/mem.h"
#include <string.h>

/* High words of an octet counter (RFC 2869 section 5.1). 2^24 of them are 64 PiB, more than any
 * line carries in years; a greater one is junk, and since counters never go down again it would
 * stay. */
#define GIGAWORDS_MAX (UINT32_C(1) << 24)

/* Ten years, by the same reasoning. */
#define SESSION_TIME_MAX_S (INT64_C(10) * 366 * 24 * 3600)

/* A counter in two attributes; -1 if the low word was not sent or the high one is absurd. */
static int64_t read_octets(struct record *record, uint8_t low_number, uint8_t high_number)
{
	const struct attrs *attrs = record->request->attrs;
	uint32_t low, high = 0;
	if (attrs_get_u32(attrs, high_number, &high))
		record->has_gigawords = true;
	if (!attrs_get_u32(attrs, low_number, &low) || high > GIGAWORDS_MAX)
		return -1;
	return (int64_t)high << 32 | low;
}

static int64_t read_u32(const struct attrs *attrs, uint8_t number, int64_t max)
{
	uint32_t value;
	if (!attrs_get_u32(attrs, number, &value) || value > max)
		return -1;
	return value;
}

static void read_counters(struct record *record)
{
	const struct attrs *attrs = record->request->attrs;
	record->session_time_s = read_u32(attrs, ATTR_ACCT_SESSION_TIME, SESSION_TIME_MAX_S);
	record->in_octets = read_octets(record, ATTR_ACCT_INPUT_OCTETS, ATTR_ACCT_INPUT_GIGAWORDS);
	record->out_octets =
		read_octets(record, ATTR_ACCT_OUTPUT_OCTETS, ATTR_ACCT_OUTPUT_GIGAWORDS);
	record->in_packets = read_u32(attrs, ATTR_ACCT_INPUT_PACKETS, UINT32_MAX);
	record->out_packets = read_u32(attrs, ATTR_ACCT_OUTPUT_PACKETS, UINT32_MAX);
}

/* Ours may stand anywhere among the Class attributes: proxies and NASes add their own. */
static void read_class(struct record *record)
{
	const struct attr *attr = attrs_find(record->request->attrs, 0, ATTR_CLASS);
	record->class = attrs_get_text(record->request->attrs, ATTR_CLASS);
	for (; attr != NULL && !record->has_class_key; attr = attr_find_next(attr)) {
		switch (session_class_parse(attr->value, attr->size, record->class_key)) {
		case SESSION_CLASS_OURS:
			record->has_class_key = true;
			record->class = mem_must(talloc_strndup(
				record->request->pool, (const char *)attr->value, attr->size));
			break;
		case SESSION_CLASS_BROKEN:
			metric_add(METRIC_class_ignored, 1);
			break;
		case SESSION_CLASS_FOREIGN:
			break;
		}
	}
}

/* Framed-Interface-Id, RFC 3162 section 2.2: 8 octets, written as four groups. */
static char *read_interface_id(TALLOC_CTX *ctx, const struct attrs *attrs)
{
	const struct attr *attr = attrs_find(attrs, 0, ATTR_FRAMED_INTERFACE_ID);
	if (attr == NULL || attr->size != 8)
		return NULL;
	const uint8_t *v = attr->value;
	return mem_must(talloc_asprintf(ctx, "%x:%x:%x:%x", v[0] << 8 | v[1], v[2] << 8 | v[3],
		v[4] << 8 | v[5], v[6] << 8 | v[7]));
}

static void read_addresses(struct record *record)
{
	const struct attrs *attrs = record->request->attrs;
	if (!attrs_get_addr(attrs, ATTR_FRAMED_IP_ADDRESS, &record->framed_address))
		record->framed_address = (struct addr){0};
	if (!attrs_get_addr(attrs, ATTR_FRAMED_IPV6_ADDRESS, &record->framed_ipv6_address))
		record->framed_ipv6_address = (struct addr){0};
	if (!attrs_get_prefix6(attrs, ATTR_FRAMED_IPV6_PREFIX, &record->framed_ipv6_prefix))
		record->framed_ipv6_prefix = (struct prefix){0};
	if (!attrs_get_prefix6(attrs, ATTR_DELEGATED_IPV6_PREFIX, &record->delegated_ipv6_prefix))
		record->delegated_ipv6_prefix = (struct prefix){0};
	record->framed_interface_id = read_interface_id(record->request->pool, attrs);
}

static void read_texts(struct record *record)
{
	struct attrs *attrs = record->request->attrs;
	line_read(attrs, &record->line);
	record->acct_session_id = attrs_get_text(attrs, ATTR_ACCT_SESSION_ID);
	record->acct_multi_session_id = attrs_get_text(attrs, ATTR_ACCT_MULTI_SESSION_ID);
	record->status_name = attrs_get_value_name(attrs, ATTR_ACCT_STATUS_TYPE);
	record->authentic = attrs_get_value_name(attrs, ATTR_ACCT_AUTHENTIC);
	record->connect_info = attrs_get_text(attrs, ATTR_CONNECT_INFO);
	record->terminate_cause = attrs_get_value_name(attrs, ATTR_ACCT_TERMINATE_CAUSE);
}

static bool is_of_a_session(const struct record *record)
{
	return record->status == ACCT_START || record->status == ACCT_STOP ||
	       record->status == ACCT_INTERIM;
}

void acct_begin(struct record *record, struct request *request)
{
	record->pool = request->pool;
	record->worker = request->worker;
	record->request = request;
	record->nas_id = request->nas->nas_id;
	record->source = request->endpoint.remote;
	record->arrival_us = request->arrival_us;
	memcpy(record->new_key, request->session_key, SESSION_KEY_SIZE);
	record->packet = request->packet;
	record->packet_size = request->facts.length;
}

struct step_result acct_validate(struct request *request)
{
	struct record *record = mem_must(talloc_zero(request->pool, struct record));
	acct_begin(record, request);
	request->feature = record;
	if (!attrs_get_u32(request->attrs, ATTR_ACCT_STATUS_TYPE, &record->status))
		return DROP_BECAUSE(DROP_bad_contents);
	record->event_us = event_time_us(request->attrs, request->arrival_us);
	read_texts(record);
	read_class(record);
	read_addresses(record);
	read_counters(record);

	/* RFC 2866 section 5.5 demands Acct-Session-Id. Without it only our Class says which
	 * session is meant. */
	if (is_of_a_session(record) && record->acct_session_id == NULL && !record->has_class_key)
		return DROP_BECAUSE(DROP_bad_contents);
	if (record->acct_session_id == NULL)
		record->acct_session_id = "";
	return NEXT;
}
