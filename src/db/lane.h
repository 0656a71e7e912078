/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A lane: one connection with queues in front (architecture section 5).
 * While something is in flight, what arrives waits; when the last result is in, each queue leaves
 * as one statement over arrays, or as two if it holds urgent items and ordinary ones, all in one
 * flush, each with its own Sync. If enough waits to fill a batch, all this leaves one statement
 * earlier, so that the database need not wait for the lane. No timer delays a lone request. A
 * batch refused for a value in it is halved until the culprit stands alone.
 *
 * While the database is away, items wait for the next connection, which is tried with back-off. A
 * function that fails by itself (not permitted, broken) is asked now and then; the lane's other
 * calls go on meanwhile. */
#include "base/metrics.h"
#include "db/pgconn.h"
#include <sys/queue.h>

struct timer_queue;
struct lane;
struct lane_item;

/* What became of an item. Exactly one, through its call's done. */
enum lane_outcome {
	LANE_ANSWERED, /* take has been called with each of its rows */
	LANE_NO_ROW,   /* the statement is durable but returned no row for it */
	LANE_REFUSED,  /* it stood alone and the database refused it; lane_item.refusal says why */
	LANE_EXPIRED,  /* its deadline passed while it waited, or while the database was away */
};

enum lane_urgency { LANE_URGENT, LANE_ORDINARY, LANE_URGENCIES };

/* One SQL function that is called in batches. Its rows are (ord, ...): ord counts the batch's rows
 * from 1. */
struct lane_call {
	struct pg_statement statement;
	/* One row of the batch. Called anew each time the item is sent. */
	void (*put)(const struct lane_item *item, struct pg_batch *batch);
	/* A row that answers the item, in the order of the result; only copies out. */
	void (*take)(struct lane_item *item, const struct pg_rows *rows, size_t row);
	/* The item is the owner's again. May submit, to this lane too, and cancel other items. */
	void (*done)(struct lane_item *item, enum lane_outcome outcome);
	bool is_rehearsed; /* as pgconn_settings says */
};

TAILQ_HEAD(lane_list, lane_item);

/* Embedded in what waits, zeroed before its first use. The owner sets call, deadline_ns, urgency,
 * subject; the rest is the lane's.
 *
 *   idle --lane_submit--> waiting ------> in a batch ------> finished --done--> idle
 *                            ^  |             |                 ^
 *                            |  +--expired----|-----------------+
 *                            +--lost, unavailable
 */
struct lane_item {
	const struct lane_call *call;
	int64_t deadline_ns; /* clock_mono_ns; past it the database does no work for the item;
				INT64_MAX = none. The owner may put it off at any time */
	enum lane_urgency urgency;
	uint32_t subject; /* a hash of what it is about, 0 = nothing: of items about the same only
			     one is in flight, of equal urgency the earlier one first */
	int64_t queued_ns;
	int64_t sent_ns; /* when it last left, and with how many others in all; 0 = never */
	size_t sent_rows;
	const char *refusal; /* with LANE_REFUSED: SQLSTATE and message; gone when done returns */
	TAILQ_ENTRY(lane_item) entry;
	struct lane_list *list;   /* waiting or finished; NULL = idle or in a batch */
	struct lane_queue *queue; /* where it was submitted to */
	struct lane_batch *batch; /* NULL unless in one */
	size_t batch_index;
	enum lane_outcome outcome; /* while finished */
};

/* Where a lane tells of itself. */
struct lane_metrics {
	enum metric_distribution rows, round_us, wait_us;
	enum metric queue, queue_peak, round_age_us;
};

struct lane_settings {
	const char *name;                  /* "login", "accounting" */
	struct pgconn_settings connection; /* statements are filled in by the lane */
	struct lane_metrics metrics;
	unsigned batch_max;
	unsigned reconnect_min_ms, reconnect_max_ms; /* back-off, doubled each time, with jitter */
	const struct lane_call *const
		*calls; /* NULL at the end; the order in which they leave in one flush */
	void (*state_changed)(void *owner, bool is_up); /* may be NULL */
	void *owner;
};

/* Texts and calls in settings are borrowed. */
struct lane *lane_new(TALLOC_CTX *ctx, struct event_base *base, struct timer_queue *timers,
	const struct lane_settings *settings);

/* Starts connecting. */
void lane_start(struct lane *lane);

/* ERR_FULL: the estimated wait (full batches ahead of items of the same call that are no less
 * urgent, times the measured time of a round) exceeds wait_max_ns; nothing is queued, and the
 * caller drops the request (decision 20: the newest is dropped, the oldest work goes on).
 * wait_max_ns 0 = no such bound. Otherwise done follows, never from inside the call. */
int lane_submit(struct lane *lane, struct lane_item *item, int64_t wait_max_ns) MUST_CHECK;

/* What is submitted from lane_hold to lane_release leaves together, and no done comes in between:
 * from inside lane_release it may. Not from inside a done. */
void lane_hold(struct lane *lane);
void lane_release(struct lane *lane);

/* The owner goes away: no done follows. What is in flight is carried out all the same, but not sent
 * again. Harmless on an idle item. */
void lane_cancel(struct lane *lane, struct lane_item *item);

/* Has it been sent, so that its result will come, or the connection's end? */
bool lane_item_is_in_flight(const struct lane_item *item);

bool lane_is_up(const struct lane *lane);
/* How long nothing has come from the database that is waited for: since the lane is down, or since
 * the round under way began. 0 = nothing is waited for. */
int64_t lane_silence_ns(const struct lane *lane);
size_t lane_queue_length(const struct lane *lane); /* without what is in flight */
/* Writes its levels to the metrics; to be called once a second. */
void lane_show(struct lane *lane);
bool lane_is_idle(const struct lane *lane); /* nothing queued, nothing in flight */
/* clock_mono_ns at which the oldest unfinished item was queued, or TIMER_NEVER. */
int64_t lane_oldest_ns(const struct lane *lane);
