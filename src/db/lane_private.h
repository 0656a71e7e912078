/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The inside of a lane, shared by lane.c (when to send, what an outcome means) and lane_queue.c
 * (where items wait, deadlines, batches). */
#include "base/timer.h"
#include "db/backoff.h"
#include "db/lane.h"

TAILQ_HEAD(batch_list, lane_batch);

#define LANE_PEAK_TURNS 10 /* calls of lane_show; metrics.def says the time */

/* While it waits to be sent again it is on its queue's again list, in flight in lane->round or
 * lane->next, after its outcome stayed unknown on lane->unresolved. */
struct lane_batch {
	TAILQ_ENTRY(lane_batch) entry;
	struct lane_queue *queue;
	bool is_in_flight;
	size_t count;
	struct lane_item *items[]; /* NULL = cancelled or expired */
};

/* What left in one flush, and what it is about, as the bits of the subjects' hashes. Another
 * subject with the same bit only makes its item wait for another round: of a thousand items at most
 * ten, with two rounds of full batches in flight. */
struct lane_round {
	struct batch_list batches; /* not answered yet */
	uint8_t subjects[8192];
};

struct lane_queue {
	const struct lane_call *call;
	struct lane_list waiting[LANE_URGENCIES]; /* in the order in which they were submitted */
	size_t waiting_count[LANE_URGENCIES];
	struct pg_batch *rows;   /* of the batch that is being sent: memory that is used again */
	struct batch_list again; /* halves of refused batches, and whole retries; leave first */
	size_t open_count;       /* its items that are submitted and not done */
	unsigned limit;          /* of a new batch: halved while the database fails, then doubled */
	/* While the statement itself fails it is tried now and then; the lane's others go on. */
	struct timer pause;
	struct backoff backoff;
};

enum lane_state {
	LANE_STOPPED,
	LANE_CONNECTING,
	LANE_UP,
	LANE_LOSING, /* a PG_LOST has come, pgconn's down will follow */
	LANE_BACKING_OFF,
};

struct lane {
	struct lane_settings settings;
	struct timer_queue *timers;
	struct pgconn *conn;
	enum lane_state state;
	struct lane_queue *queues;
	size_t queue_count;
	struct lane_round round; /* what the database is at work for */
	struct lane_round next;  /* sent ahead; empty unless round has batches */
	bool has_tried_ahead;    /* during this round: all that waits may be about its subjects */
	struct batch_list unresolved;
	struct lane_list finished;
	size_t waiting_count; /* on waiting and again lists */
	size_t open_count;    /* submitted, done not called */
	unsigned depth;       /* > 0: callbacks run, so nothing is sent and nothing finished */
	struct timer pause;   /* until it fires nothing is sent, or connected */
	struct timer expiry;
	int64_t expiry_walked_ns;
	int64_t round_started_ns, round_mean_ns;
	size_t peaks[LANE_PEAK_TURNS]; /* the longest queue of each of the last seconds */
	unsigned peak_turn;            /* of the one that is being measured */
	int64_t up_since_ns, down_since_ns;
	struct backoff reconnect, retry;
	/* What the results have brought since the lane was last free: nothing is sent ahead. */
	bool must_retry, must_reconnect;
	bool is_away;  /* the failure is the server's, not one statement's */
	char *trouble; /* with must_reconnect */
};

/* The item is on no list and in no batch any more; its done is called by the next leave. */
void lane_finish(struct lane *lane, struct lane_item *item, enum lane_outcome outcome);
void lane_list_add(struct lane_list *list, struct lane_item *item);
void lane_list_remove(struct lane_item *item);
void lane_count_waiting(struct lane *lane, const struct lane_item *item, int by);
void lane_batch_forget(struct lane_item *item);

/* Sets the expiry timer if this deadline is the next. */
void lane_watch_deadline(struct lane *lane, int64_t deadline_ns);
/* Finishes every waiting item whose deadline has passed. */
void lane_expire(struct lane *lane);

/* Does a queue that may be sent hold a whole batch of new items? */
bool lane_has_full_batch(const struct lane *lane);
/* What a queue has to send, NULL = nothing (more): the batches that go again, and a new one of the
 * oldest items of an urgency. Items that ran out are finished on the way. */
struct lane_batch *lane_batch_take_again(
	struct lane *lane, struct lane_queue *queue, int64_t now_ns);
struct lane_batch *lane_batch_take_new(
	struct lane *lane, struct lane_queue *queue, enum lane_urgency urgency, int64_t now_ns);
/* Items [from, to) go again, as a batch of their own. */
void lane_batch_again(struct lane *lane, struct lane_batch *batch, size_t from, size_t to);
/* Unknown outcomes: back to where they once waited. */
void lane_requeue_unresolved(struct lane *lane);

/* lane_figures.c: a round begins, a round has ended, the queue has grown. */
void lane_count_round(const struct lane *lane);
void lane_measure_round(struct lane *lane);
void lane_note_peak(struct lane *lane);
