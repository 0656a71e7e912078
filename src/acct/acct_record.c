/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Stores a record through the call that fits its status, and answers once it is durable. */
#include "acct/record.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/trace.h"
#include <string.h>

static const struct lane_call *call_for(uint32_t status)
{
	switch (status) {
	case ACCT_START:
	case ACCT_STOP:
		return &acct_session_call;
	case ACCT_INTERIM:
		return &acct_interim_call;
	case ACCT_ON:
	case ACCT_OFF:
		return &acct_device_call;
	default:
		return &acct_other_call;
	}
}

static struct step_result submit(struct record *record, int64_t wait_max_ns)
{
	struct request *request = record->request;
	return request_submit(
		request, request->worker->accounting_lane, &record->item, wait_max_ns);
}

/* What a session's records have in common. One batch takes one of them: the database need not
 * record them in turns. */
static uint32_t session_hash(const struct record *record)
{
	return (uint32_t)hash_text(record->acct_session_id, (uint64_t)record->request->nas->nas_id);
}

struct step_result acct_record(struct request *request)
{
	struct record *record = record_of(request);
	/* When the database falls behind, what begins and ends sessions goes first. An interim that
	 * is late is overtaken by the next one. */
	record->item = (struct lane_item){.call = call_for(record->status),
		.urgency = record->status == ACCT_INTERIM ? LANE_ORDINARY : LANE_URGENT,
		.subject = session_hash(record)};
	/* All of the NAS's patience, for a record takes one round only. Behind a longer queue it
	 * would run out there; dropped at once it makes no others late, and the NAS has it still.
	 */
	return submit(record, request_patience_ns(request));
}

static struct step_result quarantine(struct record *record)
{
	static struct log_limit limit;
	const char *refusal = record->item.refusal != NULL ? record->item.refusal : "";
	char source[ADDR_TEXT_MAX];
	log_event_limited(&limit, LOG_LEVEL_ERROR, "accounting_quarantined",
		"nas=%s source=%s acct_session_id=%s refusal=%s",
		log_quote_text(record->request->nas->name),
		addr_format(&record->request->endpoint.remote, source),
		log_quote_text(record->acct_session_id), log_quote_text(refusal));
	/* The message may quote what the database could not store. */
	record->refusal = mem_must(
		text_clean(record->request->pool, (const uint8_t *)refusal, strlen(refusal)));
	record->item.call = &acct_quarantine_call;
	return submit(record, 0);
}

static struct step_result stored(struct record *record)
{
	if (record->item.call == &acct_quarantine_call)
		metric_add(METRIC_accounting_quarantined, 1);
	if (record->is_class_ignored)
		metric_add(METRIC_class_ignored, 1);
	if (addr_is_set(&record->released))
		freelist_put(record->request->worker->freelist, &record->released, clock_wall_us());
	if (record->has_more) {
		record->has_more = false;
		return submit(record, 0);
	}
	return NEXT;
}

/* An Interim-Update that says something new, or that the database could not take as it stands. */
static struct step_result compare(struct record *record)
{
	metric_add(METRIC_interims_compared, 1);
	record->item.call = &acct_session_call;
	return submit(record, 0);
}

/* The call has come to its end, and another one follows. */
static void let_go(struct request *request, enum lane_outcome outcome)
{
	if (request->trace != NULL)
		trace_query(request, outcome);
	request->lane_item = NULL;
}

void acct_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct record *record = record_of_item(item);
	struct request *request = record->request;
	if (item->call == &acct_interim_call &&
		(outcome == LANE_NO_ROW || outcome == LANE_REFUSED)) {
		let_go(request, outcome);
		request_act(request, compare(record));
		return;
	}
	if (outcome == LANE_REFUSED) {
		let_go(request, outcome);
		bool is_hopeless = item->call == &acct_quarantine_call;
		request_act(
			request, is_hopeless ? DROP_BECAUSE(DROP_quarantined) : quarantine(record));
		return;
	}
	if (!request_lane_done(request, outcome))
		return;
	/* A statement that forgets a row may have stored it or not: the NAS is to send it again. */
	request_act(request, outcome == LANE_NO_ROW ? DROP_BECAUSE(DROP_database) : stored(record));
}

struct step_result acct_respond(struct request *request)
{
	request_begin_reply(request, CODE_ACCOUNTING_RESPONSE);
	return REPLY;
}
