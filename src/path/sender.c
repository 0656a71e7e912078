/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A ring of datagrams. What is queued activates one event, which libevent runs behind everything
 * else that is ready in the same turn; it sends the ring with as few system calls as it can. */
#include "path/sender.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

/* Datagrams that wait for the kernel. Past it the newest is lost like one on the wire, and its
 * retransmission is answered from the dupcache. A socket buffer is rarely full for so long. */
#define QUEUE_MAX 1024
#define BURST_MAX 64 /* datagrams a sendmmsg: more gains nothing (measured on loopback) */

struct outgoing {
	struct endpoint to;
	size_t size;
	uint8_t octets[RADIUS_MAX_PACKET];
};

/* What sendmmsg needs besides the octets, for one datagram. */
struct envelope {
	struct sockaddr_storage name;
	struct iovec octets;
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct sender {
	struct event *flush;    /* active while something is queued */
	struct event *writable; /* pending while the kernel takes no more */
	struct event_base *base;
	size_t first, count;
	struct outgoing ring[QUEUE_MAX];
};

static void flush_event(evutil_socket_t fd, short what, void *owner);

static int sender_free_events(struct sender *sender)
{
	event_free(sender->flush);
	if (sender->writable != NULL)
		event_free(sender->writable);
	return 0;
}

struct sender *sender_new(TALLOC_CTX *ctx, struct event_base *base)
{
	/* Not zeroed: pages of the ring that are never used take no memory. */
	struct sender *sender = mem_must(talloc(ctx, struct sender));
	sender->base = base;
	sender->first = sender->count = 0;
	sender->writable = NULL;
	sender->flush = mem_must(event_new(base, -1, EV_PERSIST, flush_event, sender));
	talloc_set_destructor(sender, sender_free_events);
	return sender;
}

bool sender_is_empty(const struct sender *sender)
{
	return sender->count == 0;
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

void sender_send(
	struct sender *sender, const struct endpoint *to, const uint8_t *octets, size_t size)
{
	struct outgoing *outgoing = &sender->ring[(sender->first + sender->count) % QUEUE_MAX];
	if (sender->count == QUEUE_MAX || size > sizeof outgoing->octets) {
		metric_add(METRIC_send_failures, 1);
		return;
	}
	outgoing->to = *to;
	outgoing->size = size;
	memcpy(outgoing->octets, octets, size);
	sender->count++;
	if (sender->writable == NULL)
		event_active(sender->flush, EV_WRITE, 0);
}

static void set_control(struct msghdr *header, struct envelope *envelope, int level, int type,
	const void *info, size_t size)
{
	struct cmsghdr *control = (struct cmsghdr *)envelope->control;
	memset(envelope->control, 0, sizeof envelope->control);
	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), info, size);
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(size);
}

/* ip(7) and RFC 3542 section 4: where to, and from which of our addresses. */
static void address_envelope(
	struct envelope *envelope, const struct endpoint *to, struct msghdr *header)
{
	header->msg_name = &envelope->name;
	header->msg_namelen = addr_to_sockaddr(&to->remote, to->remote_port, &envelope->name);
	if (to->remote.family == 4) {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, to->local.bytes, sizeof info.ipi_spec_dst);
		set_control(header, envelope, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = to->interface};
		memcpy(&info.ipi6_addr, to->local.bytes, sizeof info.ipi6_addr);
		set_control(header, envelope, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
		((struct sockaddr_in6 *)&envelope->name)->sin6_scope_id = to->interface;
	}
}

/* Prepares the datagrams at the head of the ring that leave through one socket. */
static unsigned prepare_burst(
	struct sender *sender, struct mmsghdr *messages, struct envelope *envelopes)
{
	int socket = sender->ring[sender->first].to.socket;
	unsigned n;
	for (n = 0; n < BURST_MAX && n < sender->count; n++) {
		struct outgoing *outgoing = &sender->ring[(sender->first + n) % QUEUE_MAX];
		if (outgoing->to.socket != socket)
			break;
		messages[n] = (struct mmsghdr){0};
		address_envelope(&envelopes[n], &outgoing->to, &messages[n].msg_hdr);
		envelopes[n].octets = (struct iovec){outgoing->octets, outgoing->size};
		messages[n].msg_hdr.msg_iov = &envelopes[n].octets;
		messages[n].msg_hdr.msg_iovlen = 1;
	}
	return n;
}

static void drop_head(struct sender *sender, size_t count)
{
	sender->first = (sender->first + count) % QUEUE_MAX;
	sender->count -= count;
}

/* The others wait too, in order: a full socket buffer empties within milliseconds. */
static void wait_until_writable(struct sender *sender, int socket)
{
	sender->writable = mem_must(event_new(sender->base, socket, EV_WRITE, flush_event, sender));
	event_add(sender->writable, NULL);
}

/* False: the kernel takes no more for now. */
static bool send_burst(struct sender *sender)
{
	struct mmsghdr messages[BURST_MAX];
	struct envelope envelopes[BURST_MAX];
	const struct outgoing *head = &sender->ring[sender->first];
	unsigned count = prepare_burst(sender, messages, envelopes);

	int sent = sendmmsg(head->to.socket, messages, count, MSG_DONTWAIT);
	if (sent > 0) {
		metric_add(METRIC_packets_sent, (uint64_t)sent);
		drop_head(sender, (size_t)sent);
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS) {
		wait_until_writable(sender, head->to.socket);
		return false;
	}
	/* This datagram's own trouble: unreachable, refused by a filter, our address is gone. */
	if (errno != EINTR) {
		count_failure(head, errno);
		drop_head(sender, 1);
	}
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
	while (sender->count > 0)
		if (!send_burst(sender))
			break;
}
