/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Gathers attempts for a moment and hands them to their lane together, so that the database takes
 * many in one statement also while few come. */
#include "request/attempts.h"
#include "base/log.h"
#include "base/mem.h"
#include <string.h>
#include <sys/queue.h>

/* The most that wait, here and in the lane, in one worker: 1 or 2 MiB. */
#define ATTEMPTS_MAX 4096

#define GATHER_NS (200 * NS_PER_MS)

/* When so many logins wait, the database has more important things to do. The first to go without
 * a row is who was let in: of him a session tells. */
#define LOGINS_MAX(batch_max) (4 * (size_t)(batch_max))
#define LOGINS_MAX_ACCEPTED(batch_max) ((size_t)(batch_max) / 4)

/* Days begin and end slowly. */
#define DAYS_EVERY_NS (3600 * NS_PER_S)

/* Of packets that cannot be believed one row a minute for each source and reason; of other drops
 * so many in a second. */
#define SOURCES_MAX 64
#define SOURCE_GAP_NS (60 * NS_PER_S)
#define DROPS_A_SECOND 16

#define LOGIN_MAX 256 /* octets */
#define TEXT_MAX 128  /* of the others: more than any port or telephone number has */
#define SENT_MAX 256
#define DETAIL_MAX 256

struct attempt {
	struct lane_item item;
	STAILQ_ENTRY(attempt) next; /* while it is gathered */
	struct attempts *attempts;
	int64_t attempted_us, duration_us, held_ms, nas_port;
	int32_t subscriber_id, nas_id;
	struct addr nas_address, address;
	const char *method, *result, *reason; /* static; NULL = null */
	const char *login, *nas_port_id, *calling_station_id, *sent,
		*detail; /* in texts; NULL = null */
	char texts[];
};

struct source {
	struct addr addr;
	enum drop reason;
	int64_t until_ns; /* no further row before */
};

struct attempts {
	struct worker *worker;
	STAILQ_HEAD(, attempt) gathered;
	size_t gathered_count, open_count; /* open: gathered, or in the lane */
	struct timer flush, days_due;
	struct lane_item days;
	bool are_days_under_way;
	struct source sources[SOURCES_MAX];
	int64_t drop_second;
	unsigned drops;
};

/* Rows ------------------------------------------------------------------------------------- */

/* What the rows hold, collected before their memory is. */
enum { TEXT_LOGIN, TEXT_PORT, TEXT_CALLING, TEXT_SENT, TEXT_DETAIL, TEXTS };
struct texts {
	const char *text[TEXTS];
	size_t size[TEXTS];
};

