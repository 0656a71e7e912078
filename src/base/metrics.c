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
#define ROW_CELLS ((METRIC_COUNT + CELLS_PER_LINE - 1) / CELLS_PER_LINE * CELLS_PER_LINE)

struct metrics_page {
	_Atomic uint64_t *cells;
	unsigned workers;
	size_t bytes;
};

static const struct metric_info infos[METRIC_COUNT] = {
#define COUNTER(name, sentence) {#name, sentence, false},
#define GAUGE(name, sentence) {#name, sentence, true},
#define DROP(name, sentence) {"drop_" #name, sentence, false},
#define REJECT(name, reply_message, sentence) {"reject_" #name, sentence, false},
#include "base/metrics.def"
};

static const struct {
	const char *name;
	enum metric metric;
} drops[DROP_COUNT] = {
	[DROP_none] = {"none", METRIC_COUNT},
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DROP(name, sentence) [DROP_##name] = {#name, METRIC_drop_##name},
#define REJECT(name, reply_message, sentence)
#include "base/metrics.def"
};

static const struct {
	const char *name, *reply_message;
	enum metric metric;
} rejects[REJECT_COUNT] = {
	[REJECT_none] = {"none", "", METRIC_COUNT},
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DROP(name, sentence)
#define REJECT(name, reply_message, sentence) \
	[REJECT_##name] = {#name, reply_message, METRIC_reject_##name},
#include "base/metrics.def"
};

static _Atomic uint64_t private_row[ROW_CELLS];
static _Atomic uint64_t *own_row = private_row;

const struct metric_info *metric_info(enum metric metric)
{
	assert(metric < METRIC_COUNT);
	return &infos[metric];
}

const char *drop_name(enum drop drop)
{
	assert(drop < DROP_COUNT);
	return drops[drop].name;
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

static int unmap(struct metrics_page *page)
{
	uintptr_t begin = (uintptr_t)page->cells, own = (uintptr_t)own_row;
	if (own >= begin && own < begin + page->bytes)
		own_row = private_row;
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

void metrics_page_clear_gauges(struct metrics_page *page, unsigned worker)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		if (infos[i].is_gauge)
			atomic_store_explicit(row_of(page, worker) + i, 0, memory_order_relaxed);
}

void metrics_use_row(struct metrics_page *page, unsigned worker)
{
	own_row = row_of(page, worker);
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

/* The row has one writer, so load and store need not be one atomic step. */
void metric_add(enum metric metric, uint64_t n)
{
	metric_set(metric, metric_get(metric) + n);
}

void metric_count_drop(enum drop drop)
{
	assert(drop > DROP_none && drop < DROP_COUNT);
	metric_add(drops[drop].metric, 1);
}

void metric_count_reject(enum reject reject)
{
	assert(reject > REJECT_none && reject < REJECT_COUNT);
	metric_add(rejects[reject].metric, 1);
}
