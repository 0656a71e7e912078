/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Opens the session: the worker proposes addresses, the database decides, counts the subscriber's
 * sessions and keeps the row, all in one call on the login lane. If others were faster with every
 * proposed address, the login comes again with new ones and the same session key; after ROUNDS_MAX
 * rounds the database looks for an address itself, and its answer alone can mean that the pool is
 * exhausted.
 *
 * A session that stands in the way of the limit may be over, and its Stop lie in the spool. Which
 * access servers' records lie there no worker knows of the others, but an outage sends all of them
 * there; so while the spool holds anything the limit keeps nobody out. If the other session does
 * not end, this one is marked over_limit when it begins, as whenever two begin at a time. */
#include "auth/auth.h"
#include "auth/exhausted.h"
#include "auth/login.h"
#include "request/trace.h"
#include "spool/spool.h"
#include <string.h>

#define ROUNDS_MAX 3

enum admit_column {
	ADMIT_ORD,
	ADMIT_REASON,
	ADMIT_SESSION_KEY,
	ADMIT_ADDRESS,
	ADMIT_USED,
	ADMIT_FRAMED_PREFIX,
	ADMIT_DELEGATED_PREFIX,
};

/* Proposals -------------------------------------------------------------------------------- */

static bool draws_from_pool(const struct login *login)
{
	return login->wants_address && login->pool_id != 0 &&
	       !addr_is_set(&login->subscriber.static_address);
}

/* Fills the next round's candidates. The database tries the subscriber's last address before them.
 */
static void take_candidates(struct login *login)
{
	struct proposal *proposal = &login->proposal;
	proposal->round++;
	proposal->count = 0;
	if (!draws_from_pool(login) || proposal->is_search)
		return;
	proposal->count = freelist_take(login->request->worker->freelist, login->pool_id,
		login->request->nas->nas_group_id, CANDIDATES_MAX, proposal->candidates);
}

static bool pool_is_exhausted(const struct login *login)
{
	const struct request *request = login->request;
	return exhausted_has(request->worker->exhausted, login->pool_id, request->nas->nas_group_id,
		clock_mono_ns());
}

/* The candidates before the one that was used are another's, those behind it were not touched. */
static void settle_candidates(struct login *login)
{
	struct freelist *list = login->request->worker->freelist;
	struct proposal *proposal = &login->proposal;
	size_t used = (size_t)login->admission.used_candidate;
	size_t lost = login->admission.is_outrun ? proposal->count : used > 0 ? used - 1 : 0;
	size_t next = login->admission.is_outrun ? proposal->count : used;

	metric_add(METRIC_candidates_lost, lost);
	for (size_t n = next; n < proposal->count; n++)
		freelist_put_back(list, &proposal->candidates[n]);
	proposal->count = 0;
	/* It may be listed all the same: his last one, or one that the database found. */
	freelist_remove(list, &login->admission.address);
}

static struct step_result propose(struct login *login)
{
	/* No bound on the queue: the work done so far would be lost. */
	return request_submit(login->request, login->request->worker->login_lane, &login->item, 0);
}

static struct step_result propose_again(struct login *login)
{
	if (login->proposal.round < ROUNDS_MAX) {
		take_candidates(login);
		if (login->proposal.count > 0)
			return propose(login);
	}
	if (pool_is_exhausted(login)) {
		login->verdict = REJECT_pool_exhausted;
		return NEXT;
	}
	login->proposal.is_search = true;
	return propose(login);
}

struct step_result auth_admit(struct request *request)
{
	struct login *login = login_of(request);
	login->item = (struct lane_item){
		.call = prefixes_are_wanted(login) || quota_is_watched(&login->quota_left)
				? &auth_admit_whole_call
				: &auth_admit_call,
		.urgency = LANE_URGENT};
	take_candidates(login);
	prefixes_look_at_pools(login);
	/* Nothing to propose, and nothing known of the pool. A pool known to be full is not
	 * searched, but asked all the same: the subscriber may have a session on the line to take
	 * over. */
	login->proposal.is_search =
		draws_from_pool(login) && login->proposal.count == 0 && !pool_is_exhausted(login);
	return propose(login);
}

/* The database call ------------------------------------------------------------------------ */

/* More seconds than the column holds are as good as for ever. */
static void put_seconds(struct pg_batch *batch, uint32_t seconds)
{
	pg_put_int(batch, seconds < INT32_MAX ? seconds : INT32_MAX);
}

/* Negative is null. */
static void put_known(struct pg_batch *batch, int64_t value)
{
	if (value >= 0)
		pg_put_int(batch, value);
	else
		pg_put_null(batch);
}

