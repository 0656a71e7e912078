/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Counters in a page shared by the master and its workers. Each worker writes only its own row,
 * with relaxed stores, so there are no locks; the master adds the rows up. Every counter, drop
 * reason and reject reason is a line of metrics.def, with the sentence that the manual prints. */
#include "base/distribution.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

enum metric {
#define COUNTER(name, sentence) METRIC_##name,
#define GAUGE(name, sentence) METRIC_##name,
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence) METRIC_drop_##name,
#define REJECT(name, reply_message, sentence, help, customer) METRIC_reject_##name,
#include "base/metrics.def"
	METRIC_COUNT
};

/* What is kept as a distribution (base/distribution.h). */
enum metric_distribution {
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence) DISTRIBUTION_##name,
#define DROP(name, sentence)
#define REJECT(name, reply_message, sentence, help, customer)
#include "base/metrics.def"
	DISTRIBUTION_COUNT
};

/* Why a packet got no answer. DROP_none: it was not dropped. */
enum drop {
	DROP_none,
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence) DROP_##name,
#define REJECT(name, reply_message, sentence, help, customer)
#include "base/metrics.def"
	DROP_COUNT
};

/* Why a login was refused. REJECT_none: it was not. */
enum reject {
	REJECT_none,
#define COUNTER(name, sentence)
#define GAUGE(name, sentence)
#define DISTRIBUTION(name, sentence)
#define DROP(name, sentence)
#define REJECT(name, reply_message, sentence, help, customer) REJECT_##name,
#include "base/metrics.def"
	REJECT_COUNT
};

struct metric_info {
	const char *name; /* "drop_unknown_nas" */
	const char *sentence;
	bool is_gauge; /* goes up and down; everything else only grows */
};
const struct metric_info *metric_info(enum metric metric);
const struct metric_info *metric_distribution_info(enum metric_distribution which);

const char *drop_name(enum drop drop);
enum metric drop_metric(enum drop drop);
const char *reject_name(enum reject reject);
const char *reject_reply_message(enum reject reject);
/* The reject with that name (the SQL functions return names), or REJECT_none. */
enum reject reject_find(const char *name);

/* What to do about a login that failed, by the reason's name, of a reject or of a drop. */
struct advice {
	const char *reason;
	const char *sentence; /* what is wrong */
	const char *help;     /* what the help desk can do */
	const char *customer; /* what may be told to the customer */
};
/* NULL: a reason that login attempts do not have. */
const struct advice *advice_find(const char *reason);
/* Does a drop for this reason count as a login attempt? */
bool drop_is_attempt(enum drop drop);

/* Rows for `workers` processes in anonymous memory that survives fork and, through its descriptor,
 * exec (the descriptor is close-on-exec: who starts a worker hands it over). Freeing the page does
 * not close it. NULL: see errno; EINVAL if the memory was made for another number of workers. */
struct metrics_page;
struct metrics_page *metrics_page_new(TALLOC_CTX *ctx, unsigned workers, int *fd) MUST_CHECK;
struct metrics_page *metrics_page_attach(TALLOC_CTX *ctx, int fd, unsigned workers) MUST_CHECK;
uint64_t metrics_page_read(const struct metrics_page *page, unsigned worker, enum metric metric);
void metrics_page_read_distribution(const struct metrics_page *page, unsigned worker,
	enum metric_distribution which, struct distribution *distribution);
/* Gauges of a dead worker go back to 0; its counters stay. */
void metrics_page_clear_gauges(struct metrics_page *page, unsigned worker);

/* From here on metric_add and metric_set write to that worker's row. Before the first call they
 * write to a private row, so library code and unit tests need no set-up. */
void metrics_use_row(struct metrics_page *page, unsigned worker);

void metric_add(enum metric metric, uint64_t n);
void metric_set(enum metric metric, uint64_t value);
uint64_t metric_get(enum metric metric);   /* of this process's row */
uint64_t metric_total(enum metric metric); /* of all workers' rows, as they are at the moment */
void metric_observe(enum metric_distribution which, uint64_t value);
void metric_get_distribution(
	enum metric_distribution which, struct distribution *distribution); /* likewise */
void metric_count_drop(enum drop drop);
void metric_count_reject(enum reject reject);
