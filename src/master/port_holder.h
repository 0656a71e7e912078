/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Who holds a UDP port, for the message that it is busy. Reads /proc; called once before the server
 * gives up. */
#include "base/addr.h"
#include <stdbool.h>
#include <sys/types.h>

struct port_holder {
	pid_t pid;
	char name[32]; /* as the process calls itself: any octets */
};

/* The process with a UDP socket that keeps ours from being bound to addr and port. False if it
 * cannot be found: without root's rights only one's own processes show their sockets. */
bool port_holder_find(const struct addr *addr, uint16_t port, struct port_holder *holder);
