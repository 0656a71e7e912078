/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/path/path.h over loopback: a step that sends the request back stands for the server.
 */
#include "base/mem.h"
#include "path/path.h"
#include "request/attempts.h"
#include "suite.h"
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MAX 1000

static struct event_base *base;
static struct worker *worker;
static struct path *path;
static const struct conf conf = {.requests_max = 100};

/* What the step saw last. */
static struct endpoint seen;
static int64_t seen_age_us;
static bool is_held; /* the step waits instead of answering */
static struct request *held;

static struct step_result echo(struct request *request)
{
	seen = request->endpoint;
	seen_age_us = clock_wall_us() - request->arrival_us;
	request->deadline_ns = request->arrival_ns + 60 * NS_PER_S;
	request->answer = request->packet;
	request->answer_size = request->packet_size;
	request->is_repeat = true;
	held = request;
	return is_held ? WAIT : REPLY;
}

static struct step_result after_wait(struct request *request)
{
	(void)request;
	return REPLY;
}

static const struct step steps[] = {{"echo", echo}, {"after_wait", after_wait}, {NULL, NULL}};

static int bound_socket(int family, const char *address, uint16_t *port)
{
	struct sockaddr_storage name;
	struct addr addr;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || addr_parse(address, &addr) != 0)
		return -1;
	socklen_t size = addr_to_sockaddr(&addr, 0, &name);
	if (bind(fd, (struct sockaddr *)&name, size) != 0 ||
		getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
		close(fd);
		return -1;
	}
	addr_from_sockaddr((struct sockaddr *)&name, port);
	return fd;
}

static void start(const struct path_socket *socket)
{
	base = event_base_new();
	worker = mem_must(talloc_zero(NULL, struct worker));
	worker->conf = &conf;
	worker->timers = timer_queue_new(worker);
	worker->attempts = attempts_new(worker, worker);
	request_init(worker, steps);
	path = path_new(worker, base, worker, socket, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
}

static void stop(const struct path_socket *socket)
{
	talloc_free(worker);
	event_base_free(base);
	close(socket->fd);
}

/* Runs the loop until the client has something to read. */
static ssize_t receive(int client, char *octets, size_t size, struct addr *from, uint16_t *port)
{
	struct sockaddr_storage name;
	socklen_t name_size = sizeof name;
	ssize_t received = -1;
	for (unsigned n = 0; n < TURNS_MAX && received < 0; n++) {
		struct pollfd readable = {.fd = client, .events = POLLIN};
		event_base_loop(base, EVLOOP_NONBLOCK);
		timer_run(worker->timers, clock_mono_ns());
		poll(&readable, 1, 10);
		received = recvfrom(client, octets, size, 0, (struct sockaddr *)&name, &name_size);
	}
	if (received >= 0)
		*from = addr_from_sockaddr((struct sockaddr *)&name, port);
	return received;
}

static void send_octets(
	int client, const char *address, uint16_t port, const char *octets, size_t count)
{
	struct sockaddr_storage name;
	struct addr addr;
	CU_ASSERT_EQUAL_FATAL(addr_parse(address, &addr), 0);
	socklen_t size = addr_to_sockaddr(&addr, port, &name);
	CU_ASSERT_EQUAL(
		sendto(client, octets, count, 0, (struct sockaddr *)&name, size), (ssize_t)count);
}

static void send_to(int client, const char *address, uint16_t port, const char *text)
{
	send_octets(client, address, port, text, strlen(text));
}

/* The socket listens on every address; the answer comes from the one that was asked. */
static void test_answer_leaves_from_the_address_asked(void)
{
	struct path_socket server = {.role = PORT_ACCT};
	uint16_t client_port, port;
	struct addr from;
	char text[64], octets[64];
	server.fd = bound_socket(AF_INET, "0.0.0.0", &server.port);
	int client = bound_socket(AF_INET, "127.0.0.9", &client_port);
	start(&server);
	for (unsigned n = 1; n < 4; n++) {
		char address[ADDR_TEXT_MAX];
		snprintf(address, sizeof address, "127.0.0.%u", n);
		send_to(client, address, server.port, "hello");
		CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 5);
		CU_ASSERT_STRING_EQUAL(addr_format(&from, text), address);
		CU_ASSERT_EQUAL(port, server.port);
		CU_ASSERT_STRING_EQUAL(addr_format(&seen.local, text), address);
	}
	CU_ASSERT_STRING_EQUAL(addr_format(&seen.remote, text), "127.0.0.9");
	CU_ASSERT_EQUAL(seen.remote_port, client_port);
	CU_ASSERT_EQUAL(seen.role, PORT_ACCT);
	CU_ASSERT_TRUE(seen_age_us >= 0 && seen_age_us < 60 * US_PER_S);
	close(client);
	stop(&server);
}

