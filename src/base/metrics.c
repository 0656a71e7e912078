/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The page is a sealed memfd: its size cannot change, so a broken worker cannot make the master's
 * reads fault. A row begins on a cache line of its own, so workers do not slow each other. */
#include "base/metrics.h"
#include "base/mem.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_LINE_BYTES 64
#define CELLS_PER_LINE (CACHE_LINE_BYTES / sizeof(uint64_t))
/* A row: the numbers, then of each distribution the sum and the buckets. */
#define DISTRIBUTION_CELLS (1 + DISTRIBUTION_BUCKETS)
#define USED_CELLS (METRIC_COUNT + DISTRIBUTION_COUNT * DISTRIBUTION_CELLS)
#define ROW_CELLS ((USED_CELLS + CELLS_PER_LINE - 1) / CELLS_PER_LINE * CELLS_PER_LINE)

struct metrics_page {
	_Atomic uint64_t *cells;
	unsigned workers;
	size_t bytes;
};

static const struct metric_info infos[METRIC_COUNT] = {
#define COUNTER(name, sentence) {#name, sentence, false},
#define GAUGE(name, sentence) {#name, sentence, true},
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence) {"drop_" #name, sentence, false},
#define REJECT(name, reply_message, sentence, help, customer) {"reject_" #name, sentence, false},
#include "base/metrics.def"
};

static const struct metric_info distribution_infos[DISTRIBUTION_COUNT] = {
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence) {#name, sentence, false},
#define DROP(name, sentence)
#define REJECT(name, reply_message, sentence, help, customer)
#include "base/metrics.def"
};

static const struct {
	const char *name;
	enum metric metric;
} drops[DROP_COUNT] = {
	[DROP_none] = {"none", METRIC_COUNT},
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence) [DROP_##name] = {#name, METRIC_drop_##name},
#define REJECT(name, reply_message, sentence, help, customer)
#include "base/metrics.def"
};

static const struct {
	const char *name, *reply_message;
	enum metric metric;
} rejects[REJECT_COUNT] = {
	[REJECT_none] = {"none", "", METRIC_COUNT},
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence)
#define REJECT(name, reply_message, sentence, help, customer) \
	[REJECT_##name] = {#name, reply_message, METRIC_reject_##name},
#include "base/metrics.def"
};

static const struct advice advices[] = {
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence)
#define LOGIN_DROP(name, sentence, help, customer) {#name, sentence, help, customer},
#define REJECT(name, reply_message, sentence, help, customer) {#name, sentence, help, customer},
#include "base/metrics.def"
};

static const bool drop_attempts[DROP_COUNT] = {
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence)
#define LOGIN_DROP(name, sentence, help, customer) [DROP_##name] = true,
#define REJECT(name, reply_message, sentence, help, customer)
#include "base/metrics.def"
};

static _Atomic uint64_t private_row[ROW_CELLS];
static _Atomic uint64_t *own_row = private_row;
static const struct metrics_page *own_page; /* that own_row is in; NULL = in none */

const struct metric_info *metric_info(enum metric metric)
{
	assert(metric < METRIC_COUNT);
	return &infos[metric];
}

const struct metric_info *metric_distribution_info(enum metric_distribution which)
{
	assert(which < DISTRIBUTION_COUNT);
	return &distribution_infos[which];
}

const char *drop_name(enum drop drop)
{
	assert(drop < DROP_COUNT);
	return drops[drop].name;
}

enum metric drop_metric(enum drop drop)
{
	assert(drop > DROP_none && drop < DROP_COUNT);
	return drops[drop].metric;
}

const char *reject_name(enum reject reject)
{
	assert(reject < REJECT_COUNT);
	return rejects[reject].name;
}

const char *reject_reply_message(enum reject reject)
{
	assert(reject < REJECT_COUNT);
	return rejects[reject].reply_message;
}

enum reject reject_find(const char *name)
{
	for (enum reject reject = REJECT_none + 1; reject < REJECT_COUNT; reject++)
		if (strcmp(rejects[reject].name, name) == 0)
			return reject;
	return REJECT_none;
}

const struct advice *advice_find(const char *reason)
{
	for (size_t n = 0; n < sizeof advices / sizeof advices[0]; n++)
		if (strcmp(advices[n].reason, reason) == 0)
			return &advices[n];
	return NULL;
}

bool drop_is_attempt(enum drop drop)
{
	assert(drop < DROP_COUNT);
	return drop_attempts[drop];
}

static int unmap(struct metrics_page *page)
{
	uintptr_t begin = (uintptr_t)page->cells, own = (uintptr_t)own_row;
	if (own >= begin && own < begin + page->bytes) {
		own_row = private_row;
		own_page = NULL;
	}
	munmap((void *)begin, page->bytes);
	return 0;
}

static size_t page_bytes(unsigned workers)
{
	return (size_t)workers * ROW_CELLS * sizeof(uint64_t);
}