/* Cut in front of a character, not in it. */
static size_t bounded_size(const char *text, size_t max)
{
	size_t size = strnlen(text, max + 1);
	if (size <= max)
		return size;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

static void set_text(struct texts *texts, unsigned which, const char *text, size_t max)
{
	texts->text[which] = text;
	texts->size[which] = text != NULL ? bounded_size(text, max) : 0;
}

static struct attempt *attempt_new(TALLOC_CTX *ctx, const struct texts *texts)
{
	size_t size = sizeof(struct attempt);
	for (unsigned n = 0; n < TEXTS; n++)
		size += texts->size[n] + 1;
	struct attempt *attempt = mem_must(talloc_size(ctx, size));
	const char **fields[] = {&attempt->login, &attempt->nas_port_id,
		&attempt->calling_station_id, &attempt->sent, &attempt->detail};
	memset(attempt, 0, sizeof *attempt);
	char *at = attempt->texts;
	for (unsigned n = 0; n < TEXTS; n++) {
		if (texts->text[n] == NULL)
			continue;
		memcpy(at, texts->text[n], texts->size[n]);
		at[texts->size[n]] = '\0';
		*fields[n] = at;
		at += texts->size[n] + 1;
	}
	return attempt;
}

/* The attributes of the answer, while its octets are still in the buffer that it was built in. */
static const char *sent_text(const struct request *request, char *text)
{
	size_t length = request->answer_size;
	if (request->answer == NULL || length < RADIUS_HEADER_SIZE)
		return NULL;
	attempt_sent_text(
		request->answer + RADIUS_HEADER_SIZE, length - RADIUS_HEADER_SIZE, text, SENT_MAX);
	return *text != '\0' ? text : NULL;
}

static struct attempt *describe(struct attempts *attempts, const struct request *request,
	const char *result, const char *reason)
{
	struct attempt_facts facts = {0};
	struct texts texts = {0};
	char sent[SENT_MAX];
	if (request->feature_attempt != NULL)
		request->feature_attempt(request, &facts);
	const struct line *line = facts.line;
	set_text(&texts, TEXT_LOGIN, line != NULL && line->login != NULL ? line->login : "",
		LOGIN_MAX);
	set_text(&texts, TEXT_PORT, line != NULL ? line->nas_port_id : NULL, TEXT_MAX);
	set_text(&texts, TEXT_CALLING, line != NULL ? line->calling_station_id : NULL, TEXT_MAX);
	set_text(&texts, TEXT_SENT, sent_text(request, sent), SENT_MAX);
	set_text(&texts, TEXT_DETAIL, facts.detail, DETAIL_MAX);

	struct attempt *attempt = attempt_new(attempts, &texts);
	attempt->attempts = attempts;
	attempt->attempted_us = request->arrival_us;
	attempt->duration_us = facts.duration_us != 0 ? facts.duration_us : request_age_us(request);
	attempt->held_ms = facts.held_ms;
	attempt->nas_port = line != NULL ? line->nas_port : -1;
	attempt->subscriber_id = facts.subscriber_id;
	attempt->nas_id = request->nas != NULL ? request->nas->nas_id : 0;
	attempt->nas_address = request->endpoint.remote;
	if (facts.address != NULL)
		attempt->address = *facts.address;
	attempt->method = facts.method;
	attempt->result = result;
	attempt->reason = facts.refused != REJECT_none ? reject_name(facts.refused) : reason;
	return attempt;
}

/* Gathering -------------------------------------------------------------------------------- */

static bool has_room(const struct attempts *attempts, bool is_accepted)
{
	const struct worker *worker = attempts->worker;
	size_t max = is_accepted ? LOGINS_MAX_ACCEPTED(worker->conf->batch_max)
				 : LOGINS_MAX(worker->conf->batch_max);
	return attempts->open_count < ATTEMPTS_MAX && lane_queue_length(worker->login_lane) <= max;
}

/* Due at once if the wait has an end: the timer fires when the turn is over, and then the answers
 * have left. */
static void gather(struct attempts *attempts, struct attempt *attempt)
{
	const struct worker *worker = attempts->worker;
	STAILQ_INSERT_TAIL(&attempts->gathered, attempt, next);
	attempts->open_count++;
	attempts->gathered_count++;
	if (attempts->gathered_count == worker->conf->batch_max || worker->is_stopping)
		timer_set(worker->timers, &attempts->flush, clock_mono_ns());
	else if (!timer_is_set(&attempts->flush))
		timer_set(worker->timers, &attempts->flush, clock_mono_ns() + GATHER_NS);
}

static void add(struct attempts *attempts, const struct request *request, const char *result,
	const char *reason)
{
	if (has_room(attempts, strcmp(result, "accept") == 0))
		gather(attempts, describe(attempts, request, result, reason));
	else
		metric_add(METRIC_attempts_lost, 1);
}

static void end(struct attempt *attempt, bool is_stored)
{
	metric_add(is_stored ? METRIC_attempts_stored : METRIC_attempts_lost, 1);
	attempt->attempts->open_count--;
	talloc_free(attempt);
}

static void flush(void *owner)
{
	struct attempts *attempts = owner;
	struct lane *lane = attempts->worker->attempts_lane;
	struct attempt *attempt;
	lane_hold(lane);
	while ((attempt = STAILQ_FIRST(&attempts->gathered)) != NULL) {
		STAILQ_REMOVE_HEAD(&attempts->gathered, next);
		attempt->item = (struct lane_item){.call = &attempts_store_call,
			.deadline_ns = TIMER_NEVER,
			.urgency = LANE_ORDINARY};
		if (lane_submit(lane, &attempt->item, 0) != 0)
			end(attempt, false);
	}
	attempts->gathered_count = 0;
	lane_release(lane);
}

/* False if that source has just left a row for this reason, or too many others have. */
static bool may_tell_source(
	struct attempts *attempts, const struct addr *addr, enum drop reason, int64_t now_ns)
{
	struct source *spare = NULL;
	for (size_t n = 0; n < SOURCES_MAX; n++) {
		struct source *source = &attempts->sources[n];
		if (source->until_ns <= now_ns)
			spare = source;
		else if (source->reason == reason && addr_compare(&source->addr, addr) == 0)
			return false;
	}
	if (spare == NULL)
		return false;
	*spare = (struct source){*addr, reason, now_ns + SOURCE_GAP_NS};
	return true;
}

static bool may_tell_drop(struct attempts *attempts, int64_t now_ns)
{
	int64_t second = now_ns / NS_PER_S;
	if (attempts->drop_second != second) {
		attempts->drop_second = second;
		attempts->drops = 0;
	}
	return attempts->drops++ < DROPS_A_SECOND;
}

static bool is_login(const struct request *request)
{
	return request->endpoint.role == PORT_AUTH && request->packet[0] == CODE_ACCESS_REQUEST;
}

void attempts_answered(struct attempts *attempts, const struct request *request)
{
	if (attempts->worker->conf->attempts_keep_s == 0 || request->feature_attempt == NULL)
		return;
	add(attempts, request, request->answer[0] == CODE_ACCESS_ACCEPT ? "accept" : "reject",
		NULL);
}

void attempts_dropped(struct attempts *attempts, const struct request *request, enum drop reason)
{
	if (attempts->worker->conf->attempts_keep_s == 0 || !drop_is_attempt(reason) ||
		request->packet_size == 0 || !is_login(request))
		return;
	int64_t now_ns = clock_mono_ns();
	bool is_believed = request->feature_attempt != NULL;
	if (is_believed ? may_tell_drop(attempts, now_ns)
			: may_tell_source(attempts, &request->endpoint.remote, reason, now_ns))
		add(attempts, request, "drop", drop_name(reason));
	else
		metric_add(METRIC_attempts_limited, 1);
}

bool attempts_are_stored(const struct attempts *attempts)
{
	return attempts->open_count == 0 || !lane_is_up(attempts->worker->attempts_lane);
}

/* Storing ---------------------------------------------------------------------------------- */

static struct attempt *attempt_of(const struct lane_item *item)
{
	return (struct attempt *)((char *)item - offsetof(struct attempt, item));
}

static void put_number(struct pg_batch *batch, int64_t number, int64_t none)
{
	if (number != none)
		pg_put_int(batch, number);
	else
		pg_put_null(batch);
}

static void store_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct attempt *attempt = attempt_of(item);
	int64_t duration_us = attempt->duration_us;
	pg_put_time(batch, attempt->attempted_us);
	pg_put_text(batch, attempt->login);
	put_number(batch, attempt->subscriber_id, 0);
	put_number(batch, attempt->nas_id, 0);
	pg_put_addr(batch, &attempt->nas_address);
	put_number(batch, attempt->nas_port, -1);
	pg_put_text(batch, attempt->nas_port_id);
	pg_put_text(batch, attempt->calling_station_id);
	pg_put_text(batch, attempt->method);
	pg_put_text(batch, attempt->result);
	pg_put_text(batch, attempt->reason);
	pg_put_addr(batch, &attempt->address);
	pg_put_text(batch, attempt->sent);
	pg_put_int(batch, duration_us < INT32_MAX ? duration_us : INT32_MAX);
	put_number(batch, attempt->held_ms, 0);
	pg_put_text(batch, attempt->detail);
}