static void test_ipv6(void)
{
	struct path_socket server = {.role = PORT_AUTH};
	uint16_t client_port, port;
	struct addr from;
	char text[ADDR_TEXT_MAX], octets[64];
	int client = bound_socket(AF_INET6, "::1", &client_port);
	if (client < 0) {
		printf("(no IPv6 here) ");
		return;
	}
	server.fd = bound_socket(AF_INET6, "::", &server.port);
	start(&server);
	send_to(client, "::1", server.port, "hello");
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 5);
	CU_ASSERT_STRING_EQUAL(addr_format(&from, text), "::1");
	CU_ASSERT_STRING_EQUAL(addr_format(&seen.local, text), "::1");
	close(client);
	stop(&server);
}

/* More datagrams than one turn reads and than one turn sends. */
static void test_many(void)
{
	struct path_socket server = {.role = PORT_AUTH};
	uint16_t client_port, port;
	struct addr from;
	char octets[64];
	unsigned answered = 0;
	server.fd = bound_socket(AF_INET, "127.0.0.1", &server.port);
	int client = bound_socket(AF_INET, "127.0.0.1", &client_port);
	start(&server);
	for (unsigned n = 0; n < 150; n++)
		send_to(client, "127.0.0.1", server.port, "hello");
	while (answered < 150 && receive(client, octets, sizeof octets, &from, &port) == 5)
		answered++;
	CU_ASSERT_EQUAL(answered, 150);
	CU_ASSERT_EQUAL(worker->open_count, 0);
	close(client);
	stop(&server);
}

/* Answers of many sizes to two clients in one turn: each comes whole, and in order. */
static void test_sizes(void)
{
	static const uint16_t sizes[] = {20, 20, 20, 36, 36, 1400, 1400, 20, 4096, 4096, 36, 1};
	enum { COUNT = sizeof sizes / sizeof *sizes };
	static char sent[RADIUS_MAX_PACKET + 1], octets[RADIUS_MAX_PACKET];
	struct path_socket server = {.role = PORT_AUTH};
	uint16_t client_port, port;
	struct addr from;
	int clients[2];
	server.fd = bound_socket(AF_INET, "127.0.0.1", &server.port);
	start(&server);
	for (size_t c = 0; c < 2; c++)
		clients[c] = bound_socket(AF_INET, "127.0.0.1", &client_port);
	for (size_t n = 0; n < COUNT; n++) {
		for (size_t c = 0; c < 2; c++) {
			memset(sent, (int)('a' + n), sizes[n]);
			sent[0] = (char)('0' + c);
			sent[sizes[n]] = '\0';
			send_to(clients[c], "127.0.0.1", server.port, sent);
			/* Now and then two in a row to the same client. */
			if (n % 3 == 0)
				send_to(clients[c], "127.0.0.1", server.port, sent);
		}
	}
	for (size_t c = 0; c < 2; c++) {
		for (size_t n = 0; n < COUNT; n++) {
			for (size_t times = n % 3 == 0 ? 2 : 1; times > 0; times--) {
				CU_ASSERT_EQUAL(
					receive(clients[c], octets, sizeof octets, &from, &port),
					sizes[n]);
				CU_ASSERT_EQUAL(octets[0], (char)('0' + c));
				if (sizes[n] > 1)
					CU_ASSERT_EQUAL(octets[sizes[n] - 1], (char)('a' + n));
			}
		}
		close(clients[c]);
	}
	stop(&server);
}

