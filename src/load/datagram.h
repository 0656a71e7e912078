/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Many datagrams with one system call, out and in: the kernel's share of a request is greater than
 * ours, and most of it is paid for each message, not for each octet. */
#include "radius/packet.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <talloc.h>

#define DATAGRAMS 64 /* in one call */

struct datagram {
	const uint8_t *octets;
	size_t size;
};

/* Sends from a connected socket, in order, until the kernel takes no more; returns how many it
 * took. *can_segment says whether the kernel may be given several of one size as one message, and
 * is set to false where it can not. *refused: an earlier one found that nobody listens. */
size_t datagrams_send(
	int fd, const struct datagram *datagrams, size_t count, bool *can_segment, bool *refused);

struct inbox {
	struct mmsghdr messages[DATAGRAMS];
	struct iovec vectors[DATAGRAMS];
	uint8_t octets[DATAGRAMS][RADIUS_MAX_PACKET];
};

struct inbox *inbox_new(TALLOC_CTX *ctx);

/* Fills the inbox with what has come; returns how many, or -1 with errno set. Their sizes are
 * msg_len of the messages. */
int inbox_receive(struct inbox *inbox, int fd);
