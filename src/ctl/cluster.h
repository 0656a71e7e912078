/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The private PostgreSQL cluster: a server for poprad alone, on a Unix socket and nowhere else.
 *
 *   cluster_dir/data      PostgreSQL's data directory, mode 0700
 *   cluster_dir/log       its log, one file a weekday, each overwritten a week later
 *   socket directory      the host of operator_database; usually cluster_dir/socket
 *
 * Who may connect is decided by the operating system's user (peer), through pg_ident.conf: root,
 * the cluster's user and whoever ran popradctl as every role; the server's user as poprad_server.
 */
#include "ctl/ctl.h"
#include <pwd.h>
#include <sys/types.h>

#define CLUSTER_ADMINISTRATOR "postgres" /* the superuser that initdb makes */

struct cluster {
	const struct call *call;
	const char *dir, *data, *log;
	const char *socket_dir, *port, *database; /* of operator_database */
	const char *bin;                          /* PostgreSQL's programs */
	const struct passwd *user; /* what the server runs as; NULL = as we are, who are not root */
	struct passwd user_copy;
	const char *operators[4]; /* system users that may connect as any role; ends with NULL */
};

/* What operator_database says, which is also where the private cluster listens. Empty strings where
 * it says nothing. */
int cluster_location(struct call *call, struct cluster *cluster) MUST_CHECK;

/* Fills *cluster from the configuration. CTL_REFUSED if there is no private cluster, or its user,
 * or the socket's path is too long for the system. */
int cluster_open(struct call *call, struct cluster *cluster) MUST_CHECK;

bool cluster_exists(const struct cluster *cluster);
/* Makes the data directory; the server does not run yet. */
int cluster_create(const struct cluster *cluster) MUST_CHECK;
/* Writes settings and access rules anew and starts the server, unless it runs already. */
int cluster_start(const struct cluster *cluster) MUST_CHECK;
int cluster_stop(const struct cluster *cluster) MUST_CHECK;
/* The server's process, or 0. */
pid_t cluster_pid(const struct cluster *cluster);

/* Writes postgresql.conf, pg_hba.conf and pg_ident.conf of a struct cluster; runs as the cluster's
 * user (process_do_as), whose directory it is. */
int cluster_write_files(const void *owner) MUST_CHECK;

/* directory/name, owned by the call. */
const char *cluster_path(const struct cluster *cluster, const char *directory, const char *name);

/* Connection string of the cluster's administrator for one of its databases. */
const char *cluster_conninfo(const struct cluster *cluster, const char *database);
