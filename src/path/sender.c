/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A queue of datagrams. The first one activates an event, which libevent runs behind everything
 * else that is ready in the same turn; it sends the queue with as few system calls as it can.
 *
 * What an access server is answered in one turn often has one size. Such neighbours go down the
 * stack as one message, which the kernel cuts apart at its end (UDP_SEGMENT, Linux 4.18): on the
 * wire they are what they would have been. */
#include "path/sender.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Datagrams that wait for the kernel. Past it the newest is lost like one on the wire, and its
 * retransmission is answered from the dupcache. A socket buffer is rarely full for so long. */
#define QUEUE_MAX 1024
#define OCTETS_MAX (QUEUE_MAX * 1024) /* of those datagrams; they are 20 to 300 long as a rule */
#define BURST_MAX 64 /* messages a sendmmsg: more gains nothing (measured on loopback) */
#define RUN_MAX 64   /* datagrams in a message: the least that a kernel with UDP_SEGMENT takes */

/* Octets of a datagram in a run: larger ones might not fit into every path's packets. 1280 less the
 * headers, RFC 8200 section 5. */
#define RUN_SIZE_MAX 1232

#define RUN_OCTETS_MAX 61440 /* a message is one UDP datagram until it is cut */

struct outgoing {
	struct endpoint to;
	uint32_t at, size; /* in octets */
};

union control {
	char octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
	struct cmsghdr alignment;
};

/* What sendmmsg is given. */
struct burst {
	struct mmsghdr messages[BURST_MAX];
	struct sockaddr_storage names[BURST_MAX];
	struct iovec octets[BURST_MAX];
	union control controls[BURST_MAX];
	size_t runs[BURST_MAX]; /* datagrams in each message */
	unsigned count;
};

struct sender {
	struct event *flush;    /* active while something is queued */
	struct event *writable; /* pending while the kernel takes no more */
	struct event_base *base;
	bool can_segment;
	size_t first, end; /* those of queue that are waiting */
	size_t octets_end;
	size_t singly; /* of those, from the first on: a message of several was refused */
	struct burst burst;
	struct outgoing queue[QUEUE_MAX];
	uint8_t octets[OCTETS_MAX];
};

static void flush_event(evutil_socket_t fd, short what, void *owner);

static int sender_free_events(struct sender *sender)
{
	event_free(sender->flush);
	if (sender->writable != NULL)
		event_free(sender->writable);
	return 0;
}

/* One that cannot would take the message for a single datagram. */
static bool kernel_can_segment(void)
{
	const int none = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool can = fd >= 0 && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
	if (fd >= 0)
		close(fd);
	return can;
}

struct sender *sender_new(TALLOC_CTX *ctx, struct event_base *base)
{
	/* Not zeroed: pages that are never used take no memory. */
	struct sender *sender = mem_must(talloc(ctx, struct sender));
	sender->base = base;
	sender->can_segment = kernel_can_segment();
	sender->first = sender->end = sender->octets_end = sender->singly = 0;
	sender->writable = NULL;
	sender->flush = mem_must(event_new(base, -1, EV_PERSIST, flush_event, sender));
	talloc_set_destructor(sender, sender_free_events);
	return sender;
}

bool sender_is_empty(const struct sender *sender)
{
	return sender->first == sender->end;
}

static void count_failure(const struct outgoing *outgoing, int error)
{
	static struct log_limit limit;
	char remote[ADDR_TEXT_MAX];
	metric_add(METRIC_send_failures, 1);
	log_event_limited(&limit, LOG_LEVEL_WARNING, "answer_not_sent", "to=%s port=%u error=%s",
		addr_format(&outgoing->to.remote, remote), outgoing->to.remote_port,
		log_quote_text(strerror(error)));
}

/* Moves what is left to the beginning. */
static void make_room(struct sender *sender)
{
	size_t count = sender->end - sender->first;
	if (sender->first == 0)
		return;
	uint32_t from = count > 0 ? sender->queue[sender->first].at : (uint32_t)sender->octets_end;
	memmove(sender->queue, sender->queue + sender->first, count * sizeof *sender->queue);
	memmove(sender->octets, sender->octets + from, sender->octets_end - from);
	for (size_t n = 0; n < count; n++)
		sender->queue[n].at -= from;
	sender->first = 0;
	sender->end = count;
	sender->octets_end -= from;
}

static bool has_room(const struct sender *sender, size_t size)
{
	return sender->end < QUEUE_MAX && size <= OCTETS_MAX - sender->octets_end;
}

void sender_send(
	struct sender *sender, const struct endpoint *to, const uint8_t *octets, size_t size)
{
	if (!has_room(sender, size))
		make_room(sender);
	if (!has_room(sender, size)) {
		metric_add(METRIC_send_failures, 1);
		return;
	}
	sender->queue[sender->end++] = (struct outgoing){
		.to = *to, .at = (uint32_t)sender->octets_end, .size = (uint32_t)size};
	memcpy(sender->octets + sender->octets_end, octets, size);
	sender->octets_end += size;
	if (sender->writable == NULL)
		event_active(sender->flush, EV_WRITE, 0);
}

