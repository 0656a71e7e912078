/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads about BURST_MAX datagrams a turn. Neighbours of one size that come from one port may arrive
 * as one message (UDP_GRO, Linux 5.0), which is taken apart here; the kernel is spared the way of
 * each of them. */
#include "path/listener.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Datagrams a turn. Then other events have theirs; what is left waits in the socket. */
#define BURST_MAX 64
#define MESSAGES_MAX 16      /* a recvmmsg; of up to 64 datagrams each */
#define MESSAGE_OCTETS 65536 /* more than the largest */

/* Of a socket that is read seldom. At 100,000 datagrams a second 400 gather meanwhile, which needs
 * a tenth of the receive buffer. */
#define SELDOM_NS (4 * NS_PER_MS)
#define SELDOM_BURST_MAX 1024

/* A stamp that is older than this, or lies in the future, tells of a stepped clock and not of a
 * long wait: no NAS would still be waiting. */
#define STAMP_AGE_MAX_US (60 * US_PER_S)

#define CONTROL_BYTES                                                                   \
	(CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct in6_pktinfo)) + \
		CMSG_SPACE(sizeof(int)))

struct incoming {
	struct sockaddr_storage name;
	struct iovec octets_vector;
	alignas(struct cmsghdr) char control[CONTROL_BYTES];
	uint8_t octets[MESSAGE_OCTETS];
};

struct listener {
	struct event *readable;
	struct timer next_look; /* set while it is read seldom */
	struct worker *worker;
	struct path_socket socket;
	struct mmsghdr messages[MESSAGES_MAX];
	struct incoming incoming[MESSAGES_MAX];
};

static void read_event(evutil_socket_t fd, short what, void *owner);

static void next_look(void *owner);

static int listener_destroy(struct listener *listener)
{
	timer_cancel(listener->worker->timers, &listener->next_look);
	event_free(listener->readable);
	return 0;
}

static bool set_options(int fd)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof name;
	const int on = 1;
	if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
		return false;
	bool is_v6 = name.ss_family == AF_INET6;
	/* A kernel that cannot hands over one datagram a message. */
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
	return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0 &&
	       setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       is_v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) == 0;
}

struct listener *listener_new(TALLOC_CTX *ctx, struct event_base *base, struct worker *worker,
	const struct path_socket *socket)
{
	if (!set_options(socket->fd))
		return NULL;
	/* Not zeroed: pages that are never used take no memory. */
	struct listener *listener = mem_must(talloc(ctx, struct listener));
	listener->worker = worker;
	listener->socket = *socket;
	for (size_t n = 0; n < MESSAGES_MAX; n++) {
		struct incoming *incoming = &listener->incoming[n];
		incoming->octets_vector = (struct iovec){incoming->octets, sizeof incoming->octets};
	}
	listener->readable =
		mem_must(event_new(base, socket->fd, EV_READ | EV_PERSIST, read_event, listener));
	timer_init(&listener->next_look, next_look, listener);
	talloc_set_destructor(listener, listener_destroy);
	event_add(listener->readable, NULL);
	return listener;
}

void listener_read_seldom(struct listener *listener, bool is_seldom)
{
	if (is_seldom) {
		event_del(listener->readable);
		timer_set(listener->worker->timers, &listener->next_look,
			clock_mono_ns() + SELDOM_NS);
	} else {
		timer_cancel(listener->worker->timers, &listener->next_look);
		event_add(listener->readable, NULL);
	}
}

void listener_stop(struct listener *listener)
{
	timer_cancel(listener->worker->timers, &listener->next_look);
	event_del(listener->readable);
}

/* The kernel writes the sizes that it used over those that it may use. */
static void prepare(struct listener *listener)
{
	for (size_t n = 0; n < MESSAGES_MAX; n++) {
		struct incoming *incoming = &listener->incoming[n];
		listener->messages[n].msg_hdr = (struct msghdr){
			.msg_name = &incoming->name,
			.msg_namelen = sizeof incoming->name,
			.msg_iov = &incoming->octets_vector,
			.msg_iovlen = 1,
			.msg_control = incoming->control,
			.msg_controllen = sizeof incoming->control,
		};
	}
}

