/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The hash pool: verdicts, its bound, cancelling in every state, and being freed with work left. */
#include "auth/hashpool.h"
#include "radius/pap.h"
#include "suite.h"
#include <poll.h>
#include <string.h>

#define WAIT_MS 60000 /* a machine that cannot hash in this time is broken */
#define JOBS 8

static const char stored[] =
	"$5$rounds=1000$saltstring$OnU1vv17eYi3FPPnf5YlJnvtR9KQYsS6OrYtee3CUi4";
static const char right[] = "dial-up";

static size_t done_count;
static enum reject verdicts[JOBS];

static void note(void *owner, enum reject verdict)
{
	*(enum reject *)owner = verdict;
	done_count++;
}

static void collect(struct hashpool *pool, size_t wanted)
{
	struct pollfd ready = {.fd = hashpool_fd(pool), .events = POLLIN};
	while (done_count < wanted) {
		CU_ASSERT_EQUAL_FATAL(poll(&ready, 1, WAIT_MS), 1);
		hashpool_collect(pool);
	}
}

static int submit(struct hashpool *pool, size_t i, const char *text, const char *given,
	struct hashpool_job **job)
{
	return hashpool_submit(pool, text, given, strlen(given), note, &verdicts[i], job);
}

static struct hashpool *begin(unsigned threads, unsigned queue_max)
{
	done_count = 0;
	memset(verdicts, 0, sizeof verdicts);
	struct hashpool *pool = hashpool_new(NULL, threads, queue_max);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	return pool;
}

static void test_verdicts(void)
{
	struct hashpool *pool = begin(2, JOBS);
	struct hashpool_job *job;
	CU_ASSERT_EQUAL(hashpool_collect(pool), 0);
	verdicts[0] = REJECT_expired;
	CU_ASSERT_EQUAL(submit(pool, 0, stored, right, &job), 0);
	CU_ASSERT_EQUAL(submit(pool, 1, stored, "dial-uq", &job), 0);
	CU_ASSERT_EQUAL(submit(pool, 2, "$2b$99$nonsense", right, &job), 0);
	CU_ASSERT_EQUAL(hashpool_submit(pool, stored, "dial-up\0", 8, note, &verdicts[3], &job), 0);
	collect(pool, 4);
	CU_ASSERT_EQUAL(verdicts[0], REJECT_none);
	CU_ASSERT_EQUAL(verdicts[1], REJECT_wrong_password);
	CU_ASSERT_EQUAL(verdicts[2], REJECT_password_form_unknown);
	CU_ASSERT_EQUAL(verdicts[3], REJECT_wrong_password);
	talloc_free(pool);
}

/* A job counts until it is collected, so the bound does not depend on the threads' speed. */
static void test_bound(void)
{
	struct hashpool *pool = begin(1, 2);
	struct hashpool_job *job;
	CU_ASSERT_EQUAL(submit(pool, 0, stored, right, &job), 0);
	CU_ASSERT_EQUAL(submit(pool, 1, stored, right, &job), 0);
	CU_ASSERT_EQUAL(submit(pool, 2, stored, right, &job), ERR_FULL);
	collect(pool, 2);
	CU_ASSERT_EQUAL(submit(pool, 2, stored, right, &job), 0);
	collect(pool, 3);
	talloc_free(pool);
}

static void test_too_long(void)
{
	struct hashpool *pool = begin(1, 2);
	struct hashpool_job *job;
	char text[1000];
	memset(text, '$', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CU_ASSERT_EQUAL(submit(pool, 0, text, right, &job), ERR_RANGE);
	CU_ASSERT_EQUAL(hashpool_submit(pool, stored, text, PAP_PASSWORD_MAX + 1, note, text, &job),
		ERR_RANGE);
	CU_ASSERT_EQUAL(
		hashpool_submit(pool, stored, text, PAP_PASSWORD_MAX, note, &verdicts[0], &job), 0);
	collect(pool, 1);
	CU_ASSERT_EQUAL(verdicts[0], REJECT_wrong_password);
	talloc_free(pool);
}

/* Whatever state each of them is in when it is cancelled: the last one's answer comes, theirs do
 * not, and every job is free again afterwards. */
static void test_cancel(void)
{
	struct hashpool *pool = begin(1, 4);
	for (int round = 0; round < 20; round++) {
		struct hashpool_job *jobs[4];
		done_count = 0;
		for (size_t i = 0; i < 4; i++)
			CU_ASSERT_EQUAL_FATAL(submit(pool, i, stored, right, &jobs[i]), 0);
		for (size_t i = 0; i < 3; i++)
			hashpool_cancel(pool, jobs[i]);
		collect(pool, 1);
		CU_ASSERT_EQUAL(done_count, 1);
	}
	talloc_free(pool);
}

static struct hashpool *again_pool;

static void submit_again(void *owner, enum reject verdict)
{
	struct hashpool_job *job;
	note(owner, verdict);
	if (done_count < 3)
		CU_ASSERT_EQUAL(hashpool_submit(again_pool, stored, right, 7, submit_again,
					&verdicts[done_count], &job),
			0);
}

static void test_submit_from_done(void)
{
	struct hashpool_job *job;
	again_pool = begin(1, 1);
	CU_ASSERT_EQUAL(
		hashpool_submit(again_pool, stored, right, 7, submit_again, verdicts, &job), 0);
	collect(again_pool, 3);
	talloc_free(again_pool);
}

static void test_free_with_work_left(void)
{
	struct hashpool *pool = begin(2, JOBS);
	for (size_t i = 0; i < JOBS; i++) {
		struct hashpool_job *job;
		CU_ASSERT_EQUAL(submit(pool, i, stored, right, &job), 0);
	}
	talloc_free(pool);
	CU_ASSERT_EQUAL(done_count, 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_verdicts),
		TEST(test_bound),
		TEST(test_too_long),
		TEST(test_cancel),
		TEST(test_submit_from_done),
		TEST(test_free_with_work_left),
		CU_TEST_INFO_NULL,
	};
	return suite_run("auth_hashpool", tests);
}
