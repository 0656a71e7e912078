/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A watched packet as JSON; the form is in trace.h. */
#include "base/mem.h"
#include "base/text.h"
#include "radius/describe.h"
#include "request/attempts.h"
#include "request/trace_private.h"
#include <string.h>

/* Setting a field fails only without memory: texts are clean. */
static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, mem_must(value)) != 0)
		abort();
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, mem_must(value)) != 0)
		abort();
}

static void set_number(json_t *object, const char *name, int64_t number)
{
	set(object, name, json_integer((json_int_t)number));
}

/* NULL becomes null, and what is no UTF-8 its escaped form. */
static void set_text(json_t *object, const char *name, const char *text)
{
	if (text == NULL) {
		set(object, name, json_null());
		return;
	}
	json_t *string = json_string(text);
	if (string == NULL) {
		char *clean = text_clean(NULL, (const uint8_t *)text, strlen(text));
		string = json_string(clean);
		talloc_free(clean);
	}
	set(object, name, string);
}

static void set_time(json_t *object, const char *name, int64_t wall_us)
{
	char date[TEXT_TIME_BYTES + 1], text[64];
	text_put_time(date, wall_us / US_PER_S);
	snprintf(text, sizeof text, "%s.%06dZ", date, (int)(wall_us % US_PER_S));
	set_text(object, name, text);
}

/* Packets ---------------------------------------------------------------------------------- */

static const char *code_name(uint8_t code)
{
	switch (code) {
	case CODE_ACCESS_REQUEST:
		return "Access-Request";
	case CODE_ACCESS_ACCEPT:
		return "Access-Accept";
	case CODE_ACCESS_REJECT:
		return "Access-Reject";
	case CODE_ACCOUNTING_REQUEST:
		return "Accounting-Request";
	case CODE_ACCOUNTING_RESPONSE:
		return "Accounting-Response";
	case CODE_ACCESS_CHALLENGE:
		return "Access-Challenge";
	case CODE_STATUS_SERVER:
		return "Status-Server";
	default:
		return NULL;
	}
}

static void add_attribute(void *owner, const struct described *described)
{
	json_t *attribute = mem_must(json_object());
	set_text(attribute, "name", described->name);
	set_text(attribute, "value", described->value);
	set(attribute, "is_text", json_boolean(described->is_text));
	append(owner, attribute);
}

/* The octets may be anything, and few. */
static json_t *packet_json(const uint8_t *octets, size_t size)
{
	json_t *packet = mem_must(json_object()), *attributes = mem_must(json_array());
	char number[16];
	if (size >= 2) {
		snprintf(number, sizeof number, "code %u", octets[0]);
		const char *name = code_name(octets[0]);
		set_text(packet, "code", name != NULL ? name : number);
		set_number(packet, "id", octets[1]);
	}
	set_number(packet, "octets", (int64_t)size);
	if (size > RADIUS_HEADER_SIZE && size <= RADIUS_MAX_PACKET)
		describe_attributes(octets + RADIUS_HEADER_SIZE, size - RADIUS_HEADER_SIZE,
			add_attribute, attributes);
	set(packet, "attributes", attributes);
	return packet;
}

/* Steps ------------------------------------------------------------------------------------ */

static json_t *query_json(const struct trace_packet *packet, const struct trace_entry *entry)
{
	static const char *const outcomes[] = {
		[LANE_ANSWERED] = "answered",
		[LANE_NO_ROW] = "no_row",
		[LANE_REFUSED] = "refused",
		[LANE_EXPIRED] = "expired",
	};
	json_t *query = mem_must(json_object());
	int64_t sent_ns = entry->sent_ns != 0 ? entry->sent_ns : entry->ended_ns;
	set_text(query, "statement", entry->statement);
	set_number(query, "at_us", (entry->queued_ns - packet->arrival_ns) / 1000);
	set_number(query, "waited_us", (sent_ns - entry->queued_ns) / 1000);
	set_number(query, "took_us", (entry->ended_ns - sent_ns) / 1000);
	set_number(query, "rows", (int64_t)entry->rows);
	set_text(query, "outcome", outcomes[entry->outcome]);
	return query;
}

