/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A request, and the worker that serves it.
 *
 * The life of a request (one worker, single-threaded), and what happens to it in each part of its
 * life:
 *
 *   received --------> open ------------------> answered -----------> forgotten
 *     request_receive    dupcache says NEW;       reply sent, kept      after dupcache_s; a
 *                        waits for lanes, a       in dupcache           record sooner, see
 *                        hash, the reject delay                         dupcache_new
 *
 *   the same octets    dropped (duplicate):     the same answer is    a new request
 *   come again         the answer is on its     sent again
 *                      way, and the NAS waits
 *                      that much longer
 *   the same ID, but   an Access-Request is     a new request         a new request
 *   another            dropped (superseded),
 *   authenticator      accounting is recorded
 *                      but not answered
 *   the deadline       dropped (deadline, or    -                     -
 *   passes             database while a lane
 *                      is down); what it waits
 *                      for is cancelled, and
 *                      the same octets are a
 *                      new request with the
 *                      same session key.
 *                      But what the database is
 *                      at work for is finished:
 *                      a last answer leaves
 *                      late, for the NAS may
 *                      have sent it again
 *
 * The order of the steps is in path/steps.c. */
#include "base/addr.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "conf/conf.h"
#include "db/catalog.h"
#include "db/freelist.h"
#include "db/lane.h"
#include "radius/admit.h"
#include "radius/dictionary.h"
#include "radius/encode.h"
#include <sys/queue.h>

enum port_role { PORT_AUTH, PORT_ACCT, PORT_ROLES };

/* Where a datagram came from, and where its answer must leave: from the address and port that the
 * request was sent to. */
struct endpoint {
	enum port_role role;
	int socket;
	struct addr remote, local;
	uint16_t remote_port, local_port;
	unsigned interface; /* for IPv6 link-local addresses; else 0 */
};

struct datagram {
	struct endpoint endpoint;
	int64_t arrival_ns; /* monotonic */
	int64_t arrival_us; /* wall clock */
	const uint8_t *octets;
	size_t size;
};

struct request;
struct attempt_facts;
struct dupcache_entry;
struct event;
struct event_base;

/* What a step says. request_run acts on it; nothing else does. */
enum step_kind {
	STEP_NEXT,
	STEP_WAIT,  /* request_resume continues with the next step, or request_drop ends it */
	STEP_REPLY, /* request->reply is built, or request->answer holds octets to send again */
	STEP_DROP,
};
struct step_result {
	enum step_kind kind;
	enum drop drop; /* with STEP_DROP */
};
#define NEXT ((struct step_result){STEP_NEXT, DROP_none})
#define WAIT ((struct step_result){STEP_WAIT, DROP_none})
#define REPLY ((struct step_result){STEP_REPLY, DROP_none})
#define DROP_BECAUSE(reason) ((struct step_result){STEP_DROP, (reason)})

typedef struct step_result step_function(struct request *request);
/* A table of them ends with a NULL name. Its last step never says NEXT. */
struct step {
	const char *name;
	step_function *run;
};

TAILQ_HEAD(request_list, request);

/* Everything a request may need while it is served. One per process. */
struct worker {
	unsigned index;
	const struct conf *conf;
	struct event_base *base;
	struct timer_queue *timers;
	struct catalog *catalog; /* held; NULL until the first one is loaded */
	struct lane *login_lane, *accounting_lane, *attempts_lane;
	struct spool *spool;
	struct replay *replay;
	struct freelist *freelist;
	struct dupcache *dupcache;
	struct learned *learned;
	struct hashpool *hashpool;
	struct exhausted *exhausted;
	struct guesses *guesses;
	struct chores *chores;
	struct attempts *attempts;
	struct trace *trace;        /* NULL: nobody watches packets */
	struct event *hashes_ready; /* hashpool_fd is readable */
	struct event *disk_ready;   /* spool_fd is */
	struct request_list open, delayed, spare;
	size_t spare_count, spare_least;        /* the least since requests_give_back */
	size_t open_count, open_on[PORT_ROLES]; /* open and delayed: in all, and of each port */
	size_t open_interims;                   /* of those of the accounting port */
	bool are_interims_barred;
	bool is_stopping;
	const struct step *first_step;
	uint8_t reply_octets[RADIUS_MAX_PACKET]; /* of the one reply that is being built */
	/* Sends octets to the endpoint; the real one queues for sendmmsg, a scenario's records. */
	void (*send)(struct worker *worker, const struct endpoint *to, const uint8_t *octets,
		size_t size);
	/* While it is so, further Interim-Updates need not be received: there is no room for them.
	 */
	void (*bar_interims)(struct worker *worker, bool is_barred);
	void *network; /* of both functions */
};

