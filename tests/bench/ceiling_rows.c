/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The values are those that popradload sends, and the database is the benchmark's template: one
 * NAS, one plan, one pool. */
#include "base/mem.h"
#include "ceiling.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CYCLE 5  /* batches: one of Starts and Stops, four of Interim-Updates */
#define NASES 20 /* device addresses */
#define FIRST_NAS UINT32_C(0x7f000101)     /* 127.0.1.1 */
#define FIRST_ADDRESS UINT32_C(0x64400001) /* of the pool 100.64.0.0/14 */
#define POOL_SIZE ((UINT32_C(1) << 18) - 2)
#define ADDRESSES_A_LINE 8 /* that a small run proposes from; a large one has the whole pool */
#define TEST_NETWORK UINT32_C(0xc6120000)
#define OCTETS_A_STEP 1500000

static char port_type[] = "Virtual", service_type[] = "Framed-User", protocol[] = "PPP";
static char authentic[] = "RADIUS", cause[] = "User-Request";

/* A queue of numbers that never holds more than it was made for. */
struct ring {
	uint32_t *items;
	uint32_t size, first, count;
};

struct share {
	const struct ceiling_settings *settings;
	unsigned connection;
	uint32_t line_count;
	uint32_t next;    /* line that logs in next */
	uint64_t batches; /* of records so far, without the first Starts */
	struct ring addresses, startable, open;
	uint32_t *sessions, *steps; /* of each line: how many it had, records of the last one */
	int64_t *started_us;        /* when that began */
	char (*names)[48], (*stations)[24];
	struct nas nas;
	struct plan plan;
	struct conf conf;
	struct worker worker;
};

static struct ring ring_new(TALLOC_CTX *ctx, uint32_t size)
{
	return (struct ring){.items = mem_must(talloc_array(ctx, uint32_t, size)), .size = size};
}

static void ring_put(struct ring *ring, uint32_t item)
{
	assert(ring->count < ring->size);
	ring->items[(ring->first + ring->count++) % ring->size] = item;
}

static uint32_t ring_take(struct ring *ring)
{
	assert(ring->count > 0);
	uint32_t item = ring->items[ring->first];
	ring->first = (ring->first + 1) % ring->size;
	ring->count--;
	return item;
}

static uint32_t line_number(const struct share *share, uint32_t line)
{
	return line * share->settings->connections + share->connection;
}

static void names_write(struct share *share)
{
	for (uint32_t line = 0; line < share->line_count; line++) {
		uint32_t number = line_number(share, line);
		snprintf(share->names[line], sizeof *share->names, "line-%u@isp.example",
			number + 1);
		snprintf(share->stations[line], sizeof *share->stations, "line-%u", number);
	}
}

struct share *share_new(
	TALLOC_CTX *ctx, const struct ceiling_settings *settings, unsigned connection)
{
	struct share *share = mem_must(talloc_zero(ctx, struct share));
	uint32_t few = settings->subscribers * ADDRESSES_A_LINE;
	uint32_t pool_share = (few < POOL_SIZE ? few : POOL_SIZE) / settings->connections;
	share->settings = settings;
	share->connection = connection;
	share->line_count = settings->subscribers / settings->connections;
	share->nas = (struct nas){.nas_id = 1};
	share->plan = (struct plan){
		.plan_id = 1, .pool_id = 1, .policy = {.session_limit = 1, .interim_s = 600}};
	share->conf = (struct conf){.authorised_max = 4, .authorised_s = 60};
	share->worker.conf = &share->conf;
	share->sessions = mem_must(talloc_zero_array(share, uint32_t, share->line_count));
	share->steps = mem_must(talloc_zero_array(share, uint32_t, share->line_count));
	share->started_us = mem_must(talloc_zero_array(share, int64_t, share->line_count));
	share->names = mem_must(talloc_zero_size(share, share->line_count * sizeof *share->names));
	share->stations =
		mem_must(talloc_zero_size(share, share->line_count * sizeof *share->stations));
	names_write(share);
	share->addresses = ring_new(share, pool_share);
	for (uint32_t i = 0; i < pool_share; i++)
		ring_put(&share->addresses, FIRST_ADDRESS + pool_share * connection + i);
	share->startable = ring_new(share, share->line_count);
	share->open = ring_new(share, share->line_count);
	for (uint32_t line = 0; line < share->line_count; line++)
		ring_put(&share->startable, line);
	return share;
}

struct rows *rows_new(TALLOC_CTX *ctx, struct share *share)
{
	struct rows *rows = mem_must(talloc_zero(ctx, struct rows));
	unsigned batch = share->settings->batch;
	rows->share = share;
	rows->requests = mem_must(talloc_zero_array(rows, struct request, batch));
	rows->logins = mem_must(talloc_zero_array(rows, struct login, batch));
	rows->records = mem_must(talloc_zero_array(rows, struct record, batch));
	rows->lines = mem_must(talloc_zero_array(rows, uint32_t, batch));
	for (unsigned row = 0; row < batch; row++)
		rows->requests[row].pool = mem_must(talloc_pool(rows, 4096));
	return rows;
}

struct lane_item *rows_item(const struct rows *rows, const struct lane_call *call, unsigned row)
{
	bool is_login = call == &auth_find_call || call == &auth_admit_call;
	return is_login ? &rows->logins[row].item : &rows->records[row].item;
}

