/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradload's runs against a small server in a process of its own, which can be told to misbehave.
 */
#include "load/load.h"
#include "base/clock.h"
#include "load/report.h"
#include "radius/admit.h"
#include "radius/digest.h"
#include "radius/encode.h"
#include "radius/sign.h"
#include "suite.h"
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char secret[] = "testing123";

struct manners {
	bool drops_first; /* answers only what comes a second time */
	bool drops_all;
	bool same_address;  /* the same for everybody */
	bool rejects_first; /* the first ten logins */
	bool lies;          /* signs with another secret */
	bool half_lies;     /* wrong Message-Authenticator, right authenticator */
};

struct fake {
	pid_t pid;
	uint16_t ports[2];
};

static int bind_any(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

/* True if this request came before: told by its authenticator. */
static bool came_before(const uint8_t *packet)
{
	static uint8_t seen[4096][16];
	static size_t count;
	for (size_t i = 0; i < count; i++)
		if (memcmp(seen[i], packet + 4, 16) == 0)
			return true;
	if (count < 4096)
		memcpy(seen[count++], packet + 4, 16);
	return false;
}

static void answer(int fd, const struct manners *manners, const uint8_t *packet,
	const struct packet_facts *facts, const struct sockaddr_in *from)
{
	static unsigned addresses, logins;
	uint8_t octets[RADIUS_MAX_PACKET];
	struct reply reply;
	bool is_login = facts->code == CODE_ACCESS_REQUEST;
	bool is_reject = is_login && manners->rejects_first && logins++ < 10;
	enum radius_code code = is_reject  ? CODE_ACCESS_REJECT
				: is_login ? CODE_ACCESS_ACCEPT
					   : CODE_ACCOUNTING_RESPONSE;
	const char *key = manners->lies ? "other" : secret;
	reply_init(&reply, octets, code, packet, facts->length, key, strlen(key));
	if (code == CODE_ACCESS_ACCEPT) {
		unsigned number = manners->same_address ? 1 : ++addresses;
		const struct addr address = addr_from_v4(0x0a000000U + number);
		reply_add_addr(&reply, ATTR_FRAMED_IP_ADDRESS, &address);
		reply_add_text(&reply, ATTR_CLASS, "class");
	}
	if (reply_finish(&reply) != 0)
		return;
	if (manners->half_lies) {
		octets[reply.length - 1] ^= 1; /* covered by both signatures */
		authenticator_compute(
			octets, reply.length, packet + 4, key, strlen(key), octets + 4);
	}
	(void)sendto(fd, octets, reply.length, 0, (const struct sockaddr *)from, sizeof *from);
}

static void serve_one(int fd, const struct manners *manners)
{
	uint8_t packet[RADIUS_MAX_PACKET];
	struct sockaddr_in from;
	socklen_t from_size = sizeof from;
	struct packet_facts facts;
	ssize_t size = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &from_size);
	if (size < 0 || packet_check(packet, (size_t)size, &facts) != DROP_none)
		return;
	bool is_authentic =
		facts.code == CODE_ACCOUNTING_REQUEST
			? accounting_authenticator_verify(
				  packet, facts.length, secret, sizeof secret - 1)
			: message_authenticator_verify(packet, &facts, secret, sizeof secret - 1);
	if (!is_authentic || manners->drops_all || (manners->drops_first && !came_before(packet)))
		return;
	answer(fd, manners, packet, &facts, &from);
}

static struct fake fake_start(struct manners manners)
{
	struct fake fake;
	struct pollfd ready[2] = {{.events = POLLIN}, {.events = POLLIN}};
	for (int i = 0; i < 2; i++)
		ready[i].fd = bind_any(&fake.ports[i]);
	CU_ASSERT_FATAL(ready[0].fd >= 0 && ready[1].fd >= 0);
	fake.pid = fork();
	if (fake.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (poll(ready, 2, -1) > 0)
			for (int i = 0; i < 2; i++)
				if (ready[i].revents)
					serve_one(ready[i].fd, &manners);
		_exit(1);
	}
	close(ready[0].fd);
	close(ready[1].fd);
	return fake;
}

static void fake_stop(const struct fake *fake)
{
	kill(fake->pid, SIGKILL);
	waitpid(fake->pid, NULL, 0);
}

static struct load_stats stats;
static struct load_settings settings;

static void prepare(enum load_mode mode, uint64_t count)
{
	settings = (struct load_settings){
		.mode = mode,
		.server = {.family = 4, .bytes = {127, 0, 0, 1}},
		.source = {.family = 4, .bytes = {127, 0, 7, 1}},
		.secret = secret,
		.login = "line-%d@isp.example",
		.password = "secret%d",
		.first = 1,
		.count = count,
		.operations = count,
		.sources = 3,
		.ports = 2,
		.window = 40,
		.timeout_ns = NS_PER_S,
		.retries = 30,
		.redial_ns = NS_PER_MS,
		.interims = 2,
		.patience_ns = 30 * NS_PER_S,
		.is_quiet = true,
	};
}