static void put_session(const struct login *login, struct pg_batch *batch)
{
	const struct request *request = login->request;
	pg_put_uuid(batch, request->session_key);
	pg_put_int(batch, login->subscriber.subscriber_id);
	pg_put_int(batch, login->plan->plan_id);
	pg_put_int(batch, login->pool_id);
	pg_put_int(batch, request->nas->nas_group_id);
	pg_put_addr(batch, &login->subscriber.static_address);
	pg_put_bool(batch, login->wants_address);
	pg_put_int(batch, login->is_limit_waived ? 0 : login->policy->session_limit);
	put_seconds(batch, login->interim_s);
	put_seconds(batch, login->session_timeout_s);
	pg_put_bool(batch, request->nas->no_accounting);
}

static void put_line(const struct login *login, struct pg_batch *batch)
{
	const struct line *line = &login->line;
	char class[SESSION_CLASS_SIZE + 1];
	session_class_format(login->request->session_key, class);
	pg_put_int(batch, login->request->nas->nas_id);
	pg_put_addr(batch, &login->request->endpoint.remote);
	pg_put_addr(batch, &line->nas_address);
	pg_put_text(batch, line->nas_identifier);
	put_known(batch, line->nas_port);
	pg_put_text(batch, line->nas_port_id);
	pg_put_text(batch, line->nas_port_type);
	pg_put_text(batch, line->calling_station_id);
	pg_put_text(batch, line->called_station_id);
	pg_put_text(batch, line->user_name);
	pg_put_text(batch, line->service_type);
	pg_put_text(batch, line->framed_protocol);
	pg_put_text(batch, class);
}

static void admit_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct login *login = login_of_item(item);
	const struct proposal *proposal = &login->proposal;
	const struct conf *conf = login->request->worker->conf;
	static const struct addr none;
	put_session(login, batch);
	put_line(login, batch);
	for (size_t n = 0; n < CANDIDATES_MAX; n++)
		pg_put_addr(batch, n < proposal->count ? &proposal->candidates[n] : &none);
	pg_put_bool(batch, proposal->is_search);
	pg_put_int(batch, conf->authorised_max);
	pg_put_int(batch, conf->authorised_s);
	pg_put_text(batch, login->learns_station);
}

static void admit_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct login *login = login_of_item(item);
	struct admission *admission = &login->admission;
	const char *reason = pg_read_text(rows, row, ADMIT_REASON);
	*admission = (struct admission){0};
	if (reason == NULL)
		reason = "";
	admission->is_outrun = strcmp(reason, "candidates_taken") == 0;
	login->verdict = reject_find(reason);
	admission->is_unknown =
		login->verdict == REJECT_none && !admission->is_outrun && strcmp(reason, "ok") != 0;
	if (!pg_read_uuid(rows, row, ADMIT_SESSION_KEY, admission->session_key))
		memcpy(admission->session_key, login->request->session_key, SESSION_KEY_SIZE);
	if (!pg_read_addr(rows, row, ADMIT_ADDRESS, &admission->address))
		admission->address = (struct addr){0};
	if (!pg_read_int(rows, row, ADMIT_USED, &admission->used_candidate) ||
		admission->used_candidate < 0 ||
		admission->used_candidate > (int64_t)login->proposal.count)
		admission->used_candidate = 0;
}

static void whole_put(const struct lane_item *item, struct pg_batch *batch)
{
	const struct login *login = login_of_item(item);
	admit_put(item, batch);
	pg_put_prefix(batch, &login->prefixes.framed);
	pg_put_prefix(batch, &login->prefixes.delegated);
	pg_put_int(batch, login->framed_pool_id);
	pg_put_int(batch, login->delegated_pool_id);
	pg_put_bool(batch, login->prefix_search);
	pg_put_bool(batch, login->plan->prefix_required);
	struct quota_allowance allowance =
		quota_allowance(&login->quota_left, login->policy->session_limit);
	put_known(batch, allowance.seconds);
	put_known(batch, allowance.octets_in);
	put_known(batch, allowance.octets_out);
}

static void whole_take(struct lane_item *item, const struct pg_rows *rows, size_t row)
{
	struct login *login = login_of_item(item);
	struct prefixes *prefixes = &login->admission.prefixes;
	admit_take(item, rows, row);
	if (!pg_read_prefix(rows, row, ADMIT_FRAMED_PREFIX, &prefixes->framed))
		prefixes->framed = (struct prefix){0};
	if (!pg_read_prefix(rows, row, ADMIT_DELEGATED_PREFIX, &prefixes->delegated))
		prefixes->delegated = (struct prefix){0};
}

static void say_admission(struct request *request)
{
	const struct login *login = login_of(request);
	char address[ADDR_TEXT_MAX], prefixes[PREFIXES_TEXT_MAX];
	if (login->admission.is_outrun)
		trace_say(request, "all %zu proposed addresses had just been taken",
			login->proposal.count);
	else if (login->verdict != REJECT_none)
		trace_say(request, "%s", reject_name(login->verdict));
	else if (addr_is_set(&login->admission.address) ||
		 prefixes_are_set(&login->admission.prefixes))
		trace_say(request, "address %s%s, in round %u",
			addr_format(&login->admission.address, address),
			prefixes_format(&login->admission.prefixes, prefixes),
			login->proposal.round);
}