/* Three datagrams that arrive as one message, the last one shorter; a kernel that cannot make one
 * of them sends three all the same. */
static void test_message_of_several(void)
{
	static const int segment_size = 5;
	struct path_socket server = {.role = PORT_AUTH};
	uint16_t client_port, port;
	struct addr from;
	char octets[64];
	server.fd = bound_socket(AF_INET, "127.0.0.1", &server.port);
	int client = bound_socket(AF_INET, "127.0.0.1", &client_port);
	start(&server);
	if (setsockopt(client, SOL_UDP, UDP_SEGMENT, &segment_size, sizeof segment_size) == 0) {
		send_to(client, "127.0.0.1", server.port, "firstothernew");
	} else {
		send_to(client, "127.0.0.1", server.port, "first");
		send_to(client, "127.0.0.1", server.port, "other");
		send_to(client, "127.0.0.1", server.port, "new");
	}
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 5);
	CU_ASSERT_EQUAL(memcmp(octets, "first", 5), 0);
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 5);
	CU_ASSERT_EQUAL(memcmp(octets, "other", 5), 0);
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 3);
	CU_ASSERT_EQUAL(memcmp(octets, "new", 3), 0);
	close(client);
	stop(&server);
}

/* While Interim-Updates are barred the socket is read now and then, and afterwards as before. */
static void test_barred(void)
{
	static const char start_record[] = "\4\1\0\32................\50\6\0\0\0\1";
	static const char interim[] = "\4\1\0\32................\50\6\0\0\0\3";
	struct path_socket server = {.role = PORT_ACCT};
	uint16_t client_port, port;
	struct addr from;
	char octets[64];
	server.fd = bound_socket(AF_INET, "127.0.0.1", &server.port);
	int client = bound_socket(AF_INET, "127.0.0.1", &client_port);
	start(&server);
	worker->bar_interims(worker, true);
	send_octets(client, "127.0.0.1", server.port, interim, sizeof interim - 1);
	send_octets(client, "127.0.0.1", server.port, start_record, sizeof start_record - 1);
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 26);
	CU_ASSERT_EQUAL(octets[25], ACCT_START);
	worker->bar_interims(worker, false);
	send_octets(client, "127.0.0.1", server.port, interim, sizeof interim - 1);
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 26);
	CU_ASSERT_EQUAL(octets[25], ACCT_INTERIM);
	close(client);
	stop(&server);
}

/* A path that stops reads no more, and is finished when its last request has been answered. */
static void test_stop(void)
{
	struct path_socket server = {.role = PORT_AUTH};
	uint16_t client_port, port;
	struct addr from;
	char octets[64];
	server.fd = bound_socket(AF_INET, "127.0.0.1", &server.port);
	int client = bound_socket(AF_INET, "127.0.0.1", &client_port);
	start(&server);
	is_held = true;
	held = NULL;
	send_to(client, "127.0.0.1", server.port, "first");
	for (unsigned n = 0; n < TURNS_MAX && held == NULL; n++) {
		struct pollfd readable = {.fd = server.fd, .events = POLLIN};
		poll(&readable, 1, 10);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(held);
	is_held = false;
	path_stop(path);
	send_to(client, "127.0.0.1", server.port, "second");
	event_base_loop(base, EVLOOP_NONBLOCK);
	CU_ASSERT_FALSE(path_is_finished(path));
	request_resume(held);
	CU_ASSERT_EQUAL(receive(client, octets, sizeof octets, &from, &port), 5);
	CU_ASSERT_EQUAL(memcmp(octets, "first", 5), 0);
	CU_ASSERT_TRUE(path_is_finished(path));
	close(client);
	stop(&server);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"an answer leaves from the address asked",
			test_answer_leaves_from_the_address_asked},
		{"IPv6", test_ipv6},
		{"many datagrams", test_many},
		{"many sizes", test_sizes},
		{"a message of several", test_message_of_several},
		{"Interim-Updates are barred", test_barred},
		{"stopping", test_stop},
		CU_TEST_INFO_NULL,
	};
	return suite_run("path sockets", tests);
}
