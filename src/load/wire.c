/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Each source port has one connected socket for logins and one for accounting, so that each has its
 * 256 IDs, and the kernel drops what others send. */
#include "load/wire.h"
#include "base/clock.h"
#include "base/mem.h"
#include "load/datagram.h"
#include "radius/digest.h"
#include "radius/sign.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDS 256
#define EVENTS 256
#define PORT_KINDS 2 /* logins, accounting */
#define SOCKET_BUFFER \
	(1 << 20)      /* octets; enough for all 256 IDs of a port to be answered at once */
#define NAP_RATE 10000 /* operations a second of an open loop, from which on it naps */
#define NAP_LEAST_NS (NS_PER_MS / 10)
#define NAP_MOST_NS NS_PER_MS
#define NAP_PART 16      /* of the mean latency */
#define RANDOM_BATCH 256 /* authenticators fetched from the kernel at one time */

struct wire_socket {
	int fd;
	bool is_for_logins, can_segment;
	unsigned next_id;
	struct exchange *exchanges[IDS];
	/* The authenticator of the ID's request before: its answer may come twice, late. */
	uint8_t previous[IDS][RADIUS_AUTHENTICATOR_SIZE];
	struct exchange *queue[IDS]; /* to be sent; an exchange stands in it once at most */
	size_t queued;
	bool is_dirty;
};

struct wire {
	const struct load_settings *settings;
	struct load_stats *stats;
	const struct wire_owner *owner;
	size_t secret_size;
	int epoll;
	struct addr *addresses;      /* by NAS */
	struct wire_socket *sockets; /* by wire_port */
	size_t socket_count;
	struct wire_socket **dirty; /* those with something queued */
	size_t dirty_count;
	TAILQ_HEAD(exchange_list, exchange) waiting; /* the timeout is one for all: in order */
	size_t waiting_count;
	struct exchange_list spare;
	uint8_t randoms[RANDOM_BATCH][RADIUS_AUTHENTICATOR_SIZE];
	size_t randoms_used;
	struct inbox *inbox;
};

static int wire_close(struct wire *wire)
{
	for (size_t i = 0; i < wire->socket_count; i++)
		close(wire->sockets[i].fd);
	close(wire->epoll);
	return 0;
}

const struct addr *wire_nas_address(const struct wire *wire, uint64_t nas)
{
	return &wire->addresses[nas];
}

static void addresses_make(struct wire *wire)
{
	const struct load_settings *settings = wire->settings;
	unsigned count = (unsigned)settings->sources; /* 1024 at most */
	wire->addresses = mem_must(talloc_zero_array(wire, struct addr, count));
	for (unsigned i = 0; i < count; i++) {
		struct addr *address = &wire->addresses[i];
		if (addr_is_set(&settings->source) && addr_add(&settings->source, i, address))
			*address = settings->source;
	}
}

