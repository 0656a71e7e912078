/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "acct/acct_spool.h"
#include "acct/event_form.h"
#include "base/clock.h"
#include "request/trace.h"

static struct record *record_of_spool_item(struct spool_item *item)
{
	return (struct record *)((char *)item - offsetof(struct record, spool_item));
}

static int64_t spool_after_ns(const struct request *request)
{
	int64_t after_ns = request->worker->conf->spool_after_ms * NS_PER_MS;
	int64_t half_ns = request_patience_ns(request) / 2;
	return after_ns < half_ns ? after_ns : half_ns;
}

bool acct_lane_is_silent(const struct request *request)
{
	const struct worker *worker = request->worker;
	return worker->conf->spool_limit_mib > 0 &&
	       lane_silence_ns(worker->accounting_lane) >= spool_after_ns(request);
}

int64_t acct_lane_wait_ns(const struct request *request)
{
	/* Without the spool all of the NAS's patience, for a record takes one round only. Behind a
	 * longer queue it would run out there; dropped at once it makes no others late, and the NAS
	 * has it still. */
	return spool_is_open(request->worker->spool) ? spool_after_ns(request)
						     : request_patience_ns(request);
}

static void spooled(struct spool_item *item, enum spool_outcome outcome)
{
	struct request *request = record_of_spool_item(item)->request;
	if (outcome == SPOOL_STORED) {
		metric_add(METRIC_accounting_spooled, 1);
		request_act(request, NEXT);
	} else {
		request_act(request, DROP_BECAUSE(DROP_spool_refused));
	}
}

static void leave_spool(struct request *request)
{
	spool_forget(&record_of(request)->spool_item);
}

struct step_result acct_spool(struct record *record)
{
	static uint8_t octets[SPOOL_RECORD_MAX];
	struct request *request = record->request;
	struct spool *spool = request->worker->spool;
	if (!spool_is_open(spool))
		return DROP_BECAUSE(DROP_spool_refused);
	TRACE_SAY(request, "spooled");
	size_t size = event_encode(record, octets, sizeof octets);
	record->spool_item.done = spooled;
	request->feature_end = leave_spool;
	request->lane = NULL;
	spool_add(spool, &record->spool_item, octets, size);
	return WAIT;
}

/* What the database is at work for has longer: if it is only slow, it will have done all that for
 * nothing. */
static int64_t wait_max_ns(const struct request *request)
{
	return lane_item_is_in_flight(request->lane_item) ? request_patience_ns(request) / 2
							  : spool_after_ns(request);
}

static bool has_waited(const struct request *request, int64_t now_ns)
{
	return request->lane == request->worker->accounting_lane && request->lane_item != NULL &&
	       now_ns - request->lane_item->queued_ns >= wait_max_ns(request);
}

void acct_spool_waiting(struct worker *worker)
{
	struct request *request, *next;
	int64_t now_ns = clock_mono_ns();
	int64_t oldest_ns = lane_oldest_ns(worker->accounting_lane);
	if (!spool_is_open(worker->spool) || oldest_ns > now_ns)
		return;
	for (request = TAILQ_FIRST(&worker->open); request != NULL; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (!has_waited(request, now_ns))
			continue;
		struct record *record = record_of_item(request->lane_item);
		lane_cancel(request->lane, request->lane_item);
		request->lane_item = NULL;
		request_act(request, acct_spool(record));
	}
}