static void read_stamp(const struct cmsghdr *control, struct datagram *datagram)
{
	struct timespec stamp;
	memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
	int64_t stamp_us = stamp.tv_sec * US_PER_S + stamp.tv_nsec / 1000;
	int64_t age_us = datagram->arrival_us - stamp_us;
	if (age_us < 0 || age_us > STAMP_AGE_MAX_US)
		return;
	datagram->arrival_us = stamp_us;
	datagram->arrival_ns -= age_us * 1000;
}

/* The size of the datagrams in a message of several, or 0. */
static size_t read_segment_size(const struct cmsghdr *control)
{
	int size;
	memcpy(&size, CMSG_DATA(control), sizeof size);
	return size > 0 ? (size_t)size : 0;
}

/* Returns the size of each datagram in the message (but the last, which may be shorter). */
static size_t read_control(struct msghdr *header, struct datagram *datagram)
{
	struct endpoint *endpoint = &datagram->endpoint;
	size_t segment_size = 0;
	struct cmsghdr *control;
	for (control = CMSG_FIRSTHDR(header); control != NULL;
		control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
			read_stamp(control, datagram);
		} else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
			segment_size = read_segment_size(control);
		} else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(control), sizeof info);
			endpoint->local = addr_from_bytes(4, (const uint8_t *)&info.ipi_spec_dst);
		} else if (control->cmsg_level == IPPROTO_IPV6 &&
			   control->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(control), sizeof info);
			endpoint->local = addr_from_bytes(6, (const uint8_t *)&info.ipi6_addr);
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				endpoint->interface = info.ipi6_ifindex;
		}
	}
	return segment_size > 0 ? segment_size : MESSAGE_OCTETS;
}

/* Returns how many datagrams the message held. */
static size_t receive(struct listener *listener, size_t n, int64_t now_ns, int64_t now_us)
{
	struct incoming *incoming = &listener->incoming[n];
	size_t left = listener->messages[n].msg_len, count = 0;
	struct datagram datagram = {
		.endpoint = {.role = listener->socket.role,
			.socket = listener->socket.fd,
			.local_port = listener->socket.port},
		.arrival_ns = now_ns,
		.arrival_us = now_us,
		.octets = incoming->octets,
	};
	datagram.endpoint.remote = addr_from_sockaddr(
		(const struct sockaddr *)&incoming->name, &datagram.endpoint.remote_port);
	size_t segment_size = read_control(&listener->messages[n].msg_hdr, &datagram);
	do {
		size_t size = left < segment_size ? left : segment_size;
		/* What is longer is cut, and then refused as such. */
		datagram.size = size < RADIUS_MAX_PACKET ? size : RADIUS_MAX_PACKET;
		request_receive(listener->worker, &datagram);
		datagram.octets += size;
		left -= size;
		count++;
	} while (left > 0);
	return count;
}

/* Returns how many datagrams came; 0 ends the turn. */
static size_t receive_some(struct listener *listener)
{
	static struct log_limit limit;
	prepare(listener);
	int messages =
		recvmmsg(listener->socket.fd, listener->messages, MESSAGES_MAX, MSG_DONTWAIT, NULL);
	if (messages < 0) {
		/* Others are no news: an answer of ours that could not be delivered (ECONNREFUSED),
		 * or a datagram that another reader of the socket took. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
			log_event_limited(&limit, LOG_LEVEL_ERROR, "receive_failed",
				"port=%u error=%s", listener->socket.port,
				log_quote_text(strerror(errno)));
		return 0;
	}
	int64_t now_ns = clock_mono_ns(), now_us = clock_wall_us();
	size_t count = 0;
	for (int n = 0; n < messages; n++)
		count += receive(listener, (size_t)n, now_ns, now_us);
	return messages == MESSAGES_MAX ? count : 0;
}

static void receive_burst(struct listener *listener, size_t max)
{
	size_t total = 0, count;
	while ((count = receive_some(listener)) > 0 && (total += count) < max)
		;
}

static void read_event(evutil_socket_t fd, short what, void *owner)
{
	(void)fd, (void)what;
	receive_burst(owner, BURST_MAX);
}

/* Set first, because what is received may end it. */
static void next_look(void *owner)
{
	struct listener *listener = owner;
	listener_read_seldom(listener, true);
	receive_burst(listener, SELDOM_BURST_MAX);
}