static bool socket_open(struct wire *wire, struct wire_socket *socket_, uint64_t nas)
{
	const struct load_settings *settings = wire->settings;
	struct sockaddr_storage storage;
	const struct addr *source = wire_nas_address(wire, nas);
	int family = settings->server.family == 4 ? AF_INET : AF_INET6;
	const int size = SOCKET_BUFFER;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	socket_->fd = fd;
	wire->socket_count++;
	/* Smaller buffers than asked for only mean more retransmissions. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (addr_is_set(source)) {
		socklen_t length = addr_to_sockaddr(source, 0, &storage);
		if (bind(fd, (const struct sockaddr *)&storage, length) != 0)
			return false;
	}
	uint16_t port = socket_->is_for_logins ? settings->auth_port : settings->acct_port;
	socklen_t length = addr_to_sockaddr(&settings->server, port, &storage);
	if (connect(fd, (const struct sockaddr *)&storage, length) != 0)
		return false;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket_};
	return epoll_ctl(wire->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool sockets_open(struct wire *wire)
{
	const struct load_settings *settings = wire->settings;
	unsigned each = (unsigned)settings->ports * PORT_KINDS;
	unsigned count = (unsigned)settings->sources * each; /* 4096 at most */
	struct rlimit limit;
	/* The hard limit is often far above the soft one. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	wire->sockets = mem_must(talloc_zero_array(wire, struct wire_socket, count));
	wire->dirty = mem_must(talloc_zero_array(wire, struct wire_socket *, count));
	for (unsigned i = 0; i < count; i++) {
		wire->sockets[i].is_for_logins = i % PORT_KINDS == 0;
		wire->sockets[i].can_segment = true;
		if (!socket_open(wire, &wire->sockets[i], i / each))
			return false;
	}
	return true;
}

struct wire *wire_new(TALLOC_CTX *ctx, const struct load_settings *settings,
	struct load_stats *stats, const struct wire_owner *owner)
{
	struct wire *wire = mem_must(talloc_zero(ctx, struct wire));
	wire->settings = settings;
	wire->stats = stats;
	wire->owner = owner;
	wire->secret_size = strlen(settings->secret);
	wire->randoms_used = RANDOM_BATCH;
	wire->inbox = inbox_new(wire);
	addresses_make(wire);
	TAILQ_INIT(&wire->waiting);
	TAILQ_INIT(&wire->spare);
	wire->epoll = epoll_create1(EPOLL_CLOEXEC);
	talloc_set_destructor(wire, wire_close);
	if (wire->epoll < 0 || !sockets_open(wire)) {
		fprintf(stderr, "popradload: sockets: %s\n", strerror(errno));
		talloc_free(wire);
		return NULL;
	}
	return wire;
}

size_t wire_waiting(const struct wire *wire)
{
	return wire->waiting_count;
}

static const uint8_t *random_authenticator(struct wire *wire)
{
	if (wire->randoms_used == RANDOM_BATCH) {
		random_octets(wire->randoms, sizeof wire->randoms);
		wire->randoms_used = 0;
	}
	return wire->randoms[wire->randoms_used++];
}

static struct exchange *exchange_get(struct wire *wire)
{
	struct exchange *exchange = TAILQ_FIRST(&wire->spare);
	if (exchange)
		TAILQ_REMOVE(&wire->spare, exchange, entry);
	else
		exchange = mem_must(talloc(wire, struct exchange));
	return exchange;
}

unsigned wire_port(const struct wire *wire, enum load_step step, uint64_t nas, uint64_t port)
{
	unsigned number = (unsigned)(nas * wire->settings->ports + port);
	return number * PORT_KINDS + (step == STEP_LOGIN ? 0 : 1);
}

unsigned wire_port_count(const struct wire *wire)
{
	return (unsigned)wire->socket_count;
}

struct exchange *wire_begin(struct wire *wire, enum load_step step, unsigned port, void *owner)
{
	struct wire_socket *socket_ = &wire->sockets[port];
	/* In turn, so that an ID rests as long as possible before it names something else. */
	unsigned tried = 0;
	while (tried < IDS && socket_->exchanges[socket_->next_id]) {
		socket_->next_id = (socket_->next_id + 1) % IDS;
		tried++;
	}
	if (tried == IDS)
		return NULL;
	struct exchange *exchange = exchange_get(wire);
	exchange->port = port;
	exchange->owner = owner;
	exchange->step = step;
	exchange->tries_left = wire->settings->retries;
	exchange->message_authenticator = exchange->mschap2_response = 0;
	exchange->length = RADIUS_HEADER_SIZE;
	exchange->packet[0] =
		socket_->is_for_logins ? CODE_ACCESS_REQUEST : CODE_ACCOUNTING_REQUEST;
	exchange->packet[1] = (uint8_t)socket_->next_id;
	memcpy(exchange->packet + 4, random_authenticator(wire), RADIUS_AUTHENTICATOR_SIZE);
	socket_->exchanges[socket_->next_id] = exchange;
	socket_->next_id = (socket_->next_id + 1) % IDS;
	return exchange;
}

static struct wire_socket *socket_of(struct wire *wire, const struct exchange *exchange)
{
	return &wire->sockets[exchange->port];
}