static void take_nothing(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	(void)item, (void)rows, (void)row;
}

static void store_done(struct lane_item *item, enum lane_outcome outcome)
{
	static struct log_limit limit;
	struct attempt *attempt = attempt_of(item);
	if (outcome == LANE_REFUSED)
		log_event_limited(&limit, LOG_LEVEL_ERROR, "attempt_refused", "refusal=%s",
			log_quote_text(item->refusal));
	end(attempt, outcome == LANE_ANSWERED || outcome == LANE_NO_ROW);
}

static const enum pg_type store_types[] = {PG_TIMESTAMPTZ, PG_TEXT, PG_INT4, PG_INT4, PG_INET,
	PG_INT8, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_INET, PG_TEXT, PG_INT4, PG_INT4,
	PG_TEXT};

const struct lane_call attempts_store_call = {
	.statement = {.name = "auth_attempt_store",
		.sql = "select * from poprad.auth_attempt_store($1::timestamptz[], $2::text[],"
		       " $3::int4[], $4::int4[], $5::inet[], $6::int8[], $7::text[], $8::text[],"
		       " $9::text[], $10::text[], $11::text[], $12::inet[], $13::text[],"
		       " $14::int4[], $15::int4[], $16::text[])",
		.column_count = sizeof store_types / sizeof store_types[0],
		.types = store_types},
	.put = store_put,
	.take = take_nothing,
	.done = store_done,
};