/* On worker->open from request_receive until it ends, or until its answer is ready and has to wait
 * for the reject delay: then on worker->delayed. In the end on worker->spare. */
struct request {
	TAILQ_ENTRY(request) entry;
	struct request_list *list; /* open or delayed */
	struct worker *worker;
	TALLOC_CTX
	*pool; /* everything that belongs to this packet; emptied when the request ends */
	struct endpoint endpoint;
	int64_t arrival_ns; /* monotonic */
	int64_t arrival_us; /* wall clock */
	int64_t patience_ns;
	int64_t deadline_ns; /* arrival and patience; each retransmission puts it off, to a bound */
	struct timer timer;  /* the deadline; once there is an answer, the reject delay */
	const struct step *step, *next_step; /* the first runs, or waits */
	struct catalog *catalog; /* held, so that nas and plans stay while the request lives */
	const struct nas *nas;
	struct packet_facts facts;
	const uint8_t *packet; /* in pool; facts.length octets of it count */
	size_t packet_size;
	struct attrs *attrs;
	struct dupcache_entry *duplicate_entry; /* ours to answer or forget; NULL = none */
	/* Minted once for the packet, also if the NAS has to send it again: see the table above. */
	uint8_t session_key[SESSION_KEY_SIZE];
	bool is_superseded;
	bool awaits_catalog;
	/* what it waits for in a lane; NULL = nothing */
	struct lane *lane;
	struct lane_item *lane_item;
	/* the feature's own state, in pool; how to let go of what it holds elsewhere and wipe what
	 * it must not leave behind, called when the request ends, whichever way */
	void *feature;
	void (*feature_end)(struct request *request);
	/* what it knows of a login, for the attempt's row; NULL = nothing of the packet has been
	 * looked at yet, or it is no login */
	void (*feature_attempt)(const struct request *request, struct attempt_facts *facts);
	struct reply reply;
	const uint8_t *answer; /* finished octets */
	size_t answer_size;
	bool is_repeat;              /* the answer was sent before, to the same octets */
	int64_t reply_not_before_ns; /* the reject delay; 0 = at once */
	const char *note;            /* for the log line of a drop: key="text" */
	struct trace_record *trace;  /* in pool; NULL: nobody watches it */
};

/* Prepares the lists of a zeroed worker; steps is the table that every datagram starts with. */
void request_init(struct worker *worker, const struct step *steps);

/* The worker goes away: ends every open request without a word. */
void request_end_all(struct worker *worker);

/* A datagram came in: opens a request for it and runs it as far as it goes. */
void request_receive(struct worker *worker, const struct datagram *datagram);

/* A WAIT is over: runs the next steps. */
void request_resume(struct request *request);

/* Does what the result of a step says; for what follows a WAIT outside a step. */
void request_act(struct request *request, struct step_result result);

/* The request ends without answer; counted, and logged at a limited rate. */
void request_drop(struct request *request, enum drop reason);

/* Frees those that have been spare since the call before. Returns how many. */
size_t requests_give_back(struct worker *worker);

/* Since it arrived. */
int64_t request_age_us(const struct request *request);

/* request->facts have been read: from here on it counts as what it is. */
void request_checked(struct request *request);

/* The NAS has sent it again, so it waits for the answer until then; within a bound. */
void request_prolong(struct request *request, int64_t deadline_ns);

/* The NAS has used this request's ID for a newer one. */
void request_supersede(struct request *request);

/* Puts item into the lane with the request's deadline; WAIT, or DROP_lane_wait if the queue is
 * longer than wait_max_ns (0 = any length will do), or DROP_deadline if it has passed. When the
 * request ends first, the item is cancelled. The call's done begins with request_lane_done. */
struct step_result request_submit(
	struct request *request, struct lane *lane, struct lane_item *item, int64_t wait_max_ns);

/* True if the item was answered, or its statement returned no row for it (the caller sees which).
 * Otherwise the request is gone, dropped with the right reason. LANE_REFUSED is logged as an error:
 * a login that the database refuses by itself is never rejected, for nothing is known about it. */
bool request_lane_done(struct request *request, enum lane_outcome outcome);

/* The snapshot that the request came under lacks what the database already knows: the calling step
 * runs again under a newer one, at once if there is one, else when it comes. */
struct step_result request_await_catalog(struct request *request);

/* The worker has a new snapshot: the requests that await one go on. */
void request_catalog_changed(struct worker *worker);

/* How long the NAS waits for an answer before it sends again. */
int64_t request_patience_ns(const struct request *request);

/* Begins request->reply with the code, as an answer to request->packet. */
void request_begin_reply(struct request *request, enum radius_code code);