static void enqueue(struct wire *wire, struct exchange *exchange, int64_t now_ns)
{
	struct wire_socket *socket_ = socket_of(wire, exchange);
	exchange->due_ns = now_ns + wire->settings->timeout_ns;
	TAILQ_INSERT_TAIL(&wire->waiting, exchange, entry);
	socket_->queue[socket_->queued++] = exchange;
	if (!socket_->is_dirty) {
		socket_->is_dirty = true;
		wire->dirty[wire->dirty_count++] = socket_;
	}
}

void wire_send(struct wire *wire, struct exchange *exchange, int64_t since_ns, int64_t now_ns)
{
	exchange->packet[2] = (uint8_t)(exchange->length >> 8);
	exchange->packet[3] = (uint8_t)(exchange->length & 0xff);
	request_sign(exchange->packet, exchange->length, exchange->message_authenticator,
		wire->settings->secret, wire->secret_size);
	exchange->since_ns = since_ns;
	wire->stats->sent[exchange->step]++;
	wire->waiting_count++;
	enqueue(wire, exchange, now_ns);
}

/* Those of one size leave together (datagram.h). Nothing depends on the order: a line has one
 * packet on its way. Few stand here, and mostly in order already. */
static void queue_sort(struct wire_socket *socket_)
{
	for (size_t i = 1; i < socket_->queued; i++) {
		struct exchange *exchange = socket_->queue[i];
		size_t at = i;
		for (; at > 0 && socket_->queue[at - 1]->length > exchange->length; at--)
			socket_->queue[at] = socket_->queue[at - 1];
		socket_->queue[at] = exchange;
	}
}

/* Sends what it can; the rest stays queued. */
static void socket_flush(struct wire *wire, struct wire_socket *socket_)
{
	struct datagram datagrams[IDS];
	bool refused;
	queue_sort(socket_);
	for (size_t i = 0; i < socket_->queued; i++)
		datagrams[i] =
			(struct datagram){socket_->queue[i]->packet, socket_->queue[i]->length};
	size_t sent = datagrams_send(
		socket_->fd, datagrams, socket_->queued, &socket_->can_segment, &refused);
	wire->stats->refusals += refused;
	socket_->queued -= sent;
	memmove(socket_->queue, socket_->queue + sent, socket_->queued * sizeof *socket_->queue);
}

static void flush(struct wire *wire)
{
	size_t kept = 0;
	for (size_t i = 0; i < wire->dirty_count; i++) {
		struct wire_socket *socket_ = wire->dirty[i];
		socket_flush(wire, socket_);
		socket_->is_dirty = socket_->queued > 0;
		if (socket_->is_dirty)
			wire->dirty[kept++] = socket_;
	}
	wire->dirty_count = kept;
}

/* A queued exchange may be answered (a retransmission that was still to leave) or given up. */
static void unqueue(struct wire_socket *socket_, const struct exchange *exchange)
{
	for (size_t i = 0; i < socket_->queued; i++) {
		if (socket_->queue[i] == exchange) {
			socket_->queue[i] = socket_->queue[--socket_->queued];
			return;
		}
	}
}

/* Frees the ID, then tells the owner, who may begin another at once. */
static void exchange_end(struct wire *wire, struct exchange *exchange)
{
	TAILQ_REMOVE(&wire->waiting, exchange, entry);
	wire->waiting_count--;
	struct wire_socket *socket_ = socket_of(wire, exchange);
	unqueue(socket_, exchange);
	uint8_t id = exchange->packet[1];
	socket_->exchanges[id] = NULL;
	memcpy(socket_->previous[id], exchange->packet + 4, RADIUS_AUTHENTICATOR_SIZE);
}

static bool verifies(const struct wire *wire, const uint8_t *octets,
	const struct packet_facts *facts, const uint8_t *authenticator)
{
	return reply_verify(
		octets, facts, authenticator, wire->settings->secret, wire->secret_size);
}