/* Days ------------------------------------------------------------------------------------- */

static void days_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct attempts *attempts =
		(const struct attempts *)((const char *)item - offsetof(struct attempts, days));
	pg_put_int(batch, attempts->worker->conf->attempts_keep_s);
}

static void days_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct attempts *attempts =
		(struct attempts *)((char *)item - offsetof(struct attempts, days));
	attempts->are_days_under_way = false;
	if (outcome == LANE_REFUSED)
		log_event(LOG_LEVEL_ERROR, "attempt_days_refused", "refusal=%s",
			log_quote_text(item->refusal));
}

static const enum pg_type days_types[] = {PG_INT8};

const struct lane_call attempts_days_call = {
	.statement = {.name = "auth_attempt_days",
		.sql = "select * from poprad.auth_attempt_days($1::int8[])",
		.column_count = 1,
		.types = days_types},
	.put = days_put,
	.take = take_nothing,
	.done = days_done,
};

static void keep_days(void *owner)
{
	struct attempts *attempts = owner;
	struct worker *worker = attempts->worker;
	timer_set(worker->timers, &attempts->days_due, clock_mono_ns() + DAYS_EVERY_NS);
	if (attempts->are_days_under_way || !lane_is_up(worker->attempts_lane))
		return;
	attempts->days = (struct lane_item){
		.call = &attempts_days_call, .deadline_ns = TIMER_NEVER, .urgency = LANE_ORDINARY};
	attempts->are_days_under_way = lane_submit(worker->attempts_lane, &attempts->days, 0) == 0;
}

void attempts_lane_up(struct attempts *attempts)
{
	keep_days(attempts);
}

/* ------------------------------------------------------------------------------------------ */

static int attempts_destroy(struct attempts *attempts)
{
	timer_cancel(attempts->worker->timers, &attempts->flush);
	timer_cancel(attempts->worker->timers, &attempts->days_due);
	return 0;
}

struct attempts *attempts_new(TALLOC_CTX *ctx, struct worker *worker)
{
	struct attempts *attempts = mem_must(talloc_zero(ctx, struct attempts));
	attempts->worker = worker;
	STAILQ_INIT(&attempts->gathered);
	timer_init(&attempts->flush, flush, attempts);
	timer_init(&attempts->days_due, keep_days, attempts);
	talloc_set_destructor(attempts, attempts_destroy);
	return attempts;
}