static struct metrics_page *map(TALLOC_CTX *ctx, int fd, unsigned workers)
{
	size_t bytes = page_bytes(workers);
	void *cells = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (cells == MAP_FAILED)
		return NULL;
	struct metrics_page *page = mem_must(talloc(ctx, struct metrics_page));
	*page = (struct metrics_page){.cells = cells, .workers = workers, .bytes = bytes};
	talloc_set_destructor(page, unmap);
	return page;
}

struct metrics_page *metrics_page_new(TALLOC_CTX *ctx, unsigned workers, int *fd)
{
	int created = memfd_create("poprad-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (created < 0)
		return NULL;
	struct metrics_page *page = NULL;
	if (ftruncate(created, (off_t)page_bytes(workers)) == 0 &&
		fcntl(created, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		page = map(ctx, created, workers);
	if (page == NULL) {
		int saved_errno = errno;
		close(created);
		errno = saved_errno;
		return NULL;
	}
	*fd = created;
	return page;
}

struct metrics_page *metrics_page_attach(TALLOC_CTX *ctx, int fd, unsigned workers)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return NULL;
	if ((size_t)status.st_size != page_bytes(workers)) {
		errno = EINVAL;
		return NULL;
	}
	return map(ctx, fd, workers);
}

static _Atomic uint64_t *row_of(const struct metrics_page *page, unsigned worker)
{
	assert(worker < page->workers);
	return page->cells + worker * ROW_CELLS;
}

uint64_t metrics_page_read(const struct metrics_page *page, unsigned worker, enum metric metric)
{
	assert(metric < METRIC_COUNT);
	return atomic_load_explicit(row_of(page, worker) + metric, memory_order_relaxed);
}

static _Atomic uint64_t *distribution_cells(_Atomic uint64_t *row, enum metric_distribution which)
{
	assert(which < DISTRIBUTION_COUNT);
	return row + METRIC_COUNT + which * DISTRIBUTION_CELLS;
}

/* The cells are read one by one while their writer goes on: what comes meanwhile may be in some of
 * them only. */
static void read_distribution(
	_Atomic uint64_t *row, enum metric_distribution which, struct distribution *distribution)
{
	_Atomic uint64_t *cells = distribution_cells(row, which);
	distribution->sum = atomic_load_explicit(cells, memory_order_relaxed);
	for (unsigned i = 0; i < DISTRIBUTION_BUCKETS; i++)
		distribution->buckets[i] =
			atomic_load_explicit(cells + 1 + i, memory_order_relaxed);
}

void metrics_page_read_distribution(const struct metrics_page *page, unsigned worker,
	enum metric_distribution which, struct distribution *distribution)
{
	read_distribution(row_of(page, worker), which, distribution);
}

void metrics_page_clear_gauges(struct metrics_page *page, unsigned worker)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		if (infos[i].is_gauge)
			atomic_store_explicit(row_of(page, worker) + i, 0, memory_order_relaxed);
}

void metrics_use_row(struct metrics_page *page, unsigned worker)
{
	own_row = row_of(page, worker);
	own_page = page;
}

void metric_set(enum metric metric, uint64_t value)
{
	assert(metric < METRIC_COUNT);
	atomic_store_explicit(own_row + metric, value, memory_order_relaxed);
}

uint64_t metric_get(enum metric metric)
{
	assert(metric < METRIC_COUNT);
	return atomic_load_explicit(own_row + metric, memory_order_relaxed);
}

uint64_t metric_total(enum metric metric)
{
	uint64_t total = own_page == NULL ? metric_get(metric) : 0;
	for (unsigned worker = 0; own_page != NULL && worker < own_page->workers; worker++)
		total += metrics_page_read(own_page, worker, metric);
	return total;
}

/* The row has one writer, so load and store need not be one atomic step. */
static void cell_add(_Atomic uint64_t *cell, uint64_t n)
{
	uint64_t value = atomic_load_explicit(cell, memory_order_relaxed);
	atomic_store_explicit(cell, value + n, memory_order_relaxed);
}

void metric_add(enum metric metric, uint64_t n)
{
	assert(metric < METRIC_COUNT);
	cell_add(own_row + metric, n);
}

void metric_observe(enum metric_distribution which, uint64_t value)
{
	_Atomic uint64_t *cells = distribution_cells(own_row, which);
	cell_add(cells, value);
	cell_add(cells + 1 + distribution_bucket(value), 1);
}

void metric_get_distribution(enum metric_distribution which, struct distribution *distribution)
{
	read_distribution(own_row, which, distribution);
}

void metric_count_drop(enum drop drop)
{
	metric_add(drop_metric(drop), 1);
}

void metric_count_reject(enum reject reject)
{
	assert(reject > REJECT_none && reject < REJECT_COUNT);
	metric_add(rejects[reject].metric, 1);
}