static void add_control(struct msghdr *header, int level, int type, const void *info, size_t size)
{
	struct cmsghdr *control =
		(struct cmsghdr *)((char *)header->msg_control + header->msg_controllen);
	memset(control, 0, CMSG_SPACE(size));
	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), info, size);
	header->msg_controllen += CMSG_SPACE(size);
}

/* ip(7) and RFC 3542 section 4: where to, and from which of our addresses. */
static void address_message(
	struct msghdr *header, const struct endpoint *to, struct sockaddr_storage *name)
{
	header->msg_name = name;
	header->msg_namelen = addr_to_sockaddr(&to->remote, to->remote_port, name);
	if (to->remote.family == 4) {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, to->local.bytes, sizeof info.ipi_spec_dst);
		add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = to->interface};
		memcpy(&info.ipi6_addr, to->local.bytes, sizeof info.ipi6_addr);
		add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
		((struct sockaddr_in6 *)name)->sin6_scope_id = to->interface;
	}
}

static bool is_same_way(const struct endpoint *one, const struct endpoint *other)
{
	return one->socket == other->socket && one->remote_port == other->remote_port &&
	       one->interface == other->interface &&
	       addr_compare(&one->remote, &other->remote) == 0 &&
	       addr_compare(&one->local, &other->local) == 0;
}

/* How many datagrams from this one on can be one message. */
static size_t run_length(const struct sender *sender, size_t at)
{
	const struct outgoing *head = &sender->queue[at];
	size_t run = 1;
	if (!sender->can_segment || at < sender->first + sender->singly ||
		head->size > RUN_SIZE_MAX)
		return 1;
	while (run < RUN_MAX && (run + 1) * head->size <= RUN_OCTETS_MAX &&
		at + run < sender->end && head[run].size == head->size &&
		is_same_way(&head[run].to, &head->to))
		run++;
	return run;
}

static void prepare_message(struct sender *sender, const struct outgoing *head, size_t run)
{
	struct burst *burst = &sender->burst;
	unsigned n = burst->count++;
	struct msghdr *header = &burst->messages[n].msg_hdr;
	burst->runs[n] = run;
	burst->octets[n] = (struct iovec){sender->octets + head->at, run * head->size};
	*header = (struct msghdr){.msg_iov = &burst->octets[n],
		.msg_iovlen = 1,
		.msg_control = burst->controls[n].octets};
	address_message(header, &head->to, &burst->names[n]);
	if (run > 1) {
		uint16_t segment = (uint16_t)head->size;
		add_control(header, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
	}
}

/* Prepares the datagrams at the head of the queue that leave through one socket. */
static void prepare_burst(struct sender *sender)
{
	size_t at = sender->first;
	int socket = sender->queue[at].to.socket;
	sender->burst.count = 0;
	while (sender->burst.count < BURST_MAX && at < sender->end &&
		sender->queue[at].to.socket == socket) {
		size_t run = run_length(sender, at);
		prepare_message(sender, &sender->queue[at], run);
		at += run;
	}
}

static void drop_head(struct sender *sender, size_t count)
{
	sender->first += count;
	sender->singly -= count < sender->singly ? count : sender->singly;
	/* The same memory again, which is in the processor's caches. */
	if (sender->first == sender->end)
		sender->first = sender->end = sender->octets_end = 0;
}

/* The others wait too, in order: a full socket buffer empties within milliseconds. */
static void wait_until_writable(struct sender *sender, int socket)
{
	sender->writable = mem_must(event_new(sender->base, socket, EV_WRITE, flush_event, sender));
	event_add(sender->writable, NULL);
}

static void count_sent(struct sender *sender, int messages)
{
	size_t sent = 0;
	for (int n = 0; n < messages; n++)
		sent += sender->burst.runs[n];
	metric_add(METRIC_packets_sent, sent);
	drop_head(sender, sent);
}

/* False: the kernel takes no more for now. */
static bool send_burst(struct sender *sender)
{
	const struct outgoing *head = &sender->queue[sender->first];
	const struct burst *burst = &sender->burst;
	prepare_burst(sender);
	int sent = sendmmsg(head->to.socket, sender->burst.messages, burst->count, MSG_DONTWAIT);
	if (sent > 0) {
		count_sent(sender, sent);
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS) {
		wait_until_writable(sender, head->to.socket);
		return false;
	}
	if (errno == EINTR)
		return true;
	/* The trouble of one of them, or of a device that cannot do this: each by itself. */
	if (burst->runs[0] > 1) {
		sender->singly = burst->runs[0];
		return true;
	}
	/* This datagram's own trouble: unreachable, refused by a filter, our address is gone. */
	count_failure(head, errno);
	drop_head(sender, 1);
	return true;
}

static void flush_event(evutil_socket_t fd, short what, void *owner)
{
	struct sender *sender = owner;
	(void)fd, (void)what;
	if (sender->writable != NULL) {
		event_free(sender->writable);
		sender->writable = NULL;
	}
	while (!sender_is_empty(sender))
		if (!send_burst(sender))
			break;
}