static bool stop_may_be_spooled(const struct login *login)
{
	return login->verdict == REJECT_session_limit && !login->is_limit_waived &&
	       !spool_is_empty(login->request->worker->spool);
}

static struct step_result admit_beyond_limit(struct login *login)
{
	struct request *request = login->request;
	login->is_limit_waived = true;
	login->verdict = REJECT_none;
	metric_add(METRIC_limits_waived, 1);
	if (request->trace != NULL)
		trace_say(request, "not rejected: a Stop may lie in the spool");
	return auth_admit(request);
}

static struct step_result go_on(struct login *login)
{
	if (stop_may_be_spooled(login))
		return admit_beyond_limit(login);
	return login->admission.is_outrun ? propose_again(login) : NEXT;
}

static void admit_done(struct lane_item *item, enum lane_outcome outcome)
{
	struct login *login = login_of_item(item);
	struct request *request = login->request;
	if (!request_lane_done(request, outcome))
		return;
	if (outcome == LANE_NO_ROW || login->admission.is_unknown) {
		/* Not a reject: nothing has been decided. */
		request->note =
			outcome == LANE_NO_ROW
				? "why=\"the subscriber changed while logging in\""
				: "why=\"the database gave a reason unknown to this version\"";
		request_drop(request, DROP_database);
		return;
	}
	if (request->trace != NULL)
		say_admission(request);
	settle_candidates(login);
	if (login->item.call == &auth_admit_whole_call)
		prefixes_mark_exhausted(login);
	if (login->verdict == REJECT_pool_exhausted)
		exhausted_mark(request->worker->exhausted, login->pool_id,
			request->nas->nas_group_id, clock_mono_ns());
	request_act(request, go_on(login));
}

/* Both forms ask for the same; the second has what few need, prefixes and allowances, so that
 * nobody else pays for it. */
#define RARE_TYPES 9
static const enum pg_type admit_types[] = {
	PG_UUID, PG_INT4, PG_INT4, PG_INT4, PG_INT4, PG_INET, PG_BOOL, /* key .. wants_address */
	PG_INT4, PG_INT4, PG_INT4, PG_BOOL,                            /* limit .. no_accounting */
	PG_INT4, PG_INET, PG_INET, PG_TEXT,                            /* nas_id .. identifier */
	PG_INT8, PG_TEXT, PG_TEXT,                                     /* port, id, type */
	PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT,          /* calling .. class */
	PG_INET, PG_INET, PG_INET, PG_INET, PG_BOOL,                   /* candidates, search */
	PG_INT4, PG_INT4, PG_TEXT, /* authorised max, s, station to learn */
	PG_INET, PG_INET, PG_INT4, PG_INT4, PG_BOOL,
	PG_BOOL,                   /* prefixes, pools, search, required */
	PG_INT8, PG_INT8, PG_INT8, /* allowance */
};

#define ADMIT_TYPES (sizeof admit_types / sizeof admit_types[0])
#define ADMIT_PARAMETERS                                                                       \
	"$1::uuid[], $2::int4[], $3::int4[], $4::int4[], $5::int4[], $6::inet[], $7::bool[], " \
	"$8::int4[], $9::int4[], $10::int4[], $11::bool[], $12::int4[], $13::inet[], "         \
	"$14::inet[], $15::text[], $16::int8[], $17::text[], $18::text[], $19::text[], "       \
	"$20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::inet[], "       \
	"$26::inet[], $27::inet[], $28::inet[], $29::bool[], $30::int4[], $31::int4[], "       \
	"$32::text[]"

const struct lane_call auth_admit_call = {
	.statement = {.name = "admit",
		.sql = "select ord, reason, session_key, address, used_candidate"
		       " from poprad.admit(" ADMIT_PARAMETERS ")",
		.column_count = ADMIT_TYPES - RARE_TYPES,
		.types = admit_types},
	.is_rehearsed = true,
	.put = admit_put,
	.take = admit_take,
	.done = admit_done,
};

const struct lane_call auth_admit_whole_call = {
	.statement = {.name = "admit_whole",
		.sql = "select * from poprad.admit(" ADMIT_PARAMETERS ", $33::inet[], $34::inet[]"
		       ", $35::int4[], $36::int4[], $37::bool[], $38::bool[], $39::int8[]"
		       ", $40::int8[], $41::int8[])",
		.column_count = ADMIT_TYPES,
		.types = admit_types},
	.put = whole_put,
	.take = whole_take,
	.done = admit_done,
};