static json_t *step_json(const struct trace_packet *packet, unsigned index)
{
	static const char *const results[] = {
		[STEP_NEXT] = "next",
		[STEP_WAIT] = "wait",
		[STEP_REPLY] = "reply",
		[STEP_DROP] = "drop",
	};
	const struct trace_record *record = packet->record;
	const struct trace_step *step = &record->steps[index];
	json_t *object = mem_must(json_object());
	json_t *notes = mem_must(json_array()), *queries = mem_must(json_array());
	for (unsigned n = 0; n < record->entry_count; n++) {
		const struct trace_entry *entry = &record->entries[n];
		if (entry->step == index && entry->statement != NULL)
			append(queries, query_json(packet, entry));
		else if (entry->step == index)
			append(notes, json_string(entry->text));
	}
	set_text(object, "step", step->name);
	set_text(object, "result", results[step->result.kind]);
	set_number(object, "at_us", (step->began_ns - packet->arrival_ns) / 1000);
	set_number(object, "took_us", (step->ended_ns - step->began_ns) / 1000);
	set(object, "notes", notes);
	set(object, "queries", queries);
	return object;
}

/* The end ---------------------------------------------------------------------------------- */

static const char *drop_sentence(enum drop drop)
{
	return metric_info(drop_metric(drop))->sentence;
}

static void add_reason(json_t *line, const struct trace_packet *packet)
{
	const struct request *request = packet->request;
	struct attempt_facts facts = {0};
	if (packet->drop != DROP_none) {
		set_text(line, "reason", drop_name(packet->drop));
		set_text(line, "sentence", drop_sentence(packet->drop));
		return;
	}
	if (request->feature_attempt != NULL)
		request->feature_attempt(request, &facts);
	const struct advice *advice =
		facts.refused != REJECT_none ? advice_find(reject_name(facts.refused)) : NULL;
	set_text(line, "reason", advice != NULL ? advice->reason : NULL);
	set_text(line, "sentence", advice != NULL ? advice->sentence : NULL);
}

static void add_end(json_t *line, const struct trace_packet *packet)
{
	const struct request *request = packet->request;
	int64_t now_ns = clock_mono_ns(), held_ns = 0;
	bool is_dropped = packet->drop != DROP_none;
	set_text(line, "outcome", is_dropped ? "drop" : (request->is_repeat ? "repeat" : "answer"));
	add_reason(line, packet);
	set_number(line, "duration_us", (now_ns - packet->arrival_ns) / 1000);
	/* Delayed Access-Rejects wait behind the last step. */
	if (!is_dropped && request->reply_not_before_ns != 0 && packet->record->step_count > 0)
		held_ns = now_ns - packet->record->steps[packet->record->step_count - 1].ended_ns;
	set_number(line, "held_back_us", held_ns / 1000);
	set(line, "answer",
		is_dropped ? json_null() : packet_json(request->answer, request->answer_size));
}

json_t *trace_line(const struct trace_packet *packet)
{
	json_t *line = mem_must(json_object()), *steps = mem_must(json_array());
	char source[ADDR_TEXT_MAX];
	set_time(line, "time", packet->arrival_us);
	set_number(line, "worker", packet->worker);
	set_text(line, "source", addr_format(&packet->endpoint->remote, source));
	set_number(line, "port", packet->endpoint->remote_port);
	set_number(line, "server_port", packet->endpoint->local_port);
	set_text(line, "nas", packet->nas != NULL ? packet->nas->name : NULL);
	set(line, "request", packet_json(packet->octets, packet->size));
	for (unsigned n = 0; packet->record != NULL && n < packet->record->step_count; n++)
		append(steps, step_json(packet, n));
	set(line, "steps", steps);
	add_end(line, packet);
	return line;
}
