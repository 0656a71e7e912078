/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* poprad.conf: the options table (options.def), the parser (libconfuse) and the checked result.
 * poprad and popradctl read the same file. After conf_load succeeds every value is within its
 * range. */
#include "base/addr.h"
#include "base/err.h"
#include "base/log.h"
#include <stdint.h>
#include <stdio.h>
#include <talloc.h>

/* Addresses; more than any host needs, few enough for one epoll turn. */
#define CONF_LISTEN_MAX 16

#define CONF_WORKERS_MAX 64 /* each is a row of the metrics page, and sockets */

struct conf {
	/* network */
	struct addr listen[CONF_LISTEN_MAX];
	unsigned listen_count;
	uint16_t auth_port, acct_port;
	unsigned socket_buffer_kib; /* SO_RCVBUF and SO_SNDBUF of each socket */
	/* processes */
	unsigned workers;      /* after conf_load never 0: "auto" has become min(cores, 4) */
	const char *user;      /* what the master becomes after binding, when started by root */
	const char *run_dir;   /* control socket, pid file */
	const char *state_dir; /* last good catalog */
	const char *dictionary_dir;
	/* database */
	const char *database;          /* libpq connection string of the server's role */
	const char *operator_database; /* the same for popradctl */
	unsigned connect_timeout_ms, statement_timeout_ms, lock_timeout_ms;
	unsigned reconnect_min_ms, reconnect_max_ms;
	unsigned batch_max; /* requests per batch */
	unsigned catalog_poll_s;
	/* private cluster of popradctl db */
	const char *cluster_dir;  /* empty = none: an existing database is used */
	const char *cluster_bin;  /* PostgreSQL's programs */
	const char *cluster_user; /* when popradctl runs as root */
	/* limits */
	unsigned request_deadline_ms; /* a NAS's patience, unless the NAS record says otherwise */
	unsigned requests_max;        /* open per worker */
	unsigned dupcache_s;
	unsigned dupcache_max; /* entries per worker */
	unsigned reject_delay_ms, guess_delay_ms;
	unsigned authorised_max; /* authorised sessions per subscriber */
	unsigned authorised_s;   /* after which one that never started gives its lease back */
	unsigned lost_after;     /* interim intervals without a record */
	unsigned silence_max_s;  /* without interims and Session-Timeout; 0 = for ever */
	unsigned hash_threads, hash_queue;
	unsigned sessions_keep_s; /* 0 = for ever */
	unsigned attempts_keep_s; /* 0 = login attempts are not stored */
	/* spool */
	const char *spool_directory;
	unsigned spool_limit_mib; /* 0 = nothing is spooled */
	unsigned spool_after_ms;
	/* log */
	enum log_target log_target;
	enum log_level log_level;
};

/* No Access-Reject is held back for longer. */
static inline unsigned conf_longest_delay_ms(const struct conf *conf)
{
	return conf->guess_delay_ms > conf->reject_delay_ms ? conf->guess_delay_ms
							    : conf->reject_delay_ms;
}

/* Reads and checks path. Each error goes to `errors` as "path:line: option: what is wrong", all of
 * them, not only the first. Returns 0, or ERR_SYNTAX (at least one error was written), or
 * ERR_SYSTEM (it cannot be read; said too). Strings belong to *conf, which belongs to ctx. */
int conf_load(TALLOC_CTX *ctx, const char *path, FILE *errors, struct conf **conf) MUST_CHECK;

/* The same over an open descriptor, read from its beginning and without moving its offset; path
 * only serves the messages. */
int conf_load_fd(
	TALLOC_CTX *ctx, int fd, const char *path, FILE *errors, struct conf **conf) MUST_CHECK;

/* Opens a sealed copy of the file in memory, for conf_load_fd here and in processes that inherit
 * it: all of them then see the same, whatever becomes of the file. Errors as conf_load. */
int conf_open_copy(const char *path, FILE *errors, int *fd) MUST_CHECK;

/* POPRAD_CONF, else SYSCONFDIR/poprad/poprad.conf. */
const char *conf_default_path(void);

/* Writes the options table as the body of poprad.conf(5) (mdoc). */
void conf_print_manual(FILE *out);
