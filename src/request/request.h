/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A request and the worker that serves it.
 *
 * The life of a request (one worker, single-threaded):
 *
 *   received ----> admitted ------------> waiting ------------> answered ------------> forgotten
 *      |              |  dupcache: NEW       |  a lane, a hash      | reply in dupcache     |
 *      |              |                      |  or a timer          | for dupcache_s        |
 *   duplicate:     duplicate:             duplicate:             duplicate:              duplicate:
 *     (not yet       same octets and        DROP_duplicate         the same octets         a new
 * request; admit and known)        authenticator                                  are sent again
 * account find their own row same ID, other authenticator: always a new request; the older one's
 * reply is no longer sent (DROP_superseded) timeout: DROP_deadline, and what a lane holds of it is
 * cancelled
 */
#include "base/addr.h"
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

enum port_role { PORT_AUTH, PORT_ACCT };

/* Where a datagram came from and where its answer must leave (decision 14). */
struct endpoint {
	enum port_role role;
	int socket;
	struct addr remote, local;
	uint16_t remote_port, local_port;
	unsigned interface; /* for IPv6 link-local */
};

struct request;
struct dupcache_entry;

/* What a step says. The path acts on it; nothing else does. */
enum step_kind { STEP_NEXT, STEP_WAIT, STEP_REPLY, STEP_DROP };
struct step_result {
	enum step_kind kind;
	enum drop drop; /* with STEP_DROP */
};
#define NEXT ((struct step_result){STEP_NEXT, DROP_none})
#define WAIT                                                                                      \
	((struct step_result){STEP_WAIT, DROP_none}) /* request_resume continues at the next step \
						      */
#define REPLY ((struct step_result){STEP_REPLY, DROP_none})
#define DROP_BECAUSE(reason) ((struct step_result){STEP_DROP, (reason)})

typedef struct step_result step_function(struct request *request);
struct step {
	const char *name;
	step_function *run;
};

/* Everything a request may need while it is served. One per process. */
struct worker {
	unsigned index;
	const struct conf *conf;
	struct timer_queue *timers;
	struct catalog *catalog; /* NULL until the first one is loaded */
	struct lane *login_lane, *accounting_lane;
	struct freelist *freelist;
	struct dupcache *dupcache;
	struct hashpool *hashpool;
	TAILQ_HEAD(request_list, request) open, spare;
	size_t open_count;
	bool is_stopping;
	/* Sends octets to the endpoint; the real one queues for sendmmsg, a scenario's records. */
	void (*send)(struct worker *worker, const struct endpoint *to, const uint8_t *octets,
		size_t size);
};

/* While open it is on worker->open; request_drop and request_answer move it to worker->spare. */
struct request {
	TAILQ_ENTRY(request) entry;
	struct worker *worker;
	TALLOC_CTX
		*pool; /* everything that belongs to this packet; emptied when the request ends */
	struct endpoint endpoint;
	int64_t arrival_ns; /* monotonic */
	int64_t arrival_us; /* wall clock (SO_TIMESTAMPNS) */
	int64_t deadline_ns;
	struct timer timer; /* the deadline; after the decision, the reject delay */
	const struct step *next_step;
	struct catalog *catalog; /* held */
	const struct nas *nas;
	struct packet_facts facts;
	uint8_t packet[RADIUS_MAX_PACKET];
	struct attrs *attrs;
	struct dupcache_entry *duplicate_entry;
	bool is_superseded;
	/* the feature's own state, in pool, and how to let go of what it holds outside (lane items,
	 * hashes) */
	void *feature;
	void (*feature_cancel)(struct request *request);
	struct reply reply;
	uint8_t reply_octets[RADIUS_MAX_PACKET];
	int64_t reply_not_before_ns; /* the reject delay; 0 = at once */
};

/* A WAIT is over: runs the next steps. */
void request_resume(struct request *request);
/* A WAIT ended badly. */
void request_drop(struct request *request, enum drop reason);