static void fill_request(const struct rows *rows, unsigned row)
{
	struct share *share = rows->share;
	struct request *request = &rows->requests[row];
	uint32_t nas = line_number(share, rows->lines[row]) % NASES;
	talloc_free_children(request->pool);
	request->worker = &share->worker;
	request->nas = &share->nas;
	request->endpoint.remote = addr_from_v4(FIRST_NAS + nas);
	request->arrival_us = clock_wall_us();
	session_key_mint(request->session_key);
}

static struct line line_of(const struct rows *rows, unsigned row)
{
	struct share *share = rows->share;
	uint32_t line = rows->lines[row];
	return (struct line){.user_name = share->names[line],
		.login = share->names[line],
		.nas_address = rows->requests[row].endpoint.remote,
		.nas_port = line_number(share, line),
		.nas_port_type = port_type,
		.calling_station_id = share->stations[line],
		.service_type = service_type,
		.framed_protocol = protocol};
}

bool rows_fill_logins(struct rows *rows)
{
	struct share *share = rows->share;
	bool is_find = share->settings->mode == CEILING_FIND;
	for (rows->count = 0; rows->count < share->settings->batch; rows->count++) {
		unsigned row = rows->count;
		if (share->next == share->line_count && is_find)
			share->next = 0;
		if (share->next == share->line_count)
			break;
		rows->lines[row] = share->next++;
		fill_request(rows, row);
		rows->logins[row] = (struct login){.request = &rows->requests[row],
			.line = line_of(rows, row),
			.wants_address = true,
			.plan = &share->plan,
			.policy = &share->plan.policy,
			.pool_id = share->plan.pool_id,
			.interim_s = share->plan.policy.interim_s};
	}
	return rows->count > 0;
}

void rows_propose(struct rows *rows)
{
	for (unsigned row = 0; row < rows->count; row++) {
		struct proposal *proposal = &rows->logins[row].proposal;
		*proposal = (struct proposal){.round = 1, .count = CANDIDATES_MAX};
		for (size_t i = 0; i < CANDIDATES_MAX; i++)
			proposal->candidates[i] = addr_from_v4(ring_take(&rows->share->addresses));
	}
}

static uint32_t addr_to_v4(const struct addr *addr)
{
	const uint8_t *bytes = addr->bytes;
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

unsigned rows_settle(struct rows *rows)
{
	unsigned failed = 0;
	for (unsigned row = 0; row < rows->count; row++) {
		const struct login *login = &rows->logins[row];
		for (int64_t i = 0; i < CANDIDATES_MAX; i++)
			if (i + 1 != login->admission.used_candidate)
				ring_put(&rows->share->addresses,
					addr_to_v4(&login->proposal.candidates[i]));
		if (!addr_is_set(&login->admission.address))
			failed++;
	}
	return failed;
}

/* Records ---------------------------------------------------------------------------------- */

static void fill_record(struct rows *rows, unsigned row, uint32_t status)
{
	struct share *share = rows->share;
	uint32_t line = rows->lines[row], step = share->steps[line]++;
	uint32_t number = line_number(share, line);
	fill_request(rows, row);
	struct request *request = &rows->requests[row];
	struct record *record = &rows->records[row];
	*record = (struct record){.status = status,
		.line = line_of(rows, row),
		.event_us = request->arrival_us,
		.framed_address = addr_from_v4(TEST_NETWORK + number % (1 << 17)),
		.session_time_s = -1,
		.in_octets = -1,
		.out_octets = -1,
		.in_packets = -1,
		.out_packets = -1};
	acct_begin(record, request);
	record->acct_session_id =
		mem_must(talloc_asprintf(request->pool, "%x-%x", number, share->sessions[line]));
	record->authentic = authentic;
	if (status == ACCT_START) {
		share->started_us[line] = record->event_us;
		return;
	}
	record->session_time_s = (record->event_us - share->started_us[line]) / US_PER_S;
	record->in_octets = (int64_t)step * OCTETS_A_STEP;
	record->out_octets = record->in_octets * 8;
	record->in_packets = record->in_octets / 600;
	record->out_packets = record->out_octets / 1200;
	record->has_gigawords = true;
	if (status == ACCT_STOP)
		record->terminate_cause = cause;
}

static void take_start(struct rows *rows, unsigned row)
{
	struct share *share = rows->share;
	uint32_t line = ring_take(&share->startable);
	share->sessions[line]++;
	share->steps[line] = 0;
	rows->lines[row] = line;
	fill_record(rows, row, ACCT_START);
	ring_put(&share->open, line);
}

bool rows_fill_starts(struct rows *rows)
{
	struct share *share = rows->share;
	for (rows->count = 0; rows->count < share->settings->batch; rows->count++) {
		if (share->open.count >= share->line_count / 2)
			break;
		take_start(rows, rows->count);
	}
	return rows->count > 0;
}

static void take_open(struct rows *rows, unsigned row, uint32_t status)
{
	struct share *share = rows->share;
	uint32_t line = ring_take(&share->open);
	rows->lines[row] = line;
	fill_record(rows, row, status);
	ring_put(status == ACCT_STOP ? &share->startable : &share->open, line);
}

const struct lane_call *rows_fill_records(struct rows *rows)
{
	struct share *share = rows->share;
	bool is_interims = share->batches++ % CYCLE != 0;
	for (rows->count = 0; rows->count < share->settings->batch; rows->count++) {
		if (is_interims)
			take_open(rows, rows->count, ACCT_INTERIM);
		else if (rows->count % 2 == 0)
			take_start(rows, rows->count);
		else
			take_open(rows, rows->count, ACCT_STOP);
	}
	return is_interims ? &acct_interim_call : &acct_session_call;
}
