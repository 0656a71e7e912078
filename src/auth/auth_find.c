/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Looks the subscriber up: one row of a batch on the login lane. */
#include "auth/auth.h"
#include "auth/login.h"
#include "base/mem.h"
#include "request/trace.h"
#include <string.h>

enum find_column {
	FIND_ORD,
	FIND_SUBSCRIBER_ID,
	FIND_PLAN_ID,
	FIND_STATUS,
	FIND_EXPIRES_AT,
	FIND_PASSWORD,
	FIND_STATIC_ADDRESS,
	FIND_POLICY,
	FIND_ATTRIBUTES,
	FIND_FRAMED_PREFIX,
	FIND_DELEGATED_PREFIX,
};

static struct step_result find(struct request *request, const struct lane_call *call)
{
	struct login *login = login_of(request);
	login->item = (struct lane_item){.call = call, .urgency = LANE_URGENT};
	/* Half of the NAS's patience: behind a longer queue the answer would come too late, and the
	 * work for it would only make the others late too. */
	return request_submit(request, request->worker->login_lane, &login->item,
		request_patience_ns(request) / 2);
}

struct step_result auth_find(struct request *request)
{
	return find(request,
		catalog_has_quotas(request->catalog) ? &auth_find_metered_call : &auth_find_call);
}

struct step_result auth_find_again(struct request *request)
{
	request->next_step = request->step;
	return find(request, &auth_find_metered_call);
}

static void find_put(const struct lane_item *item, struct pg_batch *batch)
{
	pg_put_text(batch, login_of_item(item)->line.login);
}

static char *copy_text(TALLOC_CTX *ctx, const char *text)
{
	return text != NULL ? mem_must(talloc_strdup(ctx, text)) : NULL;
}

static int32_t read_id(const struct pg_rows *rows, size_t row, unsigned column)
{
	int64_t id = 0;
	return pg_read_int(rows, row, column, &id) ? (int32_t)id : 0;
}

static void find_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct login *login = login_of_item(item);
	struct subscriber *subscriber = &login->subscriber;
	TALLOC_CTX *pool = login->request->pool;
	const char *status = pg_read_text(rows, row, FIND_STATUS);

	subscriber->is_found = true;
	subscriber->subscriber_id = read_id(rows, row, FIND_SUBSCRIBER_ID);
	subscriber->plan_id = read_id(rows, row, FIND_PLAN_ID);
	subscriber->is_active = status != NULL && strcmp(status, "active") == 0;
	if (!pg_read_time(rows, row, FIND_EXPIRES_AT, &subscriber->expires_us))
		subscriber->expires_us = INT64_MAX;
	subscriber->password = copy_text(pool, pg_read_text(rows, row, FIND_PASSWORD));
	if (!pg_read_addr(rows, row, FIND_STATIC_ADDRESS, &subscriber->static_address))
		subscriber->static_address = (struct addr){0};
	subscriber->policy = copy_text(pool, pg_read_text(rows, row, FIND_POLICY));
	subscriber->attributes = copy_text(pool, pg_read_text(rows, row, FIND_ATTRIBUTES));
	subscriber->static_prefixes = (struct prefixes){0};
	struct prefixes *fixed = &subscriber->static_prefixes;
	if (!pg_read_prefix(rows, row, FIND_FRAMED_PREFIX, &fixed->framed) ||
		fixed->framed.addr.family != 6)
		fixed->framed = (struct prefix){0};
	if (!pg_read_prefix(rows, row, FIND_DELEGATED_PREFIX, &fixed->delegated) ||
		fixed->delegated.addr.family != 6)
		fixed->delegated = (struct prefix){0};
}

static void say_found(struct request *request)
{
	const struct subscriber *subscriber = &login_of(request)->subscriber;
	if (subscriber->is_found)
		trace_say(request, "subscriber %d, plan %d, %s%s%s", subscriber->subscriber_id,
			subscriber->plan_id, subscriber->is_active ? "active" : "suspended",
			addr_is_set(&subscriber->static_address) ? ", static address" : "",
			prefixes_are_set(&subscriber->static_prefixes) ? ", static prefixes" : "");
	else
		trace_say(request, "there is no such subscriber");
}

static void find_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct request *request = login_of_item(item)->request;
	if (!request_lane_done(request, outcome))
		return;
	if (request->trace != NULL)
		say_found(request);
	request_resume(request);
}

static const enum pg_type find_types[] = {PG_TEXT};

const struct lane_call auth_find_call = {
	.statement = {.name = "find",
		.sql = "select * from poprad.find($1::text[])",
		.column_count = 1,
		.types = find_types},
	.is_rehearsed = true,
	.put = find_put,
	.take = find_take,
	.done = find_done,
};

/* The same with what is used of quotas: dearer, and asked only where somebody has one. */
const struct lane_call auth_find_metered_call = {
	.statement = {.name = "find_metered",
		.sql = "select * from poprad.find_metered($1::text[])",
		.column_count = 1,
		.types = find_types},
	.put = find_put,
	.take = find_take,
	.done = find_done,
};
