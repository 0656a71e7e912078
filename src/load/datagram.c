/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Datagrams of one size that follow each other go down the stack as one message, which the kernel
 * cuts apart at its end (UDP_SEGMENT, Linux 4.18): half the cost of a request, measured. On the
 * wire they are what they would have been. */
#include "load/datagram.h"
#include "base/mem.h"
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define SEGMENTS_MAX 64 /* in one message: the least that a kernel with UDP_SEGMENT takes */

union control {
	char octets[CMSG_SPACE(sizeof(uint16_t))];
	struct cmsghdr alignment;
};

/* What one call of sendmmsg is given. */
struct outbox {
	struct mmsghdr messages[DATAGRAMS];
	union control controls[DATAGRAMS];
	struct iovec vectors[DATAGRAMS];
	size_t sizes[DATAGRAMS]; /* datagrams in each message */
	size_t count;
};

static void segment_size_set(struct msghdr *header, union control *control, size_t size)
{
	uint16_t segment = (uint16_t)size;
	memset(control, 0, sizeof *control);
	header->msg_control = control->octets;
	header->msg_controllen = sizeof control->octets;
	struct cmsghdr *message = CMSG_FIRSTHDR(header);
	message->cmsg_level = SOL_UDP;
	message->cmsg_type = UDP_SEGMENT;
	message->cmsg_len = CMSG_LEN(sizeof segment);
	memcpy(CMSG_DATA(message), &segment, sizeof segment);
}

/* How many from the first on are of its size. */
static size_t run_length(const struct datagram *datagrams, size_t count)
{
	size_t run = 1;
	while (run < count && run < SEGMENTS_MAX && datagrams[run].size == datagrams[0].size)
		run++;
	return run;
}

static void outbox_fill(
	struct outbox *outbox, const struct datagram *datagrams, size_t count, bool can_segment)
{
	outbox->count = 0;
	for (size_t at = 0; at < count;) {
		size_t run = can_segment ? run_length(datagrams + at, count - at) : 1;
		struct msghdr *header = &outbox->messages[outbox->count].msg_hdr;
		for (size_t i = at; i < at + run; i++) {
			outbox->vectors[i].iov_base = (void *)(uintptr_t)datagrams[i].octets;
			outbox->vectors[i].iov_len = datagrams[i].size;
		}
		*header = (struct msghdr){.msg_iov = &outbox->vectors[at], .msg_iovlen = run};
		if (run > 1)
			segment_size_set(
				header, &outbox->controls[outbox->count], datagrams[at].size);
		outbox->sizes[outbox->count++] = run;
		at += run;
	}
}

/* True for what a kernel or a network device says that has no UDP_SEGMENT. */
static bool is_for_want_of_segments(int number)
{
	return number == EINVAL || number == EIO || number == EMSGSIZE || number == ENOPROTOOPT ||
	       number == EOPNOTSUPP;
}

size_t datagrams_send(
	int fd, const struct datagram *datagrams, size_t count, bool *can_segment, bool *refused)
{
	struct outbox outbox;
	size_t taken = 0;
	*refused = false;
	while (taken < count) {
		size_t left = count - taken;
		outbox_fill(&outbox, datagrams + taken, left < DATAGRAMS ? left : DATAGRAMS,
			*can_segment);
		int sent = sendmmsg(fd, outbox.messages, (unsigned)outbox.count, 0);
		/* The error of an earlier one, which is told once: go on. */
		if (sent < 0 && errno == ECONNREFUSED) {
			*refused = true;
			continue;
		}
		if (sent < 0 && *can_segment && outbox.sizes[0] > 1 &&
			is_for_want_of_segments(errno)) {
			*can_segment = false;
			continue;
		}
		if (sent <= 0)
			break;
		for (int i = 0; i < sent; i++)
			taken += outbox.sizes[i];
	}
	return taken;
}

struct inbox *inbox_new(TALLOC_CTX *ctx)
{
	struct inbox *inbox = mem_must(talloc_zero(ctx, struct inbox));
	for (size_t i = 0; i < DATAGRAMS; i++) {
		inbox->vectors[i] = (struct iovec){inbox->octets[i], RADIUS_MAX_PACKET};
		inbox->messages[i].msg_hdr.msg_iov = &inbox->vectors[i];
		inbox->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return inbox;
}

int inbox_receive(struct inbox *inbox, int fd)
{
	return recvmmsg(fd, inbox->messages, DATAGRAMS, 0, NULL);
}
