/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What passes between the master and a worker that it has started: descriptors at agreed numbers,
 * messages over a socket pair, and exit codes. Both are the same program file. */
#include <stdint.h>
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
	/* These are a struct handover_trace and a text without NUL. */
	HANDOVER_WATCH = 'W',   /* master to worker: tell of what concerns the text (trace.h) */
	HANDOVER_UNWATCH = 'U', /* master to worker: no more; without text */
	HANDOVER_TRACED = 'T',  /* worker to master: a line of JSON */
};

/* Octets of a text that the master sends, and of a message that a worker sends. */
#define HANDOVER_TEXT_MAX 255
#define HANDOVER_MESSAGE_MAX (1 << 18)

struct handover_trace {
	char message; /* enum handover_message */
	uint32_t id;  /* of the watch; not 0 */
	char text[];
};

/* A start that no repetition would mend: configuration, dictionary. */
#define HANDOVER_EXIT_CONF EX_CONFIG
