/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* The least that a RADIUS server can be: every Access-Request is accepted, with an address of its
 * own, and every Accounting-Request acknowledged, unread and rightly signed. What popradload
 * reaches against it is popradload's own limit.
 *
 *     echo SECRET
 *
 * binds two free ports of 127.0.0.1, prints them (authentication, accounting) and serves until its
 * standard input ends. */
#include "base/err.h"
#include "radius/admit.h"
#include "radius/digest.h"
#include "radius/packet.h"
#include "radius/sign.h"
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 256
#define ROLES 2                  /* authentication, accounting */
#define SOCKET_BUFFER (8 << 20)  /* octets; the kernel may give less */
#define ADDRESSES 0x0a000000U    /* 10.0.0.0/8: so many logins until an address comes again */
#define ADDRESSES_MASK 0xffffffU /* host bits of those */

static const char *secret;
static size_t secret_size;
static uint8_t packets[BATCH][RADIUS_MAX_PACKET];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static int port_open(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	const int buffer = SOCKET_BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	/* Without the privilege, or with less room, more is lost when its owner is behind. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	*port = ntohs(address.sin_port);
	return fd;
}

static size_t put(uint8_t *at, uint8_t number, const void *value, size_t size)
{
	at[0] = number;
	at[1] = (uint8_t)(size + 2);
	memcpy(at + 2, value, size);
	return size + 2;
}

/* Makes the answer in the request's place; returns its size. */
static size_t answer(uint8_t *packet)
{
	static const uint8_t zeros[RADIUS_AUTHENTICATOR_SIZE];
	static uint32_t number;
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	size_t size = RADIUS_HEADER_SIZE, message_authenticator = 0;
	memcpy(authenticator, packet + 4, sizeof authenticator);
	if (packet[0] == CODE_ACCESS_REQUEST) {
		uint32_t address = htonl(ADDRESSES | (++number & ADDRESSES_MASK));
		packet[0] = CODE_ACCESS_ACCEPT;
		message_authenticator = size;
		size += put(packet + size, ATTR_MESSAGE_AUTHENTICATOR, zeros, sizeof zeros);
		size += put(packet + size, ATTR_FRAMED_IP_ADDRESS, &address, sizeof address);
	} else {
		packet[0] = CODE_ACCOUNTING_RESPONSE;
	}
	packet[2] = 0;
	packet[3] = (uint8_t)size;
	reply_sign(packet, size, message_authenticator, authenticator, secret, secret_size);
	return size;
}

static void serve(int fd)
{
	for (unsigned i = 0; i < BATCH; i++) {
		vectors[i].iov_len = RADIUS_MAX_PACKET;
		messages[i].msg_hdr.msg_namelen = sizeof peers[i];
	}
	int count = recvmmsg(fd, messages, BATCH, 0, NULL), answers = 0;
	for (int i = 0; i < count; i++) {
		uint8_t *packet = vectors[i].iov_base;
		bool is_request =
			messages[i].msg_len >= RADIUS_HEADER_SIZE &&
			(packet[0] == CODE_ACCESS_REQUEST || packet[0] == CODE_ACCOUNTING_REQUEST);
		vectors[i].iov_len = is_request ? answer(packet) : 0;
	}
	while (answers < count) {
		int sent = sendmmsg(fd, messages + answers, (unsigned)(count - answers), 0);
		/* What the kernel refuses is lost, as on any network. */
		answers += sent > 0 ? sent : 1;
	}
}

int main(int argc, char **argv)
{
	uint16_t ports[ROLES];
	struct pollfd ready[ROLES + 1] = {[ROLES] = {.fd = STDIN_FILENO, .events = POLLIN}};
	if (argc != 2 || digest_init())
		return 2;
	secret = argv[1];
	secret_size = strlen(secret);
	for (unsigned i = 0; i < BATCH; i++) {
		vectors[i].iov_base = packets[i];
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &peers[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	for (unsigned i = 0; i < ROLES; i++) {
		ready[i] = (struct pollfd){.fd = port_open(&ports[i]), .events = POLLIN};
		if (ready[i].fd < 0)
			return 3;
	}
	printf("%u %u\n", ports[0], ports[1]);
	fflush(stdout);
	while (poll(ready, ROLES + 1, -1) > 0 && !ready[ROLES].revents)
		for (unsigned i = 0; i < ROLES; i++)
			if (ready[i].revents)
				serve(ready[i].fd);
	digest_done();
	return 0;
}