static bool run(struct manners manners)
{
	struct fake fake = fake_start(manners);
	settings.auth_port = fake.ports[0];
	settings.acct_port = fake.ports[1];
	memset(&stats, 0, sizeof stats);
	CU_ASSERT_EQUAL(load_run(NULL, &settings, &stats), 0);
	fake_stop(&fake);
	return report_is_clean(&settings, &stats);
}

static uint64_t records(const uint64_t numbers[LOAD_STEPS])
{
	return numbers[STEP_START] + numbers[STEP_INTERIM] + numbers[STEP_STOP];
}

static void test_auth(void)
{
	prepare(LOAD_AUTH, 300);
	settings.method = LOAD_CHAP;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.operations_done, 300);
	CU_ASSERT_EQUAL(stats.sent[STEP_LOGIN], 300);
	CU_ASSERT_EQUAL(stats.accepted, 300);
	CU_ASSERT_EQUAL(records(stats.sent), 0);
	CU_ASSERT_EQUAL(stats.latency[STEP_LOGIN].count, 300);
	CU_ASSERT_EQUAL(stats.in_time[STEP_LOGIN], 300);
	CU_ASSERT_EQUAL(stats.addresses_given, 300);
}

static void test_cycles(void)
{
	prepare(LOAD_AUTH, 50);
	settings.operations = 500;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.accepted, 500);
}

static void test_acct(void)
{
	prepare(LOAD_ACCT, 100);
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.sent[STEP_LOGIN], 0);
	CU_ASSERT_EQUAL(records(stats.answered), 400);
	CU_ASSERT_EQUAL(stats.sent[STEP_START], 100);
	CU_ASSERT_EQUAL(stats.sent[STEP_INTERIM], 200);
	CU_ASSERT_EQUAL(stats.sent[STEP_STOP], 100);
	CU_ASSERT_EQUAL(stats.acknowledged, 400);
	CU_ASSERT_EQUAL(stats.online, 0);
}

/* Forty are open before it begins; of every ten records one is a Start and one a Stop. */
static void test_mixed_records(void)
{
	prepare(LOAD_ACCT, 80);
	settings.is_mixed = true;
	settings.online = 40;
	settings.interims = 8;
	settings.operations = 1000;
	settings.window = 10;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.operations_done, 1000);
	CU_ASSERT_EQUAL(stats.acknowledged, 1000);
	CU_ASSERT_EQUAL(stats.answered[STEP_START], 100);
	CU_ASSERT_EQUAL(stats.answered[STEP_INTERIM], 800);
	CU_ASSERT_EQUAL(stats.answered[STEP_STOP], 100);
	CU_ASSERT_EQUAL(stats.online, 40);
}

/* Sessions that logged in before: it ends when the last of them has had its Start. */
static void test_mixed_records_after_logins(void)
{
	prepare(LOAD_SESSION, 60);
	settings.is_mixed = true;
	settings.online = 40;
	settings.interims = 1;
	settings.operations = 0;
	settings.window = 10;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.sent[STEP_LOGIN], 0);
	CU_ASSERT_EQUAL(stats.addresses_given, 60);
	CU_ASSERT_EQUAL(stats.answered[STEP_START], 20);
	CU_ASSERT_EQUAL(stats.answered[STEP_STOP], 20);
	CU_ASSERT_EQUAL(stats.online, 40);
}

static void test_mixed_records_without_an_answer(void)
{
	prepare(LOAD_ACCT, 20);
	settings.is_mixed = true;
	settings.online = 5;
	settings.timeout_ns = NS_PER_MS;
	settings.retries = 0;
	CU_ASSERT_FALSE(run((struct manners){.drops_all = true}));
	CU_ASSERT_EQUAL(stats.unprepared, 5);
	CU_ASSERT_EQUAL(stats.acknowledged, 0);
}

static void test_session(void)
{
	prepare(LOAD_SESSION, 100);
	settings.hold_ns = NS_PER_MS;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.accepted, 100);
	CU_ASSERT_EQUAL(records(stats.answered), 400);
	CU_ASSERT_EQUAL(stats.online, 0);
	CU_ASSERT_TRUE(stats.online_max > 0 && stats.online_max <= 40);
	CU_ASSERT_EQUAL(stats.double_addresses, 0);
}

static void test_storm(void)
{
	prepare(LOAD_STORM, 200);
	CU_ASSERT_TRUE(run((struct manners){.rejects_first = true}));
	CU_ASSERT_EQUAL(stats.rejected, 10);
	CU_ASSERT_EQUAL(stats.accepted, 200);
	CU_ASSERT_EQUAL(stats.online, 200);
	CU_ASSERT_TRUE(stats.all_online_ns > 0);
	CU_ASSERT_EQUAL(stats.online_after.count, 200);
}

static void test_open_loop(void)
{
	prepare(LOAD_SESSION, 100);
	settings.rate = 2000;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.operations_done, 100);
	CU_ASSERT_EQUAL(stats.operations_missed, 0);
	CU_ASSERT_TRUE(stats.good <= records(stats.in_time) + stats.in_time[STEP_LOGIN]);
}

