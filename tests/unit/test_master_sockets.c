/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The master's sockets, who holds a busy port, and the pauses between restarts. */
#include "base/clock.h"
#include "base/log.h"
#include "master/port_holder.h"
#include "master/process.h"
#include "master/sockets.h"
#include "suite.h"
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct addr parsed(const char *text)
{
	struct addr addr = {0};
	CU_ASSERT_EQUAL_FATAL(addr_parse(text, &addr), 0);
	return addr;
}

/* A UDP socket on 127.0.0.1; *port is the free one that the kernel chose, or 0 to choose. */
static int bound(uint16_t *port)
{
	struct sockaddr_storage name;
	struct addr local = parsed("127.0.0.1");
	socklen_t size = addr_to_sockaddr(&local, *port, &name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&name, size), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	addr_from_sockaddr((struct sockaddr *)&name, port);
	return fd;
}

static void test_port_holder(void)
{
	uint16_t port = 0;
	int fd = bound(&port);
	static const char *const in_the_way[] = {"127.0.0.1", "0.0.0.0"};
	for (size_t i = 0; i < 2; i++) {
		struct addr addr = parsed(in_the_way[i]);
		struct port_holder holder = {0};
		CU_ASSERT_TRUE(port_holder_find(&addr, port, &holder));
		CU_ASSERT_EQUAL(holder.pid, getpid());
		CU_ASSERT_EQUAL(strncmp(holder.name, "test_master", 11), 0);
	}
	struct addr elsewhere = parsed("127.0.0.2");
	struct port_holder holder;
	CU_ASSERT_FALSE(port_holder_find(&elsewhere, port, &holder));
	close(fd);
}

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof value;
	CU_ASSERT_EQUAL(getsockopt(fd, level, option, &value, &size), 0);
	return value;
}

/* Sends from one port without a pause; the child's pid. */
static pid_t flood(uint16_t port)
{
	struct sockaddr_storage name;
	struct addr local = parsed("127.0.0.1");
	socklen_t size = addr_to_sockaddr(&local, port, &name);
	pid_t child = fork();
	if (child != 0)
		return child;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&name, size) != 0)
		_exit(1);
	for (;;)
		(void)!send(fd, "", 1, 0);
}

static void test_one_source_reaches_one_worker_from_the_first_on(void)
{
	uint16_t ports[2] = {0, 0};
	int probes[2] = {bound(&ports[0]), bound(&ports[1])};
	struct conf conf = {.listen = {parsed("127.0.0.1")},
		.listen_count = 1,
		.auth_port = ports[0],
		.acct_port = ports[1],
		.workers = 8,
		.socket_buffer_kib = 64};
	close(probes[0]);
	close(probes[1]);
	pid_t child = flood(ports[0]);
	for (int round = 0; round < 30; round++) {
		struct sockets *sockets;
		struct pollfd waiting[8];
		CU_ASSERT_EQUAL_FATAL(sockets_open(NULL, &conf, &sockets), 0);
		for (unsigned worker = 0; worker < 8; worker++)
			waiting[worker] = (struct pollfd){
				.fd = sockets->fds[worker * sockets->per_worker], .events = POLLIN};
		CU_ASSERT_EQUAL(poll(waiting, 8, 10000), 1);
		CU_ASSERT_EQUAL(poll(waiting, 8, 0), 1);
		talloc_free(sockets);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_open(void)
{
	uint16_t ports[2] = {0, 0};
	int probes[2] = {bound(&ports[0]), bound(&ports[1])};
	struct conf conf = {
		.listen = {parsed("127.0.0.1"), parsed("127.0.0.2")},
		.listen_count = 2,
		.auth_port = ports[0],
		.acct_port = ports[1],
		.workers = 3,
		.socket_buffer_kib = 64,
	};
	struct sockets *sockets = NULL;
	log_open(LOG_TARGET_SYSLOG, LOG_LEVEL_ERROR, "test_master_sockets");
	CU_ASSERT_EQUAL(sockets_open(NULL, &conf, &sockets), ERR_SYSTEM);
	CU_ASSERT_PTR_NULL(sockets);
	close(probes[0]);
	close(probes[1]);

	CU_ASSERT_EQUAL_FATAL(sockets_open(NULL, &conf, &sockets), 0);
	CU_ASSERT_EQUAL(sockets->workers, 3);
	CU_ASSERT_EQUAL(sockets->per_worker, 4);
	for (size_t i = 0; i < 12; i++) {
		struct sockaddr_storage name;
		socklen_t size = sizeof name;
		uint16_t port;
		CU_ASSERT_EQUAL(getsockname(sockets->fds[i], (struct sockaddr *)&name, &size), 0);
		addr_from_sockaddr((struct sockaddr *)&name, &port);
		CU_ASSERT_EQUAL(port, ports[i % 2]);
		CU_ASSERT_TRUE(option_of(sockets->fds[i], SOL_SOCKET, SO_RCVBUF) >= 64 * 1024);
		CU_ASSERT_EQUAL(option_of(sockets->fds[i], IPPROTO_IP, IP_PKTINFO), 1);
	}
	/* A second server of the same user must not share the ports in silence. */
	struct sockets *second = NULL;
	CU_ASSERT_EQUAL(sockets_open(NULL, &conf, &second), ERR_SYSTEM);
	talloc_free(sockets);
	CU_ASSERT_EQUAL(sockets_open(NULL, &conf, &second), 0);
	talloc_free(second);
}

static void test_pause(void)
{
	CU_ASSERT_EQUAL(process_pause_ns(0), 0);
	CU_ASSERT_EQUAL(process_pause_ns(1), NS_PER_S);
	CU_ASSERT_EQUAL(process_pause_ns(2), 2 * NS_PER_S);
	CU_ASSERT_EQUAL(process_pause_ns(6), 32 * NS_PER_S);
	CU_ASSERT_EQUAL(process_pause_ns(7), RESTART_PAUSE_MAX_NS);
	CU_ASSERT_EQUAL(process_pause_ns(8), RESTART_PAUSE_MAX_NS);
	CU_ASSERT_EQUAL(process_pause_ns(4000000000U), RESTART_PAUSE_MAX_NS);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_port_holder),
		TEST(test_one_source_reaches_one_worker_from_the_first_on),
		TEST(test_open),
		TEST(test_pause),
		CU_TEST_INFO_NULL,
	};
	return suite_run("master/sockets", tests);
}
