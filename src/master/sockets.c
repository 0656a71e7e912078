/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/sockets.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/port_holder.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* Datagrams of one socket; more than its buffer holds. */
#define EARLY_MAX 100000

static int close_all(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->workers * sockets->per_worker; i++)
		if (sockets->fds[i] >= 0)
			close(sockets->fds[i]);
	return 0;
}

static bool switch_on(int fd, int level, int option)
{
	const int on = 1;
	return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

/* Shared: other sockets of ours may have the same address and port. Returns -1 (errno). */
static int open_bound(const struct addr *addr, uint16_t port, bool is_shared)
{
	struct sockaddr_storage storage;
	socklen_t size = addr_to_sockaddr(addr, port, &storage);
	int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if ((addr->family == 6 && !switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
		(is_shared && !switch_on(fd, SOL_SOCKET, SO_REUSEPORT)) ||
		bind(fd, (struct sockaddr *)&storage, size) != 0) {
		int saved_errno = errno;
		close(fd);
		errno = saved_errno;
		return -1;
	}
	return fd;
}

static void report_failure(const struct addr *addr, uint16_t port, int why)
{
	char text[ADDR_TEXT_MAX];
	struct port_holder holder;
	addr_format(addr, text);
	if (why != EADDRINUSE)
		log_event(LOG_LEVEL_ERROR, "listen_failed", "address=%s port=%u why=%s", text, port,
			log_quote_text(strerror(why)));
	else if (port_holder_find(addr, port, &holder))
		log_event(LOG_LEVEL_ERROR, "port_busy",
			"address=%s port=%u held_by=%s pid=%d hint=\"stop it, or choose other "
			"ports with auth_port and acct_port\"",
			text, port, log_quote_text(holder.name), (int)holder.pid);
	else
		log_event(LOG_LEVEL_ERROR, "port_busy",
			"address=%s port=%u held_by=unknown hint=\"root sees who holds it (ss "
			"-ulpn); "
			"other ports are chosen with auth_port and acct_port\"",
			text, port);
}

/* SO_REUSEPORT would let a second server of the same user in, and the kernel would then share the
 * packets out between the two: so each port is first bound alone. */
static bool is_free(const struct addr *addr, uint16_t port)
{
	int fd = open_bound(addr, port, false);
	if (fd < 0) {
		report_failure(addr, port, errno);
		return false;
	}
	close(fd);
	return true;
}

/* The wildcard :: is in the default configuration, but a kernel may be without IPv6. */
static bool is_usable(const struct addr *addr)
{
	static const struct addr any_v6 = {.family = 6};
	if (addr_compare(addr, &any_v6) != 0)
		return true;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT) {
		log_event(LOG_LEVEL_WARNING, "no_ipv6", "address=:: skipped=yes");
		return false;
	}
	if (fd >= 0)
		close(fd);
	return true;
}

/* The kernel doubles what is asked for and reports the double. */
static void enlarge(int fd, int force_option, int option, const char *limit, unsigned kib)
{
	static struct log_limit limited;
	int wanted = (int)kib * 1024, got = 0;
	socklen_t size = sizeof got;
	if (setsockopt(fd, SOL_SOCKET, force_option, &wanted, sizeof wanted) != 0 &&
		setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof wanted) != 0)
		log_event_limited(&limited, LOG_LEVEL_WARNING, "socket_buffer_failed", "why=%s",
			log_quote_text(strerror(errno)));
	if (getsockopt(fd, SOL_SOCKET, option, &got, &size) == 0 && got / 2 < wanted)
		log_event_limited(&limited, LOG_LEVEL_WARNING, "socket_buffer_small",
			"wanted_kib=%u got_kib=%d hint=\"raise %s, or start as root\"", kib,
			got / 2 / 1024, limit);
}

static bool stamp(int fd, const struct addr *addr)
{
	return switch_on(fd, SOL_SOCKET, SO_TIMESTAMPNS) &&
	       (addr->family == 4 ? switch_on(fd, IPPROTO_IP, IP_PKTINFO)
				  : switch_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO));
}

static int open_worker(const struct conf *conf, const struct addr *addr, uint16_t port, int *fd)
{
	*fd = open_bound(addr, port, true);
	if (*fd < 0 || !stamp(*fd, addr)) {
		report_failure(addr, port, errno);
		return ERR_SYSTEM;
	}
	enlarge(*fd, SO_RCVBUFFORCE, SO_RCVBUF, "net.core.rmem_max", conf->socket_buffer_kib);
	enlarge(*fd, SO_SNDBUFFORCE, SO_SNDBUF, "net.core.wmem_max", conf->socket_buffer_kib);
	return 0;
}

/* Before the last socket of a port was bound, a source's packets went to another worker than they
 * do from now on, and both would serve the same request: a login whose second execution comes after
 * its Start would end its own session. It will be sent again. */
static void forget_early(int fd)
{
	for (unsigned n = 0; n < EARLY_MAX && recv(fd, NULL, 0, 0) >= 0; n++)
		continue;
}

int sockets_open(TALLOC_CTX *ctx, const struct conf *conf, struct sockets **sockets)
{
	struct addr usable[CONF_LISTEN_MAX];
	const uint16_t ports[2] = {conf->auth_port, conf->acct_port};
	unsigned count = 0, busy = 0;
	for (unsigned i = 0; i < conf->listen_count; i++) {
		if (!is_usable(&conf->listen[i]))
			continue;
		usable[count++] = conf->listen[i];
		for (unsigned j = 0; j < 2; j++)
			busy += !is_free(&conf->listen[i], ports[j]);
	}
	if (busy > 0 || count == 0)
		return ERR_SYSTEM;

	struct sockets *opened = mem_must(talloc_zero(ctx, struct sockets));
	opened->workers = conf->workers;
	opened->per_worker = count * 2;
	unsigned total = conf->workers * count * 2;
	opened->fds = mem_must(talloc_array(opened, int, total));
	memset(opened->fds, 0xff, total * sizeof *opened->fds);
	talloc_set_destructor(opened, close_all);
	for (unsigned i = 0; i < total; i++) {
		const struct addr *addr = &usable[i / 2 % count];
		if (open_worker(conf, addr, ports[i % 2], &opened->fds[i]) != 0) {
			talloc_free(opened);
			return ERR_SYSTEM;
		}
	}
	for (unsigned i = 0; i < total; i++)
		forget_early(opened->fds[i]);
	*sockets = opened;
	return 0;
}
