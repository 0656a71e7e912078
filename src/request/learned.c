/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "request/learned.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/timer.h"
#include <uthash.h>

/* Sources waiting to be stored: more than an operator has access servers. Past it a source is
 * learned when it next signs a request. */
#define SOURCES_MAX 4096

struct source {
	UT_hash_handle hh;
	struct addr addr;
	int32_t nas_id;
	bool is_stored;
	struct lane_item item;
	struct learned *learned;
};

struct learned {
	struct source *by_addr;
	struct lane *lane;
};

static int learned_free_hash(struct learned *learned)
{
	HASH_CLEAR(hh, learned->by_addr);
	return 0;
}

struct learned *learned_new(TALLOC_CTX *ctx, struct lane *lane)
{
	struct learned *learned = mem_must(talloc_zero(ctx, struct learned));
	learned->lane = lane;
	talloc_set_destructor(learned, learned_free_hash);
	return learned;
}

static struct source *find(const struct learned *learned, const struct addr *addr)
{
	struct source *source;
	HASH_FIND(hh, learned->by_addr, addr, sizeof *addr, source);
	return source;
}

static void forget(struct source *source)
{
	HASH_DEL(source->learned->by_addr, source);
	talloc_free(source);
}

bool learned_has(const struct learned *learned, const struct addr *addr)
{
	return find(learned, addr) != NULL;
}

void learned_add(struct learned *learned, const struct addr *addr, int32_t nas_id)
{
	char text[ADDR_TEXT_MAX];
	if (find(learned, addr) != NULL || HASH_COUNT(learned->by_addr) >= SOURCES_MAX)
		return;
	struct source *source = mem_must(talloc_zero(learned, struct source));
	source->addr = *addr;
	source->nas_id = nas_id;
	source->learned = learned;
	source->item = (struct lane_item){
		.call = &learned_call, .deadline_ns = TIMER_NEVER, .urgency = LANE_ORDINARY};
	HASH_ADD(hh, learned->by_addr, addr, sizeof source->addr, source);
	metric_add(METRIC_message_authenticator_learned, 1);
	log_event(LOG_LEVEL_INFO, "message_authenticator_learned", "source=%s nas_id=%d",
		addr_format(addr, text), nas_id);
	if (lane_submit(learned->lane, &source->item, 0) != 0)
		forget(source); /* it is learned again from its next request */
}

/* A source stored before this snapshot was asked for is in it; one stored meanwhile brings a newer
 * snapshot at once, for its row raised the catalog's version. */
void learned_use_catalog(struct learned *learned)
{
	struct source *source, *next;
	HASH_ITER (hh, learned->by_addr, source, next) {
		if (source->is_stored)
			forget(source);
	}
}

/* The database call ------------------------------------------------------------------------ */

static struct source *source_of(const struct lane_item *item)
{
	return (struct source *)((char *)item - offsetof(struct source, item));
}

static void learned_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct source *source = source_of(item);
	pg_put_addr(batch, &source->addr);
	pg_put_int(batch, source->nas_id);
}

static void learned_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	(void)item, (void)rows, (void)row;
}

static void learned_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct source *source = source_of(item);
	if (outcome == LANE_ANSWERED || outcome == LANE_NO_ROW) {
		source->is_stored = true;
		return;
	}
	/* The NAS's record has gone meanwhile. */
	log_event(LOG_LEVEL_WARNING, "message_authenticator_not_stored", "nas_id=%d refusal=%s",
		source->nas_id, log_quote_text(item->refusal));
	forget(source);
}

static const enum pg_type learned_types[] = {PG_INET, PG_INT4};

const struct lane_call learned_call = {
	.statement = {.name = "learn_message_authenticator",
		.sql = "select * from poprad.learn_message_authenticator($1::inet[], $2::int4[])",
		.column_count = 2,
		.types = learned_types},
	.put = learned_put,
	.take = learned_take,
	.done = learned_done,
};
