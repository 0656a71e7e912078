/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/path/sieve.h with real sockets on loopback. */
#include "base/addr.h"
#include "base/mem.h"
#include "path/sieve.h"
#include "suite.h"
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTRIBUTE_SIZE 6

static struct path_socket server;
static struct sieve *sieve;
static int client;

static void start(enum port_role role)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof name;
	server = (struct path_socket){
		.role = role, .fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
	client = socket(AF_INET, SOCK_DGRAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(server.fd, (struct sockaddr *)&name, size), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(server.fd, (struct sockaddr *)&name, &size), 0);
	CU_ASSERT_EQUAL_FATAL(connect(client, (struct sockaddr *)&name, size), 0);
	sieve = sieve_new(NULL, &server, 1);
}

static void stop(void)
{
	talloc_free(sieve);
	close(server.fd);
	close(client);
}

/* Loopback delivers before send returns. Returns whether the server's socket got all of it. */
static bool passes_octets(const void *octets, size_t size)
{
	char received[RADIUS_MAX_PACKET];
	CU_ASSERT_EQUAL(send(client, octets, size, 0), (ssize_t)size);
	return recv(server.fd, received, sizeof received, 0) == (ssize_t)size;
}

/* A request with that many attributes of no interest before Acct-Status-Type. Returns its size. */
static size_t build(uint8_t *octets, uint8_t code, size_t before, uint8_t status)
{
	size_t size = RADIUS_HEADER_SIZE;
	memset(octets, 0, RADIUS_MAX_PACKET);
	octets[0] = code;
	for (size_t n = 0; n <= before; n++, size += ATTRIBUTE_SIZE) {
		octets[size] = n < before ? ATTR_NAS_PORT : ATTR_ACCT_STATUS_TYPE;
		octets[size + 1] = ATTRIBUTE_SIZE;
		octets[size + 5] = n < before ? ACCT_INTERIM : status;
	}
	return size;
}

static bool passes(uint8_t code, size_t before, uint8_t status)
{
	uint8_t octets[RADIUS_MAX_PACKET];
	return passes_octets(octets, build(octets, code, before, status));
}

static void test_interims_alone_are_dropped(void)
{
	start(PORT_ACCT);
	CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM));
	sieve_bar_interims(sieve, true);
	for (size_t before = 0; before < 16; before++) {
		CU_ASSERT_FALSE(passes(CODE_ACCOUNTING_REQUEST, before, ACCT_INTERIM));
		CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, before, ACCT_START));
		CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, before, ACCT_STOP));
	}
	CU_ASSERT_TRUE(passes(CODE_STATUS_SERVER, 0, ACCT_INTERIM));
	sieve_bar_interims(sieve, false);
	CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM));
	stop();
}

static void test_what_cannot_be_made_out_passes(void)
{
	uint8_t octets[RADIUS_MAX_PACKET] = {CODE_ACCOUNTING_REQUEST};
	start(PORT_ACCT);
	sieve_bar_interims(sieve, true);
	CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, 16, ACCT_INTERIM));
	CU_ASSERT_TRUE(passes_octets(octets, RADIUS_HEADER_SIZE));
	CU_ASSERT_TRUE(passes_octets(octets, 1));
	/* Attributes without a length: the program comes to its end all the same. */
	CU_ASSERT_TRUE(passes_octets(octets, sizeof octets));
	stop();
}

static void test_drops_are_counted(void)
{
	start(PORT_ACCT);
	uint64_t before = metric_get(METRIC_drop_interims_barred);
	sieve_bar_interims(sieve, true);
	CU_ASSERT_FALSE(passes(CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM));
	CU_ASSERT_FALSE(passes(CODE_ACCOUNTING_REQUEST, 1, ACCT_INTERIM));
	sieve_count(sieve);
	CU_ASSERT_EQUAL(metric_get(METRIC_drop_interims_barred), before + 2);
	CU_ASSERT_FALSE(passes(CODE_ACCOUNTING_REQUEST, 2, ACCT_INTERIM));
	sieve_bar_interims(sieve, false);
	CU_ASSERT_EQUAL(metric_get(METRIC_drop_interims_barred), before + 3);
	stop();
}

/* A message of several datagrams is not judged by its first one. */
static void test_message_of_several(void)
{
	static const int size = RADIUS_HEADER_SIZE + ATTRIBUTE_SIZE;
	uint8_t octets[3 * RADIUS_MAX_PACKET], received[RADIUS_MAX_PACKET];
	start(PORT_ACCT);
	sieve_bar_interims(sieve, true);
	if (setsockopt(client, SOL_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
		stop();
		return;
	}
	build(octets, CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM);
	build(octets + size, CODE_ACCOUNTING_REQUEST, 0, ACCT_STOP);
	build(octets + 2 * size, CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM);
	CU_ASSERT_EQUAL(send(client, octets, (size_t)(3 * size), 0), 3 * size);
	CU_ASSERT_EQUAL(recv(server.fd, received, sizeof received, 0), size);
	CU_ASSERT_EQUAL(received[size - 1], ACCT_STOP);
	CU_ASSERT_EQUAL(recv(server.fd, received, sizeof received, 0), -1);
	stop();
}

/* A worker that died may have left its socket barred, which the next one is handed. */
static void test_a_new_sieve_is_open(void)
{
	start(PORT_ACCT);
	sieve_bar_interims(sieve, true);
	talloc_free(sieve);
	sieve = sieve_new(NULL, &server, 1);
	CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM));
	stop();
}

static void test_logins_are_not_touched(void)
{
	start(PORT_AUTH);
	sieve_bar_interims(sieve, true);
	CU_ASSERT_TRUE(passes(CODE_ACCOUNTING_REQUEST, 0, ACCT_INTERIM));
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"Interim-Updates alone are dropped", test_interims_alone_are_dropped},
		{"what cannot be made out passes", test_what_cannot_be_made_out_passes},
		{"drops are counted", test_drops_are_counted},
		{"a message of several", test_message_of_several},
		{"a new sieve is open", test_a_new_sieve_is_open},
		{"sockets for logins are not touched", test_logins_are_not_touched},
		CU_TEST_INFO_NULL,
	};
	return suite_run("path sieve", tests);
}