static void reply_take(struct wire *wire, struct wire_socket *socket_, const uint8_t *octets,
	size_t size, int64_t now_ns)
{
	struct load_stats *stats = wire->stats;
	struct packet_facts facts;
	if (packet_check(octets, size, &facts) != DROP_none) {
		stats->bad_replies++;
		return;
	}
	struct exchange *exchange = socket_->exchanges[facts.id];
	if (!exchange || !verifies(wire, octets, &facts, exchange->packet + 4)) {
		if (verifies(wire, octets, &facts, socket_->previous[facts.id]))
			stats->strays++;
		else
			stats->bad_signatures++;
		return;
	}
	stats->answered[exchange->step]++;
	histogram_add(&stats->latency[exchange->step], now_ns - exchange->since_ns);
	exchange_end(wire, exchange);
	wire->owner->answered(wire->owner->context, exchange, octets, &facts, now_ns);
	TAILQ_INSERT_HEAD(&wire->spare, exchange, entry);
}

static void socket_read(struct wire *wire, struct wire_socket *socket_)
{
	struct inbox *inbox = wire->inbox;
	int count;
	do {
		count = inbox_receive(inbox, socket_->fd);
		int64_t now_ns = clock_mono_ns();
		if (count < 0 && errno == ECONNREFUSED)
			wire->stats->refusals++;
		for (int i = 0; i < count; i++)
			reply_take(wire, socket_, inbox->octets[i], inbox->messages[i].msg_len,
				now_ns);
	} while (count == DATAGRAMS);
}

static void retransmit_due(struct wire *wire)
{
	int64_t now_ns = clock_mono_ns();
	struct exchange *exchange;
	while ((exchange = TAILQ_FIRST(&wire->waiting)) && exchange->due_ns <= now_ns) {
		if (exchange->tries_left > 0) {
			exchange->tries_left--;
			wire->stats->retransmits++;
			TAILQ_REMOVE(&wire->waiting, exchange, entry);
			unqueue(socket_of(wire, exchange), exchange);
			enqueue(wire, exchange, now_ns);
			continue;
		}
		wire->stats->lost[exchange->step]++;
		exchange_end(wire, exchange);
		wire->owner->lost(wire->owner->context, exchange, now_ns);
		TAILQ_INSERT_HEAD(&wire->spare, exchange, entry);
	}
}

/* At such rates a turn for each request would cost several times what the request itself does. The
 * nap is a small part of what a request waits on average, which is how many wait, divided by the
 * rate (Little's law). */
static int64_t nap_ns(const struct wire *wire)
{
	uint64_t rate = wire->settings->rate;
	if (rate < NAP_RATE)
		return 0;
	int64_t wait_ns = (int64_t)(wire->waiting_count * (uint64_t)NS_PER_S / rate);
	int64_t part_ns = wait_ns / NAP_PART;
	return part_ns < NAP_LEAST_NS  ? NAP_LEAST_NS
	       : part_ns > NAP_MOST_NS ? NAP_MOST_NS
				       : part_ns;
}

static void await(struct wire *wire, int64_t until_ns)
{
	struct epoll_event events[EVENTS];
	const struct exchange *first = TAILQ_FIRST(&wire->waiting);
	if (first && first->due_ns < until_ns)
		until_ns = first->due_ns;
	int64_t wait_ns = until_ns - clock_mono_ns();
	/* The kernel's send buffer was full: try again soon. */
	if (wire->dirty_count > 0 && wait_ns > NS_PER_MS)
		wait_ns = NS_PER_MS;
	if (wait_ns < 0)
		wait_ns = 0;
	if (wait_ns > 0 && nap_ns(wire) > 0) {
		const struct timespec nap = {0, nap_ns(wire)};
		(void)nanosleep(&nap, NULL); /* a signal may wake it: so much the better */
		wait_ns = 0;
	}
	struct timespec timeout = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
	int count = epoll_pwait2(wire->epoll, events, EVENTS, &timeout, NULL);
	for (int i = 0; i < count; i++)
		socket_read(wire, events[i].data.ptr);
}

void wire_turn(struct wire *wire, int64_t until_ns)
{
	flush(wire);
	await(wire, until_ns);
	retransmit_due(wire);
	flush(wire);
}