/* The server takes nothing but what is sent a second time, after 50 ms: all that while, operations
 * are due, and what they waited counts. With ten subscribers most cannot even begin. */
static void test_open_loop_against_a_slow_server(void)
{
	prepare(LOAD_AUTH, 10);
	settings.rate = 1000;
	settings.operations = 0;
	settings.duration_ns = 300 * NS_PER_MS;
	settings.timeout_ns = 50 * NS_PER_MS;
	settings.patience_ns = NS_PER_MS;
	CU_ASSERT_TRUE(run((struct manners){.drops_first = true}));
	CU_ASSERT_TRUE(histogram_quantile_us(&stats.latency[STEP_LOGIN], 1) >= 50000);
	/* The last of those that began was due long before. */
	CU_ASSERT_TRUE(stats.latency[STEP_LOGIN].max_us >= 100000);
	CU_ASSERT_TRUE(stats.lag_max_ns >= 50 * NS_PER_MS);
	CU_ASSERT_TRUE(stats.operations_begun <= 70 && stats.operations_missed > 0);
	CU_ASSERT_EQUAL(stats.in_time[STEP_LOGIN], 0);
	CU_ASSERT_EQUAL(stats.good, 0);
}

static void test_retransmission(void)
{
	prepare(LOAD_SESSION, 20);
	settings.timeout_ns = 10 * NS_PER_MS;
	settings.retries = 100;
	CU_ASSERT_TRUE(run((struct manners){.drops_first = true}));
	CU_ASSERT_TRUE(stats.retransmits >= 100); /* each of the 100 requests once at least */
	CU_ASSERT_EQUAL(stats.sent[STEP_LOGIN] + records(stats.sent), 100);
}

static void test_loss(void)
{
	prepare(LOAD_AUTH, 20);
	settings.timeout_ns = NS_PER_MS;
	settings.retries = 2;
	CU_ASSERT_FALSE(run((struct manners){.drops_all = true}));
	CU_ASSERT_EQUAL(stats.lost[STEP_LOGIN], 20);
	CU_ASSERT_EQUAL(stats.operations_failed, 20);
	CU_ASSERT_EQUAL(stats.retransmits, 40);
}

static void test_storm_gives_up(void)
{
	prepare(LOAD_STORM, 20);
	settings.duration_ns = 100 * NS_PER_MS;
	CU_ASSERT_FALSE(run((struct manners){.drops_all = true}));
	CU_ASSERT_EQUAL(stats.all_online_ns, 0);
}

static void test_double_addresses(void)
{
	prepare(LOAD_STORM, 4);
	CU_ASSERT_FALSE(run((struct manners){.same_address = true}));
	CU_ASSERT_EQUAL(stats.double_addresses, 3);
}

static void test_lies(void)
{
	prepare(LOAD_AUTH, 5);
	settings.timeout_ns = 10 * NS_PER_MS;
	settings.retries = 1;
	CU_ASSERT_FALSE(run((struct manners){.lies = true}));
	CU_ASSERT_EQUAL(stats.accepted, 0);
	CU_ASSERT_TRUE(stats.bad_signatures > 0);
}

static void test_wrong_message_authenticator(void)
{
	prepare(LOAD_AUTH, 5);
	settings.timeout_ns = 10 * NS_PER_MS;
	settings.retries = 0;
	CU_ASSERT_FALSE(run((struct manners){.half_lies = true}));
	CU_ASSERT_EQUAL(stats.accepted, 0);
	CU_ASSERT_TRUE(stats.bad_signatures > 0);
}

/* The fake sends no MS-CHAP2-Success, which no client would believe. */
static void test_no_mschap_success(void)
{
	prepare(LOAD_AUTH, 5);
	settings.method = LOAD_MSCHAP2;
	CU_ASSERT_FALSE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.bad_replies, 5);
}

/* More lines than IDs: the rest waits for one and nothing is lost. */
static void test_few_ids(void)
{
	prepare(LOAD_ACCT, 600);
	settings.sources = settings.ports = 1;
	settings.rate = 1000000;
	CU_ASSERT_TRUE(run((struct manners){0}));
	CU_ASSERT_EQUAL(stats.operations_done, 600);
}

int main(void)
{
	if (digest_init())
		return 1;
	CU_TestInfo tests[] = {
		TEST(test_auth),
		TEST(test_cycles),
		TEST(test_acct),
		TEST(test_mixed_records),
		TEST(test_mixed_records_after_logins),
		TEST(test_mixed_records_without_an_answer),
		TEST(test_session),
		TEST(test_storm),
		TEST(test_open_loop),
		TEST(test_open_loop_against_a_slow_server),
		TEST(test_retransmission),
		TEST(test_loss),
		TEST(test_storm_gives_up),
		TEST(test_double_addresses),
		TEST(test_lies),
		TEST(test_wrong_message_authenticator),
		TEST(test_no_mschap_success),
		TEST(test_few_ids),
		CU_TEST_INFO_NULL,
	};
	int failed = suite_run("load", tests);
	digest_done();
	return failed;
}
