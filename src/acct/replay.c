/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "acct/replay.h"
#include "acct/acct_spool.h"
#include "acct/event_form.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"

/* How often records are looked for that wait for too long: a small part of spool_after. */
#define TURN_NS (100 * NS_PER_MS)
#define LOOK_EVERY 10 /* turns: once a second */

/* A record from the spool, under way to the database. It is its record's pool. */
struct replayed {
	TAILQ_ENTRY(replayed) entry;
	struct replay *replay;
	struct record record;
	struct spool_record origin; /* octets are a copy */
	bool is_waiting;            /* for an earlier one of its session */
};
TAILQ_HEAD(replayed_list, replayed);

struct replay {
	struct worker *worker;
	struct timer turn;
	unsigned turns;
	struct replayed_list under_way; /* in the order of the spool */
	size_t count;
};

static struct replayed *replayed_of(struct record *record)
{
	return (struct replayed *)((char *)record - offsetof(struct replayed, record));
}

static struct replayed *find_subject(const struct replay *replay, uint32_t subject)
{
	struct replayed *one;
	TAILQ_FOREACH (one, &replay->under_way, entry)
		if (one->record.item.subject == subject)
			return one;
	return NULL;
}

static void submit(struct replayed *one)
{
	struct lane_item *item = &one->record.item;
	one->is_waiting = false;
	/* Without a bound of its wait, the lane takes everything. */
	if (lane_submit(one->replay->worker->accounting_lane, item, 0) != 0)
		abort();
}

/* It is where it belongs; what waited for it is next. */
static void finish(struct replayed *one)
{
	struct replay *replay = one->replay;
	uint32_t subject = one->record.item.subject;
	TAILQ_REMOVE(&replay->under_way, one, entry);
	replay->count--;
	talloc_free(one);
	struct replayed *next = find_subject(replay, subject);
	if (next != NULL && next->is_waiting)
		submit(next);
}

static void set_aside(struct replayed *one)
{
	static struct log_limit limit;
	log_event_limited(&limit, LOG_LEVEL_ERROR, "spool_record_set_aside", "acct_session_id=%s",
		log_quote_text(one->record.acct_session_id));
	spool_set_aside(one->replay->worker->spool, &one->origin);
	finish(one);
}

static void replayed_done(struct record *record, enum lane_outcome outcome)
{
	struct replayed *one = replayed_of(record);
	struct replay *replay = one->replay;
	switch (acct_judge(record, outcome)) {
	case RECORD_AGAIN:
		submit(one);
		return;
	case RECORD_STORED:
		metric_add(METRIC_spool_replayed, 1);
		spool_delivered(one->origin.segment);
		finish(one);
		break;
	case RECORD_FORGOTTEN:
	case RECORD_HOPELESS:
		set_aside(one);
		break;
	}
	replay_go_on(replay);
}

static void begin(struct replay *replay, const struct spool_record *origin)
{
	struct replayed *one = mem_must(talloc_zero(replay, struct replayed));
	struct record *record = &one->record;
	if (event_decode(one, origin->octets, origin->size, record) != 0) {
		spool_set_aside(replay->worker->spool, origin);
		talloc_free(one);
		return;
	}
	one->replay = replay;
	one->origin = *origin;
	one->origin.octets = mem_must(talloc_memdup(one, origin->octets, origin->size));
	record->worker = replay->worker;
	record->done = replayed_done;
	acct_prepare(record);
	record->item.urgency = LANE_ORDINARY;
	record->item.deadline_ns = INT64_MAX;
	one->is_waiting = find_subject(replay, record->item.subject) != NULL;
	TAILQ_INSERT_TAIL(&replay->under_way, one, entry);
	replay->count++;
	if (!one->is_waiting)
		submit(one);
}

void replay_go_on(struct replay *replay)
{
	struct worker *worker = replay->worker;
	size_t most = worker->conf->batch_max > 1 ? worker->conf->batch_max / 2 : 1;
	struct spool_record record;
	while (lane_is_up(worker->accounting_lane) && replay->count < most &&
		spool_next(worker->spool, &record))
		begin(replay, &record);
}

static void take_turn(void *owner)
{
	struct replay *replay = owner;
	struct worker *worker = replay->worker;
	timer_set(worker->timers, &replay->turn, clock_mono_ns() + TURN_NS);
	acct_spool_waiting(worker);
	if (replay->turns++ % LOOK_EVERY == 0)
		spool_look(worker->spool);
	lane_hold(worker->accounting_lane);
	replay_go_on(replay);
	lane_release(worker->accounting_lane);
}

static int replay_destroy(struct replay *replay)
{
	timer_cancel(replay->worker->timers, &replay->turn);
	return 0;
}

struct replay *replay_new(TALLOC_CTX *ctx, struct worker *worker)
{
	struct replay *replay = mem_must(talloc_zero(ctx, struct replay));
	replay->worker = worker;
	TAILQ_INIT(&replay->under_way);
	timer_init(&replay->turn, take_turn, replay);
	timer_set(worker->timers, &replay->turn, clock_mono_ns() + TURN_NS);
	talloc_set_destructor(replay, replay_destroy);
	return replay;
}
