/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Datagrams in batches: each arrives alone and whole, whether the kernel cuts them apart or not. */
#include "load/datagram.h"
#include "suite.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define COUNT 200 /* more than one call takes */

static int receiver, sender;

static void open_pair(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CU_ASSERT_EQUAL_FATAL(bind(receiver, (struct sockaddr *)&address, size), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(receiver, (struct sockaddr *)&address, &size), 0);
	CU_ASSERT_EQUAL_FATAL(connect(sender, (struct sockaddr *)&address, size), 0);
}

static void close_pair(void)
{
	close(receiver);
	close(sender);
}

/* Sends them and checks what comes; the i-th is of size sizes[i] and full of i. */
static void check(const size_t sizes[COUNT], bool *can_segment)
{
	static uint8_t octets[COUNT][1024];
	struct datagram datagrams[COUNT];
	struct inbox *inbox = inbox_new(NULL);
	bool refused = true;
	for (size_t i = 0; i < COUNT; i++) {
		memset(octets[i], (int)i, sizes[i]);
		datagrams[i] = (struct datagram){octets[i], sizes[i]};
	}
	CU_ASSERT_EQUAL(datagrams_send(sender, datagrams, COUNT, can_segment, &refused), COUNT);
	CU_ASSERT_FALSE(refused);
	size_t come = 0;
	for (int got; (got = inbox_receive(inbox, receiver)) > 0;) {
		for (int i = 0; i < got && come < COUNT; i++, come++) {
			CU_ASSERT_EQUAL(inbox->messages[i].msg_len, sizes[come]);
			CU_ASSERT_EQUAL(memcmp(inbox->octets[i], octets[come], sizes[come]), 0);
		}
	}
	CU_ASSERT_EQUAL(come, COUNT);
	talloc_free(inbox);
}

static void test_sizes(void)
{
	size_t sizes[COUNT];
	bool can_segment = true;
	open_pair();
	for (size_t i = 0; i < COUNT; i++)
		sizes[i] = 100; /* runs that are longer than one message may be */
	check(sizes, &can_segment);
	for (size_t i = 0; i < COUNT; i++)
		sizes[i] = i % 2 ? 90 : 91; /* no run at all */
	check(sizes, &can_segment);
	for (size_t i = 0; i < COUNT; i++)
		sizes[i] = 60 + i / 7; /* runs of seven */
	check(sizes, &can_segment);
	close_pair();
}

/* A socket that computes no checksums cannot segment, and the kernel says so. */
static void test_without_segments(void)
{
	const int one = 1;
	size_t sizes[COUNT];
	bool can_segment = true;
	open_pair();
	CU_ASSERT_EQUAL(setsockopt(sender, SOL_SOCKET, SO_NO_CHECK, &one, sizeof one), 0);
	for (size_t i = 0; i < COUNT; i++)
		sizes[i] = 100;
	check(sizes, &can_segment);
	CU_ASSERT_FALSE(can_segment);
	close_pair();
}

static void test_nobody_listens(void)
{
	const uint8_t octets[20] = {0};
	const struct datagram datagrams[] = {{octets, 20}, {octets, 19}, {octets, 18}};
	bool can_segment = true, refused = false;
	open_pair();
	close(receiver);
	receiver = -1;
	CU_ASSERT_EQUAL(datagrams_send(sender, datagrams, 3, &can_segment, &refused), 3);
	/* The kernel tells it of the last one when the next is sent. */
	CU_ASSERT_EQUAL(datagrams_send(sender, datagrams, 3, &can_segment, &refused), 3);
	CU_ASSERT_TRUE(refused);
	CU_ASSERT_TRUE(can_segment);
	close(sender);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_sizes),
		TEST(test_without_segments),
		TEST(test_nobody_listens),
		CU_TEST_INFO_NULL,
	};
	return suite_run("load_datagram", tests);
}
