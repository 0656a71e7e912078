/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The control socket: lines in, answers out, and clients that misbehave. */
#include "base/log.h"
#include "base/mem.h"
#include "master/control.h"
#include "suite.h"
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/poprad-control-XXXXXX";
static char path[128];
static struct event_base *base;
static struct control *control;
static unsigned calls;
static size_t padding; /* octets in each answer */

static struct control_client *follower;

static void gone(void *owner, struct control_client *client)
{
	CU_ASSERT_PTR_EQUAL(owner, folder);
	CU_ASSERT_PTR_EQUAL(client, follower);
	follower = NULL;
}

static json_t *echo(void *owner, struct control_client *client, const json_t *request)
{
	CU_ASSERT_PTR_EQUAL(owner, folder);
	calls++;
	if (json_is_true(json_object_get(request, "follow"))) {
		follower = client;
		control_follow(client, gone, folder);
	}
	char *text = mem_must(calloc(1, padding + 1));
	memset(text, 'x', padding);
	json_t *answer =
		json_pack("{s:O, s:s}", "got", json_object_get(request, "command"), "pad", text);
	free(text);
	return answer;
}

static int begin(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/" CONTROL_NAME, folder);
	base = event_base_new();
	return control_new(NULL, base, folder, echo, folder, &control);
}

static int finish(void)
{
	talloc_free(control);
	event_base_free(base);
	int is_gone = access(path, F_OK) != 0;
	rmdir(folder);
	return is_gone ? 0 : 1;
}

