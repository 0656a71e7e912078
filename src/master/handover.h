/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What passes between the master and a worker that it has started: descriptors at agreed numbers,
 * one-octet messages over a socket pair, and exit codes. Both are the same program file. */
#include <sysexits.h>

/* Descriptors of a worker, above the standard three. */
enum handover_fd {
	HANDOVER_CONF = 3, /* memfd: the configuration that the master has checked */
	HANDOVER_METRICS,  /* memfd: the page of counters */
	HANDOVER_CHANNEL,  /* SOCK_SEQPACKET; its end means that the master is gone */
	HANDOVER_SOCKETS,  /* the first of the bound sockets; their number is an argument */
};

enum handover_message {
	HANDOVER_READY = 'R', /* worker to master: logins can be answered */
	HANDOVER_STOP = 'S',  /* master to worker: finish what is open, then exit */
};

/* A start that no repetition would mend: configuration, dictionary. */
#define HANDOVER_EXIT_CONF EX_CONFIG
