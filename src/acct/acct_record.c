/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Stores a record through the call that fits its status, and answers once it is durable. */
#include "acct/acct_spool.h"
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

/* What a session's records have in common. One batch takes one of them: the database need not
 * record them in turns. */
static uint32_t session_hash(const struct record *record)
{
	return (uint32_t)hash_text(record->acct_session_id, (uint64_t)record->nas_id);
}

void acct_prepare(struct record *record)
{
	/* When the database falls behind, what begins and ends sessions goes first. An interim that
	 * is late is overtaken by the next one. */
	record->item = (struct lane_item){.call = call_for(record->status),
		.urgency = record->status == ACCT_INTERIM ? LANE_ORDINARY : LANE_URGENT,
		.subject = session_hash(record)};
}

/* What a lane says -------------------------------------------------------------------------- */

static void quarantine(struct record *record)
{
	static struct log_limit limit;
	const char *refusal = record->item.refusal != NULL ? record->item.refusal : "";
	const struct catalog *catalog = record->worker->catalog;
	const struct nas *nas = catalog != NULL ? catalog_find_nas(catalog, &record->source) : NULL;
	char source[ADDR_TEXT_MAX];
	log_event_limited(&limit, LOG_LEVEL_ERROR, "accounting_quarantined",
		"nas=%s source=%s acct_session_id=%s refusal=%s",
		nas != NULL ? log_quote_text(nas->name) : "-", addr_format(&record->source, source),
		log_quote_text(record->acct_session_id), log_quote_text(refusal));
	/* The message may quote what the database could not store. */
	record->refusal =
		mem_must(text_clean(record->pool, (const uint8_t *)refusal, strlen(refusal)));
	record->item.call = &acct_quarantine_call;
}

static enum record_verdict refused(struct record *record)
{
	if (record->item.call == &acct_quarantine_call)
		return RECORD_HOPELESS;
	quarantine(record);
	return RECORD_AGAIN;
}

static enum record_verdict stored(struct record *record)
{
	if (record->item.call == &acct_quarantine_call)
		metric_add(METRIC_accounting_quarantined, 1);
	if (record->is_class_ignored)
		metric_add(METRIC_class_ignored, 1);
	if (record->is_over_quota)
		metric_add(METRIC_sessions_over_quota, 1);
	if (record->is_flagged)
		metric_add(METRIC_counters_flagged, 1);
	if (addr_is_set(&record->released))
		freelist_put(record->worker->freelist, &record->released, clock_wall_us());
	bool has_more = record->has_more;
	record->has_more = false;
	return has_more ? RECORD_AGAIN : RECORD_STORED;
}

enum record_verdict acct_judge(struct record *record, enum lane_outcome outcome)
{
	/* An Interim-Update that says something new, or that the database could not take as it
	 * stands. */
	if (record->item.call == &acct_interim_call &&
		(outcome == LANE_NO_ROW || outcome == LANE_REFUSED)) {
		metric_add(METRIC_interims_compared, 1);
		record->item.call = &acct_session_call;
		return RECORD_AGAIN;
	}
	if (outcome == LANE_ANSWERED)
		return stored(record);
	return outcome == LANE_REFUSED ? refused(record) : RECORD_FORGOTTEN;
}

void acct_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct record *record = record_of_item(item);
	record->done(record, outcome);
}

/* A record whose NAS waits ------------------------------------------------------------------ */

static struct step_result submit(struct record *record, int64_t wait_max_ns)
{
	struct request *request = record->request;
	return request_submit(
		request, request->worker->accounting_lane, &record->item, wait_max_ns);
}

/* The call has come to its end, and another one may follow. */
static void let_go(struct request *request, enum lane_outcome outcome)
{
	if (request->trace != NULL)
		trace_query(request, outcome);
	request->lane_item = NULL;
}

static void request_stored(struct record *record, enum lane_outcome outcome)
{
	struct request *request = record->request;
	if (outcome == LANE_EXPIRED) {
		request_lane_done(request, outcome);
		return;
	}
	let_go(request, outcome);
	switch (acct_judge(record, outcome)) {
	case RECORD_AGAIN:
		request_act(request, submit(record, 0));
		break;
	case RECORD_STORED:
		request->lane = NULL;
		request_act(request, NEXT);
		break;
	case RECORD_HOPELESS:
		request_act(request, DROP_BECAUSE(DROP_quarantined));
		break;
	case RECORD_FORGOTTEN:
		/* It may be stored or not: the NAS is to send it again. */
		request_act(request, DROP_BECAUSE(DROP_database));
		break;
	}
}

struct step_result acct_record(struct request *request)
{
	struct record *record = record_of(request);
	acct_prepare(record);
	record->done = request_stored;
	if (acct_lane_is_silent(request))
		return acct_spool(record);
	struct step_result result = submit(record, acct_lane_wait_ns(request));
	bool is_too_long = result.kind == STEP_DROP && result.drop == DROP_lane_wait;
	return is_too_long && spool_is_open(request->worker->spool) ? acct_spool(record) : result;
}

struct step_result acct_respond(struct request *request)
{
	request_begin_reply(request, CODE_ACCOUNTING_RESPONSE);
	return REPLY;
}