/* Lets the server do all that it can do now. */
static void turn(void)
{
	for (unsigned i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static int connected(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	strcpy(name.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
	turn();
	return fd;
}

static void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	turn();
}

static void expect_answer(int fd, const char *expected)
{
	char answer[1024];
	ssize_t size = recv(fd, answer, sizeof answer - 1, 0);
	answer[size > 0 ? size : 0] = '\0';
	CU_ASSERT_STRING_EQUAL(answer, expected);
}

static bool is_cut_off(int fd)
{
	char octet;
	ssize_t size = recv(fd, &octet, 1, 0);
	return size == 0 || (size < 0 && errno == ECONNRESET);
}

static void test_lines(void)
{
	int fd = connected();
	say(fd, "{\"command\":\"a\"}\n");
	expect_answer(fd, "{\"got\":\"a\",\"pad\":\"\"}\n");
	say(fd, "{\"comm");
	say(fd, "and\": 2}");
	say(fd, "\n{\"command\":[]}\n{\"command\":null}\n");
	expect_answer(fd, "{\"got\":2,\"pad\":\"\"}\n{\"got\":[],\"pad\":\"\"}\n"
			  "{\"got\":null,\"pad\":\"\"}\n");
	say(fd, "{\"command\":1}\n");
	shutdown(fd, SHUT_WR);
	turn();
	expect_answer(fd, "{\"got\":1,\"pad\":\"\"}\n");
	CU_ASSERT_TRUE(is_cut_off(fd));
	close(fd);
	turn();

	/* As "printf ... | socat" does: all questions, the end, and only then a look at the
	 * answers. */
	static const char questions[] = "{\"command\":1}\n{\"command\":2}\n{";
	fd = connected();
	CU_ASSERT_EQUAL(send(fd, questions, sizeof questions - 1, 0), sizeof questions - 1);
	shutdown(fd, SHUT_WR);
	turn();
	expect_answer(fd, "{\"got\":1,\"pad\":\"\"}\n{\"got\":2,\"pad\":\"\"}\n");
	CU_ASSERT_TRUE(is_cut_off(fd));
	close(fd);
	turn();
}

static void test_junk(void)
{
	static const char *const junk[] = {"\n", "status\n", "[1]\n", "{\"a\":1,\"a\":2}\n",
		"{\"command\":\"\xff\"}\n", "{}{}\n", "1\n"};
	int fd = connected();
	unsigned before = calls;
	for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
		say(fd, junk[i]);
		expect_answer(fd, "{\"error\":\"a request is one JSON object a line\"}\n");
	}
	CU_ASSERT_EQUAL(calls, before);
	close(fd);
	turn();
}

static void test_endless_line(void)
{
	static char text[2 * CONTROL_LINE_MAX];
	memset(text, '{', sizeof text - 1);
	int fd = connected();
	say(fd, text);
	CU_ASSERT_TRUE(is_cut_off(fd));
	close(fd);
	turn();
}

static void test_too_many_clients(void)
{
	int fds[CONTROL_CLIENTS_MAX + 1];
	for (unsigned i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		fds[i] = connected();
	CU_ASSERT_TRUE(is_cut_off(fds[CONTROL_CLIENTS_MAX]));
	say(fds[0], "{\"command\":3}\n");
	expect_answer(fds[0], "{\"got\":3,\"pad\":\"\"}\n");
	for (unsigned i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	turn();
	int fd = connected();
	say(fd, "{\"command\":4}\n");
	expect_answer(fd, "{\"got\":4,\"pad\":\"\"}\n");
	close(fd);
	turn();
}

/* A client that asks and asks and never reads costs one answer and what the kernel holds. */
static void test_deaf_client(void)
{
	enum { QUESTIONS = 100 };
	padding = 100000;
	int fd = connected();
	unsigned before = calls;
	for (unsigned i = 0; i < QUESTIONS; i++)
		say(fd, "{\"command\":5}\n");
	CU_ASSERT_TRUE(calls - before < QUESTIONS / 2);
	padding = 0;
	close(fd);
	turn();
	fd = connected();
	say(fd, "{\"command\":6}\n");
	expect_answer(fd, "{\"got\":6,\"pad\":\"\"}\n");
	close(fd);
	turn();
}

static void test_file(void)
{
	struct stat status;
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0660);
	struct control *other;
	static char deep[200];
	memset(deep, 'd', sizeof deep - 1);
	log_open(LOG_TARGET_SYSLOG, LOG_LEVEL_ERROR, "test_master_control");
	CU_ASSERT_EQUAL(control_new(NULL, base, deep, echo, NULL, &other), ERR_SYSTEM);
	CU_ASSERT_EQUAL(control_new(NULL, base, "/nonexistent", echo, NULL, &other), ERR_SYSTEM);
}

/* Lines come without being asked for, until one of them goes or says more. */
static void test_follower(void)
{
	int fd = connected();
	say(fd, "{\"command\":\"f\",\"follow\":true}\n");
	expect_answer(fd, "{\"got\":\"f\",\"pad\":\"\"}\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(follower);
	CU_ASSERT_TRUE(control_tell(follower, "one", 3));
	CU_ASSERT_TRUE(control_tell(follower, "two", 3));
	turn();
	expect_answer(fd, "one\ntwo\n");
	say(fd, "{\"command\":1}\n");
	CU_ASSERT_PTR_NULL(follower);
	CU_ASSERT_TRUE(is_cut_off(fd));
	close(fd);
	turn();

	/* One that goes; also if it only closes its own side. */
	fd = connected();
	say(fd, "{\"command\":\"f\",\"follow\":true}\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(follower);
	shutdown(fd, SHUT_WR);
	turn();
	CU_ASSERT_PTR_NULL(follower);
	close(fd);
	turn();
}

/* What it does not take is bounded. */
static void test_slow_follower(void)
{
	static char line[65536];
	size_t told = 0;
	memset(line, 'x', sizeof line);
	int fd = connected();
	say(fd, "{\"command\":\"f\",\"follow\":true}\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(follower);
	while (told < 1000 && control_tell(follower, line, sizeof line)) {
		turn();
		told++;
	}
	CU_ASSERT(told >= CONTROL_FOLLOWER_MAX / sizeof line - 1 && told < 1000);
	/* There is room again when it has taken something. */
	char octets[65536];
	for (size_t n = 0; n < 64 && recv(fd, octets, sizeof octets, 0) > 0; n++)
		turn();
	CU_ASSERT_TRUE(control_tell(follower, "again", 5));
	close(fd);
	turn();
	CU_ASSERT_PTR_NULL(follower);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the master does */
	CU_TestInfo tests[] = {
		TEST(test_lines),
		TEST(test_junk),
		TEST(test_endless_line),
		TEST(test_too_many_clients),
		TEST(test_deaf_client),
		TEST(test_follower),
		TEST(test_slow_follower),
		TEST(test_file),
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("master/control", begin, finish, tests);
}
